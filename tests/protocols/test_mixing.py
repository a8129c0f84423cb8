"""Section 6 as tables: every mixing rule fired and not fired, every figure at its limit and one unit over."""
from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.facts import PatientFacts, RecordedMedicine
from protocols.choices import CheckResult, Form, MixingShape
from protocols.definitions import Catalogue, Mixture
from protocols.dosing import plan_of
from protocols.loading import load_reference
from protocols.mixing import EVALUATORS, PlanError, check_plan
from protocols.plan import Component, Plan, Syringe
from protocols.plan_problems import capitalised, plain
from tests.protocols.plans import TODAY, check, mix, part, person, plan, results, session

FAT = {"indication": "ind-local-fat", "regions": ("reg-abdomen",), "technique": "tq-sc-lipo"}
PAIN = {"indication": "ind-msk-pain", "regions": ("reg-lumbar",), "technique": "tq-sim-pain"}
KNEE = {"indication": "ind-knee-oa", "regions": ("reg-knee",), "technique": "tq-sim-pain"}
HAIR = {"indication": "ind-aga", "regions": ("reg-scalp",), "technique": "tq-nappage"}
FACE = {"indication": "ind-hydration", "regions": ("reg-face",), "technique": "tq-papule"}
DULL = {"indication": "ind-dull-tone", "regions": ("reg-face",), "technique": "tq-nappage"}
CHIN = {"indication": "ind-submental-fat", "regions": ("reg-submental",), "technique": "tq-sc-lipo"}

# code, result expected (None: silent), the plan
MIX_TABLE: list[tuple[str, str | None, Plan]] = [
    ("ix-oil-alcohol", "incompatible", plan(mix("silicon 2", "vit-e-oil 1"))),
    ("ix-oil-alcohol", "incompatible", plan(mix("minoxidil-lotion 20mg/ml 1"), **HAIR)),
    ("ix-oil-alcohol", "incompatible", plan(mix("la-cream 1"))),
    ("ix-oil-alcohol", None, plan(mix("silicon 2"), cream_g="5")),
    ("ix-vasoconstrictor", "incompatible", plan(mix("lidocaine 10mg/ml 1", "adrenaline 0.1"), **PAIN)),
    ("ix-vasoconstrictor", None, plan(mix("lidocaine 10mg/ml 1"), **PAIN)),
    ("ix-pc-lidocaine", "incompatible", plan(mix("pc-dc 50mg/ml 5"), mix("lidocaine 10mg/ml 1"), **FAT)),
    ("ix-pc-lidocaine", "incompatible", plan(mix("pc-dc 50mg/ml 5"), cream_g="5", **FAT)),
    ("ix-pc-lidocaine", None, plan(mix("pc-dc 50mg/ml 5"), mix("procaine 20mg/ml 1"), **FAT)),
    ("ix-dca-alone", "incompatible", plan(mix("dca 10mg/ml 4", "nacl 1"), **CHIN)),
    ("ix-dca-alone", None, plan(mix("dca 10mg/ml 4"), **CHIN)),
    ("ix-ha-hyaluronidase", "incompatible", plan(mix("ha-nc 2"), mix("hyaluronidase 150U/ml 1"), **FACE)),
    ("ix-ha-hyaluronidase", None, plan(mix("hyaluronidase 150U/ml 1"), **FACE)),
    ("ix-alone", "incompatible", plan(mix("pn 2", "nacl 1"), **FACE)),
    ("ix-alone", "incompatible", plan(mix("poly-ha 3", "lidocaine 10mg/ml 0.5"), **FACE)),
    ("ix-alone", "incompatible", plan(mix("prp 4", "ha-nc 1"), **FACE)),
    ("ix-alone", "incompatible", plan(mix("pn 1", "pdrn 1"), **FACE)),
    ("ix-alone", None, plan(mix("pn 1", "pn 1"), mix("nacl 1"), **FACE)),
    ("ix-alone", None, plan(mix("ha-nc 2", "nacl 1"), **FACE)),
    ("ix-xanthine-dup", "incompatible", plan(mix("caffeine 50mg/ml 1"), mix("pentoxifylline 20mg/ml 1"))),
    ("ix-xanthine-dup", None, plan(mix("caffeine 50mg/ml 1"), mix("caffeine 50mg/ml 1"))),
    ("ix-nsaid-dup", "incompatible", plan(mix("ketoprofen 80mg/ml 1"), mix("diclofenac 25mg/ml 1"), **PAIN)),
    ("ix-nsaid-dup", None, plan(mix("ketoprofen 80mg/ml 1"), **PAIN)),
    ("ix-la-dup", "warning", plan(mix("lidocaine 10mg/ml 2", "procaine 20mg/ml 1"), **PAIN)),
    ("ix-la-dup", "warning", plan(mix("procaine 20mg/ml 1"), cream_g="10")),
    ("ix-la-dup", None, plan(mix("lidocaine 10mg/ml 2"), cream_g="10", **PAIN)),
    ("ix-thiocolch-nsaid", "warning", plan(mix("thiocolchicoside 2mg/ml 2"), mix("diclofenac 25mg/ml 1"), **PAIN)),
    ("ix-thiocolch-nsaid", None, plan(mix("thiocolchicoside 2mg/ml 2"), **PAIN)),
    ("ix-nsaid-steroid", "warning", plan(mix("diclofenac 25mg/ml 1", "methylprednisolone 40mg/ml 1"), **PAIN)),
    ("ix-nsaid-steroid", None, plan(mix("methylprednisolone 40mg/ml 1"), **PAIN)),
    ("ix-vasodilator-dup", "warning", plan(mix("minoxidil 5mg/ml 1"), mix("pentoxifylline 20mg/ml 1"), **HAIR)),
    ("ix-vasodilator-dup", None, plan(mix("minoxidil 5mg/ml 1"), **HAIR)),
    ("ix-vitc-b", "warning", plan(mix("vit-c 100mg/ml 1", "multivit 1"), **DULL)),
    ("ix-vitc-b", None, plan(mix("vit-c 100mg/ml 1"), mix("multivit 1"), **DULL)),
    ("ix-dilution", "incompatible", plan(mix("vit-c 500mg/ml 1"), **DULL)),
    ("ix-dilution", None, plan(mix("vit-c 500mg/ml 1", "nacl 1.5"), **DULL)),  # 200 mg/ml exactly
    ("ix-dilution", "incompatible", plan(mix("vit-c 500mg/ml 1", "nacl 1.49"), **DULL)),
    ("ix-hypo-osmolar", None, plan(mix("silicon 3", "water-inj 1"))),  # 25 % exactly
    ("ix-hypo-osmolar", "incompatible", plan(mix("silicon 2.99", "water-inj 1"))),
    ("ix-count", None, plan(mix("biotin 5mg/ml 1", "silicon 1", "amino-pep 1", "lidocaine 10mg/ml 1", "nacl 1"))),
    ("ix-count", "warning", plan(mix(
        "biotin 5mg/ml 1", "silicon 1", "amino-pep 1", "lidocaine 10mg/ml 1", "multivit 1", "nacl 1", "water-inj 1"))),
    ("ix-count", "incompatible", plan(mix(
        "biotin 5mg/ml 1", "silicon 1", "amino-pep 1", "lidocaine 10mg/ml 1", "multivit 1", "carnitine 200mg/ml 1"))),
    ("ix-status", "not-usable", plan(mix("dmae 30mg/ml 1"), **DULL)),
    ("ix-status", "not-usable", plan(mix("glutathione 200mg/ml 1"), **DULL)),
    ("ix-status", "not-usable", plan(mix("buflomedil 1"))),
    ("ix-status", "not-usable", plan(mix("silicon 1"), technique="tq-sc-lipo")),
    ("ix-status", "not-usable", plan(mix("silicon 1"), indication="ind-local-fat")),
    ("ix-status", "not-usable", plan(mix("silicon 1"), delivery="dv-roller-home")),
    ("ix-status", None, plan(mix("silicon 1"))),
    ("ix-scope", "not-usable", plan(mix("ketoprofen 80mg/ml 1"))),
    ("ix-scope", None, plan(mix("ketoprofen 80mg/ml 1"), **PAIN)),
    ("ix-scope", "not-usable", plan(mix("piroxicam 20mg/ml 1"), **PAIN)),
    ("ix-scope", None, plan(mix("piroxicam 20mg/ml 1"), **KNEE)),
    ("ix-scope", "not-usable", plan(mix("dca 10mg/ml 2"), **FAT)),
    ("ix-scope", None, plan(mix("dca 10mg/ml 2"), **CHIN)),
    ("ix-scope", "not-usable", plan(mix("dca 10mg/ml 2"), **{**CHIN, "technique": "tq-papule"})),
    ("ix-scope", "not-usable", plan(mix("silicon 2"), **CHIN)),
    ("ix-scope", "not-usable", plan(mix("ha-nc 2"), **{**FACE, "technique": "tq-bap"})),
    ("ix-scope", None, plan(mix("ha-stab 2"), **{**FACE, "technique": "tq-bap"})),
]


@pytest.mark.parametrize(("code", "expected", "judged"), MIX_TABLE)
def test_mixing_rule(code: str, expected: str | None, judged: Plan) -> None:
    assert results(check(judged)).get(code) == expected


DOSE_TABLE: list[tuple[str, str | None, Plan]] = [
    ("dose-max", None, plan(mix("caffeine 50mg/ml 4"))),  # 200 mg
    ("dose-max", "over-limit", plan(mix("caffeine 50mg/ml 4.01"))),
    ("dose-max", "over-limit", plan(mix("caffeine 50mg/ml 2"), mix("caffeine 50mg/ml 2.01"))),
    ("dose-max", "over-limit", plan(mix("ha-nc 5.1"), **FACE)),
    ("dose-max", None, plan(mix("ha-nc 5"), **FACE)),
    ("dose-max", "over-limit", plan(mix("buflomedil 0.1"))),
    ("dose-max", "incomplete", plan(mix("caffeine 1"))),
    ("dose-max", None, plan(mix("silicon 1"), cream_g="60")),
    ("dose-max", "over-limit", plan(mix("silicon 1"), cream_g="60.1")),
    ("dose-max", None, plan(mix("procaine 20mg/ml 17.5"))),  # 350 mg
    ("dose-max", "over-limit", plan(mix("procaine 20mg/ml 17.51"))),
    ("dose-max", None, plan(mix("dca 10mg/ml 10", points=50), **CHIN)),
    ("dose-max", "over-limit", plan(mix("dca 10mg/ml 10", points=51), **CHIN)),
    ("dose-typical", None, plan(mix("caffeine 50mg/ml 2"))),
    ("dose-typical", "warning", plan(mix("caffeine 50mg/ml 2.02"))),
    ("dose-typical", None, plan(mix("caffeine 50mg/ml 4.01"))),  # over-limit already
    ("dose-typical", None, plan(mix("caffeine 50mg/ml 0.1"))),
    ("dose-typical", "warning", plan(mix("prp 5"), **FACE)),
    ("dose-typical", None, plan(mix("prp 5"), **HAIR)),
    ("vol-region", None, plan(mix("nacl 10"))),
    ("vol-region", "over-limit", plan(mix("nacl 10.1"))),
    ("vol-region", "over-limit", plan(mix("nacl 6"), mix("nacl 4.1"))),
    ("vol-region", None, plan(mix("nacl 6", region="reg-thigh"), mix("nacl 6", region="reg-buttock"),
                              regions=("reg-thigh", "reg-buttock"))),
    ("vol-region", "over-limit", plan(mix("nacl 20.1"), regions=("reg-thigh", "reg-buttock"))),
    ("vol-region", None, plan(mix("prp 7"), **HAIR)),
    ("vol-region", "over-limit", plan(mix("nacl 5.1"), **HAIR)),
    ("vol-region", None, plan(mix("dca 10mg/ml 10"), **CHIN)),
    ("vol-session", None, plan(mix("nacl 10"))),
    ("vol-session", "warning", plan(mix("nacl 10.01"))),
    ("vol-session", "warning", plan(mix("nacl 20"))),
    ("vol-session", "over-limit", plan(mix("nacl 20.01"))),
    ("vol-point", None, plan(mix("nacl 2"))),
    ("vol-point", None, plan(mix("nacl 2", points=20))),  # 0.1 ml, tq-point
    ("vol-point", "warning", plan(mix("nacl 2.1", points=20))),
    ("vol-point", "warning", plan(mix("nacl 4", points=20))),  # 0.2 ml exactly
    ("vol-point", "over-limit", plan(mix("nacl 4.1", points=20))),
    ("vol-point", None, plan(mix("pc-dc 50mg/ml 3", points=10), **FAT)),
    ("vol-point", "over-limit", plan(mix("pc-dc 50mg/ml 3.1", points=10), **FAT)),
    ("vol-point", "over-limit", plan(mix("dca 10mg/ml 2.1", points=10), **CHIN)),
    ("depth-max", None, plan(mix("nacl 2"))),
    ("depth-max", None, plan(mix("nacl 2", depth_mm=Decimal(4)))),
    ("depth-max", "over-limit", plan(mix("nacl 2", depth_mm=Decimal("4.1")))),
    ("depth-max", None, plan(mix("dca 10mg/ml 2", depth_mm=Decimal(13)), **CHIN)),
    ("depth-max", "over-limit", plan(mix("dca 10mg/ml 2", depth_mm=Decimal("13.1")), **CHIN)),
    ("depth-max", None, plan(mix("ha-stab 2", depth_mm=Decimal(6)), **{**FACE, "technique": "tq-bap"})),
    ("depth-range", None, plan(mix("nacl 2", depth_mm=Decimal(2)))),
    ("depth-range", "warning", plan(mix("nacl 2", depth_mm=Decimal("1.9")))),
    ("depth-range", "warning", plan(mix("ha-nc 2", depth_mm=Decimal(3)), **FACE)),
    ("depth-range", None, plan(mix("nacl 2", depth_mm=Decimal(5)))),  # left to depth-max
    ("depth-range", None, plan(mix("prp 6", depth_mm=Decimal(4)), **{**HAIR, "technique": "tq-point"})),
    ("depth-range", "warning", plan(mix("nacl 2", depth_mm=Decimal(4)), **{**HAIR, "technique": "tq-point"})),
    ("vol-sum", None, plan(mix("silicon 2", "nacl 1", stated_total_ml=Decimal("3.05")))),
    ("vol-sum", "incomplete", plan(mix("silicon 2", "nacl 1", stated_total_ml=Decimal("3.06")))),
    ("vol-sum", "incomplete", plan(mix("silicon 2", "nacl 1", stated_total_ml=Decimal("2.94")))),
]


@pytest.mark.parametrize(("code", "expected", "judged"), DOSE_TABLE)
def test_dose_volume_and_depth(code: str, expected: str | None, judged: Plan) -> None:
    assert results(check(judged)).get(code) == expected


# weight in kg, lidocaine mg (10 mg/ml), cream in g → dose-kg, dose-max
LIDOCAINE_TABLE = [
    ("60", "270", None, None, None),
    ("60", "270.1", None, "over-limit", None),
    ("60", "245", "5", None, None),
    ("60", "245.1", "5", "over-limit", None),
    ("100", "300", None, None, None),
    ("100", "300.1", None, None, "over-limit"),
    ("60", "301", None, "over-limit", "over-limit"),
    ("100", "276", "5", None, "over-limit"),
    (None, "10", None, "incomplete", None),
    (None, "301", None, "incomplete", "over-limit"),
]


@pytest.mark.parametrize(("weight", "lidocaine_mg", "cream_g", "by_weight", "by_maximum"), LIDOCAINE_TABLE)
def test_lidocaine_by_weight_and_maximum(
    weight: str | None, lidocaine_mg: str, cream_g: str | None, by_weight: str | None, by_maximum: str | None
) -> None:
    judged = plan(Syringe((Component("sub-lidocaine", Decimal(lidocaine_mg) / 10, Decimal(10)),)), cream_g=cream_g,
                  **PAIN)
    found = results(check(judged, person(weight_kg=weight)))
    assert (found.get("dose-kg"), found.get("dose-max")) == (by_weight, by_maximum)


def test_cream_alone_also_needs_a_weight() -> None:
    assert results(check(plan(cream_g="10"), person(weight_kg=None)))["dose-kg"] == "incomplete"


@pytest.mark.parametrize(("days", "expected"), [(90, None), (91, "incomplete")])
def test_old_weight_does_not_show_that_a_dose_is_fine(days: int, expected: str | None) -> None:
    facts = person(weighed_on=TODAY - timedelta(days=days))
    assert results(check(plan(mix("lidocaine 10mg/ml 2"), **PAIN), facts)).get("dose-kg") == expected


def test_old_weight_still_shows_that_a_dose_is_too_high() -> None:
    facts = person(weight_kg="40", weighed_on=TODAY - timedelta(days=400))
    assert results(check(plan(mix("lidocaine 10mg/ml 18.1"), **PAIN), facts))["dose-kg"] == "over-limit"


@pytest.mark.parametrize(("procaine_ml", "expected"), [("8.75", "warning"), ("8.76", "over-limit")])
def test_two_anaesthetics_share_one_limit(procaine_ml: str, expected: str) -> None:
    """60 kg: 135 of 270 mg lidocaine is one half, 175 of 350 mg procaine the other."""
    judged = plan(mix("lidocaine 10mg/ml 13.5", f"procaine 20mg/ml {procaine_ml}"), **PAIN)
    assert results(check(judged, person(weight_kg="60")))["ix-la-dup"] == expected


def test_sums_run_over_all_plans_of_the_day() -> None:
    half = plan(mix("caffeine 50mg/ml 2.5"))
    other = plan(mix("caffeine 50mg/ml 2"), regions=("reg-abdomen",))
    assert "dose-max" not in results(check(half))
    assert results(check(half, same_day=[other]))["dose-max"] == "over-limit"
    assert results(check(half, same_day=[plan(mix("nacl 10"), regions=("reg-abdomen",))]))["vol-session"] == "warning"


def test_hyaluronidase_near_an_earlier_filling() -> None:
    judged = plan(mix("hyaluronidase 150U/ml 1"), **FACE)
    for days, region, expected in [
        (14, "reg-face", "incompatible"), (15, "reg-face", None), (3, "reg-lips", "incompatible"),
        (3, "reg-hands", None), (-14, "reg-face", "incompatible"), (-15, "reg-face", None),
    ]:
        earlier = session(TODAY - timedelta(days=days), "ha-nc", region=region)
        assert results(check(judged, recent=[earlier])).get("ix-ha-hyaluronidase") == expected, (days, region)
        assert results(check(judged, person(sessions=(earlier,)))).get("ix-ha-hyaluronidase") == expected


@pytest.mark.parametrize(("last_dose", "expected"), [(TODAY, "incompatible"), (TODAY - timedelta(days=1), None)])
def test_own_painkiller_on_the_session_day(last_dose: date, expected: str | None) -> None:
    facts = person(**{"q-nsaid": "yes", "q-nsaid-date": last_dose.isoformat()})
    assert results(check(plan(mix("ketoprofen 80mg/ml 1"), **PAIN), facts)).get("ix-nsaid-dup") == expected
    assert "ix-nsaid-dup" not in results(check(plan(mix("lidocaine 10mg/ml 1"), **PAIN), facts))


@pytest.mark.parametrize("answers", [
    {"q-nsaid": "yes"}, {"q-nsaid": "yes", "q-nsaid-date": "unknown"}, {"q-nsaid": "unsure"}])
def test_painkiller_of_unknown_date_is_not_fine(answers: dict[str, str]) -> None:
    judged = plan(mix("ketoprofen 80mg/ml 1"), **PAIN)
    assert results(check(judged, person(**answers)))["ix-nsaid-dup"] == "incomplete"
    assert "ix-nsaid-dup" not in results(check(judged, person(**{"q-nsaid": "no"})))


def test_prescribed_painkiller_counts_as_taken() -> None:
    facts = replace(person(), medicines=(RecordedMedicine("ibuprofen", ("med-nsaid",)),))
    assert results(check(plan(mix("diclofenac 25mg/ml 1"), **PAIN), facts))["ix-nsaid-dup"] == "incompatible"


def test_label_limits_sessions_of_deoxycholic_acid() -> None:
    five = tuple(session(TODAY - timedelta(days=30 * n), "dca", region="reg-submental") for n in range(1, 6))
    judged = plan(mix("dca 10mg/ml 2"), **CHIN)
    assert "dose-max" not in results(check(judged, person(sessions=five)))
    six = (*five, session(TODAY - timedelta(days=400), "dca", region="reg-submental"))
    assert results(check(judged, person(sessions=six)))["dose-max"] == "over-limit"


def test_suspension_is_refused(reference: Catalogue) -> None:
    depot = replace(reference.substances["sub-methylprednisolone"], form=Form.SUSPENSION)
    changed = replace(reference, substances={**reference.substances, depot.code: depot})
    judged = plan(mix("methylprednisolone 40mg/ml 1"), **PAIN)
    assert results(check(judged, catalogue=changed))["ix-suspension"] == "incompatible"
    assert "ix-suspension" not in results(check(judged))


STATUS_TABLE = [
    ("sub-dmae", "dmae 30mg/ml 1", DULL, None),
    ("sub-glutathione", "glutathione 200mg/ml 1", DULL, None),
    ("sub-buflomedil", "buflomedil 1", {}, "not-usable"),  # withdrawn: enabling it changes nothing
]


@pytest.mark.parametrize(("code", "words", "where", "expected"), STATUS_TABLE)
def test_enabled_for_the_site(code: str, words: str, where: dict[str, object], expected: str | None) -> None:
    judged = plan(mix(words), **where)  # type: ignore[arg-type]
    assert results(check(judged))["ix-status"] == "not-usable"
    assert results(check(judged, enabled=frozenset({code}))).get("ix-status") == expected


@pytest.mark.parametrize(("country", "expected"), [("FR", "not-usable"), ("TR", None)])
def test_country_ban_cannot_be_enabled(country: str, expected: str | None) -> None:
    judged = plan(mix("dca 10mg/ml 2"), **CHIN)
    allowed = frozenset({"sub-dca", "tq-sc-lipo", "ind-submental-fat"})
    assert results(check(judged, enabled=allowed, country=country)).get("ix-status") == expected


def test_banned_example_mixture_in_france(reference: Catalogue) -> None:
    judged = plan_of(reference.mixtures["ck-cell-lipo"], indication="ind-cellulite", catalogue=reference)
    assert results(check(judged, country="FR"))["ix-status"] == "not-usable"
    (drawn,) = judged.syringes
    undiluted = tuple(one for one in drawn.components if one.substance != "sub-nacl")
    without_saline = replace(judged, syringes=(replace(drawn, components=undiluted),))
    assert results(check(without_saline, country="FR"))["ix-status"] == "not-usable", "saline does not make it another one"
    assert "ix-status" not in results(check(without_saline, country="TR"))
    assert "ix-status" not in results(check(judged, country="TR"))


@pytest.mark.parametrize(("facts", "enabled", "expected"), [
    (person("male"), False, None),
    (person("female"), False, "not-usable"),
    (person("other"), False, "not-usable"),
    (person("female"), True, "not-usable"),
    (person("female", q_pregnant="na", q_fertile="no"), True, None),
    (person("female", q_pregnant="na", q_fertile="no"), False, "not-usable"),
])
def test_substances_for_men(facts: PatientFacts, enabled: bool, expected: str | None) -> None:
    judged = plan(mix("finasteride 0.5mg/ml 1"), **HAIR)
    allowed = frozenset({"sub-finasteride"} if enabled else ())
    assert results(check(judged, facts, enabled=allowed)).get("ix-scope") == expected


# Which findings the example mixtures carry for a healthy man of 65 kg; nothing else may appear.
EXPECTED_OF_EXAMPLES: dict[str, dict[str, str]] = {
    "ck-face-glow": {"ix-vitc-b": "warning"},
    "ck-chin-dca": {"ix-status": "not-usable"},
    "ck-lbp-trial": {"ix-status": "not-usable", "ix-nsaid-steroid": "warning"},
}


@pytest.mark.parametrize("mixture", load_reference().mixtures.values(), ids=lambda mixture: mixture.code)
def test_example_mixtures_are_as_documented(mixture: Mixture, reference: Catalogue) -> None:
    for indication in mixture.indications:
        judged = plan_of(mixture, indication=indication, catalogue=reference)
        answer = check(judged, person("male"))
        assert results(answer) == EXPECTED_OF_EXAMPLES.get(mixture.code, {}), indication
        assert set(answer.codes) == set(mixture.warns)


def test_lip_hydration_takes_half_the_mixture(reference: Catalogue) -> None:
    judged = plan_of(reference.mixtures["ck-face-hydra"], indication="ind-lips", catalogue=reference)
    assert judged.syringes[0].volume_ml == Decimal(1)


def test_totals_show_amount_and_limits() -> None:
    answer = check(plan(mix("lidocaine 20mg/ml 1", "nacl 3"), cream_g="10", **PAIN))
    lidocaine = next(total for total in answer.totals if total.substance == "sub-lidocaine")
    assert (lidocaine.amount, lidocaine.unit, lidocaine.hard_max) == (Decimal(70), "mg", Decimal(300))
    assert (lidocaine.mg_per_kg, lidocaine.limit_by_weight) == (Decimal("4.5"), Decimal("292.5"))
    assert lidocaine.result is CheckResult.OK
    assert [(total.region, total.volume_ml, total.limit_ml) for total in answer.volumes] == [
        ("reg-lumbar", Decimal(4), Decimal(6)), (None, Decimal(4), Decimal(20))]


def test_worst_problem_decides_and_every_code_is_listed() -> None:
    answer = check(plan(mix("caffeine 50mg/ml 5", "pentoxifylline 20mg/ml 1", "multivit 1", "vit-c 100mg/ml 1")))
    assert answer.result is CheckResult.INCOMPATIBLE
    assert answer.codes == ("ix-xanthine-dup", "dose-max", "ix-vitc-b")


def test_sentences_are_filled_in_both_languages() -> None:
    (found,) = check(plan(mix("caffeine 50mg/ml 4.5"))).problems
    assert found.text("en") == "Caffeine: 225 mg on this day, at most 200 mg is allowed."
    assert found.text("tr") == "Kafein: bu gün 225 mg, en fazla 200 mg verilebilir."
    assert (found.amount, found.limit, found.unit) == (Decimal(225), Decimal(200), "mg")


def test_sentence_begins_with_the_right_capital(reference: Catalogue) -> None:
    judged = plan(mix("dmae 30mg/ml 4"), **DULL)
    assert all(problem.text(lang)[0].isupper() for problem in check(judged).problems for lang in ("en", "tr"))
    assert capitalised("ipek", "tr") == "İpek"
    assert capitalised("ipek", "en") == "Ipek"


def test_figure_above_a_limit_never_reads_as_equal() -> None:
    assert plain(Decimal("270.00001"), "en") == "270.0001"
    assert plain(Decimal("270.50"), "tr") == "270,5"
    assert plain(Decimal(300), "en") == "300"


@pytest.mark.parametrize(("code", "expected", "judged"), MIX_TABLE + DOSE_TABLE)
def test_no_sentence_keeps_a_placeholder(code: str, expected: str | None, judged: Plan) -> None:
    for problem in check(judged, person(weight_kg=None)).problems:
        for lang in ("en", "tr"):
            sentence = problem.text(lang)
            assert sentence
            assert "{" not in sentence
            assert "  " not in sentence


@pytest.mark.parametrize(("judged", "named"), [
    (plan(Syringe((Component("sub-unheard-of", Decimal(1)),))), "sub-unheard-of"),
    (plan(Syringe((part("nacl -1"),))), "-1"),
    (plan(Syringe((part("nacl 0"),))), "sub-nacl"),
    (plan(Syringe((part("nacl NaN"),))), "NaN"),
    (plan(Syringe((Component("sub-caffeine", Decimal(1), Decimal(50), "IU/ml"),))), "IU/ml"),
    (plan(Syringe((Component("sub-caffeine", Decimal(1), Decimal(-5)),))), "-5"),
    (plan(mix("nacl 1", points=0)), "0 points"),
    (plan(mix("nacl 1", region="reg-moon")), "reg-moon"),
    (plan(mix("nacl 1"), technique="tq-none"), "tq-none"),
    (plan(mix("nacl 1"), regions=()), "no region"),
    (plan(mix("nacl 1"), cream_g="-1"), "-1"),
])
def test_impossible_plans_are_refused_with_a_sentence(judged: Plan, named: str) -> None:
    with pytest.raises(PlanError, match=named):
        check(judged)


def test_every_shape_has_an_evaluator(reference: Catalogue) -> None:
    assert set(EVALUATORS) == set(MixingShape)
    assert {rule.shape for rule in reference.mixing_rules.values()} == set(MixingShape)


def test_order_of_components_does_not_matter(reference: Catalogue) -> None:
    parts = [part("caffeine 50mg/ml 3"), part("multivit 1"), part("vit-c 500mg/ml 2"), part("water-inj 3")]
    forward, backward = (check(plan(Syringe(tuple(order)))) for order in (parts, parts[::-1]))
    assert forward.problems == backward.problems


def test_same_plan_twice_on_a_day_adds_up() -> None:
    judged = plan(mix("nacl 10"))
    answer = check_plan(plan=judged, same_day=[judged], facts=person(), on=TODAY, catalogue=load_reference())
    assert results(answer) == {"vol-region": "over-limit", "vol-session": "warning"}


AMOUNTS = st.decimals(Decimal("0.05"), Decimal(6), places=2)
SOME_SUBSTANCES = st.sampled_from([
    "caffeine 50mg/ml", "pentoxifylline 20mg/ml", "multivit", "vit-c 100mg/ml", "lidocaine 20mg/ml", "silicon",
    "procaine 20mg/ml", "ha-nc", "nacl", "water-inj", "dmae 30mg/ml", "pn"])
PARTS = st.lists(st.builds(lambda name, ml: part(f"{name} {ml}"), SOME_SUBSTANCES, AMOUNTS), min_size=1, max_size=7)


@given(parts=PARTS, data=st.data())
def test_order_of_lines_never_matters(parts: list[Component], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(parts))
    forward, other = check(plan(Syringe(tuple(parts)))), check(plan(Syringe(tuple(shuffled))))
    assert forward.problems == other.problems
    assert forward.totals == other.totals


@given(parts=PARTS)
def test_splitting_a_syringe_never_lowers_a_sum(parts: list[Component]) -> None:
    """Half into each of two syringes, or all into several plans of one day: the same sums, the same limits."""
    whole = check(plan(Syringe(tuple(parts))))
    halves = tuple(replace(one, volume_ml=one.volume_ml / 2) for one in parts)
    for split in (check(plan(Syringe(halves), Syringe(halves))),
                  check(plan(Syringe(halves)), same_day=[plan(Syringe(halves))])):
        assert split.totals == whole.totals
        assert split.volumes == whole.volumes


@given(parts=PARTS, more=PARTS)
def test_adding_to_a_mixture_never_lowers_its_doses(parts: list[Component], more: list[Component]) -> None:
    less, fuller = check(plan(Syringe(tuple(parts)))), check(plan(Syringe((*parts, *more))))
    after = {total.substance: total for total in fuller.totals}
    for total in less.totals:
        assert total.amount is not None
        assert (after[total.substance].amount or 0) >= total.amount
        assert after[total.substance].result.rank >= total.result.rank


@given(parts=PARTS)
def test_every_problem_is_a_rule_of_the_catalogue_with_a_source(parts: list[Component]) -> None:
    rules = load_reference().mixing_rules
    for problem in check(plan(Syringe(tuple(parts)))).problems:
        assert problem.code in rules
        assert problem.source
