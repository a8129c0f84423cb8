"""The evaluator of conditional questions: what is visible, what is required, what is refused and why."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from patients.questionnaire import Kind, asked, check, is_empty, reading, unanswered, visible
from protocols.definitions import Catalogue
from protocols.loading import load_reference

TODAY = date(2026, 3, 20)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_reference()


def healthy(catalogue: Catalogue, sex: str = "female", plan_words: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        one.code: [one.healthy] if one.kind in (Kind.LIST, Kind.NAMES) else one.healthy
        for one in visible(catalogue.questions, {}, sex=sex, plan_words=plan_words)
    }


def problems(catalogue: Catalogue, changed: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    options = {"sex": "female", "today": TODAY, **options}
    answers = {**healthy(catalogue, options["sex"], tuple(options.get("plan_words", ()))), **changed}
    answers = {key: value for key, value in answers.items() if value is not None}
    return [(one.key, one.kind) for one in check(catalogue.questions, answers, **options)]


def test_the_healthy_answers_are_complete_and_accepted(catalogue: Catalogue) -> None:
    for sex in ("female", "male", "other"):
        assert problems(catalogue, {}, sex=sex) == []


def test_questions_follow_sex_and_plan(catalogue: Catalogue) -> None:
    def codes(**options: Any) -> set[str]:
        return {one.code for one in visible(catalogue.questions, {}, **options)}

    assert {"q-pregnant", "q-breastfeeding"} <= codes(sex="female")
    assert not {"q-pregnant", "q-breastfeeding"} & codes(sex="male")
    assert {"q-pregnant", "q-breastfeeding"} <= codes(sex="other")
    finasteride = ["sub-finasteride"]
    assert codes(sex="female", plan_words=finasteride) - codes(sex="female") == {"q-fertile", "q-mood"}
    assert codes(sex="male", plan_words=finasteride) - codes(sex="male") == {"q-partner", "q-mood"}
    assert {"q-fertile", "q-partner"} <= codes(sex="other", plan_words=finasteride)


def test_the_intake_form_has_no_question_of_a_special_plan(catalogue: Catalogue) -> None:
    assert all(not one.only_with for one in visible(catalogue.questions, {}, sex="other"))


def test_the_short_recheck_asks_what_is_marked(catalogue: Catalogue) -> None:
    again = {one.code for one in visible(catalogue.questions, {}, sex="female", again_only=True)}
    assert again == {
        "q-pregnant", "q-breastfeeding", "q-nsaid", "q-medicines", "q-allergy", "q-skin", "q-illness", "q-antibiotic",
        "q-retinoid", "q-procedure", "q-vaccine", "q-dental", "q-sunburn", "q-sun", "q-alcohol", "q-reaction",
    }  # fmt: skip
    pain = {one.code for one in visible(catalogue.questions, {}, sex="female", again_only=True, plan_words=["pain"])}
    assert pain - again == {"q-redflags"}


def test_the_recheck_requires_only_its_own_questions(catalogue: Catalogue) -> None:
    answers = {code: value for code, value in healthy(catalogue).items() if catalogue.questions[code].again}
    assert check(catalogue.questions, answers, sex="female", today=TODAY, again_only=True) == []
    assert check(catalogue.questions, answers, sex="female", today=TODAY) != []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"q-stroke": None}, [("q-stroke", "required")]),
        ({"q-stroke": ""}, [("q-stroke", "required")]),
        ({"q-skin": []}, [("q-skin", "required")]),
        ({"q-stroke": "maybe"}, [("q-stroke", "not-allowed")]),
        ({"q-stroke": ["stroke"]}, [("q-stroke", "not-allowed")]),
        ({"q-stroke": 1}, [("q-stroke", "not-allowed")]),
        ({"q-stroke": "unsure"}, []),
        ({"q-hives": "unsure"}, []),
        ({"q-pregnant": "na"}, []),
        ({"q-keloid": "na"}, [("q-keloid", "not-allowed")]),
        ({"q-keloid": "<script>alert(1)</script>"}, [("q-keloid", "not-allowed")]),
        ({"q-nonsense": "no"}, [("q-nonsense", "unknown-question")]),
        ({"q-skin": "boils"}, [("q-skin", "not-a-list")]),
        ({"q-skin": ["none", "rash"], "q-skin.rash.state": "still"}, [("q-skin", "none-and-more")]),
        ({"q-skin": ["rash", "rash"], "q-skin.rash.state": "still"}, [("q-skin", "twice")]),
        ({"q-skin": ["boils"]}, [("q-skin", "not-allowed")]),
        ({"q-skin": ["unsure"]}, []),
        ({"q-allergy": ["sub-ha-nc"]}, []),
        ({"q-allergy": ["sub-"]}, [("q-allergy", "not-allowed")]),
        ({"q-allergy": ["sub-x'; drop table"]}, [("q-allergy", "not-allowed")]),
        ({"q-medicines": ["bisoprolol 5 mg", "Ç vitamini"]}, []),
        ({"q-medicines": ["none", "bisoprolol"]}, [("q-medicines", "none-and-more")]),
        ({"q-medicines": ["x" * 121]}, [("q-medicines", "too-long")]),
        ({"q-medicines": ["a\x00b"]}, [("q-medicines", "not-allowed-signs")]),
        ({"q-medicines": ["a\u202eb"]}, [("q-medicines", "not-allowed-signs")]),
        ({"q-medicines": ["  "]}, [("q-medicines", "not-allowed-signs")]),
    ],
)
def test_each_bad_answer_is_named(catalogue: Catalogue, changed: dict[str, Any], expected: list[Any]) -> None:
    assert problems(catalogue, changed) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("2026-03-20", []),
        ("2026-03-21", [("q-nsaid-date", "future-date")]),
        ("unknown", []),
        ("2026-02-30", [("q-nsaid-date", "not-a-date")]),
        ("20.03.2026", [("q-nsaid-date", "not-a-date")]),
        ("20260320", [("q-nsaid-date", "not-a-date")]),
        ("1899-12-31", [("q-nsaid-date", "not-a-date")]),
        ("٢٠٢٦-٠٣-٢٠", [("q-nsaid-date", "not-a-date")]),
        (20260320, [("q-nsaid-date", "not-allowed")]),
        (None, [("q-nsaid-date", "required")]),
    ],
)
def test_dates_lie_in_the_past(catalogue: Catalogue, answer: Any, expected: list[Any]) -> None:
    assert problems(catalogue, {"q-nsaid": "yes", "q-nsaid-date": answer}) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (20, []),
        (21, ["out-of-range"]),
        (-1, ["out-of-range"]),
        ("2", ["not-a-number"]),
        (True, ["not-a-number"]),
    ],
)
def test_numbers_stay_in_range(catalogue: Catalogue, count: Any, expected: list[str]) -> None:
    changed = {"q-heart": "yes", "q-heart-medicines": count}
    assert [kind for _, kind in problems(catalogue, changed)] == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"q-nsaid-date": "2026-03-01"},
        {"q-heart-medicines": 1},
        {"q-skin.rash.state": "still"},
        {"q-skin": ["rash"], "q-skin.rash.state": "still", "q-skin.rash.date": "2026-03-01"},
        {"q-skin": ["wound"], "q-skin.wound.state": "still", "q-skin.rash.state": "still"},
        {"q-illness": "now", "q-illness-date": "2026-03-01"},
        {"q-sun-area": ["reg-face"]},
        {"q-allergy-other": "kiwi"},
    ],
)
def test_answers_to_hidden_questions_are_rejected_not_dropped(catalogue: Catalogue, changed: dict[str, Any]) -> None:
    assert [kind for _, kind in problems(catalogue, changed)] == ["hidden"]


def test_a_man_cannot_answer_the_pregnancy_question(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-pregnant": "no"}, sex="male") == [("q-pregnant", "hidden")]


def test_answers_for_another_plan_are_kept(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-hairloss": "yes", "q-head-bleed": "eye", "q-head-bleed-date": "2020-01-01"}) == []


def test_follow_ups_are_required_while_their_condition_holds(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-cancer": "past"}) == [("q-cancer-end", "required"), ("q-cancer-type", "required")]
    assert problems(catalogue, {"q-skin": ["rash", "wound"], "q-skin.rash.state": "healed"}) == [
        ("q-skin.wound.state", "required"), ("q-skin.rash.date", "required"),
    ]  # fmt: skip
    assert problems(catalogue, {"q-procedure": ["filler"]}) == [("q-procedure.filler.date", "required")]


def test_regions_are_optional_and_known(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-sunburn": "yes"}) == []
    assert problems(catalogue, {"q-sunburn": "yes", "q-sunburn-area": ["reg-face", "reg-neck"]}) == []
    assert problems(catalogue, {"q-sunburn": "yes", "q-sunburn-area": ["reg-moon"]}) == [
        ("q-sunburn-area", "not-allowed")
    ]


def test_a_draft_is_checked_without_being_complete(catalogue: Catalogue) -> None:
    assert check(catalogue.questions, {"q-stroke": "no"}, sex="female", today=TODAY, complete=False) == []
    wrong = check(catalogue.questions, {"q-stroke": "perhaps"}, sex="female", today=TODAY, complete=False)
    assert [one.key for one in wrong] == ["q-stroke"]


def test_unsure_shows_the_follow_ups_but_may_leave_dates_open(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-nsaid": "unsure"}) == []
    assert problems(catalogue, {"q-nsaid": "unsure", "q-nsaid-date": "2026-03-01"}) == []
    assert problems(catalogue, {"q-heart": "unsure"}) == [("q-heart-medicines", "required")]


def test_a_pacemaker_offers_the_number_of_heart_medicines(catalogue: Catalogue) -> None:
    assert problems(catalogue, {"q-implant": "pacemaker"}) == []
    assert problems(catalogue, {"q-implant": "pacemaker", "q-heart-medicines": 3}) == []


def test_a_patient_cannot_give_the_answers_of_staff(catalogue: Catalogue) -> None:
    changed = {"q-allergy": ["other"], "q-allergy-other": "kiwi", "q-allergy-other-mapped": ["none"]}
    assert problems(catalogue, changed) == []
    assert problems(catalogue, changed, by="patient") == [("q-allergy-other-mapped", "hidden")]
    offered = asked(catalogue.questions["q-allergy"], {"q-allergy": ["other"]}, by="patient")
    assert [one.field.key for one in offered] == ["q-allergy", "q-allergy-other"]


def test_unsure_is_read_as_the_value_after_the_healthy_one(catalogue: Catalogue) -> None:
    def read(code: str, answer: str) -> Any:
        return reading(catalogue.questions[code], {code: answer})

    assert read("q-stroke", "unsure") == ("stroke", True)
    assert read("q-keloid", "unsure") == ("yes", True)
    assert read("q-pregnant", "unsure") == ("unsure", False)
    assert read("q-contraception", "unsure") == ("unsure", False)
    assert read("q-stroke", "tia") == ("tia", False)
    assert reading(catalogue.questions["q-stroke"], {}) == (None, False)


def test_unanswered_lists_what_is_missing(catalogue: Catalogue) -> None:
    answers = healthy(catalogue)
    assert unanswered(catalogue.questions, answers, sex="female") == []
    assert unanswered(catalogue.questions, {**answers, "q-cancer": "past"}, sex="female") == [
        "q-cancer-end", "q-cancer-type",
    ]  # fmt: skip
    assert unanswered(catalogue.questions, {**answers, "q-rare": ["unsure"]}, sex="female") == ["q-rare"]
    assert "q-sun-skin" not in unanswered(catalogue.questions, {}, sex="female"), "a help, not required"


@pytest.mark.parametrize(
    ("answer", "empty"), [(None, True), ("", True), (" ", True), ([], True), (0, False), ("no", False)]
)
def test_nothing_is_no_answer_but_zero_is(answer: Any, empty: bool) -> None:
    assert is_empty(answer) is empty


def test_every_problem_has_a_sentence_in_both_languages(catalogue: Catalogue) -> None:
    answers = {"q-heart": "yes", "q-heart-medicines": 99, "q-medicines": ["x" * 200], "q-moon": "no"}
    found = check(catalogue.questions, answers, sex="female", today=TODAY, complete=False)
    sentences = {one.kind: (one.text.get("en"), one.text.get("tr")) for one in found}
    assert sentences["out-of-range"] == (
        "Please enter a number from 0 to 20.", "Lütfen 0 ile 20 arasında bir sayı girin.",
    )  # fmt: skip
    assert sentences["too-long"][0] == "Please shorten this to 120 characters."
    assert "q-moon" in sentences["unknown-question"][1]


def test_a_question_shows_its_words_in_the_language_of_the_patient(catalogue: Catalogue) -> None:
    keloid = catalogue.questions["q-keloid"]
    assert keloid.text.get("tr-TR") == "Yara izleriniz kabararak kalınlaşır mı?"
    assert keloid.text.get("de") == "Do your scars grow thick?"
    filler = next(one for one in catalogue.questions["q-procedure"].follow_ups if one.key == "q-procedure.filler.date")
    assert (filler.text.get("en"), filler.text.get("tr")) == ("Filler: when was it?", "Dolgu: ne zaman yapıldı?")
