"""What no version may give back once it is forbidden: the withdrawn, the locked, and what a country bans.

Asked for one field of a draft, and again for the whole version before it is approved and published: a version can be
made from an older one that did not forbid it yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from protocols.choices import Status
from protocols.comparing import Bodies, FieldDifference, compare
from protocols.limits import Direction


def refusal_of(before: Mapping[str, Any], found: FieldDifference) -> str:
    """Why this field of an entry cannot become so, in a sentence; empty when it may. `before` is the entry as it was."""
    if found.path == "status":
        return _refusal_of_status(str(found.before or Status.ON), str(found.after or Status.ON))
    if found.path == "never_in" and found.direction is Direction.LOOSENED:
        return _("A country's ban cannot be lifted here.")
    if before.get("never_in") and found.path.startswith("items.") and found.path.endswith(".substance"):
        return _("A country bans this mixture as it is, so its components stay. Add another mixture instead.")
    return ""


def _refusal_of_status(before: str, after: str) -> str:
    if before == Status.WITHDRAWN:
        return _("What is withdrawn can never be used again; it is kept for history only.")
    if before == Status.LOCKED and after in {Status.ON, Status.OFF}:
        return _(
            "A locked entry stays locked in the catalogue. Record the legal basis for a site's country instead, "
            "under “Allowed at this site”."
        )
    return ""


def returning(in_force: Bodies, wanted: Bodies) -> Iterator[tuple[str, str]]:
    """Code and sentence of everything that is forbidden now and would not be in the wanted version."""
    for one in compare(in_force, wanted):
        if one.change == "removed" and one.kind == "mixture" and one.body.get("never_in"):
            yield one.code, _("A country's ban cannot be lifted here.")
        for found in one.fields:
            if sentence := refusal_of(in_force[one.kind, one.code], found):
                yield one.code, sentence
