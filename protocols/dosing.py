"""Amounts: strength × volume, body mass index, limits by body weight, example mixtures as syringes.

Pure. Decimal arithmetic; nothing is rounded before a comparison. Units are in the names; a figure that is not known is
None and never counts as fine.
"""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from patients.facts import Measured, PatientFacts
from protocols.choices import DoseUnit
from protocols.definitions import Catalogue, Mixture, Substance, Texts, text_in
from protocols.plan import Component, Plan, Syringe

WEIGHT = "m-weight"
WEIGHT = "m-weight"
"""A weight counts this long for a limit by body weight (clinical reference, section 9, gate-weight)."""


class PlanError(ValueError):
    """A plan that means nothing: an unknown code, an amount that is not positive, a unit that does not fit. The
    sentence names it, per language."""

    def __init__(self, *, en: str, tr: str) -> None:
        self.sentence: Texts = {"en": en, "tr": tr}
        super().__init__(en)

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


def amount_of(component: Component, substance: Substance) -> Decimal | None:
    """The amount of one component in the substance's dose unit; None when its strength is not known.

    Raises `PlanError` when the strength's unit does not fit the dose unit."""
    if substance.dose_unit is DoseUnit.ML:
        return component.volume_ml
    if component.strength is None:
        return None
    if component.strength_unit != f"{substance.dose_unit.value}/ml":
        unit, dose_unit = component.strength_unit, substance.dose_unit.value
        raise PlanError(
            en=f"{substance.code}: a strength in {unit} does not fit doses in {dose_unit}.",
            tr=f"{substance.code}: {unit} birimindeki konsantrasyon {dose_unit} birimindeki doza uymuyor.")
    return component.strength * component.volume_ml


def cream_lidocaine_mg(plans: Iterable[Plan], catalogue: Catalogue) -> Decimal:
    """Lidocaine that numbing creams add to the injected sum, in mg (section 6: about 10 % of what is in them)."""
    cream = catalogue.substances.get("sub-la-cream")
    per_gram = cream.lidocaine_mg_per_g if cream and cream.lidocaine_mg_per_g else Decimal(0)
    return sum(((plan.numbing_cream_g or Decimal(0)) * per_gram for plan in plans), Decimal(0))


def newest_weight(facts: PatientFacts, on: date) -> Measured | None:
    """The newest weight known on that day, whatever its age."""
    weights = [one for one in facts.measurements if one.code == WEIGHT and one.value is not None and one.taken_on <= on]
    return max(weights, key=lambda one: one.taken_on, default=None)


def weight_is_valid(weight: Measured, on: date, catalogue: Catalogue) -> bool:
    """Whether a weight is recent enough to show that a dose is fine."""
    days = catalogue.measurements[WEIGHT].valid_days
    return days is None or (on - weight.taken_on).days <= days


def limit_by_weight_mg(substance: Substance, weight_kg: Decimal) -> Decimal | None:
    """The limit in mg for this body weight; None when the substance has none."""
    return None if substance.mg_per_kg is None else substance.mg_per_kg * weight_kg


def volume_for_dose_ml(dose: Decimal, strength_per_ml: Decimal) -> Decimal:
    """The volume that holds a dose (mg, U or IU as the strength is): the other direction of `amount_of`."""
    if strength_per_ml <= 0 or dose <= 0:
        raise PlanError(en="Dose and strength must be above zero.", tr="Doz ve konsantrasyon sıfırdan büyük olmalıdır.")
    return dose / strength_per_ml


def syringe_of(mixture: Mixture, *, indication: str | None = None, factor: Decimal = Decimal(1)) -> Syringe:
    """An example mixture drawn up as one syringe. Where the mixture states a smaller total for the indication, all
    volumes are scaled to it; `factor` scales on top."""
    if factor <= 0:
        raise PlanError(en="The factor must be above zero.", tr="Çarpan sıfırdan büyük olmalıdır.")
    total_ml = mixture.total_ml_for.get(indication, mixture.total_ml) if indication else mixture.total_ml
    return Syringe(
        components=tuple(
            Component(
                substance=item.substance,
                volume_ml=item.volume_ml * total_ml / mixture.total_ml * factor,
                strength=item.strength,
                strength_unit=item.strength_unit or "mg/ml",
            )
            for item in mixture.items
        ),
        technique=mixture.technique,
    )


def plan_of(
    mixture: Mixture, *, indication: str, catalogue: Catalogue, regions: tuple[str, ...] = (),
    factor: Decimal = Decimal(1),
) -> Plan:
    """The plan that gives an example mixture for an indication, by default into the indication's first region."""
    found = catalogue.indications[indication]
    return Plan(
        indication=indication,
        category=found.category.value,
        regions=regions or found.regions[:1],
        technique=mixture.technique,
        syringes=(syringe_of(mixture, indication=indication, factor=factor),),
    )


def check_figures(plan: Plan, catalogue: Catalogue) -> None:
    """Raises `PlanError` on unknown codes and on amounts that no syringe can hold."""
    _known(plan.indication, catalogue.indications)
    _known(plan.technique, catalogue.techniques)
    _known(plan.delivery, catalogue.deliveries)
    for region in plan.regions:
        _known(region, catalogue.regions)
    if not plan.regions:
        raise PlanError(en="The plan names no region.", tr="Planda bölge belirtilmemiş.")
    if plan.numbing_cream_g is not None and not _possible(plan.numbing_cream_g, 1000, zero=True):
        raise _impossible("sub-la-cream", plan.numbing_cream_g, "g")
    _check_area(plan.numbing_area_cm2)
    for syringe in plan.syringes:
        _check_syringe(syringe, catalogue)


def _check_syringe(syringe: Syringe, catalogue: Catalogue) -> None:
    if syringe.region is not None:
        _known(syringe.region, catalogue.regions)
    if syringe.technique is not None:
        _known(syringe.technique, catalogue.techniques)
    if syringe.points is not None and not 0 < syringe.points <= 10_000:
        raise PlanError(en=f"{syringe.points} points are not possible.", tr=f"{syringe.points} nokta olamaz.")
    if syringe.depth_mm is not None and not _possible(syringe.depth_mm, 100, zero=True):
        raise PlanError(
            en=f"A depth of {syringe.depth_mm} mm is not possible.", tr=f"{syringe.depth_mm} mm derinlik olamaz.")
    _check_area(syringe.area_cm2)
    if syringe.stated_total_ml is not None and not _possible(syringe.stated_total_ml, 1000, zero=True):
        raise PlanError(
            en=f"A total of {syringe.stated_total_ml} ml is not possible.",
            tr=f"Toplam {syringe.stated_total_ml} ml olamaz.")
    for component in syringe.components:
        _known(component.substance, catalogue.substances)
        if not _possible(component.volume_ml, 1000):
            raise _impossible(component.substance, component.volume_ml, "ml")
        if component.strength is not None and not _possible(component.strength, 100_000):
            raise _impossible(component.substance, component.strength, component.strength_unit)
        amount_of(component, catalogue.substances[component.substance])


def _check_area(area_cm2: Decimal | None) -> None:
    if area_cm2 is not None and not _possible(area_cm2, 20_000):
        raise PlanError(en=f"An area of {area_cm2} cm² is not possible.", tr=f"{area_cm2} cm² alan olamaz.")


def _possible(figure: Decimal, most: int, *, zero: bool = False) -> bool:
    """A real number above zero (or zero, where nothing is an answer) and within what anybody could mean."""
    return figure.is_finite() and 0 <= figure <= most and (zero or figure > 0)


def _impossible(code: str, figure: Decimal, unit: str) -> PlanError:
    return PlanError(
        en=f"{code}: {figure} {unit} is not a possible figure.", tr=f"{code}: {figure} {unit} olası bir değer değil.")


def _known(code: str, known: Iterable[str]) -> None:
    if code not in known:
        raise PlanError(en=f"{code} is not in this catalogue.", tr=f"{code} bu katalogda yok.")
