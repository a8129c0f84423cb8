"""One parser per kind of catalogue entry: a JSON-shaped body in, a frozen definition out.

Pure. A parser checks everything that can be seen in the entry alone (fields, units, ranges, texts); references between
entries are resolved by `protocols.resolving`. Substance groups (`grp-`) of mixing rules stay as written until then.
"""
from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from decimal import Decimal

from protocols import faults
from protocols.choices import (
    Category,
    CheckResult,
    DoseUnit,
    Form,
    LooksAt,
    MixingShape,
    Role,
    Status,
)
from protocols.definitions import (
    Definition,
    Delivery,
    Indication,
    Maintenance,
    MixingRule,
    Mixture,
    MixtureItem,
    Phase,
    Region,
    RegionFigure,
    Review,
    Scope,
    Substance,
    Technique,
    Texts,
    WholeRange,
)
from protocols.entries import CommonFields, Fields
from protocols.faults import Written
from protocols.parsing_texts import (
    parse_aftercare,
    parse_check_in,
    parse_combination,
    parse_consent_item,
    parse_house_rule,
    parse_message,
    parse_planner_rule,
    parse_reaction,
    parse_refused,
    parse_start_gate,
)

STRENGTH_UNITS: Mapping[DoseUnit, frozenset[str]] = {
    DoseUnit.MG: frozenset({"mg/ml"}),
    DoseUnit.U: frozenset({"U/ml"}),
    DoseUnit.IU: frozenset({"IU/ml"}),
    DoseUnit.G: frozenset({"mg/g"}),
    DoseUnit.ML: frozenset({"mg/ml", "U/ml", "IU/ml", ""}),
}
"""Strength units that can be multiplied into each dose unit; products dosed in ml may state any or none."""

SENTENCE_FIELDS = frozenset({"substances", "amount", "limit", "unit", "region", "days", "count", "form"})
SEXES = frozenset({"female", "male", "other"})


def parse_indication(code: str, body: object) -> Indication:
    common = CommonFields(code, body)
    fields = common.fields
    phases = tuple(_phase(inner) for inner in fields.inner_list("phases"))
    if not phases and fields.sound("phases"):
        fields.wrong(faults.NO_PHASE, "phases")
    own = fields.whole_range("sessions") if fields.has("sessions") else None
    sessions = own or (phases[0].sessions if phases else WholeRange(0, 0, None))
    if fields.sound("phases", "sessions"):
        _check_phases(fields, phases, sessions.default)
    return common.complete(Indication(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        category=fields.choice("category", Category),
        status=fields.choice("status", Status, Status.ON),
        regions=_filled(fields, "regions"),
        techniques=_filled(fields, "techniques"),
        only_substances=fields.words("only_substances"),
        evidence=fields.text("evidence"),
        evidence_note=fields.texts("evidence_note") if fields.has("evidence_note") else None,
        sessions=sessions,
        phases=phases,
        maintenance=_maintenance(fields),
        effect=fields.texts("effect"),
        reviews=tuple(_review(inner) for inner in fields.inner_list("reviews")),
        scales=fields.words("scales"),
        stop_if_vas_fell_less_than_percent=fields.whole_or_none(
            "stop_if_vas_fell_less_than_percent", least=1, most=100),
        never_in=_countries(fields),
    ))


def _check_phases(fields: Fields, phases: tuple[Phase, ...], sessions: int) -> None:
    if sum(phase.sessions.default for phase in phases) != sessions:
        fields.wrong(faults.PHASES_DIFFER, "phases", sessions=sessions)
    if sessions > 1 and any(phase.interval_days is None for phase in phases):
        fields.wrong(faults.NO_INTERVAL, "phases")


def _phase(fields: Fields) -> Phase:
    interval = fields.whole_range("interval_days") if fields.has("interval_days") else None
    if interval is not None and interval.low < 1 and fields.sound("interval_days"):
        fields.wrong(faults.ONE_DAY, "interval_days")
    phase = Phase(fields.text("name", default=""), fields.whole_range("sessions"), interval)
    fields.finish()
    return phase


def _maintenance(fields: Fields) -> Maintenance | None:
    if not fields.has("maintenance"):
        return None
    inner = fields.inner("maintenance")
    earliest, latest = inner.whole("earliest_days", least=1), inner.whole("latest_days", least=1)
    if earliest > latest and inner.sound("earliest_days", "latest_days"):
        fields.wrong(faults.RANGE_DOWN, "maintenance", low=earliest, high=latest)
    found = Maintenance(earliest, latest, inner.flag("only_if_it_helps"))
    inner.finish()
    return found


def _review(fields: Fields) -> Review:
    anchor = fields.one_of("anchor", ("first", "last", "session", "hours"))
    found = Review(
        anchor,
        days=fields.whole("days", least=1) if anchor in ("first", "last") else None,
        session=fields.whole("session", least=1) if anchor == "session" else None,
        hours=fields.whole("hours", least=1) if anchor == "hours" else None,
    )
    fields.finish()
    return found


def parse_region(code: str, body: object) -> Region:
    common = CommonFields(code, body)
    fields = common.fields
    return common.complete(Region(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        group=fields.code("group"),
        depth_mm=fields.decimal_range("depth_mm"),
        max_ml=fields.decimal("max_ml", least=Decimal("0.01"), most=Decimal(20)),
        both_sides=fields.flag("both_sides"),
        slot_minutes=fields.whole("slot_minutes", least=5, most=240),
        aftercare_sets=fields.words("aftercare_sets"),
    ))


def parse_technique(code: str, body: object) -> Technique:
    common = CommonFields(code, body)
    fields = common.fields
    return common.complete(Technique(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        status=fields.choice("status", Status, Status.ON),
        depth_mm=fields.decimal_range_or_none("depth_mm"),
        ml_per_point=fields.decimal_range("ml_per_point"),
        spacing_mm=fields.text("spacing_mm"),
        needle=fields.text("needle"),
        hard_depth_mm=fields.decimal_or_none("hard_depth_mm"),
        only_substances=fields.words("only_substances"),
    ))


def parse_delivery(code: str, body: object) -> Delivery:
    common = CommonFields(code, body)
    fields = common.fields
    return common.complete(Delivery(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        status=fields.choice("status", Status, Status.ON),
        depth_mm=fields.decimal_range_or_none("depth_mm"),
        needle_free=fields.flag("needle_free"),
    ))


def parse_substance(code: str, body: object) -> Substance:
    common = CommonFields(code, body)
    fields = common.fields
    definition = Substance(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        substance_class=fields.texts("class"),
        role=fields.choice("role", Role, Role.ACTIVE),
        form=fields.choice("form", Form, Form.AQUEOUS),
        status=fields.choice("status", Status, Status.ON),
        groups=frozenset(fields.words("groups")),
        origin=fields.text("origin", default=""),
        strength=fields.decimal_range_or_none("strength"),
        strength_unit=fields.text("strength_unit", default=""),
        dose_unit=fields.choice("dose_unit", DoseUnit),
        typical=fields.decimal_range_or_none("typical"),
        hard_max=fields.decimal_or_none("hard_max"),
        mg_per_kg=fields.decimal_or_none("mg_per_kg"),
        final_strength_max=fields.decimal_or_none("final_strength_max"),
        lidocaine_mg_per_g=fields.decimal_or_none("lidocaine_mg_per_g"),
        max_ml_per_point=fields.decimal_or_none("max_ml_per_point"),
        max_points=fields.whole_or_none("max_points", least=1),
        max_per_cm2=fields.decimal_or_none("max_per_cm2"),
        max_area_cm2=fields.decimal_or_none("max_area_cm2"),
        max_sessions=fields.whole_or_none("max_sessions", least=1),
        min_interval_days=fields.whole_or_none("min_interval_days", least=1),
        by_region={region: _region_figure(inner) for region, inner in fields.inner_by_code("by_region").items()},
        allowed=_scope(fields),
        never_in=_countries(fields),
        needs_allergy_test=not fields.flag("no_allergy_test"),
    )
    _check_amounts(fields, definition)
    return common.complete(definition)


def _check_amounts(fields: Fields, substance: Substance) -> None:
    """What its figures say together; those with a fault of their own say nothing."""
    if fields.sound("strength", "strength_unit", "dose_unit"):
        if substance.strength is not None and substance.strength_unit not in STRENGTH_UNITS[substance.dose_unit]:
            fields.wrong(faults.UNIT_MISFIT, "strength_unit",
                         value=Written(substance.strength_unit), unit=substance.dose_unit.value)
        if substance.strength is None and substance.strength_unit:
            fields.wrong(faults.NO_STRENGTH, "strength_unit")
    if substance.mg_per_kg is not None and substance.dose_unit is not DoseUnit.MG and fields.sound("mg_per_kg", "dose_unit"):
        fields.wrong(faults.MISFIT, "mg_per_kg", unit=substance.dose_unit.value)
    if (fields.sound("typical", "hard_max") and substance.typical and substance.hard_max is not None
            and substance.typical.high > substance.hard_max):
        fields.wrong(faults.ABOVE_MAX, "typical", value=substance.typical.high, limit=substance.hard_max)


def _region_figure(fields: Fields) -> RegionFigure:
    figure = RegionFigure(
        fields.decimal_or_none("max_ml"), fields.decimal_range_or_none("depth_mm"),
        fields.decimal_range_or_none("typical"))
    fields.finish()
    return figure


def _scope(fields: Fields) -> Scope:
    if not fields.has("allowed"):
        return Scope()
    inner = fields.inner("allowed")
    scope = Scope(
        categories=tuple(category.value for category in inner.choices("categories", Category)),
        indications=inner.words("indications"), regions=inner.words("regions"),
        techniques=inner.words("techniques"), sexes=_sexes(inner))
    inner.finish()
    return scope


def parse_mixture(code: str, body: object) -> Mixture:
    common = CommonFields(code, body)
    fields = common.fields
    items = tuple(_mixture_item(inner) for inner in fields.inner_list("items"))
    if not items and fields.sound("items"):
        fields.wrong(faults.AT_LEAST_ONE, "items")
    definition = Mixture(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        indications=_filled(fields, "indications"),
        technique=fields.code("technique"),
        items=items,
        total_ml=fields.decimal("total_ml", least=Decimal("0.01"), most=Decimal(20)),
        total_ml_for=fields.decimals_by_code("total_ml_for"),
        sexes=_sexes(fields),
        never_in=_countries(fields),
        warns=fields.words("warns"),
    )
    total = sum((item.volume_ml for item in items), Decimal(0))
    if total != definition.total_ml and fields.sound("items", "total_ml"):
        fields.wrong(faults.NOT_THE_SUM, "total_ml", value=definition.total_ml, total=total)
    return common.complete(definition)


def _mixture_item(fields: Fields) -> MixtureItem:
    strength = fields.decimal_or_none("strength")
    item = MixtureItem(
        fields.code("substance"), fields.decimal("volume_ml", least=Decimal("0.01"), most=Decimal(20)), strength,
        fields.text("strength_unit", default="mg/ml" if strength is not None else ""))
    fields.finish()
    return item


def parse_mixing_rule(code: str, body: object) -> MixingRule:
    common = CommonFields(code, body)
    fields = common.fields
    definition = MixingRule(
        code=common.code, source=common.source, mark=common.mark, note=common.note, name=common.name(),
        body=_sentence(fields, "text"),
        unknown=_sentence(fields, "text_when_unknown") if fields.has("text_when_unknown") else None,
        looks_at=fields.choice("looks_at", LooksAt),
        shape=fields.choice("shape", MixingShape),
        result=fields.choice("result", CheckResult, CheckResult.INCOMPATIBLE),
        substances=frozenset(fields.words("substances")),
        with_substances=frozenset(fields.words("with_substances")),
        forms=frozenset(fields.choices("forms", Form)),
        within_days=fields.whole_or_none("within_days") or 0,
        limits=fields.decimals_by_code("limits"),
    )
    if fields.sound("shape"):
        _check_shape(fields, definition)
    return common.complete(definition)


def _sentence(fields: Fields, key: str) -> Texts:
    """A sentence per language whose `{fields}` are those the checks can fill."""
    texts = fields.texts(key)
    for lang, sentence in texts.items():
        try:
            places = [place for place in string.Formatter().parse(sentence) if place[1] is not None]
        except ValueError:
            fields.wrong(faults.NO_SENTENCE, f"{key}.{lang}")
            continue
        if unknown := sorted({str(name) for _text, name, _spec, _conversion in places} - SENTENCE_FIELDS):
            fields.wrong(faults.UNKNOWN_PLACES, f"{key}.{lang}", names=", ".join(unknown))
        if shaped := [str(name) for _text, name, spec, conversion in places if spec or conversion]:
            fields.wrong(faults.ONLY_A_NAME, f"{key}.{lang}", names=", ".join(f"{{{name}}}" for name in shaped))
    return texts


SHAPE_LIMITS: Mapping[MixingShape, frozenset[str]] = {
    MixingShape.ANAESTHETIC_SUM: frozenset(),
    MixingShape.SHARE_OF_MIX: frozenset({"percent"}),
    MixingShape.COUNT: frozenset({"warn_substances", "most_substances"}),
    MixingShape.VOLUME_SESSION: frozenset({"warn_ml", "most_ml"}),
    MixingShape.VOLUME_POINT: frozenset({"most_ml_per_point"}),
    MixingShape.DEPTH_MAX: frozenset({"most_mm"}),
    MixingShape.STATED_TOTAL: frozenset({"tolerance_ml"}),
}
_NAMES_SUBSTANCES = frozenset({
    MixingShape.FORBIDDEN, MixingShape.TOGETHER, MixingShape.ALONE, MixingShape.AT_MOST_ONE,
    MixingShape.ANAESTHETIC_SUM, MixingShape.SHARE_OF_MIX,
})
_NEEDS_FIGURES = frozenset({MixingShape.DOSE_MAX, MixingShape.DOSE_KG})
_MAY_BE_UNKNOWN = frozenset({MixingShape.AT_MOST_ONE})
_NAMES_TWO_SIDES = frozenset({MixingShape.TOGETHER, MixingShape.ANAESTHETIC_SUM})
LOOKS_AT: Mapping[MixingShape, frozenset[LooksAt]] = {
    MixingShape.FORBIDDEN: frozenset({LooksAt.MIX}), MixingShape.FORBIDDEN_FORM: frozenset({LooksAt.MIX}),
    MixingShape.ALONE: frozenset({LooksAt.MIX}), MixingShape.AT_MOST_ONE: frozenset({LooksAt.DAY}),
    MixingShape.TOGETHER: frozenset({LooksAt.MIX, LooksAt.AREA, LooksAt.DAY}),
}
"""Where these shapes look: one that is said to look elsewhere would not."""


def _check_shape(fields: Fields, rule: MixingRule) -> None:
    """Each shape needs its own figures and lists, and no others."""
    shape, wanted = rule.shape.value, SHAPE_LIMITS.get(rule.shape, frozenset())
    if set(rule.limits) != wanted and fields.sound("limits"):
        sentence = faults.NEEDS_LIMITS if wanted else faults.NO_LIMITS
        fields.wrong(sentence, "limits", shape=shape, names=", ".join(sorted(wanted)))
    for key, given, needed in (
        ("substances", rule.substances, rule.shape in _NAMES_SUBSTANCES),
        ("with_substances", rule.with_substances, rule.shape in _NAMES_TWO_SIDES),
        ("forms", rule.forms, rule.shape is MixingShape.FORBIDDEN_FORM),
    ):
        if bool(given) != needed and fields.sound(key):
            fields.wrong(faults.SHAPE_MISFIT, key, shape=shape)
    if rule.shape in LOOKS_AT and rule.looks_at not in LOOKS_AT[rule.shape] and fields.sound("looks_at"):
        fields.wrong(faults.LOOKS_ELSEWHERE, "looks_at", value=Written(rule.looks_at.value), shape=shape,
                     allowed=", ".join(sorted(LOOKS_AT[rule.shape])))
    if rule.within_days and (rule.shape, rule.looks_at) != (MixingShape.TOGETHER, LooksAt.AREA) and fields.sound("within_days"):
        fields.wrong(faults.SHAPE_MISFIT, "within_days", shape=shape)
    if (rule.unknown is None) == (rule.shape in _NEEDS_FIGURES) and rule.shape not in _MAY_BE_UNKNOWN:
        fields.wrong(faults.SHAPE_MISFIT, "text_when_unknown", shape=shape)


def _filled(fields: Fields, key: str) -> tuple[str, ...]:
    words = fields.words(key)
    if not words and fields.sound(key):
        fields.wrong(faults.AT_LEAST_ONE, key)
    return words


def _countries(fields: Fields) -> tuple[str, ...]:
    countries = fields.words("never_in")
    if any(len(country) != 2 or not country.isupper() for country in countries):
        fields.wrong(faults.COUNTRIES, "never_in")
    return countries


def _sexes(fields: Fields) -> tuple[str, ...]:
    sexes = fields.words("sexes")
    if set(sexes) - SEXES:
        fields.wrong(faults.MAY_HOLD, "sexes", allowed=", ".join(sorted(SEXES)))
    return sexes


PARSERS: Mapping[str, Callable[[str, object], Definition]] = {
    "indication": parse_indication,
    "region": parse_region,
    "technique": parse_technique,
    "delivery": parse_delivery,
    "substance": parse_substance,
    "mixture": parse_mixture,
    "mixing_rule": parse_mixing_rule,
    "aftercare": parse_aftercare,
    "reaction": parse_reaction,
    "message": parse_message,
    "consent_item": parse_consent_item,
    "start_gate": parse_start_gate,
    "refused": parse_refused,
    "combination": parse_combination,
    "planner_rule": parse_planner_rule,
    "house_rule": parse_house_rule,
    "check_in": parse_check_in,
}
"""Parser by kind of entry; questions, measurements, screening rules and medicine classes have theirs elsewhere."""

