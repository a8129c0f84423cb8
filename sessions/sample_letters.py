"""A letter of every kind with invented data, for the preview of a clinic's own words: no patient stands behind it.

Its shape is that of the composed letter (a test compares them); days and hours are counted from now, links lead nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.utils import timezone

from clinic import day_words
from clinic.models import Site
from patients.facts import PatientFacts
from protocols import catalogue
from protocols.aftercare import Instruction
from protocols.aftercare import aftercare as instructions_after
from protocols.plan import Plan
from sessions.letter_parts import (
    HIDDEN,
    TOLD_BY_RED_FLAGS,
    Letter,
    Section,
    in_words,
    link_address,
    place_of,
    red_flags,
)  # fmt: skip
from sessions.letters_between import words_of
from sessions.message_places import LEADS
from sessions.message_texts import (
    AFTER_4H,
    AFTERCARE,
    ALLERGY_TEST,
    CANCELLED,
    CHECK_IN,
    CONFIRM,
    CONSENT,
    FIRST_DAY,
    INTAKE,
    KINDS,
    LATE,
    LATE_LUMP,
    MAY_WASH,
    MOVED,
    NEXT,
    PREPARE,
    REMINDER,
    REQUEST,
    REVIEW_1M,
    REVIEW_6M,
    day_of,
    say,
)  # fmt: skip

NAMES: Mapping[str, str] = {
    "en": "Alex", "tr": "Deniz", "it": "Andrea", "fr": "Camille", "es": "Cruz", "de": "Kim", "ar": "نور", "ru": "Саша",
}  # fmt: skip
HOURS_AGO = {AFTERCARE: 0, AFTER_4H: 4, MAY_WASH: 15, FIRST_DAY: 24, CHECK_IN: 48, LATE_LUMP: 42 * 24}
ADVICE: Mapping[str, tuple[str, ...]] = {
    CONFIRM: ("bring", "consent"), REMINDER: ("prepare", "bring", "changed"), CANCELLED: ("call-for-new",),
    PREPARE: ("", "changed"), ALLERGY_TEST: ("", "test-call"), AFTER_4H: ("",), MAY_WASH: ("",), FIRST_DAY: ("",),
    LATE_LUMP: ("", "lump-call"), NEXT: ("", "book-by-call"), LATE: ("", "book-by-call"), REVIEW_1M: ("", "book-by-call"),
    REVIEW_6M: ("", "book-by-call"), CHECK_IN: ("check-in-well", "answer-mail"), INTAKE: ("intake-safe",),
    CONSENT: ("intake-safe",), REQUEST: ("request-not-you",),
}  # fmt: skip
"""What each mail has to say beside its first sentence; an empty key: the words of its entry in the catalogue."""

BUTTONS: Mapping[str, tuple[str, ...]] = {
    CONFIRM: ("confirm", "cannot-come"), REMINDER: ("confirm", "cannot-come"), MOVED: ("confirm", "cannot-come"),
    PREPARE: ("confirm", "cannot-come"), AFTERCARE: ("open-aftercare",), CHECK_IN: ("open-check-in",),
    INTAKE: ("open-questions",), CONSENT: ("open-consent",), REQUEST: ("confirm-request", "withdraw-request"),
}  # fmt: skip


def sample_letter(kind: str, language: str, site: Site) -> Letter:
    """The shipped letter of this kind with invented days."""
    now = timezone.now().astimezone(site.zone)
    start = (now + dt.timedelta(days=9)).replace(hour=10, minute=30, second=0, microsecond=0)
    ended = now - dt.timedelta(hours=HOURS_AGO.get(kind, 0))
    shown = ended if kind in HOURS_AGO else start
    values = {
        "day": day_of(shown, language), "time": f"{shown:%H:%M}", "until": f"{now + dt.timedelta(minutes=30):%H:%M}",
        "phone": site.phone,
    }  # fmt: skip
    own_words = [words_of(kind, language)] if "" in ADVICE.get(kind, ()) else []
    said = [key for key in ADVICE.get(kind, ()) if key and (key != "answer-mail" or site.email)]
    return Letter(
        subject=subject(kind, language, values["day"]),
        lead=say(LEADS[kind], language, **values),
        opening=own_words,
        facts=facts(kind, language, site, start),
        paragraphs=[say(key, language, **values) for key in said],
        buttons=[(say(key, language), link_address(HIDDEN)) for key in BUTTONS.get(kind, ())],
        sections=sections(kind, language, site, ended),
        values={name: values[name] for name in ("day", "time", "until")},
        name=NAMES[language],
    )


def subject(kind: str, language: str, day: str) -> str:
    own = KINDS[kind].subject
    if own is None:
        return catalogue.in_force().messages[kind].name_in(language)
    return own.get(language).format_map({"day": day})


def facts(kind: str, language: str, site: Site, start: dt.datetime) -> list[tuple[str, str]]:
    if kind in {CONFIRM, REMINDER, MOVED, PREPARE, REQUEST}:
        when = day_words.at(day_of(start, language, year=True), f"{start:%H:%M}", language)
        return [(say("when", language), when), (say("where", language), place_of(site))]
    if kind in {ALLERGY_TEST, NEXT}:
        first, last = (day_of(start + dt.timedelta(days=days), language) for days in (-3, -1))
        key = "test-days" if kind == ALLERGY_TEST else "next-window"
        return [(say(key, language), say("from-to", language, first=first, last=last))]
    return []


def sections(kind: str, language: str, site: Site, ended: dt.datetime) -> list[Section]:
    if kind == AFTERCARE:
        lines = sample_instructions(site, ended)
        return [
            *(
                Section(say(severity, language), in_words([one for one in lines if one.severity == severity], ended, language))
                for severity in dict.fromkeys(one.severity for one in lines)
            ),
            *red_flags(site, language),
        ]
    if kind in {AFTER_4H, MAY_WASH, FIRST_DAY}:
        now = timezone.now()
        still = [one for one in sample_instructions(site, ended) if one.until_at is not None and one.until_at > now]
        return [
            *([Section(say("still-on", language), in_words(still, ended, language))] if still else []),
            *red_flags(site, language),
        ]
    return red_flags(site, language) if kind == CHECK_IN else []


def sample_instructions(site: Site, ended: dt.datetime) -> list[Instruction]:
    """What holds after a session on the face: of the first indication in force."""
    rules = catalogue.in_force()
    indication = next(iter(rules.indications.values()))
    plan = Plan(
        indication=indication.code, category=indication.category, regions=tuple(indication.regions[:1]),
        technique=next(iter(rules.techniques)),
    )  # fmt: skip
    nobody = PatientFacts(birth_date=dt.date(1985, 5, 5), sex="other")
    lines = instructions_after(ended_at=ended, plan=plan, facts=nobody, catalogue=rules, on_site_zone=site.zone)
    return [line for line in lines if line.code != TOLD_BY_RED_FLAGS]
