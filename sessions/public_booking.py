"""Booking from outside: a stranger asks for a consultation, the time is held for ten minutes, their mail confirms it.

A hold is an ordinary appointment, so that the exclusion constraints guard it like any other; its patient is a provisional
row without personal data (docs/decisions). Confirming turns that row into a record of its own. Nobody's existing record
is ever looked up for, shown to or changed by somebody outside: whether they are known makes no difference they could see.
"""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from patients import provisional
from protocols.models import Service
from sessions import booking_rules as rules
from sessions import messaging, request_mail
from sessions.availability import Offer, Wish, as_range, minutes_of, parents_of
from sessions.booking_steps import TimeTaken, check_free, log, save, when_and_where
from sessions.choices import AppointmentStatus
from sessions.clashes import is_exclusion
from sessions.locking import lock, once_more
from sessions.models import Appointment, BookingRequest, RequestState
from sessions.offers_outside import offer_at, setting_of
from sessions.slots import footprint
from sessions.statuses import change_status

ONLINE = Doer(kind="system", label="Online booking")
HOLD_MINUTES = 10
MOST_OPEN = {"source": 3, "email_hash": 2, "site": 20}  # holds open at one site at one moment
MOST_A_DAY = {"source": 12, "email_hash": 5}
KEPT_DAYS = 30  # then the empty row of a request that came to nothing goes too
PERSON = ("given_name", "family_name", "birth_date", "phone", "email", "language")
NOTHING_TYPED = {"given_name": "", "family_name": "", "birth_date": None, "phone": "", "email": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What somebody outside typed about themselves."""

    given_name: str
    family_name: str
    birth_date: dt.date
    phone: str
    email: str
    language: str


class Gone(Refused):
    """The time is no longer to be had: taken, passed, or never offered."""

    def __init__(self) -> None:
        super().__init__(_("This time is no longer free. Nothing was booked; choose another one."), field="start", code="gone")


class TooMany(Refused):
    """Somebody has asked for more than anybody needs."""

    def __init__(self) -> None:
        super().__init__(
            _("Too many requests are open just now. Nothing was booked; try again in a quarter of an hour, or call us."),
            code="too-many",
        )


class MovedMeanwhile(Refused):
    """The clinic gave the hold another time since the page was drawn: it is looked at before it counts."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("The clinic has moved the time since you opened this page. Nothing is booked yet: look at it, then decide."),
            code="moved",
        )


class Over(Refused):
    """The link leads to a request that can no longer be confirmed."""

    def __init__(self) -> None:
        super().__init__(_("The time was held for ten minutes, and they are over. Nothing was booked."), code="over")


def hash_for(what: str, value: str) -> str:
    return salted_hmac(f"sessions.public_booking.{what}", value.strip().lower(), algorithm="sha256").hexdigest()


# --- hold -----------------------------------------------------------------------------------------------------------
def hold(
    *, site: Site, service: Service, practitioner: User | None, starts_at: dt.datetime, person: Person, source: str
) -> BookingRequest:
    """Hold one of the times that are offered, for ten minutes, and write the mail that confirms it.

    1. Find it among the true free times: what is not offered is gone, whatever a form says.
    2. One lock per site makes the counts exact: how many holds this address, this e-mail and this site have open.
    3. Lock practitioner, room and device like any booking, look again, ask every rule.
    4. The provisional patient, the held appointment, the request and its message, in one transaction.
    Raises `Gone` or `TooMany`; then nothing is kept.
    """
    offer = offer_at(site=site, service=service, practitioner=practitioner, starts_at=starts_at, setting=setting_of(site))
    if offer is None:
        raise Gone

    def deed() -> BookingRequest:
        _one_at_a_time(site)
        _check_counts(site, source, hash_for("email", person.email))
        if _is_taken(offer, service):
            raise Gone
        wish = Wish(
            provisional.make(site=site, language=person.language), site, service, offer.practitioner, offer.room,
            offer.starts_at, offer.device,
        )  # fmt: skip
        lock(wish.parents)
        check_free(wish)
        if any(True for _obstacle in rules.obstacles(wish)):
            raise Gone
        return _insert(wish, person, source)

    try:
        return once_more(deed)
    except TimeTaken:
        raise Gone from None
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        raise Gone from error
    except Refused as refusal:
        if refusal.code == "busy":
            raise Gone from refusal
        raise


def _one_at_a_time(site: Site) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"online booking at {site.pk}"])


def _check_counts(site: Site, source: str, email_hash: str) -> None:
    now = timezone.now()
    rows = BookingRequest.objects.filter(site=site, asked_at__gt=now - dt.timedelta(days=1))
    counts = {"source": rows.filter(source=source), "email_hash": rows.filter(email_hash=email_hash), "site": rows}
    still_open = {"state": RequestState.HELD, "hold_ends_at__gt": now}
    for name, most in MOST_OPEN.items():
        if counts[name].filter(**still_open).count() >= most:
            raise TooMany
    for name, most in MOST_A_DAY.items():
        if counts[name].count() >= most:
            raise TooMany


def _is_taken(offer: Offer, service: Service) -> bool:
    """A cheap look before anything is written; the locks and constraints come after it."""
    taken = footprint(offer.starts_at, minutes_of(service), uses_device=offer.device is not None)
    rows = Appointment.objects.in_the_way()
    return bool(
        rows.filter(practitioner=offer.practitioner, practitioner_span__overlap=as_range(taken.practitioner)).exists()
        or rows.filter(room=offer.room, room_span__overlap=as_range(taken.room)).exists()
    )


def _insert(wish: Wish, person: Person, source: str) -> BookingRequest:
    ends_at = timezone.now() + dt.timedelta(minutes=HOLD_MINUTES)
    appointment = Appointment(
        patient=wish.patient, site=wish.site, service=wish.service, booked_by_label=ONLINE.label,
        status=AppointmentStatus.HELD, hold_ends_at=ends_at, **when_and_where(wish, ONLINE),
    )  # fmt: skip
    appointment.save(force_insert=True)
    request = BookingRequest.objects.create(
        site=wish.site, service=wish.service, appointment=appointment, hold_ends_at=ends_at, source=source,
        email_hash=hash_for("email", person.email), **{name: getattr(person, name) for name in PERSON},
    )  # fmt: skip
    log(appointment, ONLINE, "held", f"held {appointment.agreed_start} for ten minutes")
    request_mail.request_to_confirm(request=request, by=ONLINE)
    return request


# --- confirm, withdraw ----------------------------------------------------------------------------------------------
def confirm(*, request: BookingRequest, seen: str | None = None) -> Appointment:
    """The mail was read: the hold becomes a booked appointment of a new record, and the intake link follows.

    `seen` is the offer that the page showed (`offer_mark`). Twice is once. Raises `Over` when the hold has ended,
    `MovedMeanwhile` when the desk moved it since."""

    def deed() -> Appointment:
        held = locked(request)
        if held.state == RequestState.CONFIRMED and held.appointment is not None:
            return held.appointment
        appointment = held.appointment
        if held.state != RequestState.HELD or appointment is None:
            raise Over
        lock(parents_of(appointment))
        appointment.refresh_from_db()
        now = timezone.now()
        if appointment.status != AppointmentStatus.HELD or not appointment.hold_ends_at or appointment.hold_ends_at <= now:
            raise Over
        if seen is not None and seen != offer_mark(appointment):
            raise MovedMeanwhile
        values = {name: getattr(held, name) for name in PERSON}
        patient, likely = provisional.admit(patient=appointment.patient, values=values, site=held.site, by=ONLINE)
        change_status(
            appointment=appointment, to=AppointmentStatus.BOOKED, seen_version=appointment.version, by=ONLINE
        )
        appointment.refresh_from_db()
        save(appointment, {"hold_ends_at": None})
        messaging.appointment_booked(appointment=appointment, by=ONLINE)
        messaging.intake_requested(patient=patient, site=held.site, by=ONLINE)
        _settle(held, RequestState.CONFIRMED, looks_like=bool(likely))
        request_mail.forget_request(request=held, by=ONLINE)  # its link has done its work
        return appointment

    return once_more(deed)


def offer_mark(appointment: Appointment) -> str:
    """What a page says that was agreed to: when and with whom."""
    return f"{appointment.agreed_start}/{appointment.practitioner.public_id}"


def withdraw(*, request: BookingRequest) -> None:
    """Not wanted, or not asked for by whoever reads the mail: the time is free again at once. Twice is once."""

    def deed() -> None:
        held = locked(request)
        if held.state != RequestState.HELD:
            return
        let_go(held, RequestState.WITHDRAWN)

    once_more(deed)


def locked(request: BookingRequest) -> BookingRequest:
    """The request as it is now, locked before anything else it is about."""
    held: BookingRequest = (
        BookingRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "site", "service", "appointment__patient", "appointment__site", "appointment__service",
            "appointment__practitioner",
        )
        .get(pk=request.pk)
    )  # fmt: skip
    return held


def _settle(request: BookingRequest, state: str, **more: Any) -> None:
    """What was typed stays nowhere but with the patient it became."""
    values = {"state": state, "settled_at": timezone.now(), **NOTHING_TYPED, **more}
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))


def let_go(request: BookingRequest, state: str, *, by: Doer = ONLINE, reason: str = "") -> None:
    """The held appointment and its provisional patient go; the request stays as an empty line."""
    appointment = request.appointment
    _settle(request, state)
    request_mail.forget_request(request=request, by=by)
    if appointment is None or not appointment.patient.is_provisional:
        return
    lock(parents_of(appointment))
    patient = appointment.patient
    audit.record(
        by=by, action=f"appointment-hold-{state}", sentence=f"let go of {appointment.agreed_start}", of=appointment,
        site=request.site, detail={"starts_at": appointment.starts_at, **({"reason": reason} if reason else {})},
    )  # fmt: skip
    BookingRequest.objects.filter(pk=request.pk).update(appointment=None)
    appointment.delete()
    provisional.forget(patient)


# --- sweep ----------------------------------------------------------------------------------------------------------
def sweep() -> int:
    """Let go of holds that ran out. The time is free for others from the very minute; this only clears away."""
    cleared = 0
    now = timezone.now()
    rows = BookingRequest.objects.filter(state=RequestState.HELD, hold_ends_at__lte=now).values_list("pk", flat=True)
    for key in rows[:500]:
        with transaction.atomic():
            held = (
                BookingRequest.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
                .select_related("site", "appointment__patient", "appointment__site")
                .filter(pk=key, state=RequestState.HELD, hold_ends_at__lte=now).first()
            )  # fmt: skip
            if held is not None:
                let_go(held, RequestState.RAN_OUT)
                cleared += 1
    request_mail.forget_last_words(now)
    old = now - dt.timedelta(days=KEPT_DAYS)
    over = [RequestState.RAN_OUT, RequestState.WITHDRAWN, RequestState.DECLINED]
    BookingRequest.objects.filter(state__in=over, settled_at__lt=old).delete()
    return cleared
