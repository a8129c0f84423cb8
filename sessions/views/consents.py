"""Consent on paper: text given, paper signed, withdrawn."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.permissions import requires
from sessions import consenting
from sessions.forms.consent import GivenForm, SignedForm, WithdrawForm
from sessions.models import Course
from sessions.views.fetching import consent_or_404, course_or_404
from sessions.views.shape import patient_form_page


def papers_of(course: Course) -> str:
    """Where the papers of a patient are shown to everybody who may record them."""
    return reverse("patient", args=[course.patient.public_id]) + "?tab=forms"


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_given(request: StaffRequest, public_id: str) -> HttpResponse:
    course = course_or_404(request, public_id)
    return patient_form_page(
        request, GivenForm(request.POST or None, site=course.site), patient=course.patient,
        title=_("Consent text given"), act=pgettext("act", "Record"), back=papers_of(course),
        deed=lambda data: consenting.give_text(
            course=course, informed_at=data["informed_at"], language=course.patient.language, by=doer_of(request)
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_record(request: StaffRequest, public_id: str) -> HttpResponse:
    consent = consent_or_404(request, public_id)
    form = SignedForm(request.POST or None, request.FILES or None, site=consent.course.site)
    return patient_form_page(
        request, form, patient=consent.patient, title=_("Consent signed on paper"), act=_("Record the signature"),
        back=papers_of(consent.course),
        deed=lambda data: consenting.record_signature(
            consent=consent, signed_at=data["signed_at"], scan=data["scan"], by=doer_of(request), **form.choices_made()
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_withdraw(request: StaffRequest, public_id: str) -> HttpResponse:
    consent = consent_or_404(request, public_id)
    return patient_form_page(
        request, WithdrawForm(request.POST or None), patient=consent.patient, title=_("Consent withdrawn?"),
        act=_("Record the withdrawal"), back=papers_of(consent.course),
        deed=lambda data: consenting.withdraw(consent=consent, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
