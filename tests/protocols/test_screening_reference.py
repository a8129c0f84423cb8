"""Column 3 of section 7, typed from the clinical reference: allowed values in their order, marks, follow-ups, limits.

The first value is the healthy one and the others stand worst first, so the order is part of what is said. `R` = asked
again at every session, `A` = asks for regions; `with` = only with a plan that contains one of these; `not` = not asked
of that sex.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from patients.questionnaire import Kind
from tests.protocols.healthy import catalogue

FIVE_ARI = {"sub-finasteride", "sub-dutasteride"}
NSAIDS = {"sub-ketoprofen", "sub-diclofenac", "sub-piroxicam"}
YES_NO = "no yes"
ALLERGENS = (
    "none amide ester preservative fish soy bee-wasp daisy sulfonamide painkiller xanthine latex chlorhexidine iodine other")

# code, values, marks, only with, sex not asked, follow-ups that are asked (those of list items without the item)
QUESTIONS: list[tuple[str, str, str, set[str], str, set[str]]] = [
    ("q-pregnant", "no yes unsure na", "R", set(), "male", set()),
    ("q-breastfeeding", YES_NO, "R", set(), "male", set()),
    ("q-fertile", "no yes na", "", FIVE_ARI, "male", set()),
    ("q-partner", YES_NO, "", FIVE_ARI, "female", set()),
    ("q-contraception", "yes no na unsure", "", {"sub-thiocolchicoside"}, "", set()),
    ("q-chc", YES_NO, "", {"sub-txa"}, "male", set()),
    ("q-diabetes", "no insulin tablets diet", "", set(), "", {"q-diabetes-confirmed"}),
    ("q-stroke", "no stroke tia", "", set(), "", set()),
    ("q-heart", YES_NO, "", set(), "", {"q-heart-medicines"}),
    ("q-mi", YES_NO, "", set(), "", {"q-mi-date"}),
    ("q-arrhythmia", YES_NO, "", set(), "", set()),
    ("q-cancer", "no now past", "A", set(), "", {"q-cancer-end", "q-cancer-type", "q-cancer-area"}),
    ("q-bleeding", YES_NO, "", set(), "", set()),
    ("q-clot", YES_NO, "", set(), "", set()),
    ("q-head-bleed", "no brain eye", "", {"sub-txa", "sub-pentoxifylline"}, "", {"q-head-bleed-date"}),
    ("q-anticoagulant", YES_NO, "", set(), "", {"q-anticoagulant-name"}),
    ("q-antiplatelet", YES_NO, "", set(), "", {"q-antiplatelet-name"}),
    ("q-nsaid", YES_NO, "R", set(), "", {"q-nsaid-date"}),
    ("q-supplements", YES_NO, "", set(), "", {"q-supplements-date"}),
    ("q-medicines", "", "R", set(), "", set()),
    ("q-steroid", "none tablets injection", "", {"sub-prp"}, "", {"q-steroid-now", "q-steroid-date"}),
    ("q-liver-kidney", "no now past", "", set(), "", {"q-liver-kidney-which"}),
    ("q-hives", "never recurrent once", "", set(), "", set()),
    ("q-mast-cell", YES_NO, "", set(), "", set()),
    ("q-anaphylaxis", YES_NO, "", set(), "", {"q-anaphylaxis-to", "q-anaphylaxis-other"}),
    ("q-allergy", ALLERGENS, "R", set(), "", {"q-allergy-other", "q-allergy-other-mapped"}),
    ("q-nsaid-reaction", YES_NO, "", NSAIDS, "", set()),
    ("q-asthma", "no uncontrolled controlled", "", set(), "", set()),
    ("q-skin", "none infection wound rash cold-sore pimples fungus", "R A", set(), "", {"q-skin-area", ".state", ".date"}),
    ("q-illness", "no now over", "R", set(), "", {"q-illness-date"}),
    ("q-antibiotic", "no now over", "R", set(), "", {"q-antibiotic-date"}),
    ("q-cold-sores", YES_NO, "", set(), "", set()),
    ("q-skin-disease", "none psoriasis vitiligo lichen eczema other", "A", set(), "", {".state", ".areas"}),
    ("q-mole", YES_NO, "A", set(), "", {"q-mole-area"}),
    ("q-filler", YES_NO, "A", set(), "", {"q-filler-area"}),
    ("q-lymph", YES_NO, "A", set(), "", {"q-lymph-area"}),
    ("q-autoimmune", "no flare quiet", "", set(), "", set()),
    ("q-thyroid", YES_NO, "", set(), "", set()),
    ("q-immune", "none transplant biologic steroid-tablets hiv-low other", "", set(), "", set()),
    ("q-keloid", YES_NO, "", set(), "", set()),
    ("q-epilepsy", YES_NO, "", set(), "", set()),
    ("q-mood", "no now past", "", {*FIVE_ARI, "sub-dmae"}, "", set()),
    ("q-eating", YES_NO, "", {"body"}, "", set()),
    ("q-implant", "none pacemaker other", "", set(), "", set()),
    ("q-metal", YES_NO, "A", set(), "", {"q-metal-area"}),
    ("q-gallstones", YES_NO, "", {"body", "sub-artichoke"}, "", set()),
    ("q-ulcer", YES_NO, "", NSAIDS, "", set()),
    ("q-swallow", YES_NO, "", {"sub-dca"}, "", set()),
    ("q-rare", "none g6pd iron-overload oxalate-stones methaemoglobin porphyria pseudocholinesterase low-calcium "
     "phaeochromocytoma heart-block", "", set(), "", set()),
    ("q-isotretinoin", "no now over", "", set(), "", {"q-isotretinoin-date"}),
    ("q-retinoid", YES_NO, "R A", set(), "", {"q-retinoid-date", "q-retinoid-area"}),
    ("q-procedure", "none superficial-peel microdermabrasion roller-pen home-roller filler toxin radiofrequency ultrasound "
     "laser-ipl non-ablative-laser deep-peel surgery threads tattoo", "R A", set(), "", {"q-procedure-area", ".date"}),
    ("q-vaccine", YES_NO, "R", set(), "", {"q-vaccine-date"}),
    ("q-dental", YES_NO, "R", set(), "", {"q-dental-date"}),
    ("q-sunburn", YES_NO, "R A", set(), "", {"q-sunburn-area"}),
    ("q-sun", YES_NO, "R A", set(), "", {"q-sun-date", "q-sun-area"}),
    ("q-alcohol", YES_NO, "R", set(), "", {"q-alcohol-date"}),
    ("q-sun-skin", "I II III IV V VI", "", set(), "", set()),
    ("q-faint", YES_NO, "", set(), "", set()),
    ("q-hairloss", YES_NO, "", {"hair"}, "", set()),
    ("q-redflags", "none bladder-bowel numb-saddle new-weakness fever-with-pain recent-injury weight-loss worst-headache "
     "chest-pain swollen-calf hot-joint severe-pelvic-pain", "R", {"pain", "vascular"}, "", set()),
    ("q-reaction", YES_NO, "R", set(), "", {"q-reaction-text"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "values", "marks", "only_with", "not_asked", "follow_ups"), QUESTIONS)
def test_a_question_has_the_values_and_marks_of_the_reference(
    code: str, values: str, marks: str, only_with: set[str], not_asked: str, follow_ups: set[str]
) -> None:
    question = catalogue().questions[code]
    assert question.values == tuple(values.split())
    assert [mark for mark, holds in (("R", question.again), ("A", question.areas)) if holds] == marks.split()
    assert set(question.only_with) == only_with
    assert {sex for sex in ("female", "male", "other") if not question.asked_of(sex)} == ({not_asked} if not_asked else set())
    keys = {one.key for one in question.follow_ups}
    assert {f".{key.split('.')[2]}" if key.count(".") == 2 else key for key in keys} == follow_ups
    assert question.kind is not Kind.LIST or question.healthy == "none"


def test_the_questions_are_these_in_this_order_and_no_others() -> None:
    assert list(catalogue().questions) == [code for code, *_ in QUESTIONS]


# code, unit, lowest and highest, of the second figure, or the values
MEASUREMENTS: list[tuple[str, str, str]] = [
    ("m-bp", "mmHg", "60 260 30 160"), ("m-weight", "kg", "30 250"), ("m-height", "cm", "120 230"),
    ("m-hba1c", "%", "3 20"), ("m-platelets", "×10⁹/l", "1 2000"), ("m-hb", "g/dl", "3 25"), ("m-inr", "", "0.5 15"),
    ("m-cops", "", "0 72"), ("m-pregnancy-test", "", "negative positive"), ("m-cbc", "", "normal abnormal"),
    ("m-liver", "", "normal abnormal"), ("m-kidney", "", "normal abnormal"), ("m-urine", "", "normal abnormal"),
    ("m-asa", "", "I II III IV V"), ("m-fitzpatrick", "", "I II III IV V VI"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "unit", "limits"), MEASUREMENTS)
def test_a_measurement_has_the_unit_and_limits_of_the_reference(code: str, unit: str, limits: str) -> None:
    found = catalogue().measurements[code]
    assert found.unit == unit
    if found.values:
        assert found.values == tuple(limits.split())
        return
    bounds = [found.lowest, found.highest, found.second_lowest, found.second_highest]
    assert [one for one in bounds if one is not None] == [Decimal(word) for word in limits.split()]


def test_the_measurements_are_these_and_the_index_given_directly() -> None:
    assert set(catalogue().measurements) == {*(code for code, *_ in MEASUREMENTS), "m-bmi"}


BLEEDING = {*NSAIDS, "sub-pentoxifylline", "sub-ginkgo", "sub-dca", "sub-collagenase"}
XANTHINES = {"sub-caffeine", "sub-aminophylline", "sub-pentoxifylline"}
# class of section 8, severity, substances (none: a note)
CLASSES: list[tuple[str, str, set[str]]] = [
    ("med-anticoagulant", "relative", {*BLEEDING, "sub-melilotus-rutin"}),
    ("med-coumarin", "relative", {*BLEEDING, "sub-melilotus-rutin"}),
    ("med-antiplatelet", "relative", BLEEDING),
    ("med-nsaid", "relative", {"sub-pentoxifylline", "sub-thiocolchicoside", "sub-methylprednisolone", "sub-prp"}),
    ("med-nsaid", "info", set()),
    ("med-ketorolac", "absolute", {"sub-pentoxifylline"}),
    ("med-antiarrhythmic", "relative", {"sub-lidocaine", "sub-procaine", "sub-la-cream"}),
    ("med-vasodilator", "relative", {"sub-minoxidil", "sub-pentoxifylline"}),
    ("med-xanthine", "relative", XANTHINES),
    ("med-cyp1a2", "relative", XANTHINES),
    ("med-antidiabetic", "relative", {"sub-carnitine", "sub-pentoxifylline"}),
    ("med-sulfonamide", "relative", {"sub-la-cream", "sub-procaine"}),
    ("med-methb", "relative", {"sub-la-cream"}),
    ("med-5ari", "relative", FIVE_ARI),
    ("med-immunosuppressant", "relative", NSAIDS),
    ("med-steroid", "relative", NSAIDS),
    ("med-cancer-hormone", "relative", {"sub-txa"}),
    ("med-lithium", "relative", {"sub-calcitonin", *NSAIDS}),
    ("med-cholinergic", "relative", {"sub-dmae"}),
    ("med-paracetamol-daily", "relative", {"sub-thiocolchicoside"}),
    ("med-beta-blocker", "info", set()),
]
SPEAK_THROUGH_RULES_ALONE = {"med-chc", "med-isotretinoin"}


@pytest.mark.parametrize(("code", "severity", "substances"), CLASSES)
def test_a_medicine_class_meets_the_substances_of_the_reference(code: str, severity: str, substances: set[str]) -> None:
    effects = [set(one.substances) for one in catalogue().medicine_classes[code].effects if one.severity == severity]
    assert effects == [substances]


def test_the_medicine_classes_are_these() -> None:
    assert set(catalogue().medicine_classes) == {*(code for code, *_ in CLASSES), *SPEAK_THROUGH_RULES_ALONE}
    assert not any(catalogue().medicine_classes[code].effects for code in SPEAK_THROUGH_RULES_ALONE)
