"""The session screen: ready strip, mixture with lots, points, amounts, end, signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import INVALID, STALE, carry_out
from clinic.errors import NotPermitted, Refused, Stale
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue
from sessions import gates, recording, taking_back
from sessions.choices import RecordStatus
from sessions.forms.record import (
    ActForm,
    AddendumForm,
    AmountsForm,
    CorrectEndForm,
    GateForm,
    HistoryForm,
    IdentityForm,
    SignForm,
    TakeBackBeginForm,
    TakeBackForm,
)
from sessions.models import TreatmentSession
from sessions.record_page import record_shown, usable_lots
from sessions.views.fetching import appointment_or_404, record_or_404
from sessions.views.shape import patient_form_page


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_POST
def record_open(request: StaffRequest, public_id: str) -> HttpResponse:
    """Start session: opens the page; the needle is another step."""
    appointment = appointment_or_404(request, public_id)
    recording.open_record(appointment=appointment, by=doer_of(request))
    return redirect("record", public_id=appointment.public_id)


@requires(Permission.SEE_CLINICAL)
@require_safe
def record(request: StaffRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    return draw(request, screen(found))


def draw(request: StaffRequest, shown: dict[str, Any], *, part: str = "", status: int = 200) -> HttpResponse:
    """The screen or one part of it; its times are those of the treating site, wherever one stands."""
    with timezone.override(shown["record"].appointment.site.zone):
        return render(request, f"records/record.html{part}", shown, status=status)


def screen(
    found: TreatmentSession, *, form: AmountsForm | None = None, refused: HouseForm | None = None,
    theirs: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:  # fmt: skip
    """The whole screen with its forms, as it stands or as it was typed."""
    return record_shown(found) | {
        "form": form or amounts_form(found),
        "act_form": ActForm(seen_version=found.version),
        "refused": refused,
        "theirs": theirs,
    }


def amounts_form(found: TreatmentSession, data: Any = None) -> AmountsForm:
    products = list(found.products.select_related("lot"))
    return AmountsForm(data, record=found, products=products, lots=usable_lots(found), rules=catalogue.in_force())


# --- amounts: saved while typing -----------------------------------------------------------------------------------
@requires(Permission.TREAT, Permission.CHANGE_CLINICAL)
@require_POST
def record_save(request: StaffRequest, public_id: str) -> HttpResponse:
    """Save the amounts as they stand. A repeated save is harmless: the version guards it, so no token is spent here."""
    found = record_or_404(request, public_id)
    form = amounts_form(found, request.POST)
    if not form.is_valid():
        return not_saved(request, public_id, form, status=INVALID)
    try:
        save(request, found, form)
    except NotPermitted:
        raise
    except Stale as stale:
        form.refuse(stale)
        fresh = record_or_404(request, public_id)
        form.see_again(fresh.version)
        return not_saved(request, public_id, form, status=STALE, theirs=form.differences(amounts_form(fresh)))
    except Refused as refusal:
        form.refuse(refusal)
        return not_saved(request, public_id, form, status=INVALID)
    if not request.htmx:
        return redirect("record", public_id=public_id)
    return draw(request, screen(record_or_404(request, public_id)) | {"oob": True}, part="#saved")


def save(request: StaffRequest, found: TreatmentSession, form: AmountsForm) -> None:
    data = form.cleaned_data
    recording.save_amounts(
        record=found, seen_version=data["seen_version"], products=form.product_lines(), areas=form.area_lines(),
        wasted_ml=data["wasted_ml"], note=data["note"], reaction_note=data["reaction_note"], by=doer_of(request),
    )  # fmt: skip


def not_saved(
    request: StaffRequest, public_id: str, form: AmountsForm, *, status: int, theirs: Sequence[tuple[str, str]] = ()
) -> HttpResponse:
    """The form with everything typed and each sentence beside its field; while typing only the form is replaced."""
    context = screen(record_or_404(request, public_id), form=form, theirs=theirs)
    if not request.htmx:
        return draw(request, context, status=status)
    answer = draw(request, context, part="#amounts_form", status=status)
    return reswap(retarget(answer, "#amounts-form"), "outerHTML")


# --- what mends a light ----------------------------------------------------------------------------------------------
def mend(
    request: StaffRequest, found: TreatmentSession, form: HouseForm, deed: Callable[[dict[str, Any]], object], **words: Any
) -> HttpResponse:
    """A form page of one deed on the record; `deed` gets the clean values, the version that was seen among them."""
    key = found.appointment.public_id
    return patient_form_page(
        request, form, patient=found.patient, back=reverse("record", args=[key]), deed=deed,
        version_now=lambda: record_or_404(request, key).version, **words,
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_identity(request: StaffRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    return mend(
        request, found, IdentityForm(request.POST or None, seen_version=found.version),
        lambda data: recording.check_identity(
            record=found, seen_version=data["seen_version"], identifiers=data["identifiers"], by=doer_of(request)
        ),
        title=_("Who is this?"), act=_("They match"),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_history(request: StaffRequest, public_id: str) -> HttpResponse:
    """Nothing changed, or what changed: the change itself is written into the health questions, where the rules read."""
    found = record_or_404(request, public_id)
    return mend(
        request, found, HistoryForm(request.POST or None, seen_version=found.version),
        lambda data: recording.confirm_history(
            record=found, seen_version=data["seen_version"], changes=data["changes"], by=doer_of(request)
        ),
        title=_("What changed since last time?"), act=_("Confirm the history"),
        hint=_("Something changed? Write it into the health questions first, so that the rules see it."),
        hint_act=_("Health questions"), hint_url=reverse("record-questions", args=[public_id]),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_gate(request: StaffRequest, public_id: str, gate: str) -> HttpResponse:
    """Pass an overridable gate with a named reason (photographs: say that and where they were taken)."""
    found = record_or_404(request, public_id)
    rules = catalogue.in_force()
    known = rules.start_gates.get(gate)
    if known is None or not gates.may_be_passed(gate, rules):
        raise Http404
    return mend(
        request, found, GateForm(request.POST or None, seen_version=found.version),
        lambda data: recording.pass_gate(
            record=found, seen_version=data["seen_version"], gate=gate, reason=data["reason"], by=doer_of(request)
        ),
        title=known.name_in(get_language() or "en"), act=_("Pass with this reason"),
    )  # fmt: skip


# --- begin, end, correct, sign, add ------------------------------------------------------------------------------------
def step(request: StaffRequest, public_id: str, verb: Callable[..., Any]) -> HttpResponse:
    """Begin or end: one button, the version that was seen, the refusal shown on the same page."""
    found = record_or_404(request, public_id)

    def act(data: dict[str, Any]) -> str:
        verb(record=found, seen_version=data["seen_version"], by=doer_of(request))
        return reverse("record", args=[public_id])

    def show(form: HouseForm, *, status: int = INVALID, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = screen(record_or_404(request, public_id), refused=form, theirs=theirs)
        return draw(request, context, status=status)

    return carry_out(request, ActForm(request.POST, seen_version=found.version), deed=act, show=show)


@requires(Permission.TREAT)
@require_POST
def record_begin(request: StaffRequest, public_id: str) -> HttpResponse:
    return step(request, public_id, recording.begin)


@requires(Permission.TREAT)
@require_POST
def record_end(request: StaffRequest, public_id: str) -> HttpResponse:
    return step(request, public_id, recording.end_treatment)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_correct_end(request: StaffRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = CorrectEndForm(request.POST or None, record=found)
    return mend(
        request, found, form,
        lambda data: recording.correct_end(
            record=found, seen_version=data["seen_version"], ended_at=data["ended_at"], reason=data["reason"],
            by=doer_of(request),
        ),
        title=_("Correct the end of the treatment"), act=_("Correct"),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_take_back(request: StaffRequest, public_id: str) -> HttpResponse:
    """Begun or ended by mistake: the last step is taken back with a reason."""
    found = record_or_404(request, public_id)
    if request.method == "GET" and found.status not in {RecordStatus.BEGUN, RecordStatus.ENDED}:
        return redirect("record", public_id=public_id)
    if found.status == RecordStatus.ENDED:
        return mend(
            request, found, TakeBackForm(request.POST or None, seen_version=found.version),
            lambda data: taking_back.take_back_end(
                record=found, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
            ),
            title=_("Take back the end of the treatment"), act=_("Take back the end"),
            lead=_("The treatment goes on. Lots get back what was taken; mails that are not sent yet are withdrawn."),
        )  # fmt: skip
    return mend(
        request, found, TakeBackBeginForm(request.POST or None, seen_version=found.version),
        lambda data: taking_back.take_back_begin(
            record=found, seen_version=data["seen_version"], reason=data["reason"],
            nothing_given=data["nothing_given"], by=doer_of(request),
        ),
        title=_("Take back the beginning"), act=_("Take back the beginning"),
        lead=_("The patient waits again, and the checks before the needle count anew."),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_sign(request: StaffRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    return mend(
        request, found, SignForm(request.POST or None, seen_version=found.version),
        lambda data: recording.sign(
            record=found, seen_version=data["seen_version"], password=data["password"], by=doer_of(request)
        ),
        title=_("Sign this record"), act=_("Sign"),
        lead=_("Your signature says: I performed this treatment and this record is complete. It cannot be changed afterwards."),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_addendum(request: StaffRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    return mend(
        request, found, AddendumForm(request.POST or None, seen_version=found.version),
        lambda data: recording.add_addendum(record=found, text=data["text"], by=doer_of(request)),
        title=_("Add to the signed record"), act=_("Add"),
    )  # fmt: skip
