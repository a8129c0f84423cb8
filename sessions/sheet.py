"""The aftercare sheet: instructions with clock times become the rows, blocks and lines of one printed page.

Pure but for the words of dates: values in, `SheetContent` out. Hours were counted by protocols.aftercare; here they
only become days, boxes and words on the clock of the site.
"""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import translation

from clinic.components.drawing import figure
from clinic.day_words import birth_day, listed
from protocols.aftercare import Instruction, expected_reactions
from protocols.choices import InstructionSeverity
from protocols.definitions import Catalogue, ReactionDefinition, text_in
from protocols.plan import Plan
from sessions.paper_words import AFTERCARE, SHARED, word
from sessions.papers import day, day_and_time, place_of

MOST_BOXES = 15  # the day of the session and two weeks after it
SHORT_TEXT = 60  # letters; a sentence, or its beginning, as short as this is its own headline
BEGINNING = re.compile(r"(.+?)(?:\s?[;؛] |\. )(.+)")

# What stands together in one row as long as it ends together, in the order printed, and the drawing beside it. A code
# that is missing here gets a row of its own.
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("hand-off", ("ac-no-touch",)),
    ("droplet-off", ("ac-no-water",)),
    ("bath", ("ac-hair-wash",)),
    ("brush", ("ac-no-makeup",)),
    ("thermometer", ("ac-no-heat", "ac-no-alcohol", "ac-no-nsaid")),
    ("barbell", ("ac-no-exercise", "ac-no-massage", "ac-loose-clothes")),
    ("pool", ("ac-no-sauna-pool", "ac-no-scratch", "ac-gentle-skin")),
    ("sun-off", ("ac-no-sun", "ac-ketoprofen-sun")),
    ("sparkles", ("ac-no-procedures",)),
    ("droplets", ("ac-blood-donation",)),
    ("test-pipe", ("ac-biotin-lab",)),
)
OTHER_ICON = "ban"
GERMAN_SMALL = frozenset({"Kein", "Keine", "Keinen", "Nicht", "Nichts", "Den", "Die", "Das", "Bitte"})
# Things to do rather than to leave alone; every tip joins them.
HELPING = ("ac-cold-dry", "ac-hygiene", "ac-spf", "ac-move-later")
RED_FLAGS = "ac-red-flags"
PLACE = {code: position for position, (_icon, codes) in enumerate(ROWS) for code in codes}


@dataclass(frozen=True)
class GivenProduct:
    """One product as it was really given, its name in the language of the sheet."""

    name: str
    strength: Decimal | None
    strength_unit: str
    volume_ml: Decimal
    lot: str


@dataclass(frozen=True)
class NextSession:
    """When the course goes on: a booked start, or a window of local days, or neither."""

    booked: dt.datetime | None = None
    earliest: dt.date | None = None
    latest: dt.date | None = None


@dataclass(frozen=True)
class SheetFacts:
    """Everything a sheet is made from, as it stood when the treatment ended."""

    patient: str
    birth_date: dt.date
    indication: str
    session_number: int | None
    sessions_total: int | None
    ended_at: dt.datetime
    zone: ZoneInfo
    elsewhere: bool  # the patient lives in another country than the site
    phone: str
    emergency_number: str
    instructions: tuple[Instruction, ...]
    plan: Plan  # as really given
    products: tuple[GivenProduct, ...]
    next_session: NextSession


@dataclass(frozen=True)
class SheetRow:
    icon: str
    title: str
    detail: str
    days: tuple[bool, ...]
    beyond: bool
    until: str


@dataclass(frozen=True)
class SheetContent:
    """What the page says, word for word."""

    lead: str
    patient: str
    treatment: str
    ended: str
    rows: tuple[SheetRow, ...]
    call_now_title: str
    call_now: str
    same_day_title: str
    same_day: str
    late_lump_title: str
    late_lump: str
    normal: tuple[str, ...]
    helps: tuple[str, ...]
    medicines: str
    next_session: str
    given: str


@dataclass(frozen=True)
class _Writer:
    """Dates and words of one sheet: its language and the clock of its site."""

    language: str
    zone: ZoneInfo
    ended_at: dt.datetime

    def word(self, key: str, **values: object) -> str:
        return word(AFTERCARE[key], self.language).format(**values)

    def clock(self, moment: dt.datetime, *, year: bool = False) -> str:
        return day_and_time(moment, self.zone, self.language, year=year)

    def day_number(self, moment: dt.datetime) -> int:
        """0 on the local day of the session, 1 on the next."""
        return (moment.astimezone(self.zone).date() - self.ended_at.astimezone(self.zone).date()).days


def sheet_content(facts: SheetFacts, *, catalogue: Catalogue, language: str) -> SheetContent:
    """The whole sheet in one language."""
    write = _Writer(language, facts.zone, facts.ended_at)
    groups = _grouped(one for one in facts.instructions if not _helps(one) and one.code != RED_FLAGS)
    boxes = min(MOST_BOXES, 1 + max((write.day_number(until) for until, _icon, _group in groups), default=0))
    rows = tuple(_row(*group, boxes=boxes, catalogue=catalogue, write=write) for group in groups)
    flags = catalogue.reactions
    late = next((one.until_at for one in facts.instructions if one.code == RED_FLAGS and one.until_at), None)
    return SheetContent(
        lead=_lead(facts, boxes, write),
        patient=f"{facts.patient}, {_born(facts, language)}",
        treatment=_treatment(facts, write),
        ended=write.clock(facts.ended_at, year=True),
        rows=rows,
        call_now_title=_call_now(facts, write),
        call_now=flags["rf-call-now"].text(language),
        same_day_title=_same_day(facts, write),
        same_day=flags["rf-same-day"].text(language),
        late_lump_title=(
            write.word("until_day", day=day(late.astimezone(facts.zone).date(), language))
            if late
            else flags["rf-late-lump"].name_in(language) + ":"
        ),
        late_lump=flags["rf-late-lump"].text(language),
        normal=normal_lines(expected_reactions(facts.plan, catalogue), language),
        helps=tuple(_help_line(one, write) for one in _in_order_of(facts.instructions, HELPING) if _helps(one)),
        medicines=catalogue.consent_items["consent-medicines"].text(language),
        next_session=_next_session(facts, write),
        given=listed([_product(product, write) for product in facts.products], language, semicolon=True),
    )


# ----------------------------------------------------------------------------------------------------------------- rows
def _helps(instruction: Instruction) -> bool:
    """To do rather than to leave alone; what has no end cannot stand in a row of days either."""
    is_tip = instruction.severity == InstructionSeverity.TIP
    return is_tip or instruction.code in HELPING or instruction.until_at is None


def _grouped(instructions: Iterable[Instruction]) -> list[tuple[dt.datetime, str, list[Instruction]]]:
    """Instructions that belong and end together, with their end and their drawing; soonest end first."""
    groups: dict[tuple[dt.datetime, int, str], list[Instruction]] = {}
    for one in instructions:
        if one.until_at is not None:
            own = PLACE.get(one.code, len(ROWS))
            groups.setdefault((one.until_at, own, "" if one.code in PLACE else one.code), []).append(one)
    return [
        (until, ROWS[own][0] if own < len(ROWS) else OTHER_ICON, groups[until, own, code])
        for until, own, code in sorted(groups)
    ]


def _row(
    until: dt.datetime, icon: str, group: Sequence[Instruction], *, boxes: int, catalogue: Catalogue, write: _Writer
) -> SheetRow:
    """Musts are the headline, the rest the small print; a single instruction is a headline whatever it is."""
    language = write.language
    headlines = [one for one in group if one.severity == InstructionSeverity.MUST] or list(group[:1])
    others = [one for one in group if one not in headlines]
    title, *details = _headline(headlines[0], language)
    for other in headlines[1:]:
        sentence, *rest = _headline(other, language)
        joined = listed((title, lower_first(sentence, language)), language)
        if len(joined) <= SHORT_TEXT:
            title = joined
        else:
            rest = [f"{sentence}.", *rest]
        details += rest
    details += [one.text(language) for one in others]
    details += [_until_line(part.text(language), part.until_at, write) for one in group for part in one.longer_parts]
    if any(_doubled(one, catalogue) for one in group):
        details.append(write.word("twice"))
    last = write.day_number(until)
    return SheetRow(
        icon=icon,
        title=title,
        detail=" ".join(details),
        days=tuple(number <= last for number in range(boxes)),
        beyond=last >= boxes,
        until=write.clock(until),
    )


def _headline(instruction: Instruction, language: str) -> list[str]:
    """A short sentence says it itself, a longer one may break in two; else its name stands above it."""
    text = instruction.text(language)
    broken = BEGINNING.fullmatch(text)
    if broken and len(broken[1]) <= SHORT_TEXT:
        return [broken[1], upper_first(broken[2], language)]
    if len(text) <= SHORT_TEXT:
        return [text.rstrip(".")]
    return [instruction.name_in(language), text]


def _doubled(instruction: Instruction, catalogue: Catalogue) -> bool:
    """Whether the sun rule counted twice: the patient should know that it is on purpose."""
    rule = catalogue.aftercare[instruction.code]
    doubling = rule.doubled_for_dark_skin or bool(rule.doubled_for_indications)
    return doubling and bool(rule.hours_until) and instruction.hours_until == 2 * (rule.hours_until or 0)


def _until_line(sentence: str, until: dt.datetime, write: _Writer) -> str:
    """`No hair dye (until Thu 19 March, 11:20).`"""
    return f"{sentence.rstrip('.')} ({write.word('until', until=write.clock(until))})."


def lower_first(text: str, language: str) -> str:
    """Inside a row, the second headline goes on in lower case; Turkish has two letters i."""
    if language == "de" and text.partition(" ")[0] not in GERMAN_SMALL:
        return text  # a noun keeps its capital
    own = {"I": "ı", "İ": "i"} if language == "tr" else {}
    return own.get(text[:1], text[:1].lower()) + text[1:]


# ------------------------------------------------------------------------------------------------------- blocks, lines
def _lead(facts: SheetFacts, boxes: int, write: _Writer) -> str:
    first = facts.ended_at.astimezone(facts.zone).date()
    lead = write.word(
        "lead",
        first=day(first, write.language, year=False),
        last=day(first + dt.timedelta(days=boxes - 1), write.language, year=False),
    )
    if facts.elsewhere:
        lead += " " + word(SHARED["clock_of"], write.language).format(place=place_of(facts.zone))
    return lead


def _born(facts: SheetFacts, language: str) -> str:
    return word(SHARED["born"], language).format(date=birth_day(facts.birth_date, language))


def _treatment(facts: SheetFacts, write: _Writer) -> str:
    if facts.session_number is None or facts.sessions_total is None:
        return facts.indication
    return write.word("session_of", name=facts.indication, number=facts.session_number, total=facts.sessions_total)


def _call_now(facts: SheetFacts, write: _Writer) -> str:
    if not facts.emergency_number:
        return write.word("call_ambulance")
    return write.word("call_now", number=facts.emergency_number)


def _same_day(facts: SheetFacts, write: _Writer) -> str:
    return write.word("same_day", phone=facts.phone) if facts.phone else write.word("same_day_no_phone")


def normal_lines(expected: Iterable[ReactionDefinition], language: str) -> tuple[str, ...]:
    """Expected reactions: those that last equally long in one line, and after it what to watch for."""
    names: dict[str, list[str]] = {}
    watch: dict[str, list[str]] = {}
    for reaction in expected:
        lasts = text_in(reaction.lasts, language)
        names.setdefault(lasts, []).append(reaction.name_in(language))
        _normal, _stop, then = reaction.text(language).partition(". ")
        if then:
            watch.setdefault(lasts, []).append(then)
    return tuple(
        " ".join([f"{upper_first(listed(together, language), language)}: {lasts}.", *watch.get(lasts, [])])
        for lasts, together in names.items()
    )


def upper_first(text: str, language: str) -> str:
    own = {"i": "İ", "ı": "I"} if language == "tr" else {}
    return own.get(text[:1], text[:1].upper()) + text[1:]


def _in_order_of(instructions: Iterable[Instruction], codes: Sequence[str]) -> list[Instruction]:
    return sorted(instructions, key=lambda one: codes.index(one.code) if one.code in codes else len(codes))


def _help_line(instruction: Instruction, write: _Writer) -> str:
    """The sentence with its hours: `..., until Fri 13 March, 11:20`."""
    starts_at_once = instruction.from_at <= write.ended_at
    if instruction.until_at is None:
        when = "" if starts_at_once else write.word("from", start=write.clock(instruction.from_at))
    elif starts_at_once:
        when = write.word("until", until=write.clock(instruction.until_at))
    else:
        when = write.word("from_to", start=write.clock(instruction.from_at), until=write.clock(instruction.until_at))
    sentence = instruction.text(write.language).rstrip(".")
    return f"{sentence} ({when})" if when else sentence


def _next_session(facts: SheetFacts, write: _Writer) -> str:
    coming = facts.next_session
    if coming.booked is not None:
        return write.clock(coming.booked, year=True)
    if coming.earliest is None:
        return write.word("next_none")
    if coming.latest is None:
        return write.word("next_from", first=day(coming.earliest, write.language))
    return write.word(
        "next_between", first=day(coming.earliest, write.language), last=day(coming.latest, write.language)
    )


def _product(product: GivenProduct, write: _Writer) -> str:
    with translation.override(write.language):
        strength = f" {figure(product.strength)} {product.strength_unit}" if product.strength is not None else ""
        volume = f", {figure(product.volume_ml)} ml"
    lot = f", {write.word('lot', lot=product.lot)}" if product.lot else ""
    return f"{product.name}{strength}{volume}{lot}"
