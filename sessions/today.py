"""The day of one site as the desk needs it: four lanes by what must be done next, what needs somebody, the rooms now.

Everything is read with a fixed number of queries, however many appointments the day has. What a role may not see is not
gathered: without the headline permission no screening word and no paper mark enters the board.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clinic.choices import Permission
from clinic.models import Room, Site, User
from clinic.prepared import Prepared, one
from clinic.quick_rows import whole
from clinic.together import Questions, together
from protocols.catalogue import IN_FORCE
from protocols.definitions import Catalogue
from sessions.board_cards import Card, cards_of, questions_of_cards, values_of_cards
from sessions.choices import CANCELLED, UPCOMING, AppointmentStatus
from sessions.day_rows import BY_KEY, ROWS, Known, rows_of, values_of_rows
from sessions.needs import Needs, needs_of, questions_of_needs, values_of_needs

STATUS = AppointmentStatus


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


def board_of(
    *, site: Site, day: dt.date, visits: Sequence[Known], rules: Catalogue, permissions: Iterable[str], now: dt.datetime,
    practitioner: User | None = None, or_everyone: bool = False,
) -> Board:  # fmt: skip
    """The whole board of a site's local day, whose `visits` these are, or one practitioner's part of it; `or_everyone`: the
    whole board when that part is empty."""
    held = frozenset(permissions)
    appointments = rows_of([visit.key for visit in visits if is_expected(visit)], site)
    everyone = cards_of(appointments, rules, headline=Permission.SEE_HEADLINE in held,
                        clinical=Permission.SEE_CLINICAL in held, now=now)  # fmt: skip
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
        needs=needs_of(site, rules, held, now),
    )


def is_expected(visit: Known) -> bool:
    """A time held for ten minutes is nobody who is expected: the calendar shows it."""
    return visit.status not in {*CANCELLED, STATUS.HELD}


def asked_of(*, site: Site, visits: Sequence[Known], permissions: Iterable[str], now: dt.datetime) -> Questions:
    """Everything a board of these visits asks, in one query: ahead of drawing it, or for its mark alone."""
    held, shown = frozenset(permissions), [visit for visit in visits if is_expected(visit)]
    cards = questions_of_cards(headline=Permission.SEE_HEADLINE in held, clinical=Permission.SEE_CLINICAL in held)
    return together(ROWS, *BY_KEY.values(), *cards, ROOMS, *questions_of_needs(held), IN_FORCE).of(
        **values_of_rows(shown), **values_of_cards(shown, now), **values_of_needs(site, now)
    )


# --- beside the lanes -----------------------------------------------------------------------------------------------
ROOM = whole(Room)
ROOMS = Prepared(lambda: Room.objects.filter(site=one("site"), in_service=True).values_list(*ROOM.read))


def rooms_now(site: Site, cards: list[Card]) -> list[RoomNow]:
    """Of each room in service the first in treatment, the first who waits and the first who is expected."""
    first: dict[tuple[int, str], Card] = {}
    for card in cards:
        visit = card.appointment
        first.setdefault((visit.room_id, STATUS.BOOKED if visit.status == STATUS.CONFIRMED else visit.status), card)
    shown = (STATUS.IN_TREATMENT, STATUS.ARRIVED, STATUS.BOOKED)
    return [RoomNow(room, *(first.get((room.pk, status)) for status in shown)) for room in ROOM.rows(ROOMS(site=site.pk))]
