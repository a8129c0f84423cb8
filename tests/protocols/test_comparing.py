"""Which way a changed rule is looser: nothing looser hides behind a severity, the order of clauses, or another place."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.clauses import matched, shadows, sign_of
from protocols.comparing import compare_entry, direction_of_clause
from protocols.field_words import shown_pair, words_of_clause
from protocols.limits import Direction, direction_of

YES = {"answer": "q-heart", "is": ["yes"]}
OLD = {"number": "q-heart-medicines", "at_least": 2}
LATELY = {"within": "q-mi-date", "months": 6}


def rows(before: Any, after: Any, *, code: str = "scr-mi") -> dict[str, tuple[str, bool]]:
    """Path -> direction and whether it is hard, for two lists of clauses; a code of the reference is read field by field."""
    sides = [{"code": code, "clauses": clauses} for clauses in (before, after)]
    return {one.path: (one.direction.value, one.is_hard) for one in compare_entry("rule", *sides)}


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("temporary", "relative", "loosened"), ("relative", "temporary", "tightened"), ("absolute", "temporary", "loosened"),
        ("relative", "info", "loosened"), ("temporary", "absolute", "tightened"), ("info", "relative", "tightened"),
    ],
)  # fmt: skip
def test_severities_are_ordered_by_what_they_let_happen(before: str, after: str, direction: str) -> None:
    """A clearance lets a session start at once, a wait does not (section 0): so a wait is the stricter of the two."""
    assert direction_of("rule", "clauses.1.severity", before, after) is Direction(direction)


def test_a_stricter_severity_hides_no_figure_that_became_looser() -> None:
    before = [{"severity": "relative", "when": [YES, OLD, LATELY]}]
    after = [{"severity": "temporary", "when": [YES, {**OLD, "at_least": 3}], "wait": {**LATELY, "months": 2}}]
    found = rows(before, after)
    assert found["clauses.1.severity"] == ("tightened", False)
    assert found["clauses.1.when.2.at_least"] == ("loosened", False)
    assert found["clauses.1.wait.months"] == ("loosened", False)


def test_days_that_only_move_are_neither_looser_nor_tighter() -> None:
    wait = [{"severity": "temporary", "when": YES, "wait": LATELY}]
    note = [{"severity": "info", "when": [YES, LATELY]}]
    assert {way for path, (way, _hard) in rows(wait, note).items() if not path.endswith("severity")} == {"changed"}
    assert rows(wait, note)["clauses.1.severity"] == ("loosened", False)
    assert rows(note, wait)["clauses.1.severity"] == ("tightened", False)


def test_a_clearance_that_becomes_a_wait_with_an_end_is_looser() -> None:
    """Nobody needs a clearance any more once the days are over."""
    found = rows([{"severity": "relative", "when": YES}], [{"severity": "temporary", "when": YES, "wait": LATELY}])
    assert found["clauses.1.severity"] == ("loosened", False)
    endless = rows([{"severity": "relative", "when": YES}], [{"severity": "temporary", "when": YES, "wait": "open"}])
    assert endless["clauses.1.severity"] == ("tightened", False)


def test_a_wait_that_gets_an_end_is_looser_and_one_that_loses_it_tighter() -> None:
    endless = [{"severity": "temporary", "when": YES, "wait": "open"}]
    dated = [{"severity": "temporary", "when": YES, "wait": LATELY}]
    assert {way for way, _hard in rows(endless, dated).values()} == {"loosened"}
    assert {way for way, _hard in rows(dated, endless).values()} == {"tightened"}


def test_more_answers_that_keep_a_stricter_clause_from_firing_are_looser() -> None:
    """The first clause that holds fires: a note for more patients takes them from the absolute behind it."""
    note, block = {"severity": "info", "when": {"answer": "q-stroke", "is": ["tia"]}}, {"severity": "absolute", "when": YES}
    more = {**note, "when": {"answer": "q-stroke", "is": ["tia", "stroke"]}}
    assert rows([note, block], [more, block]) == {"clauses.1.when.is": ("loosened", True)}
    assert rows([note], [more]) == {"clauses.1.when.is": ("tightened", False)}
    assert rows([note, {**block, "also": True}], [more, {**block, "also": True}]) == {"clauses.1.when.is": ("tightened", False)}
    assert shadows([note, block], 1) == "absolute"
    assert shadows([block, note], 1) is None


def test_a_letter_that_nobody_has_to_bring_any_more_is_looser() -> None:
    asked = [{"severity": "relative", "when": YES, "letter": {"en": "A letter", "tr": "Mektup"}}]
    found = rows(asked, [{"severity": "relative", "when": YES}])
    assert {way for way, _hard in found.values()} == {"loosened"}


# --- rules of the clinic's own: clause by clause ---------------------------------------------------------------------
OWN = "scr-own-heart"
A, B, C = ({"severity": "absolute", "when": {"answer": "q-heart", "is": [word]}} for word in ("yes", "no", "unsure"))


def test_a_clause_that_is_taken_out_is_one_row_whatever_stands_behind_it() -> None:
    assert rows([A, B, C], [B, C], code=OWN) == {"clauses.1": ("loosened", True)}
    assert rows([A, B, C], [A, C], code=OWN) == {"clauses.2": ("loosened", True)}
    assert rows([A, B], [B, A], code=OWN) == {}


def test_each_clause_that_became_looser_is_one_row() -> None:
    softer, gone = {**A, "severity": "relative", "scope": ["body"]}, {**C, "severity": "info"}
    assert rows([A, B, C], [softer, B, gone], code=OWN) == {"clauses.1": ("loosened", True), "clauses.3": ("loosened", True)}


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        (A, {**A, "when": {"answer": "q-stroke", "is": ["stroke"]}}, "loosened"),  # asks something else
        (A, {**A, "when": [A["when"], {"age": {"at_least": 70}}]}, "loosened"),  # asks more before it fires
        (A, {**A, "when": {"any": [A["when"], {"age": {"at_least": 70}}]}}, "tightened"),
        ({**A, "when": [A["when"], OLD]}, A, "tightened"), (A, {**A, "also": True}, "loosened"),
        (A, {**A, "sentence": {"en": "Look", "tr": "Bak"}}, "reworded"), (A, {**A, "scope": ["body"]}, "loosened"),
        ({**A, "scope": ["body"]}, A, "tightened"), (A, None, "loosened"), (None, A, "tightened"),
    ],
)  # fmt: skip
def test_a_clause_is_looser_as_soon_as_it_may_be(old: Any, new: Any, direction: str) -> None:
    assert direction_of_clause(old, new) is Direction(direction)


def test_a_clause_is_known_by_what_it_says_not_by_its_place() -> None:
    assert sign_of(A) == sign_of(dict(reversed(A.items()))) != sign_of(B)
    assert matched([A, B, C], [C, A]) == [(3, 1), (1, 2), (2, None)]
    assert matched([A, B], [A, {**B, "severity": "info"}, C]) == [(1, 1), (2, 2), (None, 3)]
    assert matched([A, B], [{**B, "severity": "info"}]) == [(2, 1), (1, None)]


ADULT = {"severity": "relative", "when": {"age": {"at_least": 18}}}
LETTER = {"en": "A letter", "tr": "Mektup"}


def test_a_clause_that_now_stands_behind_a_laxer_one_is_looser_though_it_says_the_same() -> None:
    """The first clause that holds fires: whoever is of age gets the clearance and never the block."""
    assert rows([A, ADULT], [ADULT, A], code=OWN) == {"clauses.2": ("loosened", True)}
    assert rows([A], [ADULT, A], code=OWN) == {"clauses.1": ("tightened", False), "clauses.2": ("loosened", True)}
    assert rows([A, ADULT], [ADULT, {**A, "sentence": LETTER}], code=OWN)["clauses.2"] == ("loosened", True)
    # what fires in addition hides nothing and is not hidden, and in the other direction nothing gets looser
    assert rows([A, {**ADULT, "also": True}], [{**ADULT, "also": True}, A], code=OWN) == {}
    assert rows([{**A, "also": True}, ADULT], [ADULT, {**A, "also": True}], code=OWN) == {}
    assert rows([ADULT, A], [A, ADULT], code=OWN) == {}
    before, after = shown_pair("rule", "clauses.2", A, A)
    assert before == words_of_clause(A)
    assert "laxer clause" in after


@pytest.mark.parametrize(
    "third", [{"medicine": "med-chc"}, {"sex": ["female"]}, {"age": {"at_least": 18}}, {"bmi": {"above": 30}}]
)
def test_a_clause_that_asks_less_and_hides_a_block_is_a_hard_limit_that_became_looser(third: Any) -> None:
    mild = {"severity": "relative", "when": [YES, OLD, third]}
    fewer = {**mild, "when": [YES, OLD]}
    assert rows([mild, A], [fewer, A], code=OWN) == {"clauses.1": ("loosened", True)}
    assert rows([mild], [fewer], code=OWN) == {"clauses.1": ("tightened", False)}
    assert rows([mild, {**A, "also": True}], [fewer, {**A, "also": True}], code=OWN) == {"clauses.1": ("tightened", False)}


def test_a_clause_whose_words_are_taken_away_counts_where_the_rule_does() -> None:
    """Without words of its own it does not count everywhere when the whole rule is for hair only."""
    narrow = {**A, "scope": ["body", "hair"]}
    for code, path in ((OWN, "clauses.1"), ("scr-mi", "clauses.1.scope")):
        sides = [{"code": code, "scope": ["hair"], "clauses": [one]} for one in (narrow, A)]
        assert [(one.path, one.direction.value, one.is_hard) for one in compare_entry("rule", *sides)] == [
            (path, "loosened", True)]  # fmt: skip
        back = [one.direction.value for one in compare_entry("rule", *reversed(sides))]
        assert back == ["tightened"]
        everywhere = [{**side, "scope": []} for side in sides]
        assert [one.direction.value for one in compare_entry("rule", *everywhere)] == ["tightened"]
        same_words = [{"code": code, "scope": ["hair"], "clauses": [one]} for one in ({**A, "scope": ["hair"]}, A)]
        assert [one.direction.value for one in compare_entry("rule", *same_words)] == ["reworded"]


LAB = {"measurement": "m-hba1c", "valid_days": 90}


@pytest.mark.parametrize(
    ("first", "behind", "direction"),
    [
        ({"severity": "relative"}, {"severity": "relative", "letter": LETTER}, "loosened"),
        ({"severity": "relative", "letter": LETTER}, {"severity": "relative", "letter": LETTER}, "tightened"),
        ({"severity": "relative", "letter": LETTER}, {"severity": "relative"}, "tightened"),
        ({"severity": "relative"}, {"severity": "relative", "labs": [LAB]}, "loosened"),
        ({"severity": "relative", "labs": [LAB]}, {"severity": "relative", "labs": [LAB]}, "tightened"),
        ({"severity": "temporary", "wait": LATELY}, {"severity": "temporary", "wait": "open"}, "loosened"),
        ({"severity": "temporary", "wait": LATELY}, {"severity": "temporary", "wait": {**LATELY, "months": 9}}, "loosened"),
        ({"severity": "temporary", "wait": LATELY}, {"severity": "temporary", "wait": {**LATELY, "months": 3}}, "tightened"),
        ({"severity": "temporary", "wait": LATELY}, {"severity": "temporary", "wait": {**LATELY, "within": "q-x"}}, "loosened"),
        ({"severity": "temporary", "wait": "open"}, {"severity": "temporary", "wait": LATELY}, "tightened"),
    ],
)  # fmt: skip
def test_a_clause_of_the_same_severity_that_asks_for_more_is_hidden_too(first: Any, behind: Any, direction: str) -> None:
    """Lowered from 70 to 60, nobody of 60 to 69 has to bring what the clause behind asks for."""
    old, other = {**first, "when": {"age": {"at_least": 70}}}, {**behind, "when": {"age": {"at_least": 50}}}
    new = {**old, "when": {"age": {"at_least": 60}}}
    assert rows([old, other], [new, other], code=OWN) == {"clauses.1": (direction, False)}
    assert rows([old, other], [new, other]) == {"clauses.1.when.age.at_least": (direction, False)}
