"""Which paper, in which language."""
from __future__ import annotations

from typing import Any

from django import forms
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.models import Patient
from sessions.choices import CourseStatus, DocumentKind
from sessions.models import Course, TreatmentSession
from sessions.paper_words import LANGUAGES, SHARED, printable_language, word

LANGUAGE_CHOICES = [(code, word(SHARED["language_name"], code)) for code in LANGUAGES]
CONSENTED = (CourseStatus.APPROVED, CourseStatus.COMPLETED)


class LanguageForm(HouseForm):
    """The blank form needs no more than a language."""

    language = forms.ChoiceField(label=_("Language of the paper"), choices=LANGUAGE_CHOICES)


class PaperForm(LanguageForm):
    """The papers this patient can have now: a sheet for each ended treatment, a consent for each approved course."""

    paper = forms.ChoiceField(label=_("Paper"))
    field_order = ("paper", "language")

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("language", printable_language(patient.language))
        super().__init__(*args, **kwargs)
        self.subjects: dict[str, TreatmentSession | Course] = {}
        labels = []
        ended = patient.treatment_sessions.filter(ended_at__isnull=False).select_related("appointment__site", "course")
        for record in ended.order_by("-ended_at"):
            key = f"{DocumentKind.AFTERCARE}:{record.public_id}"
            self.subjects[key] = record
            site = record.appointment.site
            day = date_format(record.ended_at.astimezone(site.zone), "D j M Y, H:i") if record.ended_at else ""
            labels.append((key, _("Aftercare sheet, treatment of %(day)s") % {"day": day}))
        for course in patient.courses.filter(status__in=CONSENTED).select_related("site"):
            key = f"{DocumentKind.CONSENT}:{course.public_id}"
            self.subjects[key] = course
            day = date_format(course.created_at.astimezone(course.site.zone), "D j M Y")
            labels.append((key, _("Consent form, course of %(day)s") % {"day": day}))
        self.fields["paper"].choices = labels  # type: ignore[attr-defined]

    @property
    def subject(self) -> TreatmentSession | Course:
        """What the chosen paper is about; only after the form was found valid."""
        return self.subjects[self.cleaned_data["paper"]]
