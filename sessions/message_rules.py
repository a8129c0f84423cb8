"""Which rule holds for a message, and what it says: is it sent, when, in which words.

The narrowest rule decides: protocol and site, then protocol, then site, then everywhere. What it leaves open - whether it
is sent, a figure, the words of a language - the next wider one decides, at last the shipped message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from django.utils.translation import gettext_noop

from clinic.models import Site
from protocols.message_times import MailHours
from sessions.mail_hours import mail_hours
from sessions.models import Consent, Course, Message, MessageRule, MessageRuleVersion, TreatmentSession
from sessions.own_words import Words

SWITCHED_OFF = gettext_noop("The clinic has switched this message off")


@dataclass(frozen=True, slots=True)
class Found:
    """Own words and the rule they come from."""

    words: Words
    rule: MessageRule


@dataclass(frozen=True)
class Rules:
    """All rules in force, read once. `hours`: the catalogue's figures, which the rules move."""

    rows: tuple[MessageRule, ...]
    base: MailHours

    def of(self, kind: str, *, site: Site, indication: str) -> list[MessageRule]:
        """The rules that hold for such a message, the narrowest first."""
        return holding(self.rows, kind=kind, site=site.pk, indication=indication)

    def is_sent(self, kind: str, *, site: Site, indication: str) -> bool:
        said = (row.is_sent for row in self.of(kind, site=site, indication=indication) if row.is_sent is not None)
        return bool(next(said, True))

    def hours(self, kind: str, *, site: Site, indication: str) -> MailHours:
        """The catalogue's figures with those of the rules for this kind."""
        figures: dict[str, int] = {}
        for row in reversed(self.of(kind, site=site, indication=indication)):
            figures |= row.figures
        if not figures:
            return self.base
        return replace(self.base, figures={**self.base.figures, kind: {**self.base.figures.get(kind, {}), **figures}})

    def words(self, kind: str, language: str, *, site: Site, indication: str) -> Found | None:
        """The clinic's own words; None where the shipped ones are used."""
        for row in self.of(kind, site=site, indication=indication):
            if language in row.words:
                return Found(Words.of(row.words[language]), row)
        return None


def narrowness(row: MessageRule) -> tuple[bool, bool]:
    """Of two rules the one with the smaller goes before the other."""
    return not row.indication, row.site_id is None


def holding(rows: Iterable[MessageRule], *, kind: str, site: int | None, indication: str) -> list[MessageRule]:
    """The rules that hold for this kind at a site and for a protocol, the narrowest first."""
    fitting = (row for row in rows if row.kind == kind and row.site_id in {None, site})
    return sorted((row for row in fitting if row.indication in {"", indication}), key=narrowness)


_reading: ContextVar[list[Rules] | None] = ContextVar("rules read once", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Whatever is asked about rules in here is answered by one reading: a mail is written by one state of them."""
    if _reading.get() is not None:  # as one of many mails
        yield
        return
    token = _reading.set([])
    try:
        yield
    finally:
        _reading.reset(token)


def in_force(kinds: Iterable[str] = ()) -> Rules:
    """The rules of today; of these kinds alone, if any are named."""
    read = _reading.get()
    if read:
        return read[0]
    rows = MessageRule.objects.in_force()
    if read is None:
        return Rules(tuple(rows.filter(kind__in=list(kinds)) if kinds else rows), mail_hours())
    read.append(Rules(tuple(rows), mail_hours()))
    return read[0]


def indication_of(course: Course | None) -> str:
    return course.indication if course is not None else ""


def course_behind(message: Message) -> Course | None:
    """The course a message is about: its cause, that of its visit, or that of its session."""
    if message.cause_kind == "course":
        return Course.objects.filter(public_id=message.cause_public_id).first()
    if message.appointment is not None:
        return message.appointment.course
    if message.cause_kind == "consent":
        consent = Consent.objects.select_related("course").filter(public_id=message.cause_public_id).first()
        return consent.course if consent is not None else None
    if message.cause_kind == "treatmentsession":
        record = TreatmentSession.objects.select_related("course").filter(public_id=message.cause_public_id).first()
        return record.course if record is not None else None
    return None


def indications_behind(messages: Iterable[Message]) -> dict[int, str]:
    """The indication of each message that is about a course, by its key; three queries for however many."""
    rows = list(messages)
    found = {row.pk: indication_of(row.appointment.course) for row in rows if row.appointment is not None}
    ways = {
        "course": Course.objects.values_list("public_id", "indication"),
        "treatmentsession": TreatmentSession.objects.values_list("public_id", "course__indication"),
        "consent": Consent.objects.values_list("public_id", "course__indication"),
    }
    for cause, pairs in ways.items():
        keys = {row.cause_public_id for row in rows if row.cause_kind == cause and row.appointment is None}
        known = dict(pairs.filter(public_id__in=keys)) if keys else {}
        found |= {row.pk: known.get(row.cause_public_id, "") for row in rows if row.cause_public_id in known}
    return found


def is_off(message: Message) -> bool:
    """Has the clinic switched this message off?"""
    indication = indication_of(course_behind(message))
    return not in_force([message.kind]).is_sent(message.kind, site=message.site, indication=indication)


def words_for(message: Message, language: str) -> Found | None:
    rules = in_force([message.kind])
    if not any(row.kind == message.kind for row in rules.rows):
        return None  # as for most mails: nobody asks for the course behind it
    return rules.words(message.kind, language, site=message.site, indication=indication_of(course_behind(message)))


def version_of(rule: MessageRule) -> MessageRuleVersion | None:
    """The stored version a rule is in now."""
    return MessageRuleVersion.objects.filter(rule=rule, number=rule.version).first()


def as_rules(rows: Iterable[MessageRule], base: MailHours) -> Rules:
    return Rules(tuple(row for row in rows if row.is_active), base)

