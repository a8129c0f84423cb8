"""Consent on paper: text given, paper signed, withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.idempotency import once
from clinic.permissions import requires
from patients.models import Patient
from sessions import consenting
from sessions.forms.consent import GivenForm, SignedForm, WithdrawForm
from sessions.models import Consent, Course


def consent_or_404(request: HttpRequest, public_id: str) -> Consent:
    consents = Consent.objects.select_related("course__site", "patient")
    return get_object_or_404(consents, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def one_form(
    request: HttpRequest, *, form: HouseForm, course: Course, title: str, act: str, deed: Callable[[], Any]
) -> HttpResponse:
    """The one shape of these three pages: a form, a verb, back to where the papers are shown."""
    back = reverse("patient", args=[course.patient.public_id])
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                deed()
                return attempt.leads_to(back)
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "patient": course.patient, "title": title, "act": act, "back": back}
    return render(request, "courses/one_form.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_given(request: HttpRequest, public_id: str) -> HttpResponse:
    course = get_object_or_404(
        Course.objects.select_related("site", "patient"),
        public_id=public_id, patient__in=Patient.objects.visible_to(request.user),
    )  # fmt: skip
    form = GivenForm(request.POST or None, site=course.site)
    return one_form(
        request, form=form, course=course, title=_("Consent text given"), act=_("Record"),
        deed=lambda: consenting.give_text(
            course=course, informed_at=form.cleaned_data["informed_at"], language=course.patient.language,
            by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_record(request: HttpRequest, public_id: str) -> HttpResponse:
    consent = consent_or_404(request, public_id)
    form = SignedForm(request.POST or None, site=consent.course.site)
    return one_form(
        request, form=form, course=consent.course, title=_("Consent signed on paper"), act=_("Record the signature"),
        deed=lambda: consenting.record_signature(
            consent=consent, signed_at=form.cleaned_data["signed_at"], by=doer_of(request), **form.choices_made()
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    consent = consent_or_404(request, public_id)
    form = WithdrawForm(request.POST or None)
    return one_form(
        request, form=form, course=consent.course, title=_("Consent withdrawn?"), act=_("Record the withdrawal"),
        deed=lambda: consenting.withdraw(consent=consent, reason=form.cleaned_data["reason"], by=doer_of(request)),
    )  # fmt: skip
