"""When a slot is taken: what blocks it, in a sentence the reader may see, and the next free times."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from patients.models import Patient
from sessions.availability import Offer, Wish, after, in_the_way
from sessions.choices import AppointmentStatus
from sessions.models import Appointment
from sessions.slots import Span

EXCLUSION = "23P01"


@dataclass(frozen=True, slots=True)
class Blocker:
    """`what` is practitioner, room, device or patient; `name` who or which; `visitor` the other patient (until when it is
    held, where nobody is known yet), empty when the reader may not know them."""

    what: str
    name: str
    start: dt.datetime
    end: dt.datetime
    visitor: str = ""

    @property
    def sentence(self) -> str:
        values = {
            "name": self.name,
            "day": weekday_date(self.start.date()),
            "start": f"{self.start:%H:%M}",
            "end": f"{self.end:%H:%M}",
            "visitor": self.visitor or _("another patient"),
        }
        if self.what == "patient":
            return _("%(name)s already has an appointment on %(day)s from %(start)s to %(end)s.") % values
        return _("%(name)s is taken on %(day)s from %(start)s to %(end)s (%(visitor)s).") % values


class SlotTaken(Refused):
    """`blockers` say what is in the way, `next_free` what could be taken instead."""

    status = 409

    def __init__(self, sentence: str, blockers: Sequence[Blocker] = (), next_free: Sequence[Offer] = ()) -> None:
        super().__init__(sentence, field="starts_at", code="slot-taken")
        self.blockers = tuple(blockers)
        self.next_free = tuple(next_free)


def weekday_date(day: dt.date) -> str:
    """The weekday stands beside every date."""
    return date_format(day, "D j F Y")


def is_exclusion(error: IntegrityError) -> bool:
    return getattr(error.__cause__, "pgcode", None) == EXCLUSION


def blockers_of(wish: Wish, taken: Sequence[Appointment], by: Doer) -> list[Blocker]:
    """One blocker per person or thing that is not free, with the other patient's name only where `by` may see it."""
    known = set()
    if by.kind == "staff" and by.user is not None:
        others = [one.patient_id for one in taken]
        known = set(Patient.objects.visible_to(by.user).filter(pk__in=others).values_list("pk", flat=True))
    wanted = wish.footprint
    found: list[Blocker] = []
    for one in taken:
        zone = one.site.zone
        visitor = one.patient.name if one.patient_id in known else ""
        if one.status == AppointmentStatus.HELD and one.hold_ends_at is not None and by.kind == "staff":
            visitor = _("online request, held until %(time)s") % {"time": f"{one.hold_ends_at.astimezone(zone):%H:%M}"}
        pairs = [
            ("practitioner", one.practitioner, wish.practitioner, one.practitioner_span, wanted.practitioner),
            ("room", one.room, wish.room, one.room_span, wanted.room),
            ("device", one.device, wish.device, one.device_span, wanted.device),
            ("patient", one.patient, wish.patient, one.patient_span, wanted.patient),
        ]
        for what, theirs, ours, stored, span in pairs:
            if theirs is None or theirs != ours or stored is None or span is None:
                continue
            if what == "practitioner" and (wish.overbook_reason or one.overbooked):
                continue
            if span.overlaps(Span(stored.lower, stored.upper)):
                found.append(
                    Blocker(what, str(ours), stored.lower.astimezone(zone), stored.upper.astimezone(zone), visitor)
                )
    return found


def slot_taken(wish: Wish, by: Doer, taken: Sequence[Appointment] | None = None) -> SlotTaken:
    """Look what blocks (unless it is known already) and what is free next, and say both."""
    blockers = blockers_of(wish, in_the_way(wish) if taken is None else taken, by)
    offers = after(wish)
    words = [blocker.sentence for blocker in blockers] or [_("This time has just been taken.")]
    if offers:
        times = ", ".join(
            f"{weekday_date(offer.local_start.date())} {offer.local_start:%H:%M}" for offer in offers
        )
        words.append(_("Next free: %(times)s.") % {"times": times})
    else:
        words.append(_("Nothing is free in the next weeks; choose another practitioner or day."))
    return SlotTaken(" ".join(words), blockers, offers)
