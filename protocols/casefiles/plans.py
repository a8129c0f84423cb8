"""The plan of a case: indication, regions, technique, syringes with their parts, numbing cream, antiseptic. Pure."""
from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from protocols.casefiles.written import Block, Keys, Written
from protocols.choices import Antiseptic, DoseUnit
from protocols.definitions import Catalogue, Substance
from protocols.dosing import PlanError, check_figures, syringe_of, volume_for_dose_ml
from protocols.plan import Component, Plan, Syringe

MOST_ML = 1000

PLAN: Keys = {
    "indication": ("ind-aga", "what is treated; its category comes with it"),
    "regions": ("[reg-scalp]", "where; the first region of the indication when left out"),
    "technique": ("tq-nappage", "how; the first technique of the indication when left out (of the mixture, if one is named)"),
    "delivery": ("dv-manual", "with what; dv-manual when left out"),
    "mixture": ("ck-hair-minox", "an example mixture of the catalogue as one syringe"),
    "factor": ("0.5", "all volumes of that mixture times this; 1 when left out"),
    "syringes": ("[{parts: [{substance: sub-prp, volume: 6 ml}]}]", "what is drawn up, syringe by syringe"),
    "numbing_cream": ("10 g", "grams of numbing cream (sub-la-cream)"),
    "numbing_area": ("150 cm2", "the skin it covers; left out: not known, and not judged"),
    "antiseptic": ("chlorhexidine", "chlorhexidine or iodine"),
}
SYRINGE: Keys = {
    "parts": ("[{substance: sub-nacl, volume: 2 ml}]", "what is in it"),
    "region": ("reg-scalp", "its own region, where the plan has several"),
    "technique": ("tq-papule", "its own technique, where it differs from the plan's"),
    "points": ("40", "number of points it is given into"),
    "depth": ("2 mm", "needle depth"),
    "area": ("12 cm2", "the skin it is spread over; left out: not known, and not judged"),
    "total": ("4 ml", "the total somebody wrote on the sheet"),
}
PART: Keys = {
    "substance": ("sub-minoxidil", "a substance of the catalogue"),
    "volume": ("2 ml", "how much is drawn up; or give the dose"),
    "dose": ("10 mg", "the amount instead of the volume: it is divided by the strength"),
    "strength": ("5 mg/ml", "needed where the dose counts in mg, U or IU; left out: not known"),
    "preservative_free": ("yes", "that product is marked free of preservatives; no when left out"),
}


def read_plan(written: Written, catalogue: Catalogue) -> Plan:
    """A plan whose every code exists and whose every amount is possible. Raises `CaseError` naming the field."""
    block = Block(written, PLAN)
    indication = catalogue.indications[block.need("indication").code(catalogue.indications, "indication")]
    named = block.take("mixture")
    mixture = catalogue.mixtures[named.code(catalogue.mixtures, "mixture")] if named is not None else None
    technique, delivery, antiseptic = block.take("technique"), block.take("delivery"), block.take("antiseptic")
    syringes = [_syringe(one, catalogue) for one in block.each("syringes")]
    factor = block.take("factor")
    if mixture is not None:
        times = Decimal(1) if factor is None else factor.number(least=Decimal("0.01"), most=100)
        drawn = syringe_of(mixture, indication=indication.code, factor=times)
        syringes.insert(0, replace(drawn, technique=None) if technique is not None else drawn)
    elif factor is not None:
        raise factor.fail("a factor needs a “mixture”.")
    cream, covered = block.take("numbing_cream"), block.take("numbing_area")
    if covered is not None and cream is None:
        raise covered.fail("an area needs a “numbing_cream”.")
    plan = Plan(
        indication=indication.code,
        category=indication.category.value,
        regions=tuple(one.code(catalogue.regions, "region") for one in block.each("regions")) or indication.regions[:1],
        technique=(technique.code(catalogue.techniques, "technique") if technique is not None
                   else mixture.technique if mixture is not None else indication.techniques[0]),
        delivery="dv-manual" if delivery is None else delivery.code(catalogue.deliveries, "delivery"),
        syringes=tuple(syringes),
        numbing_cream_g=None if cream is None else cream.amount("g", most=1000),
        numbing_area_cm2=None if covered is None else covered.amount("cm2", most=20_000),
        antiseptic=None if antiseptic is None else antiseptic.one_of([one.value for one in Antiseptic]),
    )
    try:
        check_figures(plan, catalogue)
    except PlanError as error:
        raise written.fail(str(error)) from error
    return plan


def _syringe(written: Written, catalogue: Catalogue) -> Syringe:
    block = Block(written, SYRINGE)
    region, technique = block.take("region"), block.take("technique")
    points, depth, total = block.take("points"), block.take("depth"), block.take("total")
    area = block.take("area")
    return Syringe(
        components=tuple(_part(one, catalogue) for one in block.need("parts").items()),
        region=None if region is None else region.code(catalogue.regions, "region"),
        technique=None if technique is None else technique.code(catalogue.techniques, "technique"),
        points=None if points is None else points.whole(least=1, most=10_000),
        depth_mm=None if depth is None else depth.amount("mm", most=100, zero=True),
        area_cm2=None if area is None else area.amount("cm2", most=20_000),
        stated_total_ml=None if total is None else total.amount("ml", most=MOST_ML),
    )


def _part(written: Written, catalogue: Catalogue) -> Component:
    block = Block(written, PART)
    substance = catalogue.substances[block.need("substance").code(catalogue.substances, "substance")]
    strength, unit = _strength(block.take("strength"), substance)
    free = block.take("preservative_free")
    return Component(
        substance=substance.code,
        volume_ml=_volume(block, substance, strength),
        strength=strength,
        strength_unit=unit,
        preservative_free=free is not None and free.flag(),
    )


def _strength(written: Written | None, substance: Substance) -> tuple[Decimal | None, str]:
    if written is None:
        return None, substance.strength_unit or "mg/ml"
    figure, unit = written.quantity()
    fitting = "" if substance.dose_unit is DoseUnit.ML else f"{substance.dose_unit.value}/ml"
    if fitting and unit != fitting:
        raise written.fail(f"{substance.code} is dosed in {substance.dose_unit.value}: its strength is in {fitting}, "
                           f"not in {unit or 'no unit'}.")
    if not 0 < figure <= 100_000:
        raise written.fail(f"a strength of {written.text()} is not possible.")
    return figure, unit


def _volume(block: Block, substance: Substance, strength: Decimal | None) -> Decimal:
    dose, volume = block.take("dose"), block.take("volume")
    if (dose is None) == (volume is None):
        raise block.written.fail("give either “volume” or “dose”.")
    if volume is not None:
        return volume.amount("ml", most=MOST_ML)
    amount = block.need("dose").amount(substance.dose_unit.value, most=100_000)
    if substance.dose_unit is DoseUnit.ML:
        return amount
    if strength is None:
        raise block.need("dose").fail("a dose needs the “strength” it is drawn from.")
    millilitres = volume_for_dose_ml(amount, strength)
    if millilitres * strength != amount:
        raise block.need("dose").fail(f"{amount} ÷ {strength} is no exact number of millilitres; give the “volume”.")
    return millilitres
