"""The ranges a clinic may set (`cfg` of section 7): at either end the screening follows, outside nothing is loaded."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

import pytest

from protocols.definitions import Catalogue
from protocols.findings import Outcome, Severity, Stage
from protocols.leaves import with_leaf
from protocols.loading import CatalogueError, catalogue_from_entries, entries_of_reference
from protocols.screening import screen
from tests.protocols.healthy import DAY, measured, person, plan

FACE = plan("ind-hydration", "sub-ha-nc", regions=("reg-face",))


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()


def edited(code: str, path: str, value: object) -> Catalogue:
    """The reference with one leaf of one entry changed, checked like a stored version."""
    rows = [(row.kind, row.code, copy.deepcopy(row.body)) for row in entries_of_reference()]
    return catalogue_from_entries(
        (kind, name, with_leaf(body, path, value) if name == code else body) for kind, name, body in rows)


def result(rules: Catalogue, answers: dict[str, Any], on: date = DAY) -> Any:
    hba1c = (measured("m-hba1c", answers.pop("m-hba1c")),) if "m-hba1c" in answers else ()
    return screen(
        facts=person(answers, measurements=hba1c), plan=FACE, on=on, catalogue=rules, stage=Stage.START)


@pytest.mark.parametrize(
    ("code", "path", "value", "answers", "waits"),
    [
        ("scr-isotretinoin", "clauses.2.wait.months", 1, {"q-isotretinoin": "over", "q-isotretinoin-date": "2026-02-20"}, False),
        ("scr-isotretinoin", "clauses.2.wait.months", 1, {"q-isotretinoin": "over", "q-isotretinoin-date": "2026-02-21"}, True),
        ("scr-isotretinoin", "clauses.2.wait.months", 6, {"q-isotretinoin": "over", "q-isotretinoin-date": "2026-02-20"}, True),
        ("scr-recent-procedure", "clauses.4.wait.days", 14,
         {"q-procedure": ["non-ablative-laser"], "q-procedure.non-ablative-laser.date": ago(14)}, False),
        ("scr-recent-procedure", "clauses.4.wait.days", 14,
         {"q-procedure": ["non-ablative-laser"], "q-procedure.non-ablative-laser.date": ago(13)}, True),
        ("scr-recent-procedure", "clauses.4.wait.days", 14,
         {"q-procedure": ["laser-ipl"], "q-procedure.laser-ipl.date": ago(14)}, True),
        ("scr-diabetes-other", "clauses.2.when.above", "7.0", {"q-diabetes": "diet", "m-hba1c": "7.0"}, False),
        ("scr-diabetes-other", "clauses.2.when.above", "7.0", {"q-diabetes": "diet", "m-hba1c": "7.1"}, True),
        ("scr-diabetes-other", "clauses.2.when.above", "8.0", {"q-diabetes": "diet", "m-hba1c": "7.1"}, False),
    ],
)  # fmt: skip
def test_at_the_ends_of_its_range_a_rule_follows(
    code: str, path: str, value: object, answers: dict[str, Any], waits: bool
) -> None:
    found = result(edited(code, path, value), dict(answers))
    assert (found.open_ended or found.wait_until is not None) is waits


def test_a_self_bought_painkiller_may_become_a_note_for_as_long_as_it_counted() -> None:
    rules = edited("scr-nsaid-otc", "clauses.2.severity", "info")
    for days, fires in ((6, True), (7, False)):
        found = result(rules, {"q-nsaid": "yes", "q-nsaid-date": ago(days)})
        assert (found.outcome, found.wait_until, found.open_ended) == (Outcome.CLEARED, None, False)
        assert [(one.code, one.severity) for one in found.findings] == ([("scr-nsaid-otc", Severity.INFO)] if fires else [])


@pytest.mark.parametrize(
    ("code", "path", "value"),
    [
        ("scr-isotretinoin", "clauses.2.wait.months", 0),
        ("scr-isotretinoin", "clauses.2.wait.months", 7),
        ("scr-recent-procedure", "clauses.4.wait.days", 13),
        ("scr-recent-procedure", "clauses.4.wait.days", 29),
        ("scr-diabetes-other", "clauses.2.when.above", "6.9"),
        ("scr-diabetes-other", "clauses.2.when.above", "8.1"),
        ("scr-nsaid-otc", "clauses.2.severity", "relative"),
        ("ac-no-water", "hours_until", 9),
        ("ac-no-water", "hours_until", 25),
        ("ac-no-makeup", "hours_until", 23),
        ("ac-no-makeup", "hours_until", 49),
        ("combine-laser", "days_before", 13),
        ("combine-laser", "days_before", 29),
    ],
)
def test_outside_its_range_nothing_is_loaded(code: str, path: str, value: object) -> None:
    with pytest.raises(CatalogueError) as error:
        edited(code, path, value)
    assert any(one.entry == code and str(value) in one.problem for one in error.value.problems), str(error.value)
