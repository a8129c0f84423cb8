"""Amounts, body mass index, limits by weight: exact, with the unit in the name."""
from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from patients.facts import Measured, PatientFacts
from protocols.definitions import Catalogue
from protocols.dosing import (
    PlanError,
    amount_of,
    cream_lidocaine_mg,
    limit_by_weight_mg,
    newest_weight,
    plan_of,
    syringe_of,
    volume_for_dose_ml,
)
from protocols.plan import Component
from tests.protocols.plans import TODAY, part, person, plan


@pytest.mark.parametrize(("words", "amount"), [
    ("txa 100mg/ml 0.12", "12.00"),
    ("caffeine 50mg/ml 2.5", "125.0"),
    ("hyaluronidase 150U/ml 2", "300"),
    ("calcitonin 50IU/ml 1.5", "75.0"),
    ("ha-nc 10mg/ml 2", "2"),  # dosed in ml, whatever the strength
    ("multivit 1.5", "1.5"),
])
def test_amount_is_strength_times_volume(reference: Catalogue, words: str, amount: str) -> None:
    component = part(words)
    assert amount_of(component, reference.substances[component.substance]) == Decimal(amount)


def test_unknown_strength_is_no_amount(reference: Catalogue) -> None:
    assert amount_of(part("caffeine 2"), reference.substances["sub-caffeine"]) is None


@pytest.mark.parametrize("unit", ["IU/ml", "U/ml", "mg/g", "%", ""])
def test_unit_that_does_not_fit_is_named(reference: Catalogue, unit: str) -> None:
    with pytest.raises(PlanError, match="sub-caffeine"):
        amount_of(Component("sub-caffeine", Decimal(1), Decimal(50), unit), reference.substances["sub-caffeine"])


def test_cream_adds_five_milligrams_lidocaine_per_gram(reference: Catalogue) -> None:
    assert cream_lidocaine_mg([plan(cream_g="10"), plan(cream_g="2.5"), plan()], reference) == Decimal("62.5")


def test_newest_weight_ignores_what_comes_later() -> None:
    facts = PatientFacts(birth_date=TODAY, sex="female", measurements=(
        Measured("m-weight", Decimal(60), TODAY - timedelta(days=30)),
        Measured("m-weight", Decimal(62), TODAY - timedelta(days=3)),
        Measured("m-weight", Decimal(90), TODAY + timedelta(days=1)),
        Measured("m-height", Decimal(170), TODAY)))
    newest = newest_weight(facts, TODAY)
    assert newest is not None
    assert newest.value == Decimal(62)
    assert newest_weight(person(weight_kg=None), TODAY) is None


def test_limit_by_weight(reference: Catalogue) -> None:
    assert limit_by_weight_mg(reference.substances["sub-lidocaine"], Decimal("65.5")) == Decimal("294.75")
    assert limit_by_weight_mg(reference.substances["sub-caffeine"], Decimal(65)) is None


def test_volume_for_a_dose() -> None:
    assert volume_for_dose_ml(Decimal(125), Decimal(50)) == Decimal("2.5")
    for dose, strength in [(0, 50), (-1, 50), (10, 0)]:
        with pytest.raises(PlanError):
            volume_for_dose_ml(Decimal(dose), Decimal(strength))


def test_mixture_is_scaled_by_one_factor(reference: Catalogue) -> None:
    syringe = syringe_of(reference.mixtures["ck-hair-minox"], factor=Decimal("0.5"))
    assert [one.volume_ml for one in syringe.components] == [Decimal(n) for n in ("1", "0.5", "0.25", "0.25")]
    with pytest.raises(PlanError):
        syringe_of(reference.mixtures["ck-hair-minox"], factor=Decimal(0))


def test_plan_of_a_mixture_names_category_and_regions(reference: Catalogue) -> None:
    made = plan_of(
        reference.mixtures["ck-pain-lido"], indication="ind-knee-oa", catalogue=reference, regions=("reg-knee",))
    assert (made.category, made.regions, made.technique) == ("pain", ("reg-knee",), "tq-sim-pain")
    assert made.substances == {"sub-lidocaine", "sub-nacl"}
