"""What somebody must do something about, beside the lanes of the board: each list short, with a page behind it that has all.

What a role may not see is not asked for.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Value, Window
from django.utils.translation import get_language

from clinic.choices import Permission
from clinic.models import Site
from clinic.prepared import Prepared
from clinic.prepared import one as single
from clinic.quick_rows import Shape, whole
from patients.models import DataRequest, Patient
from protocols.definitions import Catalogue
from sessions.board_cards import short_name
from sessions.choices import UPCOMING
from sessions.models import Appointment, CheckIn, Lot, Message, TreatmentSession

LOT_DAYS = 14  # a lot that ends within this many days is worth a look
PROBLEM_DAYS = 30  # older message problems are found in the message log
LOTS_SHOWN, CHECK_INS_SHOWN, NAMES_SHOWN, MESSAGES_READ, COUNTED = 3, 10, 3, 20, 100


@dataclass(frozen=True)
class Needs:
    """`people` are names and initials behind the first messages in trouble, `unsigned` practitioners with their records."""

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


NAMED = Shape(Patient, ["id", "public_id", "given_name", "family_name"])
CHECK_IN = Shape(CheckIn, ["id", "public_id", "urgency", "answered_at"], {"patient": (Patient, NAMED.names)})
LOT = whole(Lot)


def _named(path: str) -> list[str]:
    return [f"{path}__{name}" for name in NAMED.names]


TROUBLED = Prepared(
    lambda: Message.objects.troubled().filter(site=single("site"), due_at__gte=single("since", "timestamptz"))
    .annotate(all=Window(Count("pk"))).values_list("all", *_named("patient"), "due_at", "pk")[:MESSAGES_READ]
)  # fmt: skip
UNSIGNED = Prepared(
    lambda: TreatmentSession.objects.filter(unsigned_site=single("site")).order_by()
    .values_list("practitioner__name").annotate(Count("id")).order_by("practitioner__name")
)  # fmt: skip
CHECK_INS = Prepared(
    lambda: CheckIn.objects.waiting().filter(site=single("site")).order_by("answered_at")
    .values_list(*CHECK_IN.read)[:CHECK_INS_SHOWN]
)  # fmt: skip
ENDING = Prepared(
    lambda: Lot.objects.filter(
        site=single("site"), balance_ml__gt=0, held_back_reason="", expires_on__lte=single("until", "date")
    ).order_by("expires_on").values_list(*LOT.read)[:LOTS_SHOWN]
)  # fmt: skip
DISPLACED = Prepared(
    lambda: Appointment.objects.filter(
        site=single("site"), status__in=UPCOMING, starts_at__gt=single("now", "timestamptz"), patient__is_provisional=False
    ).exclude(displaced="").order_by().values(all=Value(1)).annotate(n=Count("id"), first=Min("starts_at"))
    .values_list("n", "first")
)  # fmt: skip
ASKED = Prepared(
    lambda: DataRequest.objects.open().filter(site=single("site")).order_by().values(all=Value(1))
    .annotate(n=Count("id"), due=Min("due_on")).values_list("n", "due")
)  # fmt: skip
WAITING = Prepared(
    lambda: Message.objects.needing_somebody().filter(site=single("site")).order_by().values_list("pk")[:COUNTED]
)


def messages_waiting(site: Site) -> int:
    """How many messages of this site wait for a person, for the rail. Above `COUNTED` it is many, and every page asks."""
    return len(WAITING(site=site.pk))


def questions_of_needs(held: frozenset[str]) -> list[Prepared]:
    """What `needs_of` asks for this role, for asking it ahead with `values_of_needs`."""
    asked = [TROUBLED, DISPLACED]
    asked += [UNSIGNED, CHECK_INS] if Permission.SEE_HEADLINE in held else []
    asked += [ENDING] if Permission.SEE_STOCK in held else []
    return asked + ([ASKED] if Permission.ANSWER_DATA_REQUESTS in held else [])


def values_of_needs(site: Site, now: dt.datetime) -> dict[str, Any]:
    until = now.astimezone(site.zone).date() + dt.timedelta(days=LOT_DAYS)
    return {"site": site.pk, "now": now, "since": now - dt.timedelta(days=PROBLEM_DAYS), "until": until}


def needs_of(site: Site, rules: Catalogue, held: frozenset[str], now: dt.datetime) -> Needs:
    key, asked = site.pk, values_of_needs(site, now)
    troubled = TROUBLED(site=key, since=asked["since"])
    people = NAMED.rows(row[1:] for row in troubled if row[1] is not None)
    names = list(dict.fromkeys((one.name, one.initials) for one in people))[:NAMES_SHOWN]
    unsigned, check_ins, lots, requests = [], [], [], (0, None)
    if Permission.SEE_HEADLINE in held:
        unsigned = [(short_name(name), count) for name, count in UNSIGNED(site=key)]
        check_ins = CHECK_IN.rows(CHECK_INS(site=key))
    if Permission.SEE_STOCK in held:
        ending = LOT.rows(ENDING(site=key, until=asked["until"]))
        lots = [(_substance(lot.substance, rules), lot) for lot in ending]
    displaced, first = _only(DISPLACED(site=key, now=now))
    if Permission.ANSWER_DATA_REQUESTS in held:
        requests = _only(ASKED(site=key))
    first_day = first.astimezone(site.zone).date() if first else None
    return Needs(names, troubled[0][0] if troubled else 0, unsigned, lots, check_ins, displaced, first_day, *requests)


def _only(rows: Sequence[tuple[Any, ...]]) -> tuple[int, Any]:
    """Count and first of a question that has one row, or none when there is nothing to count."""
    count, first = rows[0] if rows else (0, None)
    return count, first


def _substance(code: str, rules: Catalogue) -> str:
    found = rules.substances.get(code)
    return found.name_in(get_language() or "en") if found else code
