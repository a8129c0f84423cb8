"""What is wrong with a catalogue, said to whoever looks at its pages: in their language, the field as the form calls it."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from protocols.field_words import label_of
from protocols.loading import CatalogueError, Problem, kind_of


def said(problem: Problem) -> str:
    """One problem with the code of its entry: "sub-biotin: “Hard maximum per session” -1 is outside 0–100000"."""
    fault = problem.fault
    field = f"“{label_of(kind_of(problem.entry) or '', fault.field)}”" if fault.field else ""
    sentence = fault.said(get_language() or "en", field=field)
    return f"{problem.entry}: {sentence}"


def all_said(error: CatalogueError) -> str:
    """Every problem of a catalogue that nothing was saved of."""
    listed = "; ".join(said(problem) for problem in error.problems)
    return _("The catalogue would no longer be valid, so nothing was saved. %(problems)s") % {"problems": listed}
