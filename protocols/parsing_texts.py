"""Parsers of the entries that are texts for people: aftercare, reactions, check-ins, mails, consent items, start gates,
combinations, planner rules, refused choices.

Pure. A JSON-shaped body in, a frozen definition out; see `protocols.parsing` for the others.
"""
from __future__ import annotations

from collections.abc import Mapping

from protocols import faults
from protocols.choices import Category, InstructionSeverity
from protocols.definitions import (
    AftercareRule,
    CheckInAnswer,
    CombinationRule,
    ConsentItem,
    HoursVariant,
    HouseRule,
    MessageDefinition,
    PlannerRule,
    ReactionDefinition,
    RefusedChoice,
    StartGate,
)
from protocols.entries import CommonFields, Fields
from protocols.figures import HOUSE, MESSAGES, bounds_of, complete


def parse_aftercare(code: str, body: object) -> AftercareRule:
    common = CommonFields(code, body)
    fields = common.fields
    hours_until = fields.whole_or_none("hours_until", least=1)
    settable = fields.decimal_range_or_none("settable_hours")
    definition = AftercareRule(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"),
        severity=fields.choice("severity", InstructionSeverity),
        hours_from=fields.whole("hours_from"),
        hours_until=hours_until,
        everybody=fields.flag("everybody"),
        regions=fields.words("regions"),
        categories=tuple(category.value for category in fields.choices("categories", Category)),
        substances=fields.words("substances"),
        settable_hours=(int(settable.low), int(settable.high)) if settable else None,
        hours_until_with=fields.numbers_by_code("hours_until_with"),
        months_until_with=fields.numbers_by_code("months_until_with"),
        doubled_for_dark_skin=fields.flag("doubled_for_dark_skin"),
        doubled_for_indications=fields.words("doubled_for_indications"),
        at_least_as_long_as=fields.text("at_least_as_long_as", default=""),
        variants=tuple(_variant(inner) for inner in fields.inner_list("variants")),
    )
    _check_hours(fields, definition)
    return common.complete(definition)


def _check_hours(fields: Fields, rule: AftercareRule) -> None:
    if not (rule.everybody or rule.regions or rule.categories or rule.substances) and fields.sound(
            "everybody", "regions", "categories", "substances"):
        fields.wrong(faults.FOR_NOBODY)
    if rule.hours_until is not None and rule.hours_until <= rule.hours_from and fields.sound("hours_from", "hours_until"):
        fields.wrong(faults.HOURS_RUN, "hours_until", low=rule.hours_from, high=rule.hours_until)
    if rule.settable_hours and fields.sound("hours_until", "settable_hours") and (
            rule.hours_until is None or not rule.settable_hours[0] <= rule.hours_until <= rule.settable_hours[1]):
        fields.wrong(faults.OUTSIDE_SETTABLE, "hours_until", value=rule.hours_until)


def _variant(fields: Fields) -> HoursVariant:
    variant = HoursVariant(fields.whole("hours_until", least=1), fields.texts("text"))
    fields.finish()
    return variant


def parse_reaction(code: str, body: object) -> ReactionDefinition:
    common = CommonFields(code, body)
    fields = common.fields
    kind = fields.one_of("kind", ("expected", "adverse", "red-flag"))
    low, high = fields.whole_or_none("grade_low", least=1, most=5), fields.whole_or_none("grade_high", least=1, most=5)
    if fields.sound("grade_low", "grade_high") and (
            (low is None) != (high is None) or (low is not None and high is not None and low > high)):
        fields.wrong(faults.GRADES, "grade_low", low=low, high=high)
    definition = ReactionDefinition(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), kind=kind, onset=fields.texts("onset"), lasts=fields.texts("lasts"),
        grade_low=low, grade_high=high,
        substances=frozenset(fields.words("substances")), regions=fields.words("regions"),
    )
    return common.complete(definition)


def parse_message(code: str, body: object) -> MessageDefinition:
    common = CommonFields(code, body)
    fields = common.fields
    definition = MessageDefinition(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), when=fields.texts("when"), template=fields.code("template"),
        sent_at_once=fields.flag("sent_at_once"), stopped_by_block=fields.flag("stopped_by_block"),
        limits=_figures(code, fields, MESSAGES),
    )
    return common.complete(definition)


def _figures(code: str, fields: Fields, known: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The figures of the entry, complete; faulty where nobody would read one, or where it cannot be."""
    given, wanted = fields.numbers_by_code("limits"), known.get(code, {})
    for name, figure in given.items():
        if name not in wanted:
            sentence = faults.NO_FIGURE if wanted else faults.NO_FIGURES
            fields.wrong(sentence, f"limits.{name}", code=code, names=", ".join(wanted))
            continue
        low, high = bounds_of(name)
        if not low <= figure <= high and fields.sound(f"limits.{name}"):
            fields.wrong(faults.OUTSIDE, f"limits.{name}", value=figure, low=low, high=high)
    return complete(code, given, known)


def parse_house_rule(code: str, body: object) -> HouseRule:
    common = CommonFields(code, body)
    fields = common.fields
    if code not in HOUSE:
        fields.wrong(faults.NOT_COMPUTED, names=", ".join(HOUSE))
    definition = HouseRule(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), limits=_figures(code, fields, HOUSE))
    return common.complete(definition)


def parse_consent_item(code: str, body: object) -> ConsentItem:
    common = CommonFields(code, body)
    fields = common.fields
    definition = ConsentItem(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), number=fields.whole("number", least=1, most=99),
        categories=tuple(category.value for category in fields.choices("categories", Category)),
        indications=fields.words("indications"), substances=fields.words("substances"), answer=fields.flag("answer"),
    )
    return common.complete(definition)


GATE_LIMITS = {
    "gate-consent": {"most_months"}, "gate-thinking": {"least_hours"},
    "gate-test": {"least_hours", "most_days", "known_months", "read_hours", "positive_mm"},
}
"""The figures that the gates are computed with; others have none. Ages of lab values and weights are the measurements'."""


def parse_start_gate(code: str, body: object) -> StartGate:
    common = CommonFields(code, body)
    fields = common.fields
    definition = StartGate(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), overridable=fields.flag("overridable"),
        limits=fields.numbers_by_code("limits"))
    wanted = GATE_LIMITS.get(code, set())
    if set(definition.limits) != wanted and fields.sound("limits"):
        fields.wrong(faults.GATE_LIMITS if wanted else faults.GATE_NO_LIMITS, "limits", names=", ".join(sorted(wanted)))
    for name, figure in definition.limits.items():
        if figure < 1 and fields.sound(f"limits.{name}"):
            fields.wrong(faults.ONE_OR_MORE, f"limits.{name}")
    return common.complete(definition)


REFUSED_ABOUT = ("indication", "technique", "substance", "aftercare", "effect", "practice")


def parse_refused(code: str, body: object) -> RefusedChoice:
    common = CommonFields(code, body)
    fields = common.fields
    about = fields.one_of("about", REFUSED_ABOUT)
    definition = RefusedChoice(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), about=about, words=fields.words("words"), instead=fields.text("instead", default=""),
    )
    return common.complete(definition)


def parse_combination(code: str, body: object) -> CombinationRule:
    common = CommonFields(code, body)
    fields = common.fields
    definition = CombinationRule(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"),
        procedures=fields.words("procedures"), substances=fields.words("substances"),
        days_before=fields.whole_or_none("days_before"), months_before=fields.whole_or_none("months_before", most=24),
        days_after=fields.whole_or_none("days_after"), same_day=fields.flag("same_day"),
        most_new=fields.whole_or_none("most_new", most=20))
    return common.complete(definition)


def parse_planner_rule(code: str, body: object) -> PlannerRule:
    common = CommonFields(code, body)
    fields = common.fields
    definition = PlannerRule(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), days=fields.whole_or_none("days", least=1))
    return common.complete(definition)


URGENCIES = ("emergency", "same-day", "48-hours")


def parse_check_in(code: str, body: object) -> CheckInAnswer:
    common = CommonFields(code, body)
    fields = common.fields
    urgency = fields.one_of("urgency", URGENCIES)
    definition = CheckInAnswer(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=fields.texts("text"), urgency=urgency, at_least=fields.decimal_or_none("at_least"),
        rising=fields.flag("rising"), after_hours=fields.whole("after_hours") if fields.has("after_hours") else 0,
        from_day=fields.whole_or_none("from_day"), until_day=fields.whole_or_none("until_day"),
        reaction=fields.text("reaction", default=""))
    return common.complete(definition)
