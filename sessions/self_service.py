"""What a patient may do with their own appointment: when another time may be chosen, and which times those are.

Reads and judges, writes nothing. `booking.move` asks `check_own` and, under its locks, `check_new_time`; the page shows
`days_for`. The exclusion constraints and the booking rules stay what they are for everybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import Site, User
from protocols import catalogue
from protocols.planning import judge_interval
from sessions import availability
from sessions import booking_rules as rules
from sessions.availability import SEARCH_DAYS, Offer, Wish
from sessions.booking_steps import wish_of
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, PlannedSession
from sessions.models.self_service import SelfServiceRules
from sessions.planned import bookings_of, steps_of
from sessions.slots import STEP_MINUTES

SHOWN_DAYS = 5  # how many days with free times a page shows
STRETCH_DAYS = 14  # how many days are searched at once
CHANGEABLE = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})


def rules_of(site: Site) -> SelfServiceRules:
    """The rules of a site: its own, or the defaults."""
    return SelfServiceRules.objects.filter(site=site).first() or SelfServiceRules(site=site)


# --- who and when ---------------------------------------------------------------------------------------------------
def check_own(by: Doer, appointment: Appointment) -> None:
    """A patient moves their own appointment, or none."""
    if by.kind != "patient" or by.public_id != appointment.patient.public_id:
        raise NotPermitted(_("Only staff may do this."))


def check_can_move(appointment: Appointment) -> None:
    """Raise `Refused`, in words for the patient, unless another time may be chosen by the link now."""
    if appointment.status not in CHANGEABLE or appointment.starts_at <= timezone.now():
        raise Refused(_("This appointment can no longer be changed here. Please call us."), code="transition")
    own = rules_of(appointment.site)
    if not own.moving_on:
        raise Refused(_("To choose another time, please call us."), code="self-service-off")
    if appointment.starts_at - timezone.now() < own.cut_off:
        raise Refused(
            _("It is too late to choose another time here: that is possible until %(hours)s hours before. Please call us.")
            % {"hours": own.cut_off_hours},
            code="cut-off",
        )


def refusal_of(appointment: Appointment) -> str:
    """The sentence of `check_can_move`, or nothing."""
    try:
        check_can_move(appointment)
    except Refused as refusal:
        return refusal.sentence
    return ""


def check_new_time(appointment: Appointment, wish: Wish) -> None:
    """Raise `Refused` unless this is a time the patient could have been offered. What is taken, and the rules for
    everybody, are asked elsewhere."""
    check_can_move(appointment)
    own = rules_of(appointment.site)
    not_offered = Refused(_("That time cannot be chosen here. Please choose one of the times below."), field="offer")
    if wish.overbook_reason or wish.starts_at.minute % STEP_MINUTES or wish.starts_at.second:
        raise not_offered
    if wish.treatment_minutes != appointment.treatment_minutes:
        raise not_offered
    if wish.practitioner != appointment.practitioner and not own.any_practitioner:
        raise not_offered
    if wish.starts_at < timezone.now() + own.cut_off:
        raise not_offered
    if not Range.of(appointment).holds(wish.day):
        raise not_offered


# --- which days -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Range:
    """Local days on which the visit may stand: its own interval window, and early enough for the session that follows."""

    first: dt.date
    last: dt.date

    def holds(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    @classmethod
    def of(cls, appointment: Appointment) -> Range:
        today = appointment.site.today()
        first, last = today, today + dt.timedelta(days=SEARCH_DAYS)
        for fulfilment in appointment.fulfilments.select_related("planned_session__course__site"):
            planned = fulfilment.planned_session
            window = rules.window_after(planned)
            first = max(first, window.earliest)
            if window.latest is not None:
                last = min(last, window.latest)
            last = min(last, last_before_the_next(planned, first, last))
        return cls(first, last)


def last_before_the_next(planned: PlannedSession, first: dt.date, last: dt.date) -> dt.date:
    """The last day that leaves the booked session after this one far enough away; `last` when none is booked."""
    booked = bookings_of(planned.course)
    following = min((number for number in booked if number > planned.number), default=None)
    if following is None:
        return last
    catalogue_now = catalogue.in_force()
    steps = steps_of(planned.course, catalogue_now) or ()
    step = steps[following - 1] if following <= len(steps) else None
    next_day = booked[following].local_start.date()
    day = min(last, next_day - dt.timedelta(days=1))
    while day >= first:
        if step is None or not judge_interval(
            previous=day, proposed=next_day, step=step, catalogue=catalogue_now
        ).refused:
            return day
        day -= dt.timedelta(days=1)
    return first - dt.timedelta(days=1)


# --- free times -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class FreeDay:
    """One local day and the times free on it, in order."""

    day: dt.date
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page shows: some days, and where the next ones begin, if there are more."""

    days: tuple[FreeDay, ...]
    later: dt.date | None


def practitioners_for(appointment: Appointment, *, anyone: bool) -> list[User]:
    """The same practitioner, or first them and then everybody else who may treat in this country."""
    same = appointment.practitioner
    if not anyone or not rules_of(appointment.site).any_practitioner:
        return [same]
    others = User.objects.practitioners_at(appointment.site).exclude(pk=same.pk).prefetch_related("roles")
    return [same, *(one for one in others if one.licensed_in(appointment.site.country))]


def days_for(appointment: Appointment, *, anyone: bool = False, from_day: dt.date | None = None) -> Choice:
    """The next days on which this visit could stand, with their free times; nothing where it may not be moved."""
    if refusal_of(appointment):
        return Choice((), None)
    found: list[FreeDay] = []
    for one in _free_days(appointment, practitioners_for(appointment, anyone=anyone), from_day):
        if len(found) == SHOWN_DAYS:
            return Choice(tuple(found), one.day)
        found.append(one)
    return Choice(tuple(found), None)


def _free_days(appointment: Appointment, practitioners: list[User], from_day: dt.date | None) -> Iterator[FreeDay]:
    """Lazily, a stretch of days at a time, so that a page searches no further than it shows."""
    span = Range.of(appointment)
    not_before = timezone.now() + rules_of(appointment.site).cut_off
    start = max(span.first, not_before.astimezone(appointment.site.zone).date(), from_day or span.first)
    as_it_is = wish_of(appointment)
    while start <= span.last:
        end = min(span.last, start + dt.timedelta(days=STRETCH_DAYS - 1))
        offers = availability.next_free(
            site=appointment.site, service=appointment.service, practitioners=practitioners,
            patient=appointment.patient, first_day=start, last_day=end, limit=STRETCH_DAYS * 24 * 60 // STEP_MINUTES,
            ignoring=(appointment.pk,), treatment_minutes=appointment.treatment_minutes,
        )  # fmt: skip
        by_day: dict[dt.date, list[Offer]] = {}
        for offer in offers:
            if offer.starts_at >= not_before and offer.starts_at != appointment.starts_at:
                by_day.setdefault(offer.local_start.date(), []).append(offer)
        for day, times in sorted(by_day.items()):
            if span.holds(day) and not any(rules.day_obstacles(replace(as_it_is, starts_at=times[0].starts_at))):
                yield FreeDay(day, tuple(times))
        start = end + dt.timedelta(days=1)
