"""When a time may be booked: each rule yields a reason, so that page and verb show the same sentence.

Who may is clinic.permissions; what is already taken is sessions.clashes. Nothing here writes.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.choices import Permission, Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import Closure, Site
from clinic.permissions import check_may
from protocols.giving import may_give
from protocols.permissions import Act
from sessions import outcomes, screenings
from sessions.availability import Wish
from sessions.choices import APPOINTMENT_MOVES, CANCELLED, AppointmentStatus, CourseStatus
from sessions.clashes import weekday_date
from sessions.coursework import NEVER_GIVEN, check, problems_in_words
from sessions.ground_rules import Away, Gap, missing_under
from sessions.models import Appointment, Fulfilment, PlannedSession
from sessions.neighbours import in_words, neighbours_of
from sessions.planned import stands_on
from sessions.plans import plan_of, same_day_plans
from sessions.slots import Fit, Span, Timetable, Window
from sessions.timetables import absences_of, out_of_service, timetable_of

WALK_IN_MINUTES = 30  # somebody who just came in may be booked this far back, no further


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a wish cannot be booked; `field` is the form field it belongs beside, `source` where a clinical rule is from."""

    code: str
    sentence: str
    field: str | None = None
    source: str = ""


# --- who may --------------------------------------------------------------------------------------------------------
def check_desk(by: Doer, site: Site) -> None:
    """Booking, moving and cancelling is for staff who may change appointments; the system may too."""
    if by.kind == "staff" and by.user is not None:
        check_may(by.user, Permission.CHANGE_PERSON, site)
    elif by.kind != "system":
        raise NotPermitted(_("Only staff may do this."))


def check_own_or_desk(by: Doer, appointment: Appointment) -> None:
    """A patient may confirm or cancel their own appointment through its link."""
    if by.kind == "patient" and by.public_id == appointment.patient.public_id:
        return
    check_desk(by, appointment.site)


def check_status_change(by: Doer, appointment: Appointment, to: str) -> None:
    """Treating is for those who treat, also taking it back; everything else is the desk's."""
    treating = {AppointmentStatus.IN_TREATMENT, AppointmentStatus.DONE}
    if by.kind == "staff" and by.user is not None and ({to, appointment.status} & treating):
        check_may(by.user, Permission.TREAT, appointment.site)
    elif to == AppointmentStatus.CONFIRMED:
        check_own_or_desk(by, appointment)
    else:
        check_desk(by, appointment.site)


# --- when may: a time -----------------------------------------------------------------------------------------------
def obstacles(wish: Wish) -> Iterator[Obstacle]:
    """Every reason against this wish, what is taken left aside. Lazily: the first one may be enough."""
    yield from _about_time(wish)
    yield from _about_practitioner(wish)
    yield from _about_ground(wish)
    yield from _about_room_and_device(wish)
    yield from day_obstacles(wish)


def day_obstacles(wish: Wish) -> Iterator[Obstacle]:
    """The reasons that are the same at every hour of a day, whoever treats: course, neighbours, screening."""
    yield from _about_course(wish)
    yield from _about_neighbours(wish)
    yield from _about_screening(wish)


def _about_time(wish: Wish) -> Iterator[Obstacle]:
    if wish.starts_at < timezone.now() - dt.timedelta(minutes=WALK_IN_MINUTES):
        yield Obstacle("past", _("This time has already passed."), "starts_at")
    if not wish.site.is_open:
        yield Obstacle("site", _("%(site)s is not open for bookings.") % {"site": wish.site})
    if not wish.service.is_active:
        yield Obstacle("service", _("%(service)s is no longer offered.") % {"service": wish.service}, "service")
    if wish.patient.merged_into_id is not None:
        yield Obstacle("merged", _("This record was merged into another; book it there."), "patient")


def _about_practitioner(wish: Wish) -> Iterator[Obstacle]:
    who = wish.practitioner
    values = {"name": who, "site": wish.site, "service": wish.service, "country": wish.site.country}
    if not who.is_active or not {Role.PRACTITIONER, Role.MEDICAL_LEAD} & set(who.roles_at(wish.site)):
        yield Obstacle("practitioner", _("%(name)s does not treat at %(site)s.") % values, "practitioner")
        return
    if not may_give(who, wish.service, wish.site):
        sentence = _("%(name)s does not give %(service)s at %(site)s.") % values
        yield Obstacle("not-given", sentence, "practitioner")
    if who.licensed_on(wish.day) and not who.licensed_in(wish.site.country):
        yield Obstacle("licence", _("No licence of %(country)s is recorded for %(name)s.") % values, "practitioner")


def _about_ground(wish: Wish) -> Iterator[Obstacle]:
    """Hours, shifts, absences and what is out of service, in words (the judgement is ground_rules.py)."""
    timetable = timetable_of(wish.site, [wish.practitioner], wish.day, wish.day)
    taken, person = wish.footprint, wish.practitioner.pk
    whole = taken.whole
    rooms, devices = out_of_service(
        [wish.room.pk], [wish.device.pk] if wish.device else [], whole.start, whole.end
    )
    out = {Gap.ROOM: rooms.get(wish.room.pk, []), Gap.DEVICE: devices.get(wish.device.pk, []) if wish.device else []}
    away = Away(
        person=absences_of([person], whole.start, whole.end).get(person, []),
        room=[span for span, _why in out[Gap.ROOM]],
        device=[span for span, _why in out[Gap.DEVICE]],
    )
    for gap in missing_under(taken, timetable, person=person, away=away):
        yield _gap_in_words(gap, wish, timetable, [why for _span, why in out.get(gap, [])])


def _gap_in_words(gap: Gap, wish: Wish, timetable: Timetable, reasons: list[str]) -> Obstacle:
    """What is missing under the wish as a sentence with the hours that hold, or the reason that was entered."""
    day, zone = wish.day, wish.site.zone
    thing = wish.device if gap == Gap.DEVICE else wish.room
    values = {
        "site": wish.site, "name": wish.practitioner, "day": weekday_date(day), "thing": thing,
        "reason": ", ".join(dict.fromkeys(reasons)),
    }  # fmt: skip
    if gap == Gap.CLOSED:
        closure = Closure.objects.filter(site=wish.site, first_day__lte=day, last_day__gte=day).first()
        values["reason"] = closure.reason if closure else ""
        return Obstacle("closed", _("%(site)s is closed on %(day)s: %(reason)s.") % values, "starts_at")
    if gap == Gap.HOURS:
        values["hours"] = _clock_of(timetable.opening_on(day), zone)
        if values["hours"]:
            return Obstacle("opening-hours", _("%(site)s is open on %(day)s from %(hours)s only.") % values, "starts_at")
        return Obstacle("opening-hours", _("%(site)s does not open on %(day)s.") % values, "starts_at")
    if gap == Gap.LICENCE:
        return Obstacle("licence", _("The licence of %(name)s is not valid on %(day)s.") % values, "practitioner")
    if gap == Gap.ABSENCE:
        return Obstacle("absence", _("%(name)s is away at that time.") % values, "starts_at")
    if gap == Gap.SHIFT:
        values["hours"] = _clock_of(timetable.on_shift(wish.practitioner.pk, day), zone)
        if values["hours"]:
            sentence = _("%(name)s works at %(site)s on %(day)s from %(hours)s only.") % values
        else:
            sentence = _("%(name)s does not work at %(site)s on %(day)s.") % values
        return Obstacle("shift", sentence, "starts_at")
    return Obstacle(gap, _("%(thing)s is out of service then: %(reason)s.") % values, str(gap))


def _clock_of(spans: Iterable[Span], zone: ZoneInfo) -> str:
    return ", ".join(f"{span.start.astimezone(zone):%H:%M}-{span.end.astimezone(zone):%H:%M}" for span in spans)


def _about_room_and_device(wish: Wish) -> Iterator[Obstacle]:
    service, room, device = wish.service, wish.room, wish.device
    if room.site_id != wish.site.pk:
        yield Obstacle("room", _("%(room)s is not at %(site)s.") % {"room": room, "site": wish.site}, "room")
    elif not room.in_service:
        yield Obstacle("room", _("%(room)s is out of service.") % {"room": room}, "room")
    elif room.kind != service.room_kind:
        values = {"service": service, "kind": service.get_room_kind_display().lower(), "room": room}
        yield Obstacle("room", _("%(service)s needs a %(kind)s; %(room)s is none.") % values, "room")
    if not service.device_kind:
        if device is not None:
            yield Obstacle("device", _("%(service)s needs no device.") % {"service": service}, "device")
        return
    kind = service.get_device_kind_display()
    if device is None:
        values = {"service": service, "kind": kind}
        yield Obstacle("device", _("%(service)s needs a device: %(kind)s.") % values, "device")
    elif device.site_id != wish.site.pk or not device.in_service or device.kind != service.device_kind:
        values = {"device": device, "kind": kind, "site": wish.site}
        yield Obstacle("device", _("%(device)s is no %(kind)s in service at %(site)s.") % values, "device")


# --- when may: a course ---------------------------------------------------------------------------------------------
def _about_course(wish: Wish) -> Iterator[Obstacle]:
    course = wish.course
    if course is None:
        if wish.planned_sessions:
            yield Obstacle("course", _("A planned session can only be booked with its course."))
        return
    if course.patient_id != wish.patient.pk:
        yield Obstacle("course", _("This course belongs to another patient."), "planned_session")
        return
    if course.status not in {CourseStatus.PROPOSED, CourseStatus.APPROVED}:
        status = course.get_status_display().lower()
        yield Obstacle("course", _("This course is %(status)s; nothing can be booked for it.") % {"status": status})
    if wish.service.is_gated and wish.service.indication != course.indication:
        sentence = _("%(service)s does not belong to this course.") % {"service": wish.service}
        yield Obstacle("service", sentence, "service")
    for planned in wish.planned_sessions:
        yield from _about_planned_session(wish, planned)


def _about_planned_session(wish: Wish, planned: PlannedSession) -> Iterator[Obstacle]:
    values: dict[str, object] = {"number": planned.number}
    if wish.course is None or planned.course_id != wish.course.pk:
        yield Obstacle("planned", _("Session %(number)s belongs to another course.") % values, "planned_session")
        return
    if planned.done_on is not None:
        yield Obstacle("planned", _("Session %(number)s is already done.") % values, "planned_session")
    if planned.skipped_reason:
        yield Obstacle("planned", _("Session %(number)s was skipped.") % values, "planned_session")
    booked = (
        Fulfilment.objects.filter(planned_session=planned, active=True).exclude(appointment__in=wish.ignoring)
    ).first()
    if booked is not None:
        yield Obstacle("planned", _("Session %(number)s is already booked.") % values, "planned_session")
    window = window_after(planned, wish.follows)
    if window.fit(wish.day) is Fit.TOO_EARLY:
        values["day"] = weekday_date(window.earliest)
        sentence = _("Too early for session %(number)s: possible on or after %(day)s.") % values
        yield Obstacle("too-early", sentence, "starts_at")
    stopped = outcomes.stop_rule_of(wish.course)
    if stopped is not None and stopped.stops:
        yield Obstacle(stopped.code, stopped.text(get_language() or "en"), "planned_session", stopped.source)


def window_of(planned: PlannedSession) -> Window:
    return Window(planned.earliest, planned.ideal, planned.latest)


def window_after(planned: PlannedSession, previous_day: dt.date | None = None) -> Window:
    """The window counted from the day the session before really takes: `previous_day` where that is being chosen as
    well, else what is booked. Once that is done, its record has moved the stored windows already."""
    window = window_of(planned)
    previous = PlannedSession.objects.filter(course=planned.course_id, number=planned.number - 1, done_on=None).first()
    if previous is None:
        return window
    return window.later_by(((previous_day or stands_on(previous)) - previous.ideal).days)


def _about_neighbours(wish: Wish) -> Iterator[Obstacle]:
    """Other plans on that day or near it: the same area, own blood, new products, the sums of the day (section 14)."""
    if not wish.service.is_gated or wish.course is None:
        return
    plan = plan_of(wish.course)
    around = neighbours_of(
        patient=wish.patient, around=[wish.day], except_course=wish.course, ignoring=wish.ignoring
    )
    for problem in around.problems(plan, wish.day):
        yield Obstacle(problem.code, in_words(problem), "starts_at", problem.source)
    same_day = same_day_plans(patient=wish.patient, on=wish.day, except_course=wish.course)
    if same_day:
        found = check(wish.course, on=wish.day)
        if found.result in NEVER_GIVEN:
            yield Obstacle("mixture-day", problems_in_words(found, NEVER_GIVEN), "starts_at")


def _about_screening(wish: Wish) -> Iterator[Obstacle]:
    if not wish.service.is_gated:
        return
    verdict = screenings.permission(patient=wish.patient, course=wish.course, act=Act.BOOK, on=wish.day)
    if not verdict.allowed:
        yield Obstacle("screening", screenings.sentence(verdict.reason), "starts_at")


def mark_of(wish: Wish) -> str:
    """Why an allowed booking needs a look: the sentence of the screening, or nothing."""
    if not wish.service.is_gated:
        return ""
    verdict = screenings.permission(patient=wish.patient, course=wish.course, act=Act.BOOK, on=wish.day)
    return screenings.sentence(verdict.reason)[:200] if verdict.marked else ""


# --- when may: a change of status -----------------------------------------------------------------------------------
def check_move(appointment: Appointment, to: str) -> None:
    """Raise `Refused` unless the transition table and the clock allow this change now."""
    was = AppointmentStatus(appointment.status)
    if to not in APPOINTMENT_MOVES[was]:
        values = {"was": was.label, "to": AppointmentStatus(to).label}
        raise Refused(_("An appointment that is “%(was)s” cannot become “%(to)s”.") % values, code="transition")
    if to == AppointmentStatus.ARRIVED and was in {AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED}:
        day = appointment.local_start.date()
        if day != appointment.site.today():
            raise Refused(
                _("The appointment is on %(day)s; an arrival can only be noted on that day.")
                % {"day": weekday_date(day)},
                code="other-day",
            )
    if to == AppointmentStatus.NO_SHOW and timezone.now() < appointment.starts_at:
        raise Refused(
            _("“No-show” is possible from %(time)s on.") % {"time": f"{appointment.local_start:%H:%M}"}, code="too-soon"
        )
    record = getattr(appointment, "treatment_session", None)
    if to == AppointmentStatus.ARRIVED and was == AppointmentStatus.IN_TREATMENT and record and record.begun_at:
        raise Refused(_("The treatment has begun; end it in its record."), code="begun")


def refusal_of(appointment: Appointment, to: str) -> str:
    """The sentence of `check_move` for a disabled button, or nothing."""
    try:
        check_move(appointment, to)
    except Refused as refusal:
        return refusal.sentence
    return ""


def check_movable(appointment: Appointment) -> None:
    if appointment.status not in {AppointmentStatus.HELD, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED}:
        status = appointment.get_status_display().lower()
        raise Refused(_("This appointment is %(status)s and cannot be moved.") % {"status": status}, code="transition")


def undo_target(appointment: Appointment) -> str | None:
    """Where taking back the last step leads, or None where the desk takes nothing back."""
    status = AppointmentStatus(appointment.status)
    if status == AppointmentStatus.ARRIVED:
        return AppointmentStatus.CONFIRMED if appointment.confirmed_at else AppointmentStatus.BOOKED
    if status == AppointmentStatus.NO_SHOW:
        return AppointmentStatus.ARRIVED if appointment.arrived_at else AppointmentStatus.BOOKED
    if status == AppointmentStatus.CONFIRMED or status in CANCELLED:
        return AppointmentStatus.BOOKED
    return None


def cancelled_status(appointment: Appointment) -> str:
    """Late within the hours the site has set before the start: counted apart, freed all the same."""
    late = appointment.starts_at - timezone.now() < dt.timedelta(hours=appointment.site.late_cancel_hours)
    return AppointmentStatus.LATE_CANCELLED if late else AppointmentStatus.CANCELLED


