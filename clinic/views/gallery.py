"""The component gallery: every component in every state, with invented words. For those who build pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from clinic.components.small import MARKS, PILLS
from clinic.icons import OUTLINE
from clinic.permissions import any_staff

COLOURS = [
    ("ink", "16.1"),
    ("body", "12.9"),
    ("muted", "5.9"),
    ("accent", "6.8"),
    ("accent-pressed", "9.2"),
    ("danger", "6.6"),
    ("focus", "3.8"),
    ("field-edge", "3.5"),
]
TINTS = [
    ("booked", "7.2"),
    ("confirmed", "5.8"),
    ("caution", "6.3"),
    ("treatment", "7.1"),
    ("done", "7.1"),
    ("danger", "9.4"),
]


class SampleForm(forms.Form):
    """One field of each kind; `clean_weight_kg` shows an error with a one-tap correction."""

    weight_kg = forms.DecimalField(label=_("Weight"), help_text=_("In kilograms, without shoes"))
    language = forms.ChoiceField(label=_("Language"), choices=[("en", "English"), ("tr", "Türkçe")])
    volume_ml = forms.DecimalField(
        label=_("Volume"), min_value=0, widget=forms.NumberInput(attrs={"data-stepper": "0.1", "data-unit": "ml"})
    )
    smoker = forms.ChoiceField(
        label=_("Do you smoke?"),
        choices=[("yes", _("Yes")), ("no", _("No")), ("unknown", _("I do not know"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    agreed = forms.BooleanField(label=_("Reminders by e-mail"), required=False)

    def clean_weight_kg(self) -> Decimal:
        weight = self.cleaned_data["weight_kg"]
        if weight > 350:
            raise ValidationError(_("620 kg is above 350 kg. Did you mean 62.0 kg?"), params={"use": "62.0"})
        return weight


def context(request: HttpRequest) -> dict[str, Any]:
    """All sample data of the page."""
    refused = SampleForm({"weight_kg": "620", "language": "en", "volume_ml": "3.0", "smoker": ""})
    refused.is_valid()
    return {
        "colours": COLOURS,
        "tints": TINTS,
        "pills": [(kind, kind.replace("-", " ").capitalize()) for kind in PILLS],
        "marks": list(MARKS),
        "icons": sorted(OUTLINE),
        "alerts": [
            {"kind": "note", "bold": "Speaks Arabic first", "text": "interpreter booked for consent talks."},
            {
                "kind": "safety",
                "bold": "Lidocaine allergy",
                "text": "hives after dental injection, 2019. No amide anaesthetic.",
                "ack_url": "#",
            },
            {
                "kind": "caution",
                "bold": "Combined pill",
                "text": "clot risk with tranexamic acid; cleared until Tue 11 Aug 2026.",
                "link_text": "Clearance",
                "link_url": "#",
            },
            {"kind": "note", "bold": "Prefers mornings", "text": ""},
        ],
        "findings": [
            {
                "outcome": "note",
                "title": "Skin type IV",
                "sentence": "Dark spots are more likely, so the sun rules last 14 days.",
                "code": "scr-fitzpatrick",
                "rule_version": 3,
            },
            {
                "outcome": "blocked",
                "title": "Fish allergy, and the plan contains polynucleotides",
                "sentence": "Made from salmon or trout. Another mixture may be possible.",
                "code": "scr-allergy",
                "rule_version": 5,
                "answered": "Tue 10 March",
                "trigger": "Allergies: fish",
                "lifts": "a plan without polynucleotides",
                "explain_url": "#",
                "link_text": "Choose another mixture",
                "link_url": "#",
            },
            {
                "outcome": "needs_clearance",
                "title": "Combined pill, and the plan contains tranexamic acid",
                "sentence": "Both raise the risk of a clot.",
                "code": "scr-chc",
                "rule_version": 7,
            },
            {
                "outcome": "wait",
                "title": "Aspirin in the last 7 days",
                "sentence": "Bruises are more likely.",
                "until": "Sun 15 March 2026",
                "code": "scr-nsaid",
                "rule_version": 2,
            },
            {
                "outcome": "incomplete",
                "title": "Weight is not known",
                "sentence": "The dose per kilogram cannot be judged.",
                "code": "dose-kg",
            },
            {
                "outcome": "cleared",
                "title": "Cold sores",
                "sentence": "Last one 2024.",
                "code": "scr-hsv",
                "rule_version": 1,
            },
        ],
        "doses": [
            {
                "value": Decimal(75),
                "limit": Decimal(200),
                "typical_low": Decimal(50),
                "typical_high": Decimal(100),
                "unit": "mg",
            },
            {
                "value": Decimal(150),
                "limit": Decimal(200),
                "typical_low": Decimal(50),
                "typical_high": Decimal(100),
                "unit": "mg",
            },
            {
                "value": Decimal(240),
                "limit": Decimal(200),
                "typical_low": Decimal(50),
                "typical_high": Decimal(100),
                "unit": "mg",
            },
            {
                "value": Decimal(20),
                "limit": Decimal(100),
                "typical_low": Decimal(20),
                "typical_high": Decimal(40),
                "unit": "mg",
                "state": "incompatible",
            },
            {"value": None, "limit": None, "typical_low": None, "typical_high": None, "unit": "ml"},
        ],
        "ten": Decimal(10),
        "twenty": Decimal(20),
        "twelve": Decimal(12),
        "five": Decimal(5),
        "four": Decimal(4),
        "lights": [
            {"state": "ready", "icon": "history", "name": "History", "detail": "10:36, no change"},
            {"state": "ready", "icon": "file-check", "name": "Consent", "detail": "v4, signed 12 Feb"},
            {
                "state": "mend",
                "icon": "camera",
                "name": "Photo",
                "detail": "Due today",
                "act_text": "Take photo",
                "act_url": "#",
            },
            {
                "state": "blocked",
                "icon": "ban",
                "name": "Screening",
                "detail": "Blocked: pregnancy",
                "act_text": "See why",
                "act_url": "#",
            },
        ],
        "agreeing": {
            "points": 58,
            "per_point_ml": Decimal("0.05"),
            "inject_ml": Decimal("2.90"),
            "waste_ml": Decimal("0.10"),
            "drawn_ml": Decimal("3.00"),
            "lots_ml": Decimal("3.00"),
            "agrees": True,
            "difference_ml": Decimal(0),
        },
        "differing": {
            "points": 58,
            "per_point_ml": Decimal("0.05"),
            "inject_ml": Decimal("2.90"),
            "waste_ml": Decimal("0.10"),
            "drawn_ml": Decimal("3.00"),
            "lots_ml": Decimal("2.50"),
            "agrees": False,
            "difference_ml": Decimal("0.50"),
        },
        "steps": [
            {"number": 1, "state": "done", "label": "12 Feb"},
            {"number": 2, "state": "done", "label": "26 Feb"},
            {"number": 3, "state": "today", "label": "12 Mar"},
            {"number": 4, "state": "next", "label": "26 Mar"},
            {"number": 5, "state": "later", "label": "9 Apr"},
            {"number": 6, "state": "later", "label": "23 Apr"},
        ],
        "tabs": [
            {"label": "Timeline", "url": "#", "active": True},
            {"label": "Plan", "url": "#", "count": 1},
            {"label": "Failed", "url": "#", "count": 3, "icon": "mail-exclamation", "tone": "caution"},
        ],
        "segments": [
            {"label": "Everyone", "url": "#", "active": True},
            {"label": "Dr Haddad", "url": "#"},
            {"label": "Dr Weber", "url": "#"},
        ],
        "page": Paginator(range(412), 12).page(2),
        "form": refused,
        "board_marks": ["safety", "first-visit", "reminder-sent", "course"],
    }


@any_staff
def gallery(request: HttpRequest) -> HttpResponse:
    return render(request, "gallery.html", context(request))
