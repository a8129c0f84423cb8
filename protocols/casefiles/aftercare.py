"""Cases of kind aftercare: what must the patient do until when, in clock times? Pure."""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from patients.facts import PatientFacts
from protocols.aftercare import Instruction, SettingRefused, aftercare, joined
from protocols.casefiles.expecting import Expectation, by_code, exactly, excluding, including, values
from protocols.casefiles.kinds import CaseKind, zone_of
from protocols.casefiles.patients import read_patient
from protocols.casefiles.plans import read_plan
from protocols.casefiles.written import Block, Keys, Written
from protocols.choices import InstructionSeverity
from protocols.definitions import Catalogue
from protocols.plan import Plan

FIELDS: Keys = {
    "ended_at": ("2026-06-15 18:00", "when the session ended, in the site's zone (or in UTC with a Z behind it)"),
    "zone": ("Europe/Berlin", "the site's time zone; Europe/Istanbul when left out"),
    "patient": ("{measurements: {m-fitzpatrick: V}}", "what differs from the healthy person"),
    "plan": ("{indication: ind-aga, mixture: ck-hair-minox}", "what was given"),
    "same_day": ("[{indication: ind-hands, mixture: ck-face-hydra}]", "other plans of the same session: one sheet"),
    "settings": ("{ac-no-water: 24}", "the clinic's own hours per instruction"),
}
ENDLESS = "on"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The instructions of one session, seen in one zone."""

    instructions: tuple[Instruction, ...]
    zone: ZoneInfo

    def local(self, moment: datetime | None) -> str:
        return ENDLESS if moment is None else f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class _Run:
    ended_at: datetime
    zone: ZoneInfo
    facts: PatientFacts
    plans: tuple[Plan, ...]
    settings: Mapping[str, int]
    catalogue: Catalogue

    def __call__(self) -> Sheet:
        sheets = [
            aftercare(ended_at=self.ended_at, plan=plan, facts=self.facts, catalogue=self.catalogue,
                      on_site_zone=self.zone, settings=self.settings)
            for plan in self.plans]
        return Sheet(sheets[0] if len(sheets) == 1 else joined(sheets), self.zone)


def read(block: Block, catalogue: Catalogue) -> Callable[[], Sheet]:
    zone = zone_of(block)
    ended_at = block.need("ended_at").moment(zone)
    return _Run(
        ended_at=ended_at,
        zone=zone,
        facts=read_patient(block.take("patient"), on=ended_at.astimezone(zone).date(), catalogue=catalogue),
        plans=tuple(read_plan(one, catalogue) for one in (block.need("plan"), *block.each("same_day"))),
        settings=read_settings(block, catalogue),
        catalogue=catalogue,
    )


def read_settings(block: Block, catalogue: Catalogue) -> dict[str, int]:
    """The clinic's hours per instruction."""
    found = {}
    for code, written in block.pairs("settings"):
        if code not in catalogue.aftercare:
            raise written.fail(f"there is no aftercare instruction “{code}” in this catalogue.")
        found[code] = written.whole(least=0, most=100_000)
    return found


def reasons(answer: Sheet) -> list[str]:
    return [
        f"{one.code}, {one.severity}: {hours(one)} h, {answer.local(one.from_at)} to {answer.local(one.until_at)}. "
        f"Source {one.source or one.mark}." for one in answer.instructions]


def hours(one: Instruction) -> str:
    """ "0-15" elapsed hours; "48-on" without an end."""
    return f"{one.hours_from}-{ENDLESS if one.hours_until is None else one.hours_until}"


def _hours(written: Written) -> str:
    first, dash, last = written.text().partition("-")
    if not dash or not first.isdigit() or not (last.isdigit() or last == ENDLESS):
        raise written.fail(f"“{written.text()}” is not a span of hours such as 0-15 or 48-{ENDLESS}.")
    return written.text()


def _local(written: Written) -> str:
    """Compared as it is read from the clock on the wall, so that both passes of a repeated hour look alike."""
    if written.text() == ENDLESS:
        return ENDLESS
    written.moment(ZoneInfo("UTC"))  # only its shape: which zone is judged by the answer
    return written.text().replace("T", " ")


def _utc(written: Written) -> datetime | None:
    return None if written.text() == ENDLESS else written.moment(ZoneInfo("UTC"))


def _part_hours(one: Instruction) -> frozenset[str]:
    return frozenset(str(part.hours_until) for part in one.longer_parts)


def _each(take: Callable[[Sheet, Instruction], object]) -> Callable[[Sheet], dict[str, object]]:
    return lambda sheet: {one.code: take(sheet, one) for one in sheet.instructions}


def _codes(catalogue: Catalogue) -> Collection[str]:
    return catalogue.aftercare


def _date(written: Written) -> date | None:
    return None if written.text() == "none" else written.day()


RULE = "aftercare instruction"
SEVERITIES = [one.value for one in InstructionSeverity]
EXPECTATIONS: tuple[Expectation[Sheet], ...] = (
    exactly("codes", "[ac-no-water]", "every instruction on the sheet, and no other", _codes, RULE,
            lambda sheet: [one.code for one in sheet.instructions]),
    including("codes_include", "[ac-hair-wash]", "instructions on the sheet", _codes, RULE,
              lambda sheet: [one.code for one in sheet.instructions]),
    excluding("codes_exclude", "[ac-hair-wash]", "instructions that are not on the sheet", _codes, RULE,
              lambda sheet: [one.code for one in sheet.instructions]),
    by_code("hours", "{ac-no-water: 0-15}", "per instruction: elapsed hours, `48-on` where there is no end",
            values(_codes, RULE, _hours), _each(lambda _sheet, one: hours(one))),
    by_code("from", "{ac-spf: 2026-06-16 18:00}", "per instruction: from when, on the site's clock",
            values(_codes, RULE, _local), _each(lambda sheet, one: sheet.local(one.from_at))),
    by_code("until", "{ac-no-water: 2026-06-16 09:00}", "per instruction: until when, on the site's clock, or `on`",
            values(_codes, RULE, _local), _each(lambda sheet, one: sheet.local(one.until_at))),
    by_code("from_utc", "{ac-spf: 2026-06-16 15:00}", "the same in UTC", values(_codes, RULE, _utc),
            _each(lambda _sheet, one: one.from_at.astimezone(UTC))),
    by_code("until_utc", "{ac-no-water: 2026-06-16 06:00}", "the same in UTC", values(_codes, RULE, _utc),
            _each(lambda _sheet, one: one.until_at and one.until_at.astimezone(UTC))),
    by_code("until_date", "{ac-blood-donation: 2026-12-15}",
            "per instruction: the calendar date it ends on instead of hours, or `none`",
            values(_codes, RULE, _date), _each(lambda _sheet, one: one.until_date)),
    by_code("longer_parts", "{ac-gentle-skin: [168]}", "per instruction: hours of the parts that hold longer",
            values(_codes, RULE, lambda one: frozenset(item.text() for item in one.items())),
            _each(lambda _sheet, one: _part_hours(one))),
    by_code("severity", "{ac-no-water: must}", "per instruction: " + ", ".join(SEVERITIES),
            values(_codes, RULE, lambda one: one.one_of(SEVERITIES)),
            _each(lambda _sheet, one: one.severity.value)),
)

KIND: CaseKind[Sheet] = CaseKind(
    name="aftercare",
    means="What must the patient do and until when, in clock times?",
    fields=FIELDS,
    read=read,
    expectations=EXPECTATIONS,
    reasons=reasons,
    refusals=(SettingRefused,),
)
