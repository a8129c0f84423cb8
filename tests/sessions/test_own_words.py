"""The clinic's own words: which placeholders may, which must; nothing about health on a locked phone."""
from __future__ import annotations

import pytest

from sessions.message_places import FIXED, LEADS, PLACES, RANGES, may_be_off, shipped_lead, shipped_text
from sessions.message_texts import KINDS, LANGUAGES, say
from sessions.own_words import Places, Words, faults_of, filled, paragraphs_around_link

VISIT = Places(values=("day", "time"), in_subject=("day",), in_lead=("day", "time"))
GOOD = Words("See you on {day}", "We expect you on {day} at {time}.", "Hello.\n\n{advice}\n\n{link}\n\nYours, {clinic}")


def codes(**parts: str) -> list[tuple[str, str, str]]:
    words = Words(**{**GOOD.stored(), **parts})
    return [(fault.part, fault.code, fault.what) for fault in faults_of(words, VISIT, health_words=["Cellulite", "Hair loss"])]


def test_good_words_have_no_fault() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("part", "written", "fault"),
    [
        ("subject", "Hello {name}", ("subject", "unknown", "name")),
        ("subject", "At {time}", ("subject", "unknown", "time")),
        ("subject", "   ", ("subject", "empty", "")),
        ("subject", "Your cellulite visit", ("subject", "health", "Cellulite")),
        ("subject", "Mesotherapy on {day}", ("subject", "health", "Meso")),
        ("subject", "Tedaviniz {day}", ("subject", "health", "Tedavi")),
        ("subject", "{day", ("subject", "stray", "")),
        ("lead", "See you on {day}.", ("lead", "missing", "time")),
        ("lead", "{day} {time} {day.__class__}", ("lead", "unknown", "day.__class__")),
        ("lead", "{day} {time} for your hair loss", ("lead", "health", "Hair loss")),
        ("lead", "{day} {time} {}", ("lead", "unknown", "")),
        ("text", "{advice}", ("text", "missing", "link")),
        ("text", "{link}", ("text", "missing", "advice")),
        ("text", "{advice}\n{link}\n{link}", ("text", "twice", "link")),
        ("text", "{advice}\nPress {link} now", ("text", "not-alone", "link")),
        ("text", "{advice}\n{link}\n{{ settings.SECRET_KEY }}", ("text", "unknown", " settings.SECRET_KEY ")),
        ("text", "{advice}\n{link}\n100 %}", ("text", "stray", "")),
    ],
)
def test_each_fault_is_found_beside_its_part(part: str, written: str, fault: tuple[str, str, str]) -> None:
    assert fault in codes(**{part: written})


def test_values_are_put_in_once_and_stay_text() -> None:
    assert filled("{clinic} at {day}", {"clinic": "{day} {link}", "day": "noon"}) == "{day} {link} at noon"


def test_link_parts_the_paragraphs_and_advice_stands_where_it_is_asked_for() -> None:
    before, after = paragraphs_around_link("Dear you\n\n {link} \n\n{advice}\nBye, {clinic}", {"clinic": "C"}, ["one", "two"])
    assert (before, after) == (["Dear you"], ["one", "two", "Bye, C"])


@pytest.mark.parametrize("kind", PLACES)
def test_shipped_words_would_be_accepted_as_own_words(kind: str) -> None:
    """A clinic starts from them: they carry what must stand in them and nothing that may not."""
    for language in LANGUAGES:
        subject = KINDS[kind].subject
        words = Words(subject.get(language) if subject else "Hello", shipped_lead(kind, language), shipped_text(kind))
        assert faults_of(words, PLACES[kind]) == [], language


def test_every_kind_has_its_places_or_is_always_as_shipped() -> None:
    assert set(PLACES) == set(LEADS) == set(KINDS) - FIXED
    assert set(RANGES) < set(PLACES)
    assert {kind for kind in PLACES if may_be_off(kind)} == {kind for kind in PLACES if KINDS[kind].optional}


def test_lead_is_the_sentence_that_is_sent() -> None:
    assert filled(shipped_lead("msg-confirm", "tr"), {"day": "A", "time": "B"}) == say("expect", "tr", day="A", time="B")
