"""Visits of the diary as rows: appointments, courses with their sessions, records, papers and messages.

Everything hangs together as the verbs would leave it: spans as booked, fulfilments inactive where nobody came, records
signed with the digest of what they say. What is left out is said in `seed_load`.
"""
from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models

from clinic.audit import canonical
from sessions import recording
from sessions.availability import minutes_of
from sessions.demo.place import Clinic
from sessions.load import bulk
from sessions.load.bulk import Sheet, array, span, text
from sessions.load.diary import Running, Visit
from sessions.load.patterns import CoursePattern
from sessions.load.people import public_id
from sessions.load.place import Place
from sessions.models import (
    Appointment,
    Course,
    Document,
    Fulfilment,
    Message,
    PlannedSession,
    TreatedArea,
    TreatmentSession,
    UsedProduct,
)
from sessions.slots import Footprint, footprint, wall_time

PLAIN: tuple[type[models.Model], ...] = (
    Appointment, Fulfilment, PlannedSession, Course, TreatmentSession, TreatedArea, UsedProduct, Message,
)  # fmt: skip
MOST_SESSIONS = 20  # of one course: the keys of its sessions follow from its own
PAPERS_DAYS = 365  # printed sheets of a year
ML_PER_POINT = Decimal("0.0500")
AWAY = frozenset({"cancelled", "late-cancelled", "no-show"})
HERE = frozenset({"arrived", "in-treatment", "done"})
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What a row says about its patient."""

    public_id: str
    email: str
    language: str


class Rows:
    """Sheets for every table the diary fills. `first` are the first free keys."""

    def __init__(self, cursor: Any, clinic: Clinic, *, now: dt.datetime, catalogue: int, sheet_pdf: bytes) -> None:
        self.now, self.clinic = now, clinic
        self.sheets = {model: Sheet(cursor, model) for model in PLAIN}
        self.sheets[Document] = Sheet(
            cursor, Document, kind="aftercare", state="issued", template_version="load", pdf=sheet_pdf,
            sha256=hashlib.sha256(sheet_pdf).hexdigest(), pages=1,
        )  # fmt: skip
        self.first = {model: bulk.next_key(cursor, model) for model in self.sheets}
        self.catalogue = str(catalogue)
        self.minutes = {code: minutes_of(service) for code, service in clinic.services.items()}
        self.courses = 0
        self._cells: dict[int, dict[str, str]] = {}

    def key(self, model: type[models.Model]) -> int:
        return self.first[model] + self.sheets[model].count

    def course_key(self, course: Running) -> int:
        return self.first[Course] + self.courses + course.number

    def session_key(self, course: Running, number: int) -> int:
        return self.first[PlannedSession] + (self.courses + course.number) * MOST_SESSIONS + number - 1

    # --- one visit
    def visit(self, place: Place, visit: Visit, pattern: CoursePattern | None, known: Known) -> None:
        uses_device = bool(self.clinic.services[visit.service].device_kind)
        taken = footprint(visit.starts_at, self.minutes[visit.service], uses_device=uses_device)
        key = self.key(Appointment)
        identity = public_id("appointment", key)
        self._appointment(place, visit, taken, key, identity, pattern)
        if visit.course is not None and pattern is not None:
            session = str(self.session_key(visit.course, visit.session))
            self.sheets[Fulfilment].add(
                id=self.key(Fulfilment), appointment_id=str(key), planned_session_id=session,
                patient_id=str(visit.patient), active=visit.status not in AWAY,
            )  # fmt: skip
            if visit.status in {"done", "in-treatment"}:
                self._record(place, visit, taken, key, identity, pattern, known)
        self._reminder(place, visit, key, identity, known)

    def _appointment(
        self, place: Place, visit: Visit, taken: Footprint, key: int, identity: str, pattern: CoursePattern | None
    ) -> None:
        called_off = visit.status in {"cancelled", "late-cancelled"}
        booked_at = min(visit.starts_at - (10 + key % 18) * DAY, self.now - DAY)
        is_flagged = visit.status in {"booked", "confirmed"} and pattern is not None and pattern.outcome == "blocked"
        self.sheets[Appointment].add(
            id=str(key), public_id=identity, patient_id=str(visit.patient), site_id=str(place.site.pk),
            service_id=str(self.clinic.services[visit.service].pk),
            course_id=str(self.course_key(visit.course)) if visit.course else bulk.NOTHING,
            practitioner_id=str(place.practitioners[visit.practitioner].pk),
            room_id=str(place.rooms[visit.practitioner].pk),
            device_id=str(place.devices[visit.practitioner].pk) if taken.device else bulk.NOTHING,
            status=visit.status, starts_at=taken.patient.start, ends_at=taken.patient.end,
            agreed_start=wall_time(visit.starts_at, place.site.zone), zone=place.site.time_zone,
            patient_span=span(taken.patient.start, taken.patient.end),
            practitioner_span=span(taken.practitioner.start, taken.practitioner.end),
            room_span=span(taken.room.start, taken.room.end),
            device_span=span(taken.device.start, taken.device.end) if taken.device else bulk.NOTHING,
            booked_at=booked_at, booked_by_label=f"Desk {place.site.name}",
            confirmed_at=booked_at + DAY / 2 if visit.status != "booked" and not called_off else None,
            arrived_at=min(visit.starts_at - dt.timedelta(minutes=4 + key % 9), self.now) if visit.status in HERE else None,
            cancelled_at=min(visit.starts_at - DAY, self.now) if called_off else None,
            cancel_reason="Patient is ill" if called_off else "",
            flagged="A finding of the newest screening stops this booking." if is_flagged else "",
        )  # fmt: skip

    # --- what was given
    def _record(
        self, place: Place, visit: Visit, taken: Footprint, appointment: int, identity: str, pattern: CoursePattern,
        known: Known,
    ) -> None:  # fmt: skip
        if visit.course is None:
            return
        key = self.key(TreatmentSession)
        who = str(place.practitioners[visit.practitioner].pk)
        total = sum((item.volume_ml for item in pattern.items), Decimal(0))
        points = int(total / ML_PER_POINT) - 2
        wasted = total - points * ML_PER_POINT.quantize(Decimal("0.001"))
        begun = taken.practitioner.start + dt.timedelta(minutes=8)
        ended = taken.practitioner.end if visit.status == "done" else None
        recent = self.now - visit.starts_at < 2 * DAY
        status = "begun" if ended is None else "ended" if recent and key % 2 else "signed"
        area = [1, pattern.course.regions[0], points, ML_PER_POINT, Decimal("1.50")]
        lines: list[list[Any]] = [
            [item.syringe.number, position, item.substance, item.strength, item.strength_unit, item.volume_ml,
             place.lots[item.substance][1]]
            for position, item in enumerate(pattern.items, start=1)
        ]  # fmt: skip
        signed: dict[str, Any] = {}
        if status == "signed":
            content = {
                "patient": known.public_id, "appointment": identity, "planned": pattern.planned,
                "identity": IDENTITY, "history": [taken.patient.start, ""], "gate_overrides": [], "times": [begun, ended],
                "products": lines, "areas": [area], "wasted_ml": wasted, "notes": ["", ""],
            }  # fmt: skip
            signed = {
                "signed_at": taken.practitioner.end + dt.timedelta(minutes=10), "signed_by_id": who,
                "signed_meaning": recording.SIGNED_MEANING,
                "content_digest": hashlib.sha256(canonical(content)).hexdigest(),
            }  # fmt: skip
        self.sheets[TreatmentSession].add(
            id=str(key), public_id=public_id("record", key), appointment_id=str(appointment),
            patient_id=str(visit.patient), course_id=str(self.course_key(visit.course)),
            planned_session_id=str(self.session_key(visit.course, visit.session)), catalogue_id=self.catalogue,
            status=status, opened_at=taken.patient.start, opened_by_id=who, practitioner_id=who, identity_checked=IDENTITY,
            history_confirmed_at=taken.patient.start, history_confirmed_by_id=who, planned=self._planned(pattern),
            begun_at=begun, ended_at=ended, technique=pattern.course.technique, delivery=pattern.course.delivery,
            drawn_up_ml=total, wasted_ml=wasted, mixed_at=begun, saved_at=ended or begun,
            unsigned_site_id=str(place.site.pk) if status == "ended" else None, **signed,
        )  # fmt: skip
        self.sheets[TreatedArea].add(
            id=str(self.key(TreatedArea)), treatment_session_id=str(key), patient_id=str(visit.patient), region=area[1],
            syringe="1", points=str(points), ml_per_point=area[3], depth_mm=area[4],
        )  # fmt: skip
        for syringe, position, substance, strength, unit, volume_ml, label in lines:
            self.sheets[UsedProduct].add(
                id=str(self.key(UsedProduct)), treatment_session_id=str(key), patient_id=str(visit.patient),
                position=position, syringe=syringe, substance=substance, strength=strength, strength_unit=unit,
                volume_ml=volume_ml, lot_id=str(place.lots[substance][0]), lot_label=text(label),
            )  # fmt: skip
        if ended is not None and self.now - ended < PAPERS_DAYS * DAY:
            self._sheet(place, visit, appointment, ended, known)

    def _planned(self, pattern: CoursePattern) -> str:
        cells = self._cells.setdefault(pattern.course.pk, {})
        if "planned" not in cells:
            cells["planned"] = bulk.cell(pattern.planned)
        return cells["planned"]

    def _sheet(self, place: Place, visit: Visit, appointment: int, ended: dt.datetime, known: Known) -> None:
        key = self.key(Document)
        self.sheets[Document].add(
            id=str(key), public_id=public_id("document", key), patient_id=str(visit.patient), site_id=str(place.site.pk),
            appointment_id=str(appointment), course_id=str(self.course_key(visit.course)) if visit.course else bulk.NOTHING,
            language=known.language, verification_code=f"LOAD{key:012d}", requested_at=ended, issued_at=ended,
            requested_by_id=str(place.practitioners[visit.practitioner].pk),
        )  # fmt: skip

    # --- the reminder of the day before
    def _reminder(self, place: Place, visit: Visit, appointment: int, identity: str, known: Known) -> None:
        key = self.key(Message)
        due = visit.starts_at - DAY
        state, reason = self._state_of(key, due, visit, known)
        handed = state in {"sent", "delivered", "bounced"}
        self.sheets[Message].add(
            id=str(key), public_id=public_id("message", key), kind="msg-24h", patient_id=str(visit.patient),
            site_id=str(place.site.pk), appointment_id=str(appointment), cause_kind="appointment", cause_public_id=identity,
            recipient=known.email, language=known.language, due_at=due, useful_until=visit.starts_at, state=state,
            reason=reason, attempts="1" if handed else "0", sent_at=due if handed else None,
            rfc_message_id=f"<{public_id('mail', key)}@load.example>", created_at=min(due - DAY, self.now),
            told_start=wall_time(visit.starts_at, place.site.zone) if handed else "",
            subject="Your appointment tomorrow" if handed else "", text="We expect you tomorrow." if handed else "",
        )  # fmt: skip

    def _state_of(self, key: int, due: dt.datetime, visit: Visit, known: Known) -> tuple[str, str]:
        if not known.email:
            return "suppressed", "There is no e-mail address."
        if visit.status in {"cancelled", "late-cancelled"}:
            return "suppressed", "The appointment was cancelled."
        if due > self.now:
            return "scheduled", ""
        if key % 97 == 0:
            return ("bounced", "550 no such user") if key % 2 else ("failed", "The mail server did not answer.")
        return ("sent" if key % 3 else "delivered"), ""

    # --- courses, when the diary of the site is full
    def course(self, place: Place, course: Running, pattern: CoursePattern) -> None:
        key = self.course_key(course)
        approved = dt.datetime.combine(course.begun_on - 14 * DAY, dt.time(9), dt.UTC)
        who = str(place.practitioners[course.practitioner].pk)
        is_over = course.ended == "completed" and all(done for _due, _came_on, done in course.sessions)
        status = "stopped" if course.ended == "stopped" else "completed" if is_over else "approved"
        self.sheets[Course].add(
            id=str(key), public_id=public_id("course", key), patient_id=str(course.patient), site_id=str(place.site.pk),
            practitioner_id=who, status=status, catalogue_id=self.catalogue, indication=pattern.course.indication,
            category=pattern.course.category, regions=array(pattern.course.regions), technique=pattern.course.technique,
            delivery=pattern.course.delivery, mixture=pattern.course.mixture, antiseptic=pattern.course.antiseptic,
            check_result=pattern.course.check_result, price_per_session=pattern.course.price_per_session,
            currency=pattern.course.currency, created_by_id=who, created_at=approved - DAY, approved_by_id=who,
            approved_at=approved, stopped_reason="Did not come back" if status == "stopped" else "",
        )  # fmt: skip
        last = course.begun_on
        for number, interval in enumerate(pattern.intervals, start=1):
            known = number <= len(course.sessions)
            due, came_on, done = course.sessions[number - 1] if known else (last + interval * DAY, None, False)
            before, after = pattern.windows[number - 1]
            session = self.session_key(course, number)
            self.sheets[PlannedSession].add(
                id=str(session), public_id=public_id("planned", session), course_id=str(key),
                patient_id=str(course.patient), number=number, interval_days=interval, earliest=due - before * DAY,
                ideal=due, latest=due + after * DAY if after is not None else None,
                done_on=came_on if done else None,
            )  # fmt: skip
            last = came_on or due

    def next_site(self, courses: int) -> None:
        self.courses += courses

    def flush(self) -> None:
        for sheet in self.sheets.values():
            sheet.flush()

    @property
    def count(self) -> int:
        return sum(sheet.count for sheet in self.sheets.values())


IDENTITY = "Full name, Birth date"
