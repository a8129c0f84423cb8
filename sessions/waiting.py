"""The wait list: written down, changed, withdrawn, run out, and booked into a free time in one act.

An entry ends once and stays with its reason. Booking from the list goes through `sessions.booking`: same locks, same
rules, same answers; an appointment that is given up for it is moved or cancelled in the same transaction.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.models import Device, Room, Site, User
from clinic.permissions import check_doer
from patients.models import Patient
from protocols.models import Service
from sessions import booking
from sessions.availability import Wish, parents_of
from sessions.fitting import MOVABLE, sessions_of
from sessions.locking import lock, once_more
from sessions.models import Appointment, PlannedSession, Urgency, WaitEntry, WaitStatus

BOOKED_FROM_LIST = gettext_noop("Booked from the wait list")
NOT_IN_TIME = gettext_noop("No time was found until the last day")
SESSION_DONE = gettext_noop("The session it was for is done or was skipped")
GIVEN_UP = gettext_noop("Given up for an earlier time from the wait list")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitWish:
    """What an entry says. Empty weekdays, times, dates and practitioner mean that any will do."""

    sites: Sequence[Site]
    service: Service
    planned_session: PlannedSession | None = None
    practitioner: User | None = None
    weekdays: str = ""
    from_time: dt.time | None = None
    until_time: dt.time | None = None
    earliest: dt.date | None = None
    latest: dt.date | None = None
    urgency: str = Urgency.ORDINARY
    note: str = ""
    columns: tuple[str, ...] = field(
        default=(
            "service", "planned_session", "practitioner", "weekdays", "from_time", "until_time", "earliest", "latest",
            "urgency", "note",
        ), init=False, repr=False,
    )  # fmt: skip

    @property
    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.columns}


# --- written down ---------------------------------------------------------------------------------------------------
@transaction.atomic
def add(*, patient: Patient, wish: WaitWish, by: Doer) -> WaitEntry:
    """Put somebody on the wait list. Raises `Refused` beside the field, or when they wait for this already."""
    _check(patient, wish, by)
    try:
        with transaction.atomic():
            entry = WaitEntry.objects.create(patient=patient, written_by_label=by.label, **wish.values)
    except IntegrityError as error:
        if "wait_entry_once" not in str(error):
            raise
        raise Refused(_("This patient is waiting for this already; change that entry instead."), field="service") from error
    entry.sites.set(wish.sites)
    _log(entry, by, "added", f"waits for {wish.service}", sites=[site.public_id for site in wish.sites])
    return entry


@transaction.atomic
def change(*, entry: WaitEntry, seen_version: int, wish: WaitWish, by: Doer) -> WaitEntry:
    held = _open_and_unchanged(entry, seen_version)
    _check(held.patient, wish, by)
    for name, value in wish.values.items():
        setattr(held, name, value)
    held.version += 1
    try:
        with transaction.atomic():
            held.save(update_fields=[*wish.values, "version"])
    except IntegrityError as error:
        if "wait_entry_once" not in str(error):
            raise
        raise Refused(_("This patient is waiting for this already; change that entry instead."), field="service") from error
    held.sites.set(wish.sites)
    _log(held, by, "changed", f"changed what they wait for: {wish.service}")
    return held


@transaction.atomic
def withdraw(*, entry: WaitEntry, seen_version: int, reason: str, by: Doer) -> WaitEntry:
    """Somebody no longer waits. Needs a reason; the entry stays as history."""
    if not reason.strip():
        raise Refused(_("Say why they no longer wait."), field="reason")
    for site in entry.sites.all():
        check_doer(by, Permission.CHANGE_PERSON, site)
    held = _open_and_unchanged(entry, seen_version)
    _end(held, WaitStatus.WITHDRAWN, reason.strip()[:200], by)
    return held


def _check(patient: Patient, wish: WaitWish, by: Doer) -> None:
    if not wish.sites:
        raise Refused(_("Choose at least one site."), field="sites")
    for site in wish.sites:
        check_doer(by, Permission.CHANGE_PERSON, site)
    if patient.merged_into_id is not None:
        raise Refused(_("This record was merged into another; book it there."))
    planned = wish.planned_session
    if planned is not None and planned.patient_id != patient.pk:
        raise Refused(_("This course belongs to another patient."), field="planned_session")
    if wish.service.is_gated and (planned is None or planned.course.indication != wish.service.indication):
        raise Refused(_("A treatment belongs to a course: choose its session."), field="planned_session")
    if not wish.service.is_gated and planned is not None:
        raise Refused(_("%(service)s does not belong to this course.") % {"service": wish.service}, field="service")
    _check_order(wish)


def _check_order(wish: WaitWish) -> None:
    if wish.earliest and wish.latest and wish.latest < wish.earliest:
        raise Refused(_("The last day lies before the first one."), field="latest")
    if wish.latest and all(wish.latest < site.today() for site in wish.sites):
        raise Refused(_("This day has already passed."), field="latest")
    if wish.from_time and wish.until_time and wish.until_time <= wish.from_time:
        raise Refused(_("The end lies before the start."), field="until_time")


# --- booked ---------------------------------------------------------------------------------------------------------
def book(
    *, entry: WaitEntry, seen_version: int, site: Site, practitioner: User, room: Room, starts_at: dt.datetime, by: Doer,
    device: Device | None = None, release: Appointment | None = None, release_version: int | None = None,
) -> Appointment:  # fmt: skip
    """Book somebody who waits into a free time; all or nothing. Raises what `booking.book` raises.

    1. Lock the entry, then everything both appointments are about.
    2. `release`: an appointment for the same session of a course is moved here; another one is cancelled first.
    3. Book, and end the entry.
    """
    planned = entry.planned_session
    wish = Wish(
        entry.patient, site, entry.service, practitioner, room, starts_at, device,
        planned.course if planned else None, (planned,) if planned else (),
    )  # fmt: skip

    def deed() -> Appointment:
        held = _open_and_unchanged(entry, seen_version)
        if not held.sites.filter(pk=site.pk).exists():
            raise Refused(_("This patient does not wait for a time at %(site)s.") % {"site": site})
        lock(wish.parents | parents_of(release) if release is not None else wish.parents)
        if release is not None:
            _check_release(held, release, starts_at)
        if release is not None and planned is not None:
            made = booking.move(
                appointment=release, seen_version=release_version or 0, starts_at=starts_at, by=by,
                practitioner=practitioner, room=room, device=device,
            )  # fmt: skip
        else:
            if release is not None:
                booking.cancel(appointment=release, seen_version=release_version or 0, reason=_(GIVEN_UP), by=by)
            made = booking.book(
                patient=wish.patient, service=wish.service, site=site, practitioner=practitioner, room=room,
                starts_at=starts_at, by=by, device=device, course=wish.course, planned_sessions=wish.planned_sessions,
                note=held.note,
            )  # fmt: skip
        _end(held, WaitStatus.BOOKED, BOOKED_FROM_LIST, by, appointment=made)
        return made

    return once_more(deed)


def _check_release(entry: WaitEntry, release: Appointment, starts_at: dt.datetime) -> None:
    """Only their own, only a later one, only for the same thing."""
    same = (
        {entry.planned_session_id} == sessions_of(release) if entry.planned_session_id is not None
        else release.service_id == entry.service_id and not sessions_of(release)
    )  # fmt: skip
    if release.patient_id != entry.patient_id or not same:
        raise Refused(_("This appointment is for something else; it is not given up for this time."))
    if release.status not in MOVABLE:
        status = release.get_status_display().lower()
        raise Refused(_("This appointment is %(status)s and cannot be moved.") % {"status": status}, code="transition")
    if release.starts_at <= starts_at:
        raise Refused(_("Their appointment is not later than this time."))


# --- run out --------------------------------------------------------------------------------------------------------
def expire() -> int:
    """End the entries whose last day has passed at all their sites, or whose session is over. Beat calls it."""
    ended = 0
    today = timezone.now().date()
    rows = WaitEntry.objects.open().filter(latest__lt=today + dt.timedelta(days=1)) | WaitEntry.objects.open().filter(
        planned_session__done_on__isnull=False
    ) | WaitEntry.objects.open().exclude(planned_session__skipped_reason="").filter(planned_session__isnull=False)  # fmt: skip
    for key in rows.values_list("pk", flat=True)[:500]:
        with transaction.atomic():
            held = WaitEntry.objects.open().select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(pk=key)
            entry = held.select_related("patient", "planned_session").first()
            if entry is None or not (reason := _why_over(entry)):
                continue
            _end(entry, WaitStatus.EXPIRED, reason, SYSTEM)
            ended += 1
    return ended


def _why_over(entry: WaitEntry) -> str:
    planned = entry.planned_session
    if planned is not None and (planned.done_on is not None or planned.skipped_reason):
        return SESSION_DONE
    latest = entry.latest
    if latest is not None and all(latest < site.today() for site in entry.sites.all()):
        return NOT_IN_TIME
    return ""


# --- steps ----------------------------------------------------------------------------------------------------------
def _open_and_unchanged(entry: WaitEntry, seen_version: int) -> WaitEntry:
    held: WaitEntry = (
        WaitEntry.objects.select_for_update(of=("self",), no_key=True)
        .select_related("patient", "service", "planned_session__course").get(pk=entry.pk)
    )  # fmt: skip
    if held.status != WaitStatus.OPEN:
        raise Refused(
            _("This patient no longer waits: %(status)s.") % {"status": held.get_status_display().lower()}, code="ended"
        )
    if held.version != seen_version:
        raise Stale(
            _("Somebody changed this entry meanwhile. Look at it as it is now, then decide again."),
            theirs=[(str(_("Service")), str(held.service)), (str(_("Note")), held.note),
                    (str(_("Urgency")), str(held.get_urgency_display()))],
        )  # fmt: skip
    return held


def _end(entry: WaitEntry, status: str, reason: str, by: Doer, appointment: Appointment | None = None) -> None:
    entry.status, entry.ended_reason, entry.appointment = status, reason, appointment
    entry.ended_at, entry.ended_by_label = timezone.now(), by.label
    entry.version += 1
    entry.save(update_fields=["status", "ended_reason", "appointment", "ended_at", "ended_by_label", "version"])
    _log(entry, by, str(status), f"no longer waits: {reason}", reason=reason)


def _log(entry: WaitEntry, by: Doer, action: str, sentence: str, **detail: Any) -> None:
    audit.record(
        by=by, action=f"wait-entry-{action}", sentence=sentence, of=entry, patient=entry.patient, site=by.site,
        detail={"service": entry.service.public_id, "urgency": entry.urgency, **detail},
    )  # fmt: skip
