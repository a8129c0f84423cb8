"""The smallest change that makes a plan pass: a table of what it is, and properties over every mixture."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.facts import PatientFacts
from protocols.adapting import PASSES, Adaptation, Situation, adapt
from protocols.adapting_moves import largest
from protocols.choices import Role
from protocols.loading import load_reference
from protocols.plan import Component, Plan, Syringe
from tests.protocols import healthy
from tests.protocols.plans import D, mix, part, plan

FACE = {"indication": "ind-hydration", "regions": ("reg-face",), "technique": "tq-papule"}
DULL = {"indication": "ind-dull-tone", "regions": ("reg-face",), "technique": "tq-nappage"}
PAIN = {"indication": "ind-msk-pain", "regions": ("reg-lumbar",), "technique": "tq-sim-pain"}
BACK = {"indication": "ind-chronic-pain", "technique": "tq-sim-pain",
        "regions": ("reg-lumbar", "reg-upper-back", "reg-neck-shoulder")}
LIPO = mix("caffeine 50mg/ml 2", "carnitine 200mg/ml 2", "silicon 3", "procaine 20mg/ml 1", "nacl 2")


def situation(facts: PatientFacts | None = None, **more: object) -> Situation:
    return Situation(facts=facts or healthy.person(), on=healthy.DAY, catalogue=load_reference(), **more)  # type: ignore[arg-type]


def adapted(judged: Plan, facts: PatientFacts | None = None, **more: object) -> Adaptation:
    return adapt(plan=judged, situation=situation(facts, **more))


def volumes(found: Adaptation) -> list[dict[str, Decimal]]:
    """Per syringe: substance -> ml."""
    assert found.plan is not None, found.reasons
    return [{one.substance.removeprefix("sub-"): one.volume_ml for one in syringe.components}
            for syringe in found.plan.syringes]


def words(found: Adaptation) -> list[str]:
    return [change.text("en") for change in found.changes]


# why, the plan, the patient, ml per syringe afterwards, what was done
TABLE: list[tuple[str, Plan, Callable[[], PatientFacts] | None, list[dict[str, str]], list[str]]] = [
    ("nothing to do", plan(LIPO), None,
     [{"caffeine": "2", "carnitine": "2", "silicon": "3", "procaine": "1", "nacl": "2"}], []),
    ("equal to the limit is fine", plan(mix("caffeine 50mg/ml 4")), None, [{"caffeine": "4"}], []),
    ("one dose over its maximum: that line alone", plan(mix("caffeine 50mg/ml 4.5", "silicon 2")), None,
     [{"caffeine": "4.00", "silicon": "2"}], ["Caffeine: 4 ml instead of 4.5 ml"]),
    ("over the limit by weight (65 kg: 292.5 mg): the larger line, where it is the smaller part",
     plan(mix("lidocaine 20mg/ml 5"), mix("lidocaine 20mg/ml 10"), **BACK), None,
     [{"lidocaine": "5"}, {"lidocaine": "9.62"}], ["Lidocaine without adrenaline: 9.62 ml instead of 10 ml"]),
    ("too much in a region: the syringe by one factor, shares kept",
     plan(mix("ha-nc 3", "nacl 3"), **FACE), None, [{"ha-nc": "2.50", "nacl": "2.50"}],
     ["Syringe 1: every volume made smaller by the same factor, 5 ml instead of 6 ml"]),
    ("a product used alone: a syringe of its own", plan(mix("poly-ha 1", "ha-nc 1"), **FACE), None,
     [{"ha-nc": "1"}, {"poly-ha": "1"}],
     ["Ready poly-revitalising hyaluronic acid complex moved to a syringe of its own"]),
    ("nothing active would be left for a second syringe", plan(mix("poly-ha 3", "nacl 1"), **FACE), None,
     [{"poly-ha": "3"}], ["Sodium chloride 0.9 % taken out"]),
    ("two xanthines: the first of the two goes", plan(mix("caffeine 50mg/ml 2", "pentoxifylline 20mg/ml 2")), None,
     [{"pentoxifylline": "2"}], ["Caffeine taken out"]),
    ("vitamin C too strong: dilute, no less than needed", plan(mix("vit-c 500mg/ml 1"), **DULL), None,
     [{"vit-c": "1", "nacl": "1.50"}], ["1.5 ml of sodium chloride 0.9 % added to syringe 1"]),
    ("too much water: saline in its place", plan(mix("silicon 3", "water-inj 3")), None,
     [{"silicon": "3", "nacl": "3"}], ["Sodium chloride 0.9 % (3 ml) in place of water for injection"]),
    ("switched off: out", plan(mix("silicon 2", "artichoke 2")), None, [{"silicon": "2"}],
     ["Artichoke extract taken out"]),
    ("too deep", plan(Syringe((part("silicon 2"),), depth_mm=D("5"))), None, [{"silicon": "2"}],
     ["Syringe 1: needle depth 4 mm instead of 5 mm"]),
    ("0.4 ml per point", plan(Syringe((part("silicon 4"),), points=10)), None, [{"silicon": "2.00"}],
     ["Syringe 1: every volume made smaller by the same factor, 2 ml instead of 4 ml"]),
    ("blocked by the heart rhythm: caffeine goes", plan(LIPO),
     lambda: healthy.person({"q-arrhythmia": "yes"}),
     [{"carnitine": "2", "silicon": "3", "procaine": "1", "nacl": "2"}], ["Caffeine taken out"]),
]  # fmt: skip


@pytest.mark.parametrize(("judged", "facts", "after", "said"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_smallest_change(judged, facts, after, said):
    found = adapted(judged, facts() if facts else None)
    assert volumes(found) == [{code: D(ml) for code, ml in one.items()} for one in after]
    assert words(found) == said
    assert found.is_change is bool(said)
    assert found.after is not None
    assert found.after.result in PASSES


def test_an_amide_allergy_turns_a_lidocaine_mixture_into_procaine():
    """Taking it out would leave nothing, so the other anaesthetic comes in, with no more ml than before."""
    judged = plan(mix("lidocaine 10mg/ml 2", "nacl 2"), **PAIN)
    found = adapted(judged, healthy.person({"q-allergy": ["amide"]}))
    assert volumes(found) == [{"procaine": D("1.00"), "nacl": D(2)}]
    assert found.changes[0].kind == "swapped"
    assert any("llerg" in reason for reason in found.changes[0].reasons("en"))


def test_the_numbing_cream_is_lowered_before_the_injection_when_that_is_less():
    """200 mg injected and 40 g of cream make 400 mg of lidocaine; 292.5 mg are allowed at 65 kg."""
    judged = plan(mix("lidocaine 20mg/ml 10"), cream_g="40", indication="ind-chronic-pain", technique="tq-sim-pain",
                  regions=("reg-lumbar", "reg-upper-back"))
    found = adapted(judged)
    assert found.plan is not None
    assert words(found) == ["Numbing cream (lidocaine 2.5 % and prilocaine 2.5 %): 18.5 g instead of 40 g"] or (
        found.plan.numbing_cream_g == D(40) and volumes(found)[0]["lidocaine"] < 10)


def test_what_the_patient_gets_elsewhere_that_day_counts():
    """150 mg of caffeine in another plan leave 50 mg, that is 1 ml."""
    other = plan(mix("caffeine 50mg/ml 3"), regions=("reg-abdomen",))
    found = adapted(plan(mix("caffeine 50mg/ml 2", "silicon 1")), same_day=[other])
    assert volumes(found) == [{"caffeine": D("1.00"), "silicon": D(1)}]


def test_the_reason_of_every_change_is_a_sentence_in_both_languages():
    found = adapted(plan(mix("caffeine 50mg/ml 4.5", "artichoke 2", "silicon 2")))
    assert len(found.changes) == 2
    for lang in ("en", "tr"):
        for change in found.changes:
            assert change.text(lang)[0].isupper()
            assert all(reason.strip() for reason in change.reasons(lang))
    assert found.changes[0].text("en") != found.changes[0].text("tr")


# ------------------------------------------------------------------------------------------------ when nothing passes
def test_a_missing_weight_is_said_and_not_adapted_away():
    facts = healthy.without(healthy.person(), "m-weight")
    found = adapted(plan(mix("lidocaine 10mg/ml 2", "nacl 2"), **PAIN), facts)
    assert (found.plan, found.changes) == (None, ())
    assert "body weight" in found.reasons[0]["en"]


@pytest.mark.parametrize(("judged", "facts", "reason"), [
    (plan(mix("silicon 2")), {"q-pregnant": "yes"}, "Pregnan"),
    (plan(mix("silicon 2"), technique="tq-sc-lipo"), {}, "locked"),
    (plan(mix("pn 1"), indication="ind-under-eye", regions=("reg-periocular",), technique="tq-papule"),
     {"q-allergy": ["fish"]}, "llergy"),
])  # fmt: skip
def test_what_no_change_of_the_mixture_mends_is_said(judged, facts, reason):
    found = adapted(judged, healthy.person(facts))
    assert found.plan is None
    assert found.after is None
    assert any(reason in one["en"] for one in found.reasons), found.reasons


# ----------------------------------------------------------------------------------------------------------- properties
INJECTABLE = sorted(
    code for code, one in load_reference().substances.items() if one.role is not Role.DILUENT and code != "sub-la-cream")
EVERYTHING = [*INJECTABLE, "sub-nacl", "sub-water-inj"]
PLACES = [("ind-cellulite", ("reg-thigh",), "tq-point"), ("ind-hydration", ("reg-face",), "tq-papule"),
          ("ind-msk-pain", ("reg-lumbar",), "tq-sim-pain"), ("ind-aga", ("reg-scalp",), "tq-nappage")]
ANSWERS: list[dict[str, object]] = [{}, {"q-allergy": ["fish"]}, {"q-arrhythmia": "yes"}, {"q-epilepsy": "yes"},
                                    {"q-pregnant": "yes"}]


@st.composite
def components(draw: st.DrawFn) -> Component:
    code = draw(st.sampled_from(EVERYTHING))
    substance = load_reference().substances[code]
    ml = Decimal(draw(st.integers(1, 900))) / 100
    return Component(code, ml, substance.strength.high if substance.strength else None, substance.strength_unit or "mg/ml")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    indication, regions, technique = draw(st.sampled_from(PLACES))
    syringes = draw(st.lists(st.lists(components(), min_size=1, max_size=4), min_size=1, max_size=2))
    points = draw(st.sampled_from([None, 20, 80]))
    cream = draw(st.sampled_from([None, "10", "50"]))
    return plan(*[Syringe(tuple(one), points=points) for one in syringes], indication=indication, regions=regions,
                technique=technique, cream_g=cream)


def amounts(given_plan: Plan) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {"sub-la-cream": given_plan.numbing_cream_g or Decimal(0)}
    for syringe in given_plan.syringes:
        for one in syringe.components:
            found[one.substance] = found.get(one.substance, Decimal(0)) + one.volume_ml * (one.strength or 1)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(judged=plans(), answers=st.sampled_from(ANSWERS))
def test_a_proposal_passes_raises_nothing_and_needs_no_second_one(judged, answers):
    case = situation(healthy.person(answers))
    found = adapt(plan=judged, situation=case)
    if found.plan is None:
        assert found.reasons
        assert found.changes == ()
        return
    assert case.check(found.plan).result in PASSES
    assert case.blocking(found.plan) == ()
    before, after = amounts(judged), amounts(found.plan)
    swapped_in = set(after) - set(before)
    brought_in = [one for one in found.changes if one.kind in {"swapped", "diluted"}]
    assert len(swapped_in) <= len(brought_in)
    diluted = any(one.kind in {"swapped", "diluted"} and "sodium" in one.instead["en"] for one in found.changes)
    for code, amount in after.items():
        if code not in swapped_in and not (diluted and code == "sub-nacl"):
            assert amount <= before[code], code
    again = adapt(plan=found.plan, situation=case)
    assert again.plan == found.plan
    assert again.changes == ()
    assert (found.plan == judged) is not found.is_change


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(judged=plans())
def test_the_same_question_has_the_same_answer(judged):
    assert adapted(judged) == adapted(replace(judged))


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_largest_step_is_found(most, bound):
    assert largest(most, lambda step: step <= bound) == min(most, bound)
