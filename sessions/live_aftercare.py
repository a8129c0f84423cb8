"""The aftercare as it stands at one moment: what is allowed by now, what opens next, what has to wait. Pure.

The catalogue says what to leave alone and until when; here each of these gets the words for the other side, what may be
done again. Where nothing sensible can be said (a medicine, an order not to scratch), nothing is called allowed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from patients.choices import Text
from protocols.aftercare import Instruction

TOLD_BY_RED_FLAGS = "ac-red-flags"
WATER, HAIR = "ac-no-water", "ac-hair-wash"
# Things to do, rather than to leave alone.
HELPING = frozenset({"ac-cold-dry", "ac-hygiene", "ac-spf", "ac-move-later", "ac-biotin-lab"})


@dataclass(frozen=True, slots=True)
class Again:
    """What may be done again once an instruction has ended, with its drawing."""

    icon: str
    words: Text


AGAIN: Mapping[str, Again] = {
    "ac-no-touch": Again("hand-finger", Text.of(en="Touch the area with clean hands", tr="Bölgeye temiz elle dokunmak")),
    "ac-no-water": Again("wash", Text.of(en="Wash the area gently", tr="Bölgeyi nazikçe yıkamak")),
    "ac-hair-wash": Again("bath", Text.of(en="Wash your hair with a mild shampoo", tr="Saçı yumuşak bir şampuanla yıkamak")),
    "ac-no-makeup": Again(
        "brush", Text.of(en="Make-up and cream, if the skin is closed", tr="Cilt kapanmışsa makyaj ve krem")
    ),
    "ac-no-heat": Again("thermometer", Text.of(en="A warm shower or bath", tr="Sıcak duş veya banyo")),
    "ac-no-exercise": Again("barbell", Text.of(en="Sport and heavy work", tr="Spor ve ağır iş")),
    "ac-no-massage": Again("massage", Text.of(en="Massage of the area", tr="Bölgeye masaj")),
    "ac-loose-clothes": Again("hanger", Text.of(en="Tight clothes, helmet or mask", tr="Dar giysi, kask veya maske")),
    "ac-no-sauna-pool": Again("pool", Text.of(en="Pool, sea, sauna", tr="Havuz, deniz, sauna")),
    "ac-gentle-skin": Again(
        "sparkles", Text.of(en="Peeling, scrub, retinol, hair removal", tr="Peeling, kese, retinol, epilasyon")
    ),
    "ac-no-sun": Again("sun", Text.of(en="Sun, with sun cream", tr="Güneş kremiyle güneşe çıkmak")),
    "ac-no-procedures": Again(
        "sparkles", Text.of(en="Other cosmetic treatment, after asking us", tr="Bize danışarak başka kozmetik işlem")
    ),
    "ac-blood-donation": Again("droplets", Text.of(en="Giving blood", tr="Kan bağışı")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page. `rule` is the instruction in the clinic's words; `title` what opens, or the rule's name.
    `from_at` and `until_at` are aware moments; `opens` says whether its end may be called "allowed"."""

    code: str
    icon: str
    title: str
    rule: str
    from_at: dt.datetime
    until_at: dt.datetime | None
    opens: bool


@dataclass(frozen=True, slots=True)
class Live:
    """What holds at one moment: allowed again (newest first), the next to open, what waits longer, what helps."""

    allowed: tuple[Line, ...]
    next_at: dt.datetime | None
    next: tuple[Line, ...]
    waiting: tuple[Line, ...]
    helping: tuple[Line, ...]


def live(instructions: Iterable[Instruction], *, now: dt.datetime, language: str) -> Live:
    """Sort the lines of a sheet by what they mean at `now` (aware). An end belongs to what is allowed from then on."""
    known = [one for one in instructions if one.code != TOLD_BY_RED_FLAGS]
    helping = [one for one in known if one.code in HELPING and not _over(one.until_at, now)]
    # Hair is wet when the scalp is washed: the area is not called free for water before the hair is (msg-15h).
    wet_hair = any(one.code == HAIR and not _over(one.until_at, now) for one in known)
    rules = [
        line for one in known if one.code not in HELPING for line in _lines(one, language, held=wet_hair and one.code == WATER)
    ]
    over = [line for line in rules if _over(line.until_at, now)]
    open_still = sorted((line for line in rules if not _over(line.until_at, now)), key=_end)
    openings = [line.until_at for line in open_still if line.opens and line.until_at is not None]
    next_at = min(openings, default=None)
    return Live(
        allowed=tuple(sorted((line for line in over if line.opens), key=_end, reverse=True)),
        next_at=next_at,
        next=tuple(line for line in open_still if line.opens and line.until_at == next_at),
        waiting=tuple(line for line in open_still if not (line.opens and line.until_at == next_at)),
        helping=tuple(_helping(one, language) for one in helping),
    )


def _over(until_at: dt.datetime | None, now: dt.datetime) -> bool:
    return until_at is not None and until_at <= now


def _end(line: Line) -> dt.datetime:
    return line.until_at or dt.datetime.max.replace(tzinfo=dt.UTC)


def _lines(one: Instruction, language: str, *, held: bool) -> list[Line]:
    """The instruction, and each part of it that holds longer as a line of its own. `held` is never called allowed."""
    again = AGAIN.get(one.code)
    icon = again.icon if again else "ban"
    title = again.words.get(language) if again else one.name_in(language)
    main = Line(one.code, icon, title, one.text(language), one.from_at, one.until_at, again is not None and not held)
    longer = [
        Line(one.code, icon, part.text(language), part.text(language), one.from_at, part.until_at, False)
        for part in one.longer_parts
    ]
    return [main, *longer]


def _helping(one: Instruction, language: str) -> Line:
    return Line(one.code, "circle-check", one.name_in(language), one.text(language), one.from_at, one.until_at, False)
