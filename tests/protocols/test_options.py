"""What a patient can have: every indication and mixture in its place, and substitutes that hold when judged anew."""
from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from patients.facts import AnswerValue, PatientFacts
from protocols.choices import CheckResult, Role, Status
from protocols.definitions import Catalogue
from protocols.options import ORDER, Change, Judge, Option, Substitute, Verdict, default_plan, options_for
from tests.protocols.healthy import DAY, person


def judge_of(facts: PatientFacts, catalogue: Catalogue, **more: object) -> Judge:
    return Judge(**{"facts": facts, "on": DAY, "catalogue": catalogue} | more)


def options(catalogue: Catalogue, answers: dict[str, AnswerValue] | None = None, **more: object) -> tuple[Option, ...]:
    return options_for(judge_of(person(answers), catalogue, **more))


def named(found: tuple[Option, ...], indication: str, mixture: str | None = None) -> Option:
    return next(
        one for one in found
        if one.indication.code == indication and (mixture is None or (one.mixture and one.mixture.code == mixture))
    )  # fmt: skip


def said(substitutes: tuple[Substitute, ...]) -> set[tuple[str, str, str]]:
    return {(one.change.value, one.leaves, one.takes.substance if one.takes else "") for one in substitutes}


def test_every_indication_stands_there_once_per_example_mixture(reference: Catalogue) -> None:
    found = options(reference)
    expected = [
        (indication, mixture.code if mixture else None)
        for indication in reference.indications
        for mixture in reference.mixtures_for(indication) or (None,)
    ]
    shown = [(one.indication.code, one.mixture.code if one.mixture else None) for one in found]
    assert sorted(shown, key=str) == sorted(expected, key=str)


def test_best_first_and_the_earliest_day_first_among_those_that_wait(reference: Catalogue) -> None:
    found = options(
        reference,
        {"q-skin": ["rash"], "q-skin.rash.state": "healed", "q-skin.rash.date": "2026-03-18", "q-skin-area": ["reg-face"],
         "q-dental": "yes", "q-dental-date": "2026-03-15", "q-procedure": ["filler"], "q-procedure-area": ["reg-hands"],
         "q-procedure.filler.date": "2026-03-07", "q-allergy": ["amide"]},
    )  # fmt: skip
    ranks = [ORDER.index(one.verdict) for one in found]
    assert ranks == sorted(ranks)
    waiting = [one.judged.screening.wait_until for one in found if one.verdict is Verdict.WAIT]
    assert len(set(waiting)) > 1
    assert waiting == sorted(waiting, key=lambda day: day or dt.date.max)
    assert {Verdict.CLEARED, Verdict.WAIT, Verdict.BLOCKED} <= {one.verdict for one in found}


def test_what_is_locked_says_so_and_is_never_permitted_until_enabled(reference: Catalogue) -> None:
    locked = named(options(reference), "ind-local-fat")
    assert locked.indication.status is Status.LOCKED
    assert locked.verdict is Verdict.NOT_USABLE
    assert locked.judged.check.codes == ("ix-status",)
    half = named(options(reference, enabled=frozenset({"ind-local-fat"})), "ind-local-fat")
    assert half.verdict is Verdict.NOT_USABLE  # its technique is off, too
    enabled = named(options(reference, enabled=frozenset({"ind-local-fat", "tq-sc-lipo"})), "ind-local-fat")
    assert enabled.verdict.permitted


def test_a_ban_of_the_country_counts_and_another_mixture_takes_its_place(reference: Catalogue) -> None:
    banned = named(options(reference, country="FR"), "ind-cellulite", "ck-cell-lipo")
    assert banned.verdict is Verdict.NOT_USABLE
    assert [(one.change, one.mixture.code) for one in banned.substitutes] == [(Change.MIXTURE, "ck-cell-drain")]


def test_an_indication_without_an_example_mixture_is_incomplete_never_cleared(reference: Catalogue) -> None:
    bare = [one for one in options(reference) if one.mixture is None and one.indication.status is Status.ON]
    assert bare
    assert {one.verdict for one in bare} == {Verdict.INCOMPLETE}


def test_another_anaesthetic_or_none_takes_the_place_of_the_one_the_patient_reacts_to(reference: Catalogue) -> None:
    blocked = named(options(reference, {"q-allergy": ["amide"]}), "ind-aga", "ck-hair-minox")
    assert blocked.verdict is Verdict.BLOCKED
    assert said(blocked.substitutes) == {
        ("swap", "sub-lidocaine", "sub-procaine"), ("without", "sub-lidocaine", ""),
    }  # fmt: skip


def test_a_mixture_keeps_what_it_is_given_for(reference: Catalogue) -> None:
    """Lidocaine alone treats the pain, so it may be exchanged but not left out; nor may a vasodilator be left out."""
    pain = named(options(reference, {"q-allergy": ["amide"]}), "ind-msk-pain")
    assert said(pain.substitutes) == {("swap", "sub-lidocaine", "sub-procaine")}
    hair = named(options(reference, {"q-rare": ["phaeochromocytoma"]}), "ind-aga", "ck-hair-minox")
    assert hair.verdict is Verdict.BLOCKED
    for one in hair.substitutes:
        assert Role.ACTIVE in {reference.substances[code].role for code in one.judged.plan.substances}


def test_a_product_without_preservatives_is_offered_where_only_the_preservative_is_in_the_way(reference: Catalogue) -> None:
    answers: dict[str, AnswerValue] = {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["preservative"]}
    blocked = named(options(reference, answers), "ind-msk-pain")
    assert said(blocked.substitutes) == {("product", "sub-lidocaine", "sub-lidocaine")}
    [free] = blocked.substitutes
    assert free.takes is not None
    assert free.takes.preservative_free
    assert free.judged.verdict is Verdict.NEEDS_CLEARANCE


def test_the_other_antiseptic_is_offered_to_whom_reacts_to_the_usual_one(reference: Catalogue) -> None:
    found = options(reference, {"q-allergy": ["chlorhexidine"]})
    hydration = named(found, "ind-hydration")
    assert hydration.verdict is Verdict.BLOCKED
    assert [(one.change, one.judged.plan.antiseptic) for one in hydration.substitutes] == [(Change.ANTISEPTIC, "iodine")]
    both = named(options(reference, {"q-allergy": ["chlorhexidine", "iodine"]}), "ind-hydration")
    assert not both.substitutes


def test_nothing_is_offered_where_nothing_helps(reference: Catalogue) -> None:
    found = options(reference, {"q-pregnant": "yes"})
    assert {one.verdict for one in found} == {Verdict.BLOCKED}
    assert not any(one.substitutes for one in found)


RISKS: list[dict[str, AnswerValue]] = [
    {}, {"q-allergy": ["amide", "fish", "xanthine"]}, {"q-epilepsy": "yes"}, {"q-allergy": ["painkiller", "soy"]},
    {"q-arrhythmia": "yes"}, {"q-rare": ["g6pd", "heart-block"]}, {"q-clot": "yes", "q-keloid": "yes"},
]  # fmt: skip


@pytest.mark.parametrize("answers", RISKS, ids=[" ".join(one) or "healthy" for one in RISKS])
@pytest.mark.parametrize("country", ["IT", "FR"])
def test_every_substitute_is_permitted_when_judged_anew_and_changes_one_thing(
    reference: Catalogue, answers: dict[str, AnswerValue], country: str
) -> None:
    judge = judge_of(person(answers), reference, country=country)
    for option in options_for(judge):
        assert option.verdict.permitted is False or not option.substitutes
        for one in option.substitutes:
            assert judge(one.judged.plan).verdict is one.judged.verdict
            assert one.judged.verdict.permitted
            assert one.judged.plan.indication == option.indication.code
            assert option.indication.code in one.mixture.indications
            before, after = option.judged.plan.substances, one.judged.plan.substances
            if one.change in (Change.SWAP, Change.WITHOUT):
                assert before - after == {one.leaves}
                assert len(after - before) == (1 if one.takes else 0)
            elif one.change is not Change.MIXTURE:
                assert before == after


def test_a_missing_weight_or_answer_is_incomplete(reference: Catalogue) -> None:
    facts = person()
    unweighed = replace(facts, measurements=tuple(one for one in facts.measurements if one.code != "m-weight"))
    pain = named(options_for(judge_of(unweighed, reference)), "ind-msk-pain")
    assert pain.judged.check.result is CheckResult.INCOMPLETE
    assert pain.verdict is Verdict.INCOMPLETE
    unasked = replace(facts, answers={key: value for key, value in facts.answers.items() if key != "q-hairloss"})
    found = options_for(judge_of(unasked, reference))
    assert named(found, "ind-telogen").verdict is Verdict.INCOMPLETE
    assert named(found, "ind-hydration").verdict is Verdict.CLEARED


def test_the_default_plan_is_what_a_new_course_starts_from(reference: Catalogue) -> None:
    lips = default_plan(reference.indications["ind-lips"], reference.mixtures["ck-face-hydra"], reference)
    assert (lips.regions, lips.technique, lips.delivery, lips.antiseptic) == (
        ("reg-lips",), "tq-papule", "dv-manual", "chlorhexidine",
    )  # fmt: skip
    assert [str(syringe.volume_ml.normalize()) for syringe in lips.syringes] == ["1"]
