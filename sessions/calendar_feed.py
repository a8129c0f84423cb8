"""The calendar of one site over some local days: columns, appointments with their true footprint, and what lies under.

Everything is gathered at once; the number of queries depends neither on the days nor on the appointments. What a role
may not see is not gathered (see `board_cards`).
"""
from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.choices import Permission
from clinic.models import Device, Room, Site, User
from clinic.prepared import Prepared, many
from clinic.prepared import one as single
from clinic.quick_rows import Shape, whole
from clinic.together import Mark, Questions, together
from patients.models import PatientSite
from protocols.catalogue import IN_FORCE
from protocols.definitions import Catalogue
from sessions.board_cards import Card, cards_of, questions_of_cards, short_name, values_of_cards
from sessions.board_revision import fingerprint
from sessions.calendar_ground import QUESTIONS_OF_GROUND, Ground, Stretch, ground_of, values_of_ground
from sessions.calendar_range import Days, wall_span
from sessions.day_rows import (
    BETWEEN,
    BY_KEY,
    FOOTPRINTS,
    PRACTITIONERS,
    Held,
    Known,
    footprints_of,
    known_between,
    practitioners_of,
    values_of_rows,
)
from sessions.models import Appointment

COLUMNS = ("practitioner", "room", "device")
ROOM, DEVICE = whole(Room), whole(Device)
THINGS: dict[str, tuple[Prepared, Shape[Any]]] = {
    "room": (Prepared(lambda: Room.objects.filter(site=single("site")).values_list(*ROOM.read)), ROOM),
    "device": (Prepared(lambda: Device.objects.filter(site=single("site")).values_list(*DEVICE.read)), DEVICE),
}


@dataclass(frozen=True)
class Asked:
    """What the reader wants to see. Empty filters show everything; `only` is the one column of a week."""

    days: Days
    by: str = "practitioner"
    practitioners: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    only: str = ""

    def shows(self, column: str, kind: str) -> bool:
        if self.only:
            return column == self.only
        wanted = {"practitioner": self.practitioners, "room": self.rooms, "device": self.devices}[kind]
        return not wanted or column in wanted


@dataclass(frozen=True)
class Column:
    """A practitioner, room or device at the head of a column."""

    id: str
    title: str
    initials: str
    note: str = ""


@dataclass
class Block:
    """One appointment as it is drawn: its card, its wall times, and the strips that prepare and clean up."""

    card: Card
    column: str
    start: dt.datetime
    end: dt.datetime
    strips: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)

    @property
    def visit(self) -> Appointment:
        return self.card.appointment

    @property
    def name(self) -> str:
        """Whose time it is; a time held for somebody outside has no name yet, in the reader's language."""
        patient = self.visit.patient
        return _("Online request") if patient.is_provisional else patient.name


@dataclass
class Calendar:
    """Everything the page draws. `opens` and `closes` grow when an appointment lies outside the opening hours."""

    asked: Asked
    columns: list[Column]
    blocks: list[Block]
    stretches: list[Stretch]
    opens: dt.time
    closes: dt.timedelta


@dataclass(frozen=True)
class Reading:
    """One look at a calendar, begun with what everything else is asked of: of what begins on these days the `visits` that
    were asked for and may be seen, the practitioners of the site and, where they are the columns, its rooms or devices.
    `mark` changes with any of it."""

    site: Site
    asked: Asked
    permissions: frozenset[str]
    now: dt.datetime
    visits: list[Known]
    people: list[User]
    things: list[Any]
    mark: Mark

    @property
    def questions(self) -> Questions:
        """All the rest that is asked, in one query: ahead of drawing it, or for its mark alone."""
        cards = questions_of_cards(headline=self.headline, clinical=self.clinical, with_next=False)
        people = {user.pk for user in self.people} | {visit.practitioner for visit in self.visits}
        return together(FOOTPRINTS, *BY_KEY.values(), *cards, *QUESTIONS_OF_GROUND, IN_FORCE).of(
            **values_of_rows(self.visits, self.people), **values_of_cards(self.visits, self.now),
            **values_of_ground(
                self.site, self.asked.days, list(people), rooms=self.columns("room"), devices=self.columns("device")
            ),
        )  # fmt: skip

    @property
    def headline(self) -> bool:
        return Permission.SEE_HEADLINE in self.permissions

    @property
    def clinical(self) -> bool:
        return Permission.SEE_CLINICAL in self.permissions

    def columns(self, kind: str) -> list[int]:
        return [thing.pk for thing in self.things] if self.asked.by == kind else []

    def revision(self, mark: Mark) -> str:
        """A short fingerprint of all that is shown; a poll that brings the same one gets nothing."""
        asked = self.asked
        lists = (asked.practitioners, asked.rooms, asked.devices, asked.statuses, self.permissions)
        return fingerprint(
            self.now, self.site.pk, self.site.time_zone, self.mark, mark, asked.days, asked.by, asked.only, get_language(),
            [sorted(one) for one in lists],
        )  # fmt: skip


def reading_of(*, site: Site, asked: Asked, reader: User, permissions: Iterable[str], now: dt.datetime) -> Reading:
    """One query, and another where filters or the reader's sites leave some out."""
    start, end = site.day_bounds(asked.days.first)[0], site.day_bounds(asked.days.last)[1]
    ask, shape = THINGS.get(asked.by, (None, None))
    questions = together(BETWEEN, PRACTITIONERS, *([ask] if ask else []))
    with questions.of(site=site.pk, start=start, end=end).ahead() as mark:
        visits, people = known_between(site, start, end), practitioners_of(site)
        things = shape.rows(ask(site=site.pk)) if ask and shape else []
    shown = visits_shown(asked, visits, reader)
    return Reading(site, asked, frozenset(permissions), now, shown, people, things, mark)


def calendar_of(reading: Reading, rules: Catalogue) -> Calendar:
    site, asked = reading.site, reading.asked
    appointments, held = footprints_of([visit.key for visit in reading.visits], site, reading.people)
    cards = cards_of(appointments, rules, headline=reading.headline, clinical=reading.clinical, with_next=False)
    _keep_first_marks(cards)
    known = {user.pk for user in reading.people}
    practitioners = dict.fromkeys(visit.practitioner for visit in appointments)
    people = reading.people + [one for one in practitioners if one.pk not in known]
    ground = ground_of(site, asked.days, people, rooms=reading.columns("room"), devices=reading.columns("device"))
    columns, under = _columns(asked, ground, people, reading.things, cards)
    shown = {column.id for column in columns}
    made = map(_block_maker(site, asked.by, held), cards)
    blocks = [block for block in made if block is not None and block.column in shown]
    opens, closes = _limits(ground, blocks)
    return Calendar(asked, columns, blocks, [one for column in columns for one in under(column.id)], opens, closes)


IN_SIGHT = Prepared(
    lambda: Appointment.objects.filter(pk__in=many("visits")).filter(
        Exists(PatientSite.objects.filter(patient=OuterRef("patient"), site__in=many("sites")))
        | Q(patient__is_provisional=True)
    ).values_list("pk")
)  # fmt: skip


def visits_shown(asked: Asked, visits: Sequence[Known], reader: User) -> list[Known]:
    """Which of these visits pass the filters and may be seen: appointments of patients known only at other sites do not
    appear."""
    keys = set(_keys_shown(asked, visits, reader))
    return [visit for visit in visits if visit.key in keys]


def _keys_shown(asked: Asked, visits: Sequence[Known], reader: User) -> list[int]:
    keys, limits = [visit.key for visit in visits], reader.limited_to()
    if limits is not None:
        keys = [key for (key,) in IN_SIGHT(visits=keys, sites=limits)]
    wanted = {
        "practitioner__public_id__in": asked.practitioners, "room__public_id__in": asked.rooms,
        "device__public_id__in": asked.devices, "status__in": asked.statuses,
    }  # fmt: skip
    wanted = {name: values for name, values in wanted.items() if values}
    if not wanted and not asked.only:
        return keys
    rows = Appointment.objects.filter(pk__in=keys, **wanted)
    if asked.only:
        rows = rows.filter(**{f"{asked.by}__public_id": asked.only})
    return list(rows.values_list("pk", flat=True))


def _keep_first_marks(cards: list[Card]) -> None:
    """Over several days only the first of a patient's appointments can be the first visit."""
    met: set[int] = set()
    for card in cards:
        if card.appointment.patient_id in met and card.is_first:
            card.marks.remove("first-visit")
        met.add(card.appointment.patient_id)


# --- columns --------------------------------------------------------------------------------------------------------
def _columns(
    asked: Asked, ground: Ground, people: list[User], things: list[Room | Device], cards: list[Card]
) -> tuple[list[Column], Callable[[str], Iterator[Stretch]]]:
    """The heads, and what lies under each. Who neither works nor has a booking needs no column, unless nobody does."""
    if asked.by != "practitioner":
        counts = Counter(getattr(card.appointment, f"{asked.by}_id") for card in cards)
        columns = [
            Column(one.public_id, one.name, "", _booked(counts[one.pk])) for one in things
            if asked.shows(one.public_id, asked.by) and (one.in_service or counts[one.pk])
        ]  # fmt: skip
        ids = {thing.public_id: thing.pk for thing in things}
        out = ground.rooms_out if asked.by == "room" else ground.devices_out
        return columns, lambda column: ground.under_thing(column, out.get(ids[column], ()))
    rooms: dict[int, Counter[str]] = {user.pk: Counter() for user in people}
    for card in cards:
        rooms[card.appointment.practitioner_id][card.appointment.room.name] += 1
    wanted = [user for user in people if asked.shows(user.public_id, asked.by)]
    named = asked.practitioners | {asked.only}
    busy = [user for user in wanted if rooms[user.pk] or ground.works(user.pk) or user.public_id in named]
    columns = [
        Column(user.public_id, short_name(user.name), user.initials, _usual_room(rooms[user.pk]))
        for user in busy or wanted
    ]
    keys = {user.public_id: user.pk for user in people}
    return columns, lambda column: ground.under_person(column, keys[column])


def _usual_room(rooms: Counter[str]) -> str:
    booked = _booked(rooms.total())
    return f"{rooms.most_common(1)[0][0]} · {booked}" if rooms else booked


def _booked(count: int) -> str:
    return _("%(count)s booked") % {"count": count}


# --- blocks ---------------------------------------------------------------------------------------------------------
def _block_maker(site: Site, by: str, held: Mapping[int, Mapping[str, Held]]) -> Callable[[Card], Block | None]:
    zone, kept = site.zone, "device" if by == "device" else "room"

    def make(card: Card) -> Block | None:
        visit = card.appointment
        owner = getattr(visit, by)
        if owner is None:
            return None
        start, end = wall_span(visit.starts_at, visit.ends_at, zone)
        first, last = held[visit.pk][kept]
        strips = []
        if visit.status in OCCUPIES and first and last and (first < visit.starts_at or visit.ends_at < last):
            before, after = wall_span(first, last, zone)
            strips = [(before, start)] if before < start else []
            strips += [(end, after)] if end < after else []
        return Block(card, owner.public_id, start, end, strips)

    return make


OCCUPIES: Collection[str] = ("held", "booked", "confirmed", "arrived", "in-treatment", "done")


def _limits(ground: Ground, blocks: list[Block]) -> tuple[dt.time, dt.timedelta]:
    """Whole hours from the earliest to the latest thing shown; the end may be 24:00."""
    first, last = ground.hours_shown()
    opens, closes = first.hour, last.hour + bool(last.minute)
    for block in blocks:
        # Strips come in order and touch the block: the outermost edges say it all.
        start, end = block.start, block.end
        if block.strips:
            start, end = min(start, block.strips[0][0]), max(end, block.strips[-1][1])
        day = block.start.date()
        opens = min(opens, start.hour if start.date() >= day else 0)
        closes = max(closes, 24 if end.date() > day else end.hour + bool(end.minute))
    return dt.time(opens), dt.timedelta(hours=max(closes, opens + 1))
