"""Which paper, in which language."""
from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext_lazy as _

from clinic.choices import Permission
from clinic.forms import HouseForm
from patients.models import Patient
from sessions.choices import CourseStatus, DocumentKind
from sessions.models import Course, TreatmentSession
from sessions.paper_words import LANGUAGES, SHARED, printable_language, word

LANGUAGE_CHOICES = [(code, word(SHARED["language_name"], code)) for code in LANGUAGES]
FIRST_YEAR, LAST_YEAR = 2000, 2199
CONSENTED = (CourseStatus.APPROVED, CourseStatus.COMPLETED)


class LanguageForm(HouseForm):
    """The blank form needs no more than a language."""

    language = forms.ChoiceField(label=_("Language of the paper"), choices=LANGUAGE_CHOICES)


class DayForm(LanguageForm):
    """A day, and the language where the paper has one of its own."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    field_order = ("day", "language")

    def __init__(self, *args: Any, with_language: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_language:
            del self.fields["language"]

    def clean_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["day"]
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(_("Choose a day of our time."))
        return day


class LetterForm(LanguageForm):
    recipient = forms.CharField(label=_("To whom"), max_length=120, help_text=_("Name and place of the doctor"))
    text = forms.CharField(label=_("What you write"), max_length=2000, widget=forms.Textarea(attrs={"rows": 8}))
    field_order = ("recipient", "text", "language")


class PaperForm(LanguageForm):
    """The papers this patient can have now: sheet and summary of each ended treatment; consent, plan and recall letter of
    each approved course; the passport. Clinical ones only for who may see what they hold."""

    paper = forms.ChoiceField(label=_("Paper"))
    field_order = ("paper", "language")

    def __init__(self, *args: Any, patient: Patient, permissions: Collection[str], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("language", printable_language(patient.language))
        super().__init__(*args, **kwargs)
        self.subjects: dict[str, TreatmentSession | Course | Patient] = {}
        clinical = Permission.SEE_CLINICAL in permissions
        labels = []
        ended = patient.treatment_sessions.filter(ended_at__isnull=False).select_related("appointment__site", "course")
        for record in ended.order_by("-ended_at"):
            key = f"{DocumentKind.AFTERCARE}:{record.public_id}"
            self.subjects[key] = record
            site = record.appointment.site
            day = date_format(record.ended_at.astimezone(site.zone), "D j M Y, H:i") if record.ended_at else ""
            labels.append((key, _("Aftercare sheet, treatment of %(day)s") % {"day": day}))
            if clinical:
                key = f"{DocumentKind.SUMMARY}:{record.public_id}"
                self.subjects[key] = record
                labels.append((key, _("Session summary, treatment of %(day)s") % {"day": day}))
        for course in patient.courses.filter(status__in=CONSENTED).select_related("site"):
            key = f"{DocumentKind.CONSENT}:{course.public_id}"
            self.subjects[key] = course
            day = date_format(course.created_at.astimezone(course.site.zone), "D j M Y")
            labels.append((key, _("Consent form, course of %(day)s") % {"day": day}))
            for kind, label in ((DocumentKind.PLAN, _("Plan with cost, course of %(day)s")),
                                (DocumentKind.RECALL, _("Recall letter, course of %(day)s"))):  # fmt: skip
                if kind == DocumentKind.PLAN or course.status == CourseStatus.APPROVED:
                    key = f"{kind}:{course.public_id}"
                    self.subjects[key] = course
                    labels.append((key, str(label % {"day": day})))
        if clinical and ended:
            key = f"{DocumentKind.PASSPORT}:{patient.public_id}"
            self.subjects[key] = patient
            labels.append((key, str(_("Treatment passport"))))
        self.fields["paper"].choices = labels  # type: ignore[attr-defined]

    @property
    def kind(self) -> str:
        return str(self.cleaned_data["paper"]).partition(":")[0]

    @property
    def subject(self) -> TreatmentSession | Course | Patient:
        """What the chosen paper is about; only after the form was found valid."""
        return self.subjects[self.cleaned_data["paper"]]
