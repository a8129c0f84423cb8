"""The day of one site as the desk needs it: four lanes by what must be done next, what needs somebody, the rooms now.

Everything is read with a fixed number of queries, however many appointments the day has. What a role may not see is not
gathered: without the headline permission no screening word and no paper mark enters the board.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import get_language

from clinic.choices import Permission
from clinic.models import Room, Site, User
from patients.models import DataRequest
from protocols.definitions import Catalogue
from sessions.board_cards import Card, cards_of, short_name
from sessions.choices import CANCELLED, UPCOMING, AppointmentStatus, RecordStatus
from sessions.day_rows import rows_of
from sessions.models import (
    Appointment,
    CheckIn,
    Lot,
    Message,
    TreatmentSession,
)  # fmt: skip

STATUS = AppointmentStatus
LOT_DAYS = 14  # a lot that ends within this many days is worth a look
PROBLEM_DAYS = 30  # older message problems are found in the message log


@dataclass(frozen=True)
class RoomNow:
    room: Room
    current: Card | None
    waiting: Card | None
    next: Card | None


@dataclass
class Board:
    """`practitioner` is whose part is shown, None for everybody's."""

    day: dt.date
    practitioner: User | None
    expected: list[Card]
    waiting: list[Card]
    treated: list[Card]
    done: list[Card]
    missed: list[Card]
    rooms: list[RoomNow]
    practitioners: list[User]
    needs: Needs

    @property
    def cards(self) -> list[Card]:
        return [*self.expected, *self.waiting, *self.treated, *self.done]

    @property
    def count(self) -> int:
        return len(self.cards)

    @property
    def first_visits(self) -> int:
        return sum(card.is_first for card in self.cards)

    @property
    def blocked(self) -> int:
        return sum(card.headline == "blocked" for card in self.cards)

    @property
    def unsigned(self) -> int:
        return sum(card.is_unsigned for card in self.done)

    @property
    def longest_wait(self) -> int:
        return max((card.waiting_minutes for card in self.waiting), default=0)


@dataclass(frozen=True)
class Needs:
    """What somebody must do something about. Each list is short; the page behind it has them all."""

    people: list[tuple[str, str]]
    message_count: int
    unsigned: list[tuple[str, int]]
    lots: list[tuple[str, Lot]]
    check_ins: list[CheckIn]
    displaced: int = 0
    displaced_first: dt.date | None = None
    data_requests: int = 0
    data_due: dt.date | None = None

    @property
    def unsigned_count(self) -> int:
        return sum(count for _name, count in self.unsigned)

    @property
    def is_empty(self) -> bool:
        return not (self.message_count or self.unsigned or self.lots or self.check_ins or self.displaced or self.data_requests)


def board_of(
    *, site: Site, day: dt.date, rules: Catalogue, permissions: Iterable[str], practitioner: User | None = None,
    or_everyone: bool = False,
) -> Board:  # fmt: skip
    """The whole board of a site's local day, or one practitioner's part of it; `or_everyone`: the whole board when that
    part is empty."""
    held = frozenset(permissions)
    appointments = rows_of(Appointment.objects.on_day(site, day).exclude(status__in=CANCELLED), site)
    everyone = cards_of(appointments, rules, headline=Permission.SEE_HEADLINE in held,
                        clinical=Permission.SEE_CLINICAL in held)  # fmt: skip
    if or_everyone and practitioner not in {card.appointment.practitioner for card in everyone}:
        practitioner = None
    shown = [card for card in everyone if practitioner is None or card.appointment.practitioner_id == practitioner.pk]
    lanes: dict[str, list[Card]] = defaultdict(list)
    for card in shown:
        lanes[card.appointment.status].append(card)
    return Board(
        day=day,
        practitioner=practitioner,
        expected=[card for card in shown if card.appointment.status in UPCOMING],
        waiting=sorted(lanes[STATUS.ARRIVED], key=lambda card: card.appointment.arrived_at or card.appointment.starts_at),
        treated=lanes[STATUS.IN_TREATMENT],
        done=sorted(lanes[STATUS.DONE], key=lambda card: card.appointment.starts_at, reverse=True),
        missed=lanes[STATUS.NO_SHOW],
        rooms=rooms_now(site, everyone),
        practitioners=sorted({card.appointment.practitioner for card in everyone}, key=lambda user: user.name),
        needs=needs_of(site, rules, held),
    )


# --- beside the lanes -----------------------------------------------------------------------------------------------
def rooms_now(site: Site, cards: list[Card]) -> list[RoomNow]:
    found = []
    for room in site.rooms.filter(in_service=True):
        here = [card for card in cards if card.appointment.room_id == room.pk]
        of = {status: [card for card in here if card.appointment.status == status] for status in STATUS.values}
        expected = [card for card in here if card.appointment.status in {STATUS.BOOKED, STATUS.CONFIRMED}]
        found.append(
            RoomNow(
                room,
                next(iter(of[STATUS.IN_TREATMENT]), None),
                next(iter(of[STATUS.ARRIVED]), None),
                next(iter(expected), None),
            )
        )
    return found


def needs_of(site: Site, rules: Catalogue, held: frozenset[str]) -> Needs:
    since = timezone.now() - dt.timedelta(days=PROBLEM_DAYS)
    troubled = Message.objects.troubled().filter(site=site, due_at__gte=since)
    messages = list(troubled.select_related("patient").defer("text", "html")[:20])
    names = list(dict.fromkeys((one.patient.name, one.patient.initials) for one in messages if one.patient))[:3]
    unsigned: list[tuple[str, int]] = []
    if Permission.SEE_HEADLINE in held:
        rows = TreatmentSession.objects.filter(appointment__site=site, status=RecordStatus.ENDED).order_by()
        unsigned = list(rows.values_list("practitioner__name").annotate(Count("id")).order_by("practitioner__name"))
    check_ins: list[CheckIn] = []
    if Permission.SEE_HEADLINE in held:
        check_ins = list(CheckIn.objects.waiting().filter(site=site).select_related("patient").order_by("answered_at")[:10])
    lots: list[tuple[str, Lot]] = []
    if Permission.SEE_STOCK in held:
        until = site.today() + dt.timedelta(days=LOT_DAYS)
        ending = Lot.objects.filter(site=site, balance_ml__gt=0, held_back_reason="", expires_on__lte=until)
        lots = [(_substance(lot.substance, rules), lot) for lot in ending.order_by("expires_on")[:3]]
    displaced = Appointment.objects.at(site).displaced().aggregate(count=Count("id"), first=Min("starts_at"))
    first = displaced["first"].astimezone(site.zone).date() if displaced["first"] else None
    unsigned_by = [(short_name(name), count) for name, count in unsigned]
    asked: dict[str, Any] = {"count": 0, "due": None}
    if Permission.ANSWER_DATA_REQUESTS in held:
        asked = DataRequest.objects.open().filter(site=site).aggregate(count=Count("id"), due=Min("due_on"))
    return Needs(names, troubled.count(), unsigned_by, lots, check_ins, displaced["count"], first, asked["count"], asked["due"])


def _substance(code: str, rules: Catalogue) -> str:
    found = rules.substances.get(code)
    return found.name_in(get_language() or "en") if found else code
