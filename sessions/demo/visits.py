"""Visits of the demo: past ones are done and recorded, today's fill every lane of the board, later ones are booked."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from clinic.audit import canonical
from clinic.models import Room, Site, User
from protocols import catalogue
from sessions import booking, documents, recording, stock
from sessions.availability import as_range, minutes_of
from sessions.choices import AppointmentStatus as S
from sessions.choices import CourseStatus
from sessions.demo.care import Diary
from sessions.demo.place import Clinic
from sessions.models import (
    Appointment,
    Course,
    Fulfilment,
    Lot,
    PlannedSession,
    TreatedArea,
    TreatmentSession,
    UsedProduct,
)
from sessions.plans import plan_of, plan_to_json
from sessions.slots import footprint

PAST_DAYS, COMING_DAYS = 14, 14
# One day for each practitioner of a site, in the order of the day.
TODAY = [
    [S.DONE, S.DONE, S.IN_TREATMENT, S.ARRIVED, S.ARRIVED, S.CONFIRMED, S.BOOKED, S.CONFIRMED],
    [S.DONE, S.DONE, S.ARRIVED, S.CONFIRMED, S.BOOKED, S.CONFIRMED],
]


def put(
    clinic: Clinic, course: Course, planned: PlannedSession, starts_at: dt.datetime, room: Room, status: str
) -> Appointment:
    """A visit of a course straight into the table: the past cannot be booked any more."""
    service = clinic.services[course.indication]
    shape = footprint(starts_at, minutes_of(service), uses_device=False)
    now = timezone.now()
    cancelled = status in {S.CANCELLED, S.LATE_CANCELLED}
    appointment = Appointment.objects.create(
        patient_id=course.patient_id, site=course.site, service=service, course=course, room=room,
        practitioner=course.practitioner, status=status, starts_at=starts_at, ends_at=shape.patient.end,
        zone=course.site.time_zone,
        agreed_start=starts_at.astimezone(course.site.zone).strftime("%Y-%m-%dT%H:%M"),
        patient_span=as_range(shape.patient), practitioner_span=as_range(shape.practitioner),
        room_span=as_range(shape.room), booked_by_label="Mara Lind",
        confirmed_at=now - dt.timedelta(days=1) if status != S.BOOKED else None,
        arrived_at=arrival(starts_at, now) if status in {S.ARRIVED, S.IN_TREATMENT, S.DONE} else None,
        cancelled_at=now if cancelled else None, cancel_reason="Patient is ill" if cancelled else "",
    )  # fmt: skip
    Fulfilment.objects.create(
        appointment=appointment, planned_session=planned, patient_id=course.patient_id,
        active=not cancelled and status != S.NO_SHOW,
    )  # fmt: skip
    return appointment


def arrival(starts_at: dt.datetime, now: dt.datetime) -> dt.datetime:
    """A little early; who waits for a later time has come a little while ago."""
    return min(starts_at - dt.timedelta(minutes=6), now - dt.timedelta(minutes=4 + starts_at.hour % 3 * 5))


def record_visit(appointment: Appointment, planned: PlannedSession, *, status: str, by: User) -> TreatmentSession:
    """What was given: lots taken, points that add up; `status` begun, ended or signed."""
    course = appointment.course
    if course is None:
        raise ValueError("A treatment belongs to a course.")
    begun = appointment.starts_at + dt.timedelta(minutes=8)
    record = TreatmentSession.objects.create(
        appointment=appointment, patient_id=course.patient_id, course=course, planned_session=planned,
        catalogue=catalogue.current(), opened_at=appointment.starts_at, opened_by=by, practitioner=by,
        identity_checked="Full name, Birth date", history_confirmed_at=appointment.starts_at, history_confirmed_by=by,
        planned=plan_to_json(plan_of(course)), technique=course.technique, delivery=course.delivery, begun_at=begun,
        status="begun", mixed_at=begun,
    )  # fmt: skip
    total = Decimal(0)
    today = course.site.today()
    for position, item in enumerate(course.items.all(), start=1):
        lot = Lot.objects.filter(
            site=course.site, substance=item.substance, expires_on__gte=today + dt.timedelta(days=30)
        ).first()
        UsedProduct.objects.create(
            treatment_session=record, patient_id=course.patient_id, position=position, syringe=item.syringe.number,
            substance=item.substance,
            strength=item.strength, strength_unit=item.strength_unit, volume_ml=item.volume_ml, lot=lot,
            lot_label=f"{lot.product}, {lot.maker}, {lot.lot_number}" if lot else "",
        )  # fmt: skip
        total += item.volume_ml
    points = int(total / Decimal("0.05")) - 2
    record.drawn_up_ml, record.wasted_ml = total, total - points * Decimal("0.05")
    record.save(update_fields=["drawn_up_ml", "wasted_ml"])
    TreatedArea.objects.create(
        treatment_session=record, patient_id=course.patient_id, region=course.regions[0], points=points,
        ml_per_point=Decimal("0.05"), depth_mm=Decimal("1.5"),
    )  # fmt: skip
    if status == "begun":
        return record
    stock.take(record=record, by=by)
    record.status, record.ended_at = "ended", appointment.ends_at
    record.save(update_fields=["status", "ended_at"])
    planned.done_on = appointment.ends_at.astimezone(course.site.zone).date()
    planned.save(update_fields=["done_on"])
    if status == "signed":
        record.signed_at, record.signed_by = appointment.ends_at + dt.timedelta(minutes=10), by
        record.signed_meaning = recording.SIGNED_MEANING
        record.content_digest = hashlib.sha256(canonical(recording.content_of(record))).hexdigest()
        record.status = "signed"
        record.save(update_fields=["signed_at", "signed_by", "signed_meaning", "content_digest", "status"])
    return record


def fill_past(clinic: Clinic, diary: Diary, course: Course, number: int, *, comes_today: bool) -> None:
    """Sessions that lie behind: mostly done and signed, some missed or called off. Who comes today was last here a
    whole interval ago."""
    today = course.site.today()
    rest = max(course.planned_sessions.values_list("interval_days", flat=True)) if comes_today else 1
    rooms = clinic.rooms[course.site_id]
    room = rooms[clinic.practitioners[course.site_id].index(course.practitioner)]
    minutes = clinic.services[course.indication].treatment_minutes
    for planned in course.planned_sessions.filter(ideal__lte=today - dt.timedelta(days=rest)):
        starts_at = diary.place(course.site, course.practitioner, course.patient, planned.ideal, minutes)
        if starts_at is None:
            continue
        status = {0: S.NO_SHOW, 1: S.CANCELLED}.get((number + planned.number) % 9, S.DONE)
        appointment = put(clinic, course, planned, starts_at, room, status)
        if status == S.DONE:
            unsigned = (today - planned.ideal).days <= 2 and number % 2 == 0
            record_visit(appointment, planned, status="ended" if unsigned else "signed", by=course.practitioner)


Pair = tuple[str, Course]


def chosen_for_today(clinic: Clinic, courses: list[Course], sound: set[int]) -> list[tuple[User, list[Pair]]]:
    """Who comes today in which state, practitioner by practitioner. Whoever is here already may be treated; among those
    still expected is one whom a rule stops."""
    days: list[tuple[User, list[Pair]]] = []
    for site in clinic.sites:
        for practitioner, statuses in zip(clinic.practitioners[site.pk], TODAY, strict=False):
            theirs = [course for course in courses if course.site_id == site.pk and course.practitioner == practitioner]
            may = [course for course in theirs if course.pk in sound]
            others = [course for course in theirs if course.pk not in sound]
            coming = [status for status in statuses if status in {S.CONFIRMED, S.BOOKED}]
            here = [status for status in statuses if status not in coming]
            with_somebody_stopped = [*others[:1], *may[len(here) :], *others[1:]]
            pairs: list[Pair] = [*zip(here, may, strict=False), *zip(coming, with_somebody_stopped, strict=False)]
            days.append((practitioner, pairs))
    return days


def fill_today(clinic: Clinic, diary: Diary, days: list[tuple[User, list[Pair]]]) -> None:
    """Today's board, laid around this moment: every lane has somebody, whatever the clock says."""
    for practitioner, pairs in days:
        minutes = [clinic.services[course.indication].treatment_minutes for _status, course in pairs]
        starts = around_now([status for status, _course in pairs], minutes, quarter_now(pairs[0][1].site))
        for (status, course), starts_at in zip(pairs, starts, strict=True):
            planned = course.planned_sessions.filter(done_on=None, fulfilments=None).order_by("number").first()
            if planned is not None:
                _come_today(clinic, diary, practitioner, planned, starts_at, status)


def _come_today(
    clinic: Clinic, diary: Diary, practitioner: User, planned: PlannedSession, starts_at: dt.datetime, status: str
) -> None:
    course = planned.course
    today = course.site.today()
    diary.seen[today].add(course.patient_id)
    PlannedSession.objects.filter(pk=planned.pk).update(earliest=today, ideal=today, latest=today)
    room = clinic.rooms[course.site_id][clinic.practitioners[course.site_id].index(practitioner)]
    appointment = put(clinic, course, planned, starts_at, room, status)
    if status == S.IN_TREATMENT:
        record_visit(appointment, planned, status="begun", by=practitioner)
    elif status == S.DONE:
        record = record_visit(appointment, planned, status="ended", by=practitioner)
        documents.issue_aftercare(treatment_session=record, by=clinic.by(practitioner.email, course.site))


def quarter_now(site: Site) -> dt.datetime:
    """This moment at the site, on a quarter hour, and far enough from midnight for a day around it."""
    now = timezone.now().astimezone(site.zone)
    now = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    return min(max(now, now.replace(hour=5, minute=0)), now.replace(hour=19, minute=0))


def around_now(statuses: Sequence[str], minutes: list[int], now: dt.datetime) -> list[dt.datetime]:
    """When each visit of one practitioner's day starts: the one in treatment began a quarter of an hour ago, the done
    ones lie before it, the others follow. Between two lies a quarter of an hour for the room."""
    quarter = dt.timedelta(minutes=15)
    done = statuses.count(S.DONE)
    length = [quarter * -(-(one + 15) // 15) for one in minutes]
    first = now - quarter - sum(length[:done], dt.timedelta())
    return [first + sum(length[:number], dt.timedelta()) for number in range(len(statuses))]


def fill_coming(clinic: Clinic, diary: Diary, course: Course, confirmed: bool) -> None:
    """The next unbooked session within two weeks is booked through the front door, with its messages."""
    today = course.site.today()
    horizon = today + dt.timedelta(days=COMING_DAYS)
    planned = course.planned_sessions.filter(
        done_on=None, fulfilments=None, ideal__gt=today, ideal__lte=horizon).order_by("number").first()  # fmt: skip
    if planned is None or course.status != CourseStatus.APPROVED:
        return
    service = clinic.services[course.indication]
    starts_at = diary.place(course.site, course.practitioner, course.patient, planned.ideal, service.treatment_minutes)
    if starts_at is None:
        return
    room = clinic.rooms[course.site_id][clinic.practitioners[course.site_id].index(course.practitioner)]
    by = clinic.by("desk@halden.example", course.site)
    try:
        appointment = booking.book(
            patient=course.patient, service=service, site=course.site, practitioner=course.practitioner, room=room,
            starts_at=starts_at, course=course, planned_sessions=[planned], by=by,
        )  # fmt: skip
    except booking.Refused:
        return  # screening or a closed day forbids it, as it should
    if confirmed:
        booking.change_status(appointment=appointment, to=S.CONFIRMED, seen_version=appointment.version, by=by)
