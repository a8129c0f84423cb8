"""Mails, language, photographs, consent and data: what a patient decides behind their own link. Looking changes nothing."""
from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from clinic import access_log
from clinic.day_words import day
from clinic.deeds import carry_out, refusing_when_busy
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.idempotency import once
from clinic.limiting import within
from clinic.permissions import by_patient_link, public
from patients import privacy
from patients.labels import LANGUAGE_CHOICES, DataRequestKind, LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate, speak
from protocols import catalogue
from sessions import consenting, data_requests, own_choices, own_data_links, photo_permission
from sessions.message_texts import written_in
from sessions.own_choices import OPTIONAL, OwnConsent

PRIVACY = LinkPurpose.PRIVACY
OPENED, OPENED_SECONDS = 20, 600
KIND = {"copy": gettext_lazy("A copy of my data"), "erase": gettext_lazy("Delete my data")}


class ChoicesForm(HouseForm):
    """The mails that nobody must have, and the language of mails and pages."""

    mails = forms.MultipleChoiceField(
        label=gettext_lazy("Mails you may do without"), required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(label=gettext_lazy("Language of mails and pages"), choices=LANGUAGE_CHOICES)

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = catalogue.in_force()
        mails: Any = self.fields["mails"]
        mails.choices = [(kind, rules.messages[kind].name_in(language)) for kind in OPTIONAL]


class NothingMoreForm(HouseForm):
    """A button alone: the token, and the version that was shown."""


@by_patient_link([PRIVACY])
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(PRIVACY)
def patient_privacy(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """All choices on one page; the form on it saves mails and language."""
    patient = link.patient
    wanted = [kind for kind in OPTIONAL if not privacy.declined(patient, kind)]
    form = ChoicesForm(
        request.POST if request.method == "POST" else None, language=request.LANGUAGE_CODE, seen_version=patient.version,
        initial={"mails": wanted, "language": written_in(patient.language)},
    )  # fmt: skip

    def show(form: HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        return render(request, "patient_pages/privacy/choices.html", shown(request, link, form), status=status)

    def save(data: dict[str, Any]) -> str:
        saved = own_choices.choose_mails(
            patient=patient, wanted=data["mails"], language=data["language"], seen_version=data["seen_version"],
            by=access_log.doer_of(request),
        )  # fmt: skip
        with translation.override(saved.language):
            messages.success(request, _("Your choices are saved."))
        return reverse("patient-privacy")

    if request.method != "POST":
        access_log.viewed(request, patient=patient)
        return show(form)
    answer = carry_out(request, form, deed=save, show=show, version_now=lambda: patient.version)
    if answer.status_code == 302:  # the page goes on in the language that was just chosen
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return answer


def shown(request: HttpRequest, link: PatientLink, form: HouseForm) -> dict[str, Any]:
    patient, language = link.patient, request.LANGUAGE_CODE
    photos = photo_permission.permission_of(patient)
    asked = [
        {"name": KIND[one.kind], "state": one.state, "due": day(one.due_on, language, year=True), "reason": one.reason,
         "asked": day(one.asked_at.astimezone(one.site.zone), language, year=True)}
        for one in patient.data_requests.select_related("site").order_by("-asked_at")[:10]
    ]  # fmt: skip
    return {
        "form": form, "site": link.site, "photos": [use for use in photo_permission.USES if photos.allows(use)],
        "photo_form": NothingMoreForm(),
        "consents": [consent_row(one, language) for one in own_choices.consents_in_force(patient, language)],
        "asked": asked, "open_kinds": {one.kind for one in patient.data_requests.open()},
    }  # fmt: skip


def consent_row(one: OwnConsent, language: str) -> dict[str, Any]:
    return {"id": one.consent.public_id, "title": one.title, "signed": day(one.signed_on, language, year=True)}


@by_patient_link([PRIVACY])
@require_POST
@behind_gate(PRIVACY)
def patient_privacy_photos(request: HttpRequest, use: str, *, link: PatientLink) -> HttpResponse:
    """Take back one use of photographs."""
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            own_choices.refuse_photos(patient=link.patient, use=use, by=access_log.doer_of(request))
            messages.success(request, _("Taken back. From now on your photographs are not used for this."))
            return attempt.leads_to(reverse("patient-privacy"))
    except Refused as refusal:
        messages.warning(request, refusal.sentence)
        return redirect("patient-privacy")  # the page as things are now, with the sentence on top


@by_patient_link([PRIVACY])
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(PRIVACY)
def patient_privacy_withdraw(request: HttpRequest, consent_id: str, *, link: PatientLink) -> HttpResponse:
    """Ask first what it means, then withdraw."""
    own = own_choices.consents_in_force(link.patient, request.LANGUAGE_CODE)
    found = next((one for one in own if one.consent.public_id == consent_id), None)
    if found is None:
        if request.method == "POST" and link.patient.consents.filter(public_id=consent_id).exists():
            return redirect("patient-privacy")  # a second click: it is withdrawn already
        raise Http404
    consent = found.consent

    def show(form: HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        photos = photo_permission.permission_of(link.patient)
        context = {
            "form": form, "row": consent_row(found, request.LANGUAGE_CODE), "site": link.site,
            "ends_photos": photos.newest == consent and any(photos.allows(use) for use in photo_permission.USES),
        }  # fmt: skip
        return render(request, "patient_pages/privacy/withdraw.html", context, status=status)

    def withdraw(_data: dict[str, Any]) -> str:
        consenting.withdraw_own(consent=consent, by=access_log.doer_of(request))
        messages.success(request, _("Your consent is withdrawn. We do not treat you any further without a new one."))
        return reverse("patient-privacy")

    if request.method != "POST":
        access_log.viewed(request, patient=link.patient, of=consent)
    return carry_out(request, NothingMoreForm(request.POST or None), deed=withdraw, show=show)


@by_patient_link([PRIVACY])
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(PRIVACY)
def patient_privacy_ask(request: HttpRequest, data_kind: str, *, link: PatientLink) -> HttpResponse:
    """Ask for a copy, or for deletion: what happens then, and by when, stands above the button."""
    kind = data_kind
    if kind not in DataRequestKind.values:
        raise Http404

    def show(form: HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        context = {"form": form, "kind": kind, "site": link.site, "days": data_requests.DUE_DAYS,
                   "by_hand": data_requests.has_no_mail(link.patient)}  # fmt: skip
        return render(request, "patient_pages/privacy/ask.html", context, status=status)

    def ask(_data: dict[str, Any]) -> str:
        made = data_requests.ask(patient=link.patient, site=link.site, kind=kind, by=access_log.doer_of(request))
        due = day(made.due_on, request.LANGUAGE_CODE, year=True)
        messages.success(request, _("We have your request and answer by %(day)s.") % {"day": due})
        return reverse("patient-privacy")

    if request.method != "POST":
        access_log.viewed(request, patient=link.patient)
    return carry_out(request, NothingMoreForm(request.POST or None), deed=ask, show=show)


# --- from the foot of a mail ----------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def mail_own_data(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing; its button makes a fresh link, which asks for the birth date."""
    message = own_data_links.message_behind(token)
    if message is None or message.patient is None:
        return render(request, "patient_pages/dead_link.html", status=404)
    speak(request, message.patient)
    if request.method != "POST":
        return render(request, "patient_pages/privacy/open.html", {"site": message.site})
    if not within(request, purpose="own-data", most=OPENED, seconds=OPENED_SECONDS):
        return render(request, "patient_pages/dead_link.html", status=404)
    made = own_data_links.link_from(message)
    if made is None:
        return render(request, "patient_pages/dead_link.html", status=404)
    return redirect("patient-link", token=made)
