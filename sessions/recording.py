"""The treatment record: open, confirm, begin, save, end, correct, sign, add. Signed is frozen by the database."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.audit import canonical
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import User
from clinic.permissions import check_may
from protocols import catalogue
from protocols.choices import CheckResult
from protocols.screening import Act, Stage
from sessions import course_messages, coursework, documents, gates, messaging, screenings, statuses, stock
from sessions.amounts import AreaLine, ProductLine, amounts_of
from sessions.choices import RECORD_MOVES, AppointmentStatus, CourseStatus, RecordStatus
from sessions.models import (
    Addendum,
    Appointment,
    PlannedSession,
    TreatedArea,
    TreatmentSession,
    UsedProduct,
)
from sessions.planned import replan
from sessions.plans import given_plan, plan_of, plan_to_json, same_day_plans

SIGNED_MEANING = "I performed this treatment and this record is complete."


@transaction.atomic
def open_record(*, appointment: Appointment, by: Doer) -> TreatmentSession:
    """Open the session screen of an arrived patient. The approved plan is copied; lots are chosen afresh each time.

    Raises `Refused` without an approved course, before arrival, and when screening blocks this plan."""
    user = check_treats(by, appointment)
    locked = Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "course", "site", "patient", "service").get(pk=appointment.pk)  # fmt: skip
    existing = TreatmentSession.objects.filter(appointment=locked).first()
    if existing is not None:
        return existing
    course = locked.course
    if course is None or course.status != CourseStatus.APPROVED:
        raise Refused(_("A session needs an approved course. Approve the plan first."))
    if locked.status != AppointmentStatus.ARRIVED:
        raise Refused(_("The patient has not arrived yet."))
    blocked = screenings.evaluate(patient=locked.patient, stage=Stage.START, on=locked.site.today(), course=course)
    if blocked.outcome == "blocked":
        screenings.check_permission(patient=locked.patient, act=Act.START, on=locked.site.today(), course=course)
    fulfilment = locked.fulfilments.filter(active=True).select_related("planned_session").first()
    items = list(course.items.all())
    record = TreatmentSession.objects.create(
        appointment=locked, patient=locked.patient, course=course,
        planned_session=fulfilment.planned_session if fulfilment else None, catalogue=catalogue.current(),
        opened_at=timezone.now(), opened_by=user, practitioner=user, planned=plan_to_json(plan_of(course)),
        technique=course.technique, delivery=course.delivery,
        depth_mm=items[0].syringe.depth_mm if items else None,
    )  # fmt: skip
    UsedProduct.objects.bulk_create(
        UsedProduct(
            treatment_session=record, patient=locked.patient, position=position, syringe=item.syringe.number,
            substance=item.substance, strength=item.strength, strength_unit=item.strength_unit,
            volume_ml=item.volume_ml,
        )
        for position, item in enumerate(items, start=1)
    )  # fmt: skip
    log(record, by, "record-opened", "opened the treatment record")
    return record


@transaction.atomic
def check_identity(*, record: TreatmentSession, seen_version: int, identifiers: str, by: Doer) -> TreatmentSession:
    """Two identifiers were asked and matched; which ones is kept."""
    check_treats(by, record.appointment)
    _in(record, RecordStatus.OPEN)
    record.identity_checked = identifiers[:120]
    save(record, seen_version, ["identity_checked"])
    log(record, by, "identity-checked", "checked the identity")
    return record


@transaction.atomic
def confirm_history(*, record: TreatmentSession, seen_version: int, changes: str, by: Doer) -> TreatmentSession:
    """What changed since last time was asked today; empty `changes` = nothing changed. Screens again at once."""
    user = check_treats(by, record.appointment)
    _in(record, RecordStatus.OPEN)
    answered = record.patient.responses.filter(submitted_at__gte=record.opened_at).exists()
    if changes.strip() and not answered:
        # A change in free words would never reach the rules, so it has to stand in the questionnaire as well.
        raise Refused(_("Write the change into the health questions first, so that the rules see it."), field="changes")
    record.history_confirmed_at = timezone.now()
    record.history_confirmed_by = user
    record.history_changes = changes.strip()[:400]
    record.screening = screenings.screen_now(
        patient=record.patient, stage=Stage.START, by=by, course=record.course, appointment=record.appointment
    )
    save(record, seen_version, ["history_confirmed_at", "history_confirmed_by", "history_changes", "screening"])
    log(record, by, "history-confirmed", "confirmed the history", detail={"changes": record.history_changes})
    return record


@transaction.atomic
def pass_gate(*, record: TreatmentSession, seen_version: int, gate: str, reason: str, by: Doer) -> TreatmentSession:
    """Pass an overridable gate with a named reason: photographs, a late interval, laboratory tests no rule needs."""
    user = check_treats(by, record.appointment)
    _in(record, RecordStatus.OPEN)
    if not gates.may_be_passed(gate, catalogue.in_force()):
        raise Refused(_("This cannot be passed with a reason."))
    if not reason.strip():
        raise Refused(_("Say why."), field="reason")
    kept = [one for one in record.gate_overrides if one["gate"] != gate]
    line = {"gate": gate, "reason": reason.strip()[:200], "by": user.name, "at": timezone.now().isoformat()}
    record.gate_overrides = [*kept, line]
    save(record, seen_version, ["gate_overrides"])
    log(record, by, "gate-passed", f"passed {gate} with a reason", detail=line)
    return record


@transaction.atomic
def save_amounts(
    *,
    record: TreatmentSession,
    seen_version: int,
    products: Sequence[ProductLine],
    areas: Sequence[AreaLine],
    wasted_ml: Decimal,
    note: str,
    reaction_note: str,
    by: Doer,
) -> TreatmentSession:
    """Save lots, volumes, points and notes as they stand; they need not agree before the end. Lots belong to the
    record's site and to the same substance."""
    check_treats(by, record.appointment)
    if record.status not in {RecordStatus.OPEN, RecordStatus.BEGUN}:
        raise Refused(_("The treatment has ended; correct the end or add to the signed record."))
    record.wasted_ml = wasted_ml
    record.note, record.reaction_note = note, reaction_note
    record.drawn_up_ml = sum((line.volume_ml for line in products), Decimal(0))
    if wasted_ml > record.drawn_up_ml:
        raise Refused(_("More is left over than was drawn up."), field="wasted_ml")
    if record.mixed_at is None and any(line.lot for line in products):
        record.mixed_at = timezone.now()
    save(record, seen_version, ["wasted_ml", "note", "reaction_note", "drawn_up_ml", "mixed_at"])
    _write_products(record, products)
    record.areas.all().delete()
    TreatedArea.objects.bulk_create(
        TreatedArea(treatment_session=record, patient=record.patient, region=line.region, syringe=line.syringe,
                    points=line.points, ml_per_point=line.ml_per_point, depth_mm=line.depth_mm)
        for line in areas
    )  # fmt: skip
    return record


def _write_products(record: TreatmentSession, products: Sequence[ProductLine]) -> None:
    """Volume and lot of each component; a lot's own strength counts from then on."""
    rows = {product.position: product for product in record.products.all()}
    for line in products:
        row = rows.get(line.position)
        if row is None:
            raise Refused(_("This mixture has no such component."))
        if line.lot and (line.lot.site_id != record.appointment.site_id or line.lot.substance != row.substance):
            raise Refused(
                _("Lot %(lot)s does not belong here.") % {"lot": line.lot.lot_number}, field=f"lot_{row.position}"
            )
        row.volume_ml, row.lot = line.volume_ml, line.lot
        row.strength = line.lot.strength if line.lot and line.lot.strength is not None else row.strength
        row.lot_label = f"{line.lot.product}, {line.lot.maker}, {line.lot.lot_number}" if line.lot else ""
        row.save(update_fields=["volume_ml", "lot", "lot_label", "strength"])


@transaction.atomic
def begin(*, record: TreatmentSession, seen_version: int, by: Doer) -> TreatmentSession:
    """The needle may start: every gate is met. The stored screening of this moment belongs to the record."""
    check_treats(by, record.appointment)
    check_move(record, RecordStatus.BEGUN)
    waiting = gates.open_gates(record)
    if waiting:
        raise Refused(waiting[0].detail, code=waiting[0].code)
    appointment = locked_appointment(record)
    record.screening = screenings.screen_now(
        patient=record.patient, stage=Stage.START, by=by, course=record.course, appointment=record.appointment
    )
    record.status = RecordStatus.BEGUN
    record.begun_at = timezone.now()
    save(record, seen_version, ["status", "begun_at", "screening"])
    statuses.change_status(
        appointment=appointment, to=AppointmentStatus.IN_TREATMENT, seen_version=appointment.version, by=by
    )
    log(record, by, "treatment-begun", "began the treatment")
    return record


def check_endable(record: TreatmentSession) -> None:
    """Raise `Refused` with the sentence the page shows beside a closed End button."""
    amounts = amounts_of(record)
    if amounts.points == 0:
        raise Refused(_("Enter the points that were treated."), code="amounts")
    if not amounts.agrees:
        raise Refused(
            _("Points, waste, drawn up and lots do not add up: %(ml)s ml difference.")
            % {"ml": f"{amounts.difference_ml:f}"},
            code="amounts",
        )
    lots = gates.gates_of(record)
    lot_gate = next(gate for gate in lots if gate.code == "gate-lots")
    if not lot_gate.is_met:
        raise Refused(lot_gate.detail, code="gate-lots")
    today = record.appointment.site.today()
    found = coursework.check_of(
        plan=given_plan(record), patient=record.patient, site=record.appointment.site, on=today,
        rules=catalogue.in_force(),
        same_day=same_day_plans(patient=record.patient, on=today, except_record=record),
    )  # fmt: skip
    if found.result not in {CheckResult.OK, CheckResult.WARNING}:
        language = get_language() or "en"
        raise Refused("; ".join(problem.text(language) for problem in found.problems), code="mixture")


@transaction.atomic
def end_treatment(*, record: TreatmentSession, seen_version: int, by: Doer) -> TreatmentSession:
    """Stamp the end: amounts agree, lots are taken, the sheet and the messages are made, all hours count from now.

    1. the record and its appointment become ended and done; 2. stock moves; 3. the planned session gets its actual
    date and later unbooked ones follow; 4. aftercare sheet; 5. messages. Signing may follow later."""
    user = check_treats(by, record.appointment)
    check_move(record, RecordStatus.ENDED)
    check_endable(record)
    appointment = locked_appointment(record)
    record.status = RecordStatus.ENDED
    record.ended_at = timezone.now()
    save(record, seen_version, ["status", "ended_at"])
    stock.take(record=record, by=user)
    statuses.change_status(appointment=appointment, to=AppointmentStatus.DONE, seen_version=appointment.version, by=by)
    _date_planned_session(record, by)
    log(record, by, "treatment-ended", "ended the treatment")
    documents.issue_aftercare(treatment_session=record, by=by)
    messaging.treatment_ended(treatment_session=record, by=by)
    return record


@transaction.atomic
def correct_end(
    *, record: TreatmentSession, seen_version: int, ended_at: dt.datetime, reason: str, by: Doer
) -> TreatmentSession:
    """Correct the end before signing: the sheet is superseded and what is not sent yet is rewritten."""
    check_treats(by, record.appointment)
    _in(record, RecordStatus.ENDED)
    if record.begun_at is None or record.ended_at is None or not reason.strip():
        raise Refused(_("Say why the end is corrected."), field="reason")
    if not record.begun_at <= ended_at <= timezone.now():
        raise Refused(_("The end lies after the beginning and not in the future."), field="ended_at")
    before = record.ended_at
    record.ended_at = ended_at
    save(record, seen_version, ["ended_at"])
    _date_planned_session(record, by)
    log(record, by, "end-corrected", "corrected the end of the treatment",
         detail={"before": before, "after": ended_at, "reason": reason.strip()[:200]})  # fmt: skip
    documents.issue_aftercare(treatment_session=record, by=by)
    messaging.end_corrected(treatment_session=record, by=by)
    return record


def _date_planned_session(record: TreatmentSession, by: Doer) -> None:
    """The next date counts from the actual one: later windows follow, and what is booked too early is marked (plan-next,
    plan-shift)."""
    planned = record.planned_session
    if planned is None or record.ended_at is None:
        return
    course = record.course
    day = record.ended_at.astimezone(record.appointment.site.zone).date()
    PlannedSession.objects.filter(pk=planned.pk).update(done_on=day)
    if not course.planned_sessions.filter(done_on=None, skipped_reason="").exists():
        completed = coursework.complete(course=course, by=by)
        course.status, course.version = completed.status, completed.version
        course_messages.follow(course)
        return
    replan(course)


def content_of(record: TreatmentSession) -> dict[str, Any]:
    """Everything a signature covers, as plain values."""
    return {
        "patient": record.patient.public_id,
        "appointment": record.appointment.public_id,
        "planned": record.planned,
        "identity": record.identity_checked,
        "history": [record.history_confirmed_at, record.history_changes],
        "gate_overrides": record.gate_overrides,
        "times": [record.begun_at, record.ended_at],
        "products": [
            [row.syringe, row.position, row.substance, row.strength, row.strength_unit, row.volume_ml, row.lot_label]
            for row in record.products.all()
        ],
        "areas": [
            [row.syringe, row.region, row.points, row.ml_per_point, row.depth_mm] for row in record.areas.all()
        ],
        "wasted_ml": record.wasted_ml,
        "notes": [record.note, record.reaction_note],
    }


@transaction.atomic
def sign(*, record: TreatmentSession, seen_version: int, password: str, by: Doer) -> TreatmentSession:
    """Freeze the record. The clinician proves again who signs; name, time and meaning go into the record."""
    user = check_treats(by, record.appointment)
    check_move(record, RecordStatus.SIGNED)
    if user.pk != record.practitioner_id:
        raise Refused(_("%(name)s treated and signs this record.") % {"name": record.practitioner.name})
    if not user.check_password(password):
        raise Refused(_("This password is not right."), field="password")
    record.refresh_from_db()
    record.status = RecordStatus.SIGNED
    record.signed_at = timezone.now()
    record.signed_by = user
    record.signed_meaning = SIGNED_MEANING
    record.content_digest = hashlib.sha256(canonical(content_of(record))).hexdigest()
    save(record, seen_version, ["status", "signed_at", "signed_by", "signed_meaning", "content_digest"])
    log(record, by, "record-signed", "signed the treatment record", detail={"digest": record.content_digest})
    return record


@transaction.atomic
def add_addendum(*, record: TreatmentSession, text: str, by: Doer) -> Addendum:
    """A dated addition beside the signed original."""
    user = check_treats(by, record.appointment)
    if record.status != RecordStatus.SIGNED:
        raise Refused(_("An unsigned record is simply corrected."))
    if not text.strip():
        raise Refused(_("The addition is empty."), field="text")
    addendum = Addendum.objects.create(
        treatment_session=record, patient=record.patient, text=text.strip(), written_by=user, written_at=timezone.now()
    )
    log(record, by, "addendum-written", "added to the signed record")
    return addendum


def check_treats(by: Doer, appointment: Appointment) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.TREAT, appointment.site)
    return by.user


def _in(record: TreatmentSession, status: RecordStatus) -> None:
    if record.status != status:
        raise Refused(_("The record is %(status)s.") % {"status": record.get_status_display().lower()})


def check_move(record: TreatmentSession, to: RecordStatus) -> None:
    if to not in RECORD_MOVES[record.status]:
        raise Refused(_("The record is %(status)s.") % {"status": record.get_status_display().lower()})


def locked_appointment(record: TreatmentSession) -> Appointment:
    return Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "site", "patient", "service", "course").get(pk=record.appointment_id)  # fmt: skip


def save(record: TreatmentSession, seen_version: int, fields: list[str]) -> None:
    record.saved_at = timezone.now()
    if not record.save_if_unchanged(seen=seen_version, fields=[*fields, "saved_at"]):
        theirs = TreatmentSession.objects.get(pk=record.pk)
        raise Stale(
            _("Somebody saved this record meanwhile. Compare, then save again."),
            theirs=[(_("Note"), theirs.note), (_("Reaction"), theirs.reaction_note)],
        )


def log(record: TreatmentSession, by: Doer, action: str, sentence: str, detail: dict[str, Any] | None = None) -> None:
    audit.record(
        by=by, action=action, sentence=sentence, of=record, patient=record.patient, site=record.appointment.site,
        detail=detail,
    )  # fmt: skip
