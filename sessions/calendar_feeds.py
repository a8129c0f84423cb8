"""A practitioner's own appointments at a secret address, for their calendar program.

The address holds 256 random bits, shown once; only the hash is kept. Everybody makes, renews and ends their own. Names
of patients stand in it only where the site allows that.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import User
from patients.links import hash_of
from sessions.calendar_files import Visit, feed_file, uid_of
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, CalendarFeed
from sessions.models.self_service import SelfServiceRules

PAST_DAYS, COMING_DAYS = 30, 180
WHOSE = "practitioner"
S = AppointmentStatus
SHOWN = (S.BOOKED, S.CONFIRMED, S.ARRIVED, S.IN_TREATMENT, S.DONE)


# --- making and ending ----------------------------------------------------------------------------------------------
def token_of_form(form_token: str) -> str:
    """256 bits under our key that only this form leads to: a second click shows the same address again."""
    return salted_hmac("sessions.calendar_feeds.form", form_token, algorithm="sha256").hexdigest()


def feed_of(user: User) -> CalendarFeed | None:
    return CalendarFeed.objects.filter(user=user, revoked_at=None).first()


@transaction.atomic
def renew(*, by: Doer, token: str) -> CalendarFeed:
    """A new address for the doer's own calendar; the one before ends at once. Raises `Refused` without a sign-in."""
    user = _own(by)
    _end(user)
    feed = CalendarFeed.objects.create(user=user, token_hash=hash_of(token))
    audit.record(by=by, action="calendar-feed-made", sentence="made a private calendar address", of=feed, site=by.site)
    return feed


@transaction.atomic
def revoke(*, by: Doer) -> None:
    """End the doer's address. Raises `Refused` when there is none any more."""
    user = _own(by)
    feed = _end(user)
    if feed is None:
        raise Refused(_("There is no calendar address to end."))
    audit.record(by=by, action="calendar-feed-ended", sentence="ended a private calendar address", of=feed, site=by.site)


def _own(by: Doer) -> User:
    if by.kind != "staff" or by.user is None:
        raise NotPermitted(_("Only staff may do this."))
    return User.objects.select_for_update(no_key=True).get(pk=by.user.pk)


def _end(user: User) -> CalendarFeed | None:
    feed = feed_of(user)
    if feed is not None:
        feed.revoked_at = timezone.now()
        feed.save(update_fields=["revoked_at"])
    return feed


# --- reading --------------------------------------------------------------------------------------------------------
def find(token: str) -> CalendarFeed | None:
    """The live feed of this token, of somebody who still works here."""
    if not 20 <= len(token) <= 100:
        return None
    return (
        CalendarFeed.objects.select_related("user")
        .filter(token_hash=hash_of(token), revoked_at=None, user__is_active=True)
        .first()
    )


def read(feed: CalendarFeed, *, now: dt.datetime) -> bytes:
    """The file as it is now. Two queries, whatever the number of appointments; the same appointments, the same bytes."""
    named = set(SelfServiceRules.objects.filter(feed_names=True).values_list("site", flat=True))
    rows = (
        Appointment.objects.filter(
            practitioner=feed.user, status__in=SHOWN, starts_at__gte=now - dt.timedelta(days=PAST_DAYS),
            starts_at__lt=now + dt.timedelta(days=COMING_DAYS),
        )
        .select_related("site", "service", "room", "patient")
        .order_by("starts_at", "id")
    )  # fmt: skip
    return feed_file([_visit(row, with_name=row.site_id in named) for row in rows], name=feed.user.name)


def _visit(row: Appointment, *, with_name: bool) -> Visit:
    """The practitioner's own part of the visit. `booked_at` is its stamp: the bytes change only when the visit does."""
    return Visit(
        uid=uid_of(row.public_id, WHOSE),
        sequence=row.version,
        starts_at=row.practitioner_span.lower,
        ends_at=row.practitioner_span.upper,
        zone=row.zone,
        summary=f"{row.service.name} · {row.patient.name}" if with_name else row.service.name,
        stamp=row.booked_at,
        location=f"{row.room.name}, {row.site.name}",
    )


def mark_read(feed: CalendarFeed) -> None:
    CalendarFeed.objects.filter(pk=feed.pk).update(read_at=timezone.now())
