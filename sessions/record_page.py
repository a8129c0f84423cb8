"""What the session screen shows: lights with their mending buttons, lots, points, amounts, and what is closed and why."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from clinic.errors import Refused
from protocols import catalogue
from protocols.definitions import Catalogue
from sessions import gates, recording
from sessions.amounts import Amounts, amounts_of
from sessions.charting import age_on, allergy_lines
from sessions.choices import DocumentKind, DocumentState, RecordStatus
from sessions.explaining import name_of
from sessions.models import Document, Lot, TreatmentSession
from sessions.since_last import since_last

GATE_ICONS = {
    "gate-identity": "fingerprint", "gate-history": "history", "gate-screening": "shield-check", "gate-consent": "file-check",
    "gate-thinking": "clock", "gate-test": "vaccine", "gate-labs": "flask", "gate-weight": "scale",
    "gate-interval": "calendar-event", "gate-stop-rule": "activity", "gate-plan": "hand-stop", "gate-lots": "package",
    "gate-licence": "certificate", "gate-photos": "camera",
}  # fmt: skip


def mending(record: TreatmentSession) -> dict[str, tuple[str, str]]:
    """Words and address of the button that mends, by the act a gate names."""
    key, course = record.appointment.public_id, reverse("course", args=[record.course.public_id])
    return {
        "identity": (_("Check"), reverse("record-identity", args=[key])),
        "history": (_("Ask"), reverse("record-history", args=[key])),
        "questions": (_("Ask all"), reverse("intake-send", args=[record.patient.public_id])),
        "stop-rule": (_("Decide"), reverse("course-scores", args=[record.course.public_id])),
        "screening": (_("See why"), course),
        "measure": (_("Measure"), reverse("measurements", args=[record.patient.public_id])),
        "consent": (_("Papers"), f"{course}#consent"),
        "test": (_("Test"), reverse("allergy-tests", args=[record.course.public_id])),
        "labs": (_("Waive"), reverse("record-gate", args=[key, "gate-labs"])),
        "override-interval": (_("Accept"), reverse("record-gate", args=[key, "gate-interval"])),
        "photos": (pgettext("act", "Record"), reverse("record-gate", args=[key, "gate-photos"])),
        "lots": (_("Choose"), "#lots"),
    }


def lights_of(record: TreatmentSession) -> list[dict[str, Any]]:
    """The gates as lights in their fixed order, each open one with the button that mends it."""
    rules = catalogue.in_force()
    addresses = mending(record)
    own_names = {
        "gate-history": pgettext("health", "History"), "gate-stop-rule": _("Effect so far"),
        "gate-plan": _("Plan and mixture"),
    }  # fmt: skip
    lights = []
    for gate in gates.gates_of(record):
        known = rules.start_gates.get(gate.code)
        light = {
            "state": gate.state,
            "icon": GATE_ICONS[gate.code],
            "name": known.name_in(get_language() or "en") if known else own_names[gate.code],
            "detail": gate.detail,
        }
        if gate.mend and not gate.is_met:
            light["act_text"], light["act_url"] = addresses[gate.mend]
        lights.append(light)
    return lights


def usable_lots(record: TreatmentSession) -> dict[str, list[Lot]]:
    """Lots to choose from by substance: at this site, in date, not held back, not empty; nearest expiry first."""
    site = record.appointment.site
    codes = {product.substance for product in record.products.all()}
    return {code: list(Lot.objects.usable(site, code, site.today())) for code in sorted(codes)}


def why_not_end(record: TreatmentSession) -> str:
    """The sentence beside a closed End button, from the verb's own rule; empty when it may be pressed."""
    try:
        recording.check_endable(record)
    except Refused as refusal:
        return refusal.sentence
    return ""


def shown_amounts(amounts: Amounts) -> dict[str, Any]:
    """For the amounts component. Several regions may differ in ml per point; then none stands for all."""
    return {
        "points": amounts.points,
        "per_point_ml": amounts.per_point_ml,
        "inject_ml": amounts.injected_ml,
        "waste_ml": amounts.wasted_ml,
        "drawn_ml": amounts.drawn_up_ml,
        "lots_ml": amounts.lots_ml,
        "agrees": amounts.agrees,
        "difference_ml": amounts.difference_ml or amounts.drawn_up_ml - amounts.lots_ml,
    }


def record_shown(record: TreatmentSession) -> dict[str, Any]:
    """Everything about one record but its forms."""
    rules: Catalogue = catalogue.in_force()
    lights = lights_of(record) if record.status == RecordStatus.OPEN else []
    waiting = next((light for light in lights if light["state"] != gates.READY), None)
    total = record.course.planned_sessions.count()
    return {
        "record": record,
        "patient": record.patient,
        "age": age_on(record.patient.birth_date, record.appointment.site.today()),
        "title": name_of(record.course.indication, rules.indications),
        "number": f"{record.planned_session.number}/{total}" if record.planned_session else "",
        "alerts": allergy_lines(record.patient, rules),
        "lights": lights,
        "why_not_begin": f"{waiting['name']}: {waiting['detail']}" if waiting else "",
        "why_not_end": why_not_end(record) if record.status == RecordStatus.BEGUN else "",
        "products": [(row, name_of(row.substance, rules.substances)) for row in record.products.all()],
        "areas": [(row, name_of(row.region, rules.regions)) for row in record.areas.all()],
        "amounts": shown_amounts(amounts_of(record)),
        "sheet": sheet_of(record),
        "since_last": partial(since_last, record),  # asked by the whole page, not by every save while typing
        "addenda": record.addenda.select_related("written_by"),
    }


def sheet_of(record: TreatmentSession) -> Document | None:
    """The aftercare sheet that stands, not one that was superseded."""
    sheets = Document.objects.filter(appointment=record.appointment, kind=DocumentKind.AFTERCARE).defer("pdf")
    return sheets.exclude(state=DocumentState.SUPERSEDED).first()
