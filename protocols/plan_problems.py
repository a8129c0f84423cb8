"""What a plan check answers: problems with a sentence per language, dose totals, volumes; and how sentences are filled.

Pure.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from protocols.choices import CheckResult
from protocols.definitions import Catalogue, MixingRule, Texts, text_in

LANGUAGES = ("en", "tr")


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """One rule that found something. `amount` and `limit` are in `unit`; `syringe` counts from 1 where one is meant.
    `status`: why something is not usable: off, locked, withdrawn or banned; empty for every other rule."""

    code: str
    result: CheckResult
    sentence: Texts
    substances: tuple[str, ...]
    regions: tuple[str, ...]
    source: str
    mark: str
    amount: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    syringe: int | None = None
    status: str = ""

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


@dataclass(frozen=True, slots=True)
class DoseTotal:
    """One substance summed over the day, in `unit`. For lidocaine the share of numbing cream is in `amount`.
    `amount` None: a strength is missing. `limit_by_weight` None: none applies, or the weight is not known."""

    substance: str
    amount: Decimal | None
    unit: str
    typical_low: Decimal | None
    typical_high: Decimal | None
    hard_max: Decimal | None
    mg_per_kg: Decimal | None
    limit_by_weight: Decimal | None
    result: CheckResult


@dataclass(frozen=True, slots=True)
class VolumeTotal:
    """Millilitres of the day into one region, or of the whole session where `region` is None."""

    region: str | None
    volume_ml: Decimal
    limit_ml: Decimal
    result: CheckResult


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """The whole answer; `result` is the worst of the problems, which stand worst first."""

    result: CheckResult
    problems: tuple[PlanProblem, ...]
    totals: tuple[DoseTotal, ...]
    volumes: tuple[VolumeTotal, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that found something, once, worst first."""
        return tuple(dict.fromkeys(problem.code for problem in self.problems))


def plain(amount: Decimal, lang: str) -> str:
    """A figure for people: at most four decimals, no zeros at the end, the decimal sign of the language. Rounded up, so
    that what is above a limit never reads as equal to it."""
    shown = f"{amount.quantize(Decimal('0.0001'), rounding=ROUND_UP):f}".rstrip("0").rstrip(".")
    return shown.replace(".", ",") if lang == "tr" else shown


def problem(
    rule: MixingRule,
    catalogue: Catalogue,
    *,
    result: CheckResult | None = None,
    substances: Iterable[str] = (),
    regions: Iterable[str] = (),
    amount: Decimal | None = None,
    limit: Decimal | None = None,
    unit: str | Texts = "",
    days: int = 0,
    form: Texts | None = None,
    limit_text: Texts | None = None,
    extra_names: Iterable[Texts] = (),
    syringe: int | None = None,
    unknown: bool = False,
    status: str = "",
) -> PlanProblem:
    """One problem with its sentences filled. `unknown` uses the rule's sentence for a missing figure and makes the
    result incomplete; `extra_names` are added to the names of the substances ("a painkiller of your own")."""
    codes, places = tuple(sorted(set(substances))), tuple(sorted(set(regions)))
    units: Texts = {"en": unit, "tr": unit} if isinstance(unit, str) else unit
    texts = rule.unknown if unknown and rule.unknown is not None else rule.body
    extra = tuple(extra_names)

    def sentence(lang: str) -> str:
        names = [_name(code, catalogue, lang) for code in codes] + [text_in(name, lang) for name in extra]
        filled = text_in(texts, lang).format(
            substances=_listed(names, lang),
            region=_listed([catalogue.regions[place].name_in(lang) for place in places], lang),
            amount="" if amount is None else plain(amount, lang),
            limit=text_in(limit_text, lang) if limit_text else ("" if limit is None else plain(limit, lang)),
            unit=text_in(units, lang),
            days=days,
            count="" if amount is None else plain(amount, lang),
            form="" if form is None else text_in(form, lang),
        )
        return capitalised(filled, lang)

    return PlanProblem(
        code=rule.code,
        result=CheckResult.INCOMPLETE if unknown else (result or rule.result),
        sentence={lang: sentence(lang) for lang in LANGUAGES},
        substances=codes,
        regions=places,
        source=rule.source,
        mark=rule.mark,
        amount=amount,
        limit=limit,
        unit=units["en"],
        syringe=syringe,
        status=status,
    )


def capitalised(sentence: str, lang: str) -> str:
    """A sentence with its capital letter; Turkish has two letters i."""
    first = {"i": "İ", "ı": "I"}.get(sentence[:1], "") if lang == "tr" else ""
    return (first or sentence[:1].upper()) + sentence[1:]


AND = {"en": "and", "tr": "ve", "fr": "et", "it": "e", "es": "y", "de": "und", "ar": "و", "ru": "и"}


def listed(names: Mapping[str, list[str]]) -> Texts:
    """Several names per language as one phrase."""
    return {lang: _listed(words, lang) for lang, words in names.items()}


def _listed(names: list[str], lang: str) -> str:
    if len(names) < 2:
        return "".join(names)
    comma = "، " if lang == "ar" else ", "
    return f"{comma.join(names[:-1])} {AND.get(lang, 'and')} {names[-1]}"


def _name(code: str, catalogue: Catalogue, lang: str) -> str:
    for kind in (catalogue.substances, catalogue.indications, catalogue.techniques, catalogue.deliveries,
                 catalogue.mixtures):
        definition = kind.get(code)
        if definition is not None:
            return definition.name_in(lang)
    return code
