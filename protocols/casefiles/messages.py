"""Cases of kind messages: which mails fall due when, and what stops them? Pure."""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from protocols.casefiles.aftercare import read_settings
from protocols.casefiles.expecting import Expectation, by_code, exactly, values
from protocols.casefiles.kinds import CaseKind, zone_of
from protocols.casefiles.written import Block, Keys, Written
from protocols.choices import Category
from protocols.definitions import Catalogue
from protocols.message_stops import Standing, Stop, stopped_by
from protocols.message_times import DRY_TIME, KINDS, MailHours, due_at

FIELDS: Keys = {
    "zone": ("Europe/Berlin", "the site's time zone; Europe/Istanbul when left out"),
    "booked_at": ("2026-06-01 14:30", "when the booking was made, in the site's zone (or in UTC with a Z behind it)"),
    "starts_at": ("2026-06-15 10:00", "when the session begins"),
    "ended_at": ("2026-06-15 11:00", "when the session ended"),
    "quiet_hours": ("[21:00, 08:00]", "from the first, included, to the second, not included, nothing is sent"),
    "settings": ("{ac-no-water: 24}", "the clinic's own hours: the dry time moves msg-15h"),
    "category": ("body", "category of the course: " + ", ".join(one.value for one in Category)),
    "next_due": ("2026-06-29", "when the next session or maintenance is due"),
    "latest": ("2026-07-13", "the last day within the longest interval"),
    "reviews": ("{msg-review-1m: 2026-07-15}", "the review dates, by mail"),
    "consent_withdrawn": ("yes", "consent is withdrawn; no when left out"),
    "blocked": ("yes", "screening or a pregnancy blocks the course; no when left out"),
    "event_grade": ("2", "the gravest open adverse event, 0 to 5; 0 when left out"),
    "next_is_booked": ("yes", "the next session is booked already; no when left out"),
    "test_needed": ("no", "a new product without a valid allergy test is planned; yes when left out"),
}
NEVER = "never"
REVIEWS = ("msg-review-1m", "msg-review-6m")


@dataclass(frozen=True, slots=True)
class Mail:
    """When one mail falls due (UTC, None: never) and what stops it."""

    due_at: datetime | None
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Mails:
    by_kind: Mapping[str, Mail]
    zone: ZoneInfo

    def local(self, moment: datetime | None) -> str:
        return NEVER if moment is None else f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    @property
    def sent(self) -> list[str]:
        return [kind for kind, mail in self.by_kind.items() if mail.due_at is not None and mail.stop is None]


@dataclass(frozen=True, slots=True)
class _Run:
    zone: ZoneInfo
    hours: MailHours
    times: Mapping[str, Any]
    reviews: Mapping[str, date]
    standing: Standing
    catalogue: Catalogue

    def __call__(self) -> Mails:
        return Mails({kind: self._mail(kind) for kind in self.catalogue.messages if kind in KINDS}, self.zone)

    def _mail(self, kind: str) -> Mail:
        due = due_at(kind, hours=self.hours, zone=self.zone, review_on=self.reviews.get(kind), **self.times)
        return Mail(due, stopped_by(kind, self.standing, self.catalogue.messages))


def read(block: Block, catalogue: Catalogue) -> Callable[[], Mails]:
    zone = zone_of(block)
    known = MailHours.of(catalogue)
    hours = replace(known, quiet=_quiet_hours(block.take("quiet_hours"), known), dry_hours=_dry_hours(block, catalogue, known))
    times: dict[str, Any] = {}
    for key in ("booked_at", "starts_at", "ended_at"):
        written = block.take(key)
        times[key] = None if written is None else written.moment(zone)
    for key in ("next_due", "latest"):
        written = block.take(key)
        times[key] = None if written is None else written.day()
    category = block.take("category")
    times["category"] = "" if category is None else category.one_of([one.value for one in Category])
    return _Run(zone, hours, times, _reviews(block), _standing(block), catalogue)


def _dry_hours(block: Block, catalogue: Catalogue, known: MailHours) -> int:
    """As the clinic set it, else as the catalogue says."""
    chosen = read_settings(block, catalogue)
    for code, written in block.pairs("settings"):
        if code != DRY_TIME:
            raise written.fail(f"only the dry time ({DRY_TIME}) moves a mail.")
    return chosen.get(DRY_TIME, known.dry_hours)


def _quiet_hours(written: Written | None, known: MailHours) -> tuple[time, time]:
    if written is None:
        return known.quiet
    clocks = [one.clock() for one in written.items()]
    if len(clocks) != 2:
        raise written.fail("two clock times are expected here: [21:00, 08:00].")
    return clocks[0], clocks[1]


def _reviews(block: Block) -> dict[str, date]:
    found = {}
    for kind, written in block.pairs("reviews"):
        if kind not in REVIEWS:
            raise written.fail(f"“{kind}” is not one of {', '.join(REVIEWS)}.")
        found[kind] = written.day()
    return found


def _standing(block: Block) -> Standing:
    given = {
        key: written.flag() for key in ("consent_withdrawn", "blocked", "next_is_booked", "test_needed")
        if (written := block.take(key)) is not None}
    grade = block.take("event_grade")
    return Standing(**given, event_grade=0 if grade is None else grade.whole(least=0, most=5))


def reasons(answer: Mails) -> list[str]:
    return [
        f"{kind}: {answer.local(mail.due_at)}{f', stopped: {mail.stop}' if mail.stop else ''}"
        for kind, mail in answer.by_kind.items() if mail.due_at is not None or mail.stop is not None]


def _kinds(catalogue: Catalogue) -> Collection[str]:
    return [kind for kind in catalogue.messages if kind in KINDS]


def _local(written: Written) -> str:
    if written.text() == NEVER:
        return NEVER
    written.moment(ZoneInfo("UTC"))  # only its shape: which zone is judged by the answer
    return written.text().replace("T", " ")


def _utc(written: Written) -> datetime | None:
    return None if written.text() == NEVER else written.moment(ZoneInfo("UTC"))


STOPS = [*(one.value for one in Stop), "none"]
RULE = "message"
EXPECTATIONS: tuple[Expectation[Mails], ...] = (
    by_code("due", "{msg-4h: 2026-06-15 15:00}", "per mail: when it falls due on the site's clock, or `never`",
            values(_kinds, RULE, _local),
            lambda answer: {kind: answer.local(mail.due_at) for kind, mail in answer.by_kind.items()}),
    by_code("due_utc", "{msg-4h: 2026-06-15 12:00}", "the same in UTC", values(_kinds, RULE, _utc),
            lambda answer: {kind: mail.due_at for kind, mail in answer.by_kind.items()}),
    exactly("sent", "[msg-confirm, msg-24h]", "every mail that has a moment and that nothing stops, and no other",
            _kinds, RULE, lambda answer: answer.sent),
    by_code("stopped", "{msg-24h: blocked}", "per mail: why it is not sent: " + ", ".join(STOPS),
            values(_kinds, RULE, lambda one: one.one_of(STOPS)),
            lambda answer: {kind: mail.stop.value if mail.stop else "none" for kind, mail in answer.by_kind.items()}),
)

KIND: CaseKind[Mails] = CaseKind(
    name="messages",
    means="Which mails fall due when, and what stops them?",
    fields=FIELDS,
    read=read,
    expectations=EXPECTATIONS,
    reasons=reasons,
)
