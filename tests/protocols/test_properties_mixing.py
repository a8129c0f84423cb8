"""What holds for every mixture: order says nothing, and no way of dividing a dose makes it smaller. Examples are fixed."""
from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.mixing import PlanCheck, check_plan
from protocols.plan import Component, Plan, Syringe
from tests.protocols.plans import TODAY, part, person, plan

steady = settings(derandomize=True, max_examples=80, deadline=None, database=None)
REGIONS = ("reg-thigh", "reg-buttock", "reg-abdomen")
DOSE_CODES = frozenset({"dose-max", "dose-kg", "dose-typical", "vol-session", "ix-la-dup", "ix-xanthine-dup"})
SUBSTANCES = st.sampled_from([
    "caffeine 50mg/ml", "pentoxifylline 20mg/ml", "carnitine 200mg/ml", "lidocaine 20mg/ml", "procaine 20mg/ml",
    "multivit", "silicon", "ha-nc", "amino-pep", "nacl", "dmae 30mg/ml", "pn", "minoxidil 5mg/ml"])
AMOUNTS = st.decimals(Decimal("0.1"), Decimal(12), places=1)
PARTS = st.lists(st.builds(lambda name, ml: part(f"{name} {ml}"), SUBSTANCES, AMOUNTS), min_size=1, max_size=5)
SYRINGES = st.builds(
    lambda parts, region: Syringe(tuple(parts), region=region), PARTS, st.sampled_from(REGIONS))


def judged(*syringes: Syringe, same_day: tuple[Plan, ...] = (), cream_g: str | None = None) -> PlanCheck:
    return check_plan(
        plan=plan(*syringes, regions=REGIONS, cream_g=cream_g), same_day=same_day, facts=person(), on=TODAY,
        catalogue=load_reference())


def without_numbers(answer: PlanCheck) -> list[object]:
    """The problems, whatever number their syringe has."""
    return sorted((replace(one, syringe=None) for one in answer.problems), key=repr)


@given(st.lists(SYRINGES, min_size=2, max_size=4), st.data())
@steady
def test_the_order_of_syringes_and_of_their_lines_says_nothing(syringes: list[Syringe], data: st.DataObject) -> None:
    shuffled = [
        replace(one, components=tuple(data.draw(st.permutations(one.components))))
        for one in data.draw(st.permutations(syringes))]
    one, other = judged(*syringes), judged(*shuffled)
    assert one.result == other.result
    assert without_numbers(one) == without_numbers(other)
    assert one.totals == other.totals
    assert sorted(one.volumes, key=repr) == sorted(other.volumes, key=repr)


@given(st.lists(SYRINGES, min_size=2, max_size=3), st.data())
@steady
def test_the_order_of_the_other_plans_of_the_day_says_nothing(syringes: list[Syringe], data: st.DataObject) -> None:
    first, *others = [plan(one, regions=REGIONS) for one in syringes]
    plans = tuple(data.draw(st.permutations(others)))
    answers = [
        check_plan(plan=first, same_day=same_day, facts=person(), on=TODAY, catalogue=load_reference())
        for same_day in (tuple(others), plans)]
    assert answers[0].totals == answers[1].totals
    assert without_numbers(answers[0]) == without_numbers(answers[1])


@st.composite
def divided(draw: st.DrawFn) -> tuple[Syringe, tuple[Syringe, ...]]:
    """A syringe and the same contents in two or three, each line cut at any tenth of a millilitre, regions at will."""
    whole = draw(SYRINGES)
    pieces: list[list[Component]] = [[] for _ in range(draw(st.integers(2, 3)))]
    for one in whole.components:
        tenths = int(one.volume_ml * 10)
        cut = draw(st.integers(0, tenths))
        first, second = draw(st.permutations(range(len(pieces))))[:2]
        for place, share in ((first, cut), (second, tenths - cut)):
            if share:
                pieces[place].append(replace(one, volume_ml=Decimal(share) / 10))
    regions = st.sampled_from([whole.region, *REGIONS])
    return whole, tuple(Syringe(tuple(one), region=draw(regions)) for one in pieces if one)


@given(divided())
@steady
def test_dividing_a_syringe_changes_no_sum_and_hides_no_dose(pair: tuple[Syringe, tuple[Syringe, ...]]) -> None:
    whole, pieces = pair
    one, other = judged(whole), judged(*pieces)
    assert one.totals == other.totals
    assert one.volumes[-1] == other.volumes[-1]  # the whole session
    found = [frozenset(answer.codes) & DOSE_CODES for answer in (one, other)]
    assert found[0] == found[1]


@given(divided())
@steady
def test_moving_a_part_into_another_plan_of_the_day_changes_no_sum(pair: tuple[Syringe, tuple[Syringe, ...]]) -> None:
    whole, pieces = pair
    one = judged(whole)
    other = judged(pieces[0], same_day=tuple(plan(piece, regions=REGIONS) for piece in pieces[1:]))
    assert one.totals == other.totals


@given(SYRINGES, st.integers(0, 60), st.integers(0, 60))
@steady
def test_more_numbing_cream_never_lowers_the_lidocaine(syringe: Syringe, grams: int, more: int) -> None:
    less, fuller = sorted((grams, grams + more))
    sums = [_lidocaine(judged(syringe, cream_g=str(one))) for one in (less, fuller)]
    assert sums[1] >= sums[0]


def _lidocaine(answer: PlanCheck) -> Decimal:
    return next((one.amount or Decimal(0) for one in answer.totals if one.substance == "sub-lidocaine"), Decimal(0))


@given(SYRINGES)
@steady
def test_the_result_is_the_worst_of_its_problems_and_each_has_a_source(syringe: Syringe) -> None:
    answer, catalogue = judged(syringe), load_reference()
    ranks = [one.result.rank for one in answer.problems]
    assert answer.result.rank == max(ranks, default=0)
    assert ranks == sorted(ranks, reverse=True)
    assert all(one.code in catalogue.mixing_rules and one.source for one in answer.problems)


@given(SYRINGES, st.integers(31, 150), st.integers(0, 100))
@steady
def test_a_heavier_patient_is_never_over_a_limit_that_a_lighter_one_keeps(
    syringe: Syringe, weight: int, more: int
) -> None:
    catalogue: Catalogue = load_reference()
    codes = [
        frozenset(check_plan(
            plan=plan(syringe, regions=REGIONS), facts=person(weight_kg=str(kg)), on=TODAY, catalogue=catalogue).codes)
        for kg in (weight, weight + more)]
    assert ("dose-kg" in codes[1]) <= ("dose-kg" in codes[0])
