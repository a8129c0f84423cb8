"""Forms of adverse events: what happened, how it is judged, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.forms import DayField
from sessions.choices import Causality, ReactionAction, ReactionOutcome
from sessions.models import AdverseEvent

# The general scale of CTCAE v5 (clinical reference, section 11).
GRADES = [
    ("1", _("1: mild")),
    ("2", _("2: moderate, limits some of daily life, local treatment")),
    ("3", _("3: severe, limits self-care, or hospital")),
    ("4", _("4: life-threatening")),
    ("5", _("5: death")),
]
ELSEWHERE = "elsewhere"
JUDGED = [choice for choice in Causality.choices if choice[0] != Causality.NOT_ASSESSED]
ENDED = [choice for choice in ReactionOutcome.choices if choice[0] != ReactionOutcome.OPEN]


def grade_field() -> forms.ChoiceField:
    return forms.ChoiceField(label=_("Grade"), choices=GRADES, widget=forms.RadioSelect)


class ReportForm(HouseForm):
    """`sessions` are (public id of the appointment, words); the last choice is "elsewhere"."""

    session = forms.ChoiceField(label=_("After which session"))
    elsewhere = forms.CharField(label=_("Where, if it was elsewhere"), max_length=120, required=False)
    substances = forms.MultipleChoiceField(
        label=_("Products, if it was elsewhere"), required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text=_("Choose none if nobody knows: then it counts for every product."),
    )  # fmt: skip
    reaction = forms.ChoiceField(label=_("What happened"), required=False)
    term = forms.CharField(label=_("In words, if nothing fits"), max_length=120, required=False)
    onset_on = DayField(label=_("First noticed on"), required=False, help_text=_("Leave empty if not known"))
    grade = grade_field()
    action = forms.ChoiceField(label=_("What was done"), choices=[("", "–"), *ReactionAction.choices])
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(
        self, *args: Any, sessions: Sequence[tuple[str, str]], reactions: Sequence[tuple[str, Sequence[tuple[str, str]]]],
        substances: Sequence[tuple[str, str]], **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["session"].choices = [*sessions, (ELSEWHERE, _("Elsewhere, or not known"))]  # type: ignore[attr-defined]
        self.fields["reaction"].choices = [("", _("Something else")), *reactions]  # type: ignore[attr-defined]
        self.fields["substances"].choices = substances  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "session" in cleaned and cleaned["session"] != ELSEWHERE:
            for name in ("elsewhere", "substances"):
                if cleaned.get(name):
                    self.add_error(name, ValidationError(_("Only for what happened elsewhere; leave it empty here.")))
        if "reaction" in cleaned and not cleaned["reaction"] and "term" in cleaned and not cleaned["term"]:
            self.add_error("term", ValidationError(_("Say in words what happened.")))
        return cleaned


class AssessForm(HouseForm):
    causality = forms.ChoiceField(
        label=_("Did the treatment cause it?"), choices=JUDGED, widget=forms.RadioSelect
    )
    grade = grade_field()
    action = forms.ChoiceField(label=_("What was done"), choices=ReactionAction.choices)

    def __init__(self, *args: Any, event: AdverseEvent, **kwargs: Any) -> None:
        super().__init__(*args, seen_version=event.version, **kwargs)
        judged = "" if event.causality == Causality.NOT_ASSESSED else event.causality
        self.initial = {"causality": judged, "grade": str(event.grade), "action": event.action}


class CloseForm(HouseForm):
    outcome = forms.ChoiceField(label=_("How did it end?"), choices=ENDED, widget=forms.RadioSelect)
    closing = forms.CharField(
        label=_("What was found"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReopenForm(HouseForm):
    reason = forms.CharField(label=_("Why is it opened again?"), max_length=200)
