"""Rooms and devices that cannot be used for a while: painted, repaired, lent out. With both ends and a reason.

A booking locks the row of its room and device; so does every verb here, before it looks and writes.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit, ground
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, OutOfService, Room
from clinic.permissions import check_doer

LONGEST_DAYS = 366


def spans_of(thing: Room | Device) -> list[OutOfService]:
    """Stretches that last into now or come later, next first."""
    return list(thing.out_of_service.filter(span__endswith__gt=timezone.now()).order_by("span"))


@transaction.atomic
def take_out(
    *, thing: Room | Device, starts_at: dt.datetime, ends_at: dt.datetime, reason: str, by: Doer
) -> OutOfService:
    """Out of service between two moments (aware). Raises `Refused` where another stretch covers some of it."""
    check_doer(by, Permission.CHANGE_STAFF, thing.site)
    if ends_at <= starts_at:
        raise Refused(_("The end must be later than the start."), field="last_day")
    if ends_at - starts_at > dt.timedelta(days=LONGEST_DAYS):
        raise Refused(_("A year at most. For longer, take it out of service for good."), field="last_day")
    if ends_at <= timezone.now():
        raise Refused(_("This time has already passed."), field="last_day")
    held = _locked(thing)
    span = DateTimeTZRange(starts_at, ends_at)
    if held.out_of_service.filter(span__overlap=span).exists():
        raise Refused(_("%(thing)s is out of service for some of this time already.") % {"thing": held}, field="first_day")
    row: OutOfService = held.out_of_service.create(span=span, reason=reason)
    audit.record(
        by=by, action="out-of-service", sentence=f"took {held} out of service", of=held, site=held.site,
        detail={"from": starts_at, "until": ends_at, "reason": reason},
    )  # fmt: skip
    ground.changed(**_named(held), site=held.site)
    return row


@transaction.atomic
def put_back(*, thing: Room | Device, starts_at: dt.datetime, by: Doer) -> None:
    """Take back a stretch that has not begun, or end one that has, now. It is named by its start."""
    check_doer(by, Permission.CHANGE_STAFF, thing.site)
    held = _locked(thing)
    now = timezone.now()
    row = held.out_of_service.filter(span__startswith=starts_at, span__endswith__gt=now).first()
    if row is None:
        raise Refused(_("It is back in service already."))
    if starts_at >= now:
        row.delete()
    else:
        row.span = DateTimeTZRange(starts_at, now)
        row.save(update_fields=["span"])
    audit.record(
        by=by, action="back-in-service", sentence=f"put {held} back in service", of=held, site=held.site,
        detail={"from": starts_at},
    )  # fmt: skip
    ground.changed(**_named(held), site=held.site)


def _locked(thing: Room | Device) -> Room | Device:
    return type(thing)._default_manager.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=thing.pk)


def _named(thing: Room | Device) -> dict[str, Room | Device]:
    return {"room" if isinstance(thing, Room) else "device": thing}
