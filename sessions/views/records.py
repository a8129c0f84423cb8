"""The session screen: ready strip, mixture with lots, points, amounts, end, signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused, Stale
from clinic.forms import HouseForm
from clinic.idempotency import once
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from sessions import gates, recording
from sessions.charting import age_on, allergy_lines, indication_name
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
)
from sessions.models import Appointment, Document, Lot, TreatmentSession

GATE_ICONS = {
    "gate-identity": "fingerprint", "gate-history": "history", "gate-screening": "shield-check", "gate-consent": "file-check",
    "gate-thinking": "clock", "gate-test": "vaccine", "gate-labs": "flask", "gate-weight": "scale",
    "gate-interval": "calendar-event", "gate-lots": "package", "gate-licence": "certificate", "gate-photos": "camera",
}  # fmt: skip


def appointment_or_404(request: HttpRequest, public_id: str) -> Appointment:
    appointments = Appointment.objects.select_related("patient__registered_at", "site", "course", "service", "room")
    return get_object_or_404(appointments, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def record_or_404(request: HttpRequest, public_id: str) -> TreatmentSession:
    """The record of an appointment, by the appointment's public id."""
    records = TreatmentSession.objects.select_related(
        "appointment__site", "appointment__room", "patient__registered_at", "course__site", "course__practitioner",
        "practitioner", "planned_session", "signed_by",
    )  # fmt: skip
    return get_object_or_404(
        records, appointment__public_id=public_id, patient__in=Patient.objects.visible_to(request.user)
    )


def lights_of(record: TreatmentSession) -> list[dict[str, Any]]:
    """The gates as lights, each with the button that mends it."""
    rules = catalogue.in_force()
    language = get_language() or "en"
    key = record.appointment.public_id
    addresses = {
        "identity": (_("Check"), reverse("record-identity", args=[key])),
        "history": (_("Ask"), reverse("record-history", args=[key])),
        "screening": (_("See why"), reverse("course", args=[record.course.public_id])),
        "measure": (_("Measure"), reverse("measurements", args=[record.patient.public_id])),
        "consent": (_("Papers"), reverse("course", args=[record.course.public_id]) + "#consent"),
        "test": (_("Test"), reverse("allergy-tests", args=[key])),
        "labs": (_("Waive"), reverse("record-gate", args=[key, "gate-labs"])),
        "override-interval": (_("Accept"), reverse("record-gate", args=[key, "gate-interval"])),
        "photos": (_("Record"), reverse("record-gate", args=[key, "gate-photos"])),
        "lots": (_("Choose"), "#lots"),
    }
    lights = []
    for gate in gates.gates_of(record):
        definition = rules.start_gates.get(gate.code)
        light: dict[str, Any] = {
            "state": gate.state,
            "icon": GATE_ICONS[gate.code],
            "name": definition.name_in(language) if definition else _("History"),
            "detail": gate.detail,
        }
        if gate.mend and not gate.is_met and record.status == RecordStatus.OPEN:
            light["act_text"], light["act_url"] = addresses[gate.mend]
        lights.append(light)
    return lights


def amounts_form(request: HttpRequest, record: TreatmentSession) -> AmountsForm:
    products = list(record.products.select_related("lot"))
    site = record.appointment.site
    lots: dict[str, list[Lot]] = {}
    for code in {product.substance for product in products}:
        lots[code] = list(Lot.objects.usable(site, code, site.today()))
    return AmountsForm(request.POST or None, record=record, products=products, lots=lots, rules=catalogue.in_force())


def why_not_end(record: TreatmentSession) -> str:
    try:
        recording.check_endable(record)
    except Refused as refusal:
        return refusal.sentence
    return ""


def record_context(request: HttpRequest, record: TreatmentSession, form: AmountsForm | None = None) -> dict[str, Any]:
    rules = catalogue.in_force()
    language = get_language() or "en"
    amounts = recording.amounts_of(record)
    lights = lights_of(record) if record.status == RecordStatus.OPEN else []
    waiting = [light for light in lights if light["state"] != gates.READY]
    total = record.course.planned_sessions.count()
    return {
        "record": record,
        "patient": record.patient,
        "age": age_on(record.patient.birth_date, record.appointment.site.today()),
        "title": indication_name(record.course.indication, rules),
        "number": f"{record.planned_session.number}/{total}" if record.planned_session else "",
        "alerts": allergy_lines(record.patient, rules),
        "lights": lights,
        "why_not_begin": f"{waiting[0]['name']}: {waiting[0]['detail']}" if waiting else "",
        "why_not_end": why_not_end(record) if record.status == RecordStatus.BEGUN else "",
        "form": form or amounts_form_of(record, rules),
        "names": {code: one.name_in(language) for code, one in rules.substances.items()},
        "amounts": {
            "points": amounts.points,
            "per_point_ml": (amounts.injected_ml / amounts.points).quantize(amounts.injected_ml.__class__("0.001"))
            if amounts.points else None,
            "inject_ml": amounts.injected_ml,
            "waste_ml": amounts.wasted_ml,
            "drawn_ml": amounts.drawn_up_ml,
            "lots_ml": amounts.lots_ml,
            "agrees": amounts.agrees,
            "difference_ml": amounts.difference_ml,
        },
        "act_form": ActForm(seen_version=record.version),
        "sheet": Document.objects.filter(appointment=record.appointment, kind="aftercare").defer("pdf").first(),
        "addenda": record.addenda.select_related("written_by"),
    }  # fmt: skip


def amounts_form_of(record: TreatmentSession, rules: Any) -> AmountsForm:
    products = list(record.products.select_related("lot"))
    site = record.appointment.site
    lots = {
        code: list(Lot.objects.usable(site, code, site.today())) for code in {product.substance for product in products}
    }
    return AmountsForm(record=record, products=products, lots=lots, rules=rules)


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_POST
def record_open(request: HttpRequest, public_id: str) -> HttpResponse:
    """Start session: opens the page; the needle is another step."""
    appointment = appointment_or_404(request, public_id)
    recording.open_record(appointment=appointment, by=doer_of(request))
    return redirect("record", public_id=appointment.public_id)


@requires(Permission.SEE_CLINICAL)
@require_safe
def record(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    return render(request, "records/record.html", record_context(request, found))


@requires(Permission.TREAT, Permission.CHANGE_CLINICAL)
@require_POST
def record_save(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save the amounts. htmx saves while typing and gets the reconciled figures back; a plain save gets the page.

    A repeated save is harmless: the version guards it, so no token is spent here."""
    found = record_or_404(request, public_id)
    form = amounts_form(request, found)
    status = 422
    if form.is_valid():
        try:
            recording.save_amounts(
                record=found, seen_version=form.cleaned_data["seen_version"], products=form.product_lines(),
                areas=form.area_lines(), wasted_ml=form.cleaned_data["wasted_ml"], note=form.cleaned_data["note"],
                reaction_note=form.cleaned_data["reaction_note"], by=doer_of(request),
            )  # fmt: skip
            if request.htmx:  # type: ignore[attr-defined]
                fresh = record_or_404(request, public_id)
                return render(request, "records/record.html#saved", record_context(request, fresh) | {"oob": True})
            return redirect("record", public_id=public_id)
        except Stale as refusal:
            form.refuse(refusal)
            status = 409
        except Refused as refusal:
            form.refuse(refusal)
    fresh = record_or_404(request, public_id)
    context = record_context(request, fresh, form)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "records/record.html#amounts_form", context, status=status)
    return render(request, "records/record.html", context, status=status)


def one_act(
    request: HttpRequest, found: TreatmentSession, form: HouseForm, deed: Callable[[int], Any], *, title: str, act: str,
    lead: str = "",
) -> HttpResponse:  # fmt: skip
    """A form page of one deed on the record; `deed` gets the version that was seen."""
    back = reverse("record", args=[found.appointment.public_id])
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    deed(form.cleaned_data["seen_version"])
                    return attempt.leads_to(back)
            except Stale as refusal:
                form.refuse(refusal)
                status = 409
            except Refused as refusal:
                form.refuse(refusal)
    context = {"form": form, "patient": found.patient, "title": title, "act": act, "back": back, "lead": lead}
    return render(request, "courses/one_form.html", context, status=status)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_identity(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = IdentityForm(request.POST or None, seen_version=found.version)
    return one_act(
        request, found, form, title=_("Who is this?"), act=_("They match"),
        deed=lambda seen: recording.check_identity(
            record=found, seen_version=seen, identifiers=form.cleaned_data["identifiers"], by=doer_of(request)
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_history(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = HistoryForm(request.POST or None, seen_version=found.version)
    return one_act(
        request, found, form, title=_("What changed since last time?"), act=_("Confirm the history"),
        deed=lambda seen: recording.confirm_history(
            record=found, seen_version=seen, changes=form.cleaned_data["changes"], by=doer_of(request)
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_gate(request: HttpRequest, public_id: str, gate: str) -> HttpResponse:
    """Pass an overridable gate with a named reason (photographs: say that and where they were taken)."""
    found = record_or_404(request, public_id)
    definition = catalogue.in_force().start_gates.get(gate)
    form = GateForm(request.POST or None, seen_version=found.version)
    title = definition.name_in(get_language() or "en") if definition else gate
    return one_act(
        request, found, form, title=title, act=_("Pass with this reason"),
        deed=lambda seen: recording.pass_gate(
            record=found, seen_version=seen, gate=gate, reason=form.cleaned_data["reason"], by=doer_of(request)
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_correct_end(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = CorrectEndForm(request.POST or None, seen_version=found.version)
    form.fields["ended_at"].at_site(found.appointment.site)  # type: ignore[attr-defined]
    return one_act(
        request, found, form, title=_("Correct the end of the treatment"), act=_("Correct"),
        deed=lambda seen: recording.correct_end(
            record=found, seen_version=seen, ended_at=form.cleaned_data["ended_at"],
            reason=form.cleaned_data["reason"], by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_sign(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = SignForm(request.POST or None, seen_version=found.version)
    return one_act(
        request, found, form, title=_("Sign this record"), act=_("Sign"),
        deed=lambda seen: recording.sign(
            record=found, seen_version=seen, password=form.cleaned_data["password"], by=doer_of(request)
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def record_addendum(request: HttpRequest, public_id: str) -> HttpResponse:
    found = record_or_404(request, public_id)
    form = AddendumForm(request.POST or None, seen_version=found.version)
    return one_act(
        request, found, form, title=_("Add to the signed record"), act=_("Add"),
        deed=lambda _seen: recording.add_addendum(record=found, text=form.cleaned_data["text"], by=doer_of(request)),
    )  # fmt: skip


def _step(request: HttpRequest, public_id: str, verb: Callable[..., Any]) -> HttpResponse:
    """Begin or end: one button, the version that was seen, the refusal shown on the same page."""
    found = record_or_404(request, public_id)
    form = ActForm(request.POST, seen_version=found.version)
    status = 422
    if form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                verb(record=found, seen_version=form.cleaned_data["seen_version"], by=doer_of(request))
                return attempt.leads_to(reverse("record", args=[public_id]))
        except Stale as refusal:
            form.refuse(refusal)
            status = 409
        except Refused as refusal:
            form.refuse(refusal)
    fresh = record_or_404(request, public_id)
    return render(request, "records/record.html", record_context(request, fresh) | {"refused": form}, status=status)


@requires(Permission.TREAT)
@require_POST
def record_begin(request: HttpRequest, public_id: str) -> HttpResponse:
    return _step(request, public_id, recording.begin)


@requires(Permission.TREAT)
@require_POST
def record_end(request: HttpRequest, public_id: str) -> HttpResponse:
    return _step(request, public_id, recording.end_treatment)
