"""The rules as data: complete, sourced, in both languages, and nothing in section 4 left without its rule."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from patients.choices import Text
from patients.questionnaire import Kind, Question, as_list
from protocols.conditions import AllOf, Answered, AnyOf, Condition, Not, Number, Within
from protocols.faults import EntryError
from protocols.findings import Severity
from protocols.rules import parse_measurement, parse_medicine_class, parse_question, parse_rule
from tests.protocols.answer_rows import ANSWERS
from tests.protocols.fact_rows import MEASURED, MEDICINES
from tests.protocols.healthy import catalogue, healthy_measurements

# The cells "block / clear" and "interactions" of the substance table: rule (or medicine class) -> is it an absolute?
CELLS: dict[str, dict[str, bool]] = {
    "sub-poly-ha": {},
    "sub-ha-nc": {},
    "sub-ha-stab": {},
    "sub-pn": {"scr-allergy": True, "scr-cancer-history": True},
    "sub-pdrn": {"scr-allergy": True, "scr-cancer-history": True},
    "sub-prp": {"scr-platelets": True, "scr-haemoglobin": False, "scr-cancer-history": True, "med-nsaid": False},
    "sub-multivit": {},
    "sub-vit-c": {"scr-g6pd": True, "scr-iron-overload": True, "scr-oxalate": False},
    "sub-biotin": {},
    "sub-dexpanthenol": {},
    "sub-amino-pep": {},
    "sub-dmae": {"scr-epilepsy": True, "scr-mood": False, "med-cholinergic": False},
    "sub-silicon": {},
    "sub-txa": {
        "scr-thrombosis": True,
        "scr-subarachnoid": True,
        "scr-epilepsy": True,
        "scr-chc": False,
        "med-cancer-hormone": False,
    },
    "sub-glutathione": {"scr-asthma": False},
    "sub-minoxidil": {"scr-arrhythmia": True, "scr-phaeo": True, "med-vasodilator": False},
    "sub-finasteride": {
        "scr-childbearing-5ari": True,
        "scr-5ari-men": False,
        "scr-mood": False,
        "med-5ari": False,
    },
    "sub-dutasteride": {
        "scr-childbearing-5ari": True,
        "scr-5ari-men": False,
        "scr-mood": False,
        "med-5ari": False,
    },
    "sub-lidocaine": {"scr-allergy": True, "scr-heart-block": True, "med-antiarrhythmic": False},
    "sub-la-cream": {
        "scr-allergy": True,
        "scr-methb": True,
        "scr-g6pd": False,
        "med-methb": False,
        "med-sulfonamide": False,
    },
    "sub-procaine": {
        "scr-allergy": True,
        "scr-pseudochol": True,
        "scr-heart-block": True,
        "med-sulfonamide": False,
    },
    "sub-carnitine": {"wo-warfarin-carnitine": False, "med-antidiabetic": False},
    "sub-caffeine": {"scr-arrhythmia": True, "scr-allergy": True, "med-xanthine": False, "med-cyp1a2": False},
    "sub-aminophylline": {"scr-arrhythmia": True, "scr-allergy": True, "scr-epilepsy": True, "med-xanthine": False},
    "sub-pentoxifylline": {
        "scr-bleed-brain-eye": True,
        "scr-arrhythmia": True,
        "scr-porphyria": True,
        "med-anticoagulant": False,
        "med-antiplatelet": False,
        "med-nsaid": False,
        "med-ketorolac": True,
        "med-xanthine": False,
        "med-antidiabetic": False,
    },
    "sub-melilotus-rutin": {"med-anticoagulant": False},
    "sub-artichoke": {"scr-gallstones": True, "scr-allergy": True},
    "sub-ginkgo": {"med-anticoagulant": False, "med-antiplatelet": False},
    "sub-hyaluronidase": {"scr-allergy": False},
    "sub-calcitonin": {"scr-allergy": True, "scr-low-calcium": True, "scr-cancer-history": True, "med-lithium": False},
    "sub-ketoprofen": {"scr-nsaid-allergy": True, "scr-gi-ulcer": True, "med-anticoagulant": False},
    "sub-diclofenac": {"scr-nsaid-allergy": True, "scr-gi-ulcer": True, "med-anticoagulant": False},
    "sub-piroxicam": {"scr-nsaid-allergy": True, "scr-gi-ulcer": True, "med-anticoagulant": False},
    "sub-methylprednisolone": {"med-nsaid": False},
    "sub-thiocolchicoside": {
        "scr-thiocolch": True,
        "scr-epilepsy": True,
        "med-nsaid": False,
        "med-paracetamol-daily": False,
    },
    "sub-dca": {"scr-dysphagia": True, "med-anticoagulant": False, "med-antiplatelet": False},
    "sub-pc-dc": {"scr-allergy": True},
    "sub-nacl": {},
    "sub-water-inj": {},
}

# Named in the cells, but rules for every plan: they fire whatever is in the syringe.
FOR_EVERY_PLAN = {
    "scr-liver-kidney": Severity.ABSOLUTE,  # liver disease, kidney
    "scr-mi": Severity.ABSOLUTE,
    "scr-bleeding-disorder": Severity.ABSOLUTE,  # haemophilia
    "scr-infection-general": Severity.TEMPORARY,  # infection wait, sepsis
    "scr-infection-local": Severity.TEMPORARY,
    "scr-autoimmune": Severity.TEMPORARY,  # flare wait
    "scr-epilepsy": Severity.RELATIVE,
    "scr-diabetes-other": Severity.RELATIVE,
    "scr-allergy": Severity.ABSOLUTE,  # each substance itself
}


def scopes(code: str, substance: str) -> set[Severity]:
    """Severities with which a rule or a medicine class names this substance."""
    if code.startswith("med-"):
        effects = catalogue().medicine_classes[code].effects
        return {one.severity for one in effects if substance in one.substances}
    return {one.severity for one in catalogue().rules[code].clauses if substance in one.scope}


def test_every_usable_substance_has_its_rules_looked_up() -> None:
    usable = {code for code, one in catalogue().substances.items() if one.status != "withdrawn"}
    assert usable == set(CELLS)


@pytest.mark.parametrize("substance", sorted(CELLS))
def test_block_clear_and_interaction_cells_have_their_rules(substance: str) -> None:
    for code, absolute in CELLS[substance].items():
        expected = Severity.ABSOLUTE if absolute else Severity.RELATIVE
        assert expected in scopes(code, substance), f"{code} must name {substance}"


@pytest.mark.parametrize(("code", "severity"), FOR_EVERY_PLAN.items())
def test_rules_for_every_plan_have_no_scope(code: str, severity: Severity) -> None:
    assert any(one.severity is severity and not one.scope for one in catalogue().rules[code].clauses)


def test_every_rule_that_can_fire_was_fired_and_not_fired_in_a_test() -> None:
    elsewhere = {"scr-5ari-men", "scr-age-min", "scr-age-max", "scr-prior-reaction"}
    by_medicine = {code for _, _, expected in MEDICINES for code, _, _ in expected} - {"scr-medicines"}
    fired = {row[0] for row in ANSWERS if row[3]} | {row[0] for row in MEASURED if row[3]} | by_medicine | elsewhere
    assert fired == {code for code, rule in catalogue().rules.items() if rule.clauses}


def texts(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from texts(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from texts(getattr(value, name))


def test_every_sentence_stands_in_both_languages_and_differs() -> None:
    same_word = {"Vitiligo", "HbA1c", "INR"}
    definitions = [*catalogue().questions.values(), *catalogue().rules.values(), *catalogue().medicine_classes.values()]
    for definition in definitions:
        for text in texts(definition):
            assert text.get("en").strip()
            if text.get("en") == text.get("tr"):
                assert text.get("en") in same_word, definition


def test_every_rule_and_question_names_its_source() -> None:
    for one in (*catalogue().rules.values(), *catalogue().questions.values(), *catalogue().medicine_classes.values()):
        assert one.source


def conditions(condition: Condition) -> Iterator[Condition]:
    yield condition
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from conditions(part)
    elif isinstance(condition, Not):
        yield from conditions(condition.part)


def fields() -> dict[str, Any]:
    return {
        field.key: field for question in catalogue().questions.values() for field in (question, *question.follow_ups)
    }


def test_rules_ask_only_for_answers_that_exist() -> None:
    known = fields()
    for rule in catalogue().rules.values():
        for clause in rule.clauses:
            asked = [clause.when, *([clause.wait] if clause.wait else [])]
            for condition in (inner for one in asked for inner in conditions(one)):
                if isinstance(condition, Answered | Number | Within) and not condition.key.startswith("."):
                    assert condition.key in known, (rule.code, condition)
                if isinstance(condition, Answered) and not condition.key.startswith("."):
                    field = known[condition.key]
                    assert set(condition.values) <= {*field.values, "unsure",
                    *(("unknown",) if field.kind is Kind.DATE else ())}, (rule.code, condition)


def test_rules_over_lists_name_a_list_question() -> None:
    for rule in catalogue().rules.values():
        if rule.each and rule.each != "events":
            assert fields()[rule.each].kind is Kind.LIST


def test_every_intake_question_is_read_by_a_rule_or_says_why_not() -> None:
    read_by_code = {"q-medicines", "q-sun-skin"}  # medicines.py; help for the clinician's skin type
    keys = {rule.each for rule in catalogue().rules.values()}
    for rule in catalogue().rules.values():
        for clause in rule.clauses:
            keys |= {inner.key for inner in conditions(clause.when) if isinstance(inner, Answered)}
    unread = {code for code in catalogue().questions if code not in keys} - read_by_code
    assert unread == set()


def test_codes_in_scopes_exist() -> None:
    loaded = catalogue()
    known = {*loaded.substances, *loaded.indications, *loaded.regions, *loaded.techniques, *loaded.deliveries}
    known |= {one.category.value for one in loaded.indications.values()} | {"chlorhexidine", "iodine"}
    for rule in loaded.rules.values():
        for clause in rule.clauses:
            assert set(clause.scope) <= known, rule.code
    for medicine_class in loaded.medicine_classes.values():
        for effect in medicine_class.effects:
            assert set(effect.substances) <= known, medicine_class.code
    for question in loaded.questions.values():
        assert set(question.only_with) <= known, question.code
    for measurement in loaded.measurements.values():
        assert set(measurement.required_with) <= known, measurement.code


def test_questions_of_a_plan_cover_the_rules_scoped_to_it() -> None:
    """A rule never waits for a question that its own plan does not ask, and an answer given for another plan has no
    effect: the scope lies inside what the question belongs to."""
    questions: dict[str, Question] = dict(catalogue().questions)
    for rule in catalogue().rules.values():
        for clause in rule.clauses:
            for inner in conditions(clause.when):
                if isinstance(inner, Answered) and inner.key in questions and questions[inner.key].only_with:
                    asked_with = set(questions[inner.key].only_with)
                    assert clause.scope, rule.code
                    assert set(clause.scope) <= asked_with, rule.code


def test_normal_values_are_accepted_by_their_definitions() -> None:
    for one in healthy_measurements():
        assert catalogue().measurements[one.code].problem(one.value, one.second, one.text) is None


@pytest.mark.parametrize(
    ("code", "value", "second", "text", "accepted"),
    [
        ("m-bp", "260", "160", "", True),
        ("m-bp", "261", "90", "", False),
        ("m-bp", "60", "30", "", True),
        ("m-bp", "59", "30", "", False),
        ("m-bp", "120", "161", "", False),
        ("m-bp", "120", "29", "", False),
        ("m-bp", "80", "80", "", False),
        ("m-bp", "120", None, "", False),
        ("m-weight", "30", None, "", True),
        ("m-weight", "29.9", None, "", False),
        ("m-weight", "250", None, "", True),
        ("m-weight", "250.1", None, "", False),
        ("m-weight", "-3", None, "", False),
        ("m-weight", None, None, "", False),
        ("m-weight", "70", "3", "", False),
        ("m-height", "119", None, "", False),
        ("m-height", "230", None, "", True),
        ("m-hba1c", "20", None, "", True),
        ("m-hba1c", "2.9", None, "", False),
        ("m-cops", "72", None, "", True),
        ("m-cops", "73", None, "", False),
        ("m-asa", None, None, "III", True),
        ("m-asa", None, None, "VI", False),
        ("m-fitzpatrick", None, None, "VI", True),
        ("m-fitzpatrick", None, None, "", False),
        ("m-pregnancy-test", None, None, "negative", True),
        ("m-inr", "0.5", None, "", True),
        ("m-inr", "0.4", None, "", False),
        ("m-platelets", "2001", None, "", False),
        ("m-hb", "25", None, "", True),
    ],
)
def test_measurements_outside_their_limits_are_refused(
    code: str, value: str | None, second: str | None, text: str, accepted: bool
) -> None:
    problem = catalogue().measurements[code].problem(value and Decimal(value), second and Decimal(second), text)  # type: ignore[arg-type]
    assert (problem is None) is accepted


TEXT = {"en": "A", "tr": "B"}


@pytest.mark.parametrize(
    ("parse", "data", "complaint"),
    [
        (parse_rule, {"code": "scr-x", "title": TEXT, "source": "S2", "clauses": []}, "clauses"),
        (parse_rule, {"code": "x", "title": TEXT, "source": "S2"}, "must begin with"),
        (
            parse_rule,
            {"code": "scr-x", "title": {"en": "A"}, "sentence": TEXT, "source": "S2"},
            "lacks the language tr",
        ),
        (parse_rule, {"code": "scr-x", "title": TEXT, "sentence": TEXT}, "source is missing"),
        (
            parse_rule,
            {"code": "scr-x", "title": TEXT, "sentence": TEXT, "source": "S2", "colour": 1},
            "unknown key colour",
        ),
        (
            parse_rule,
            {
                "code": "scr-x",
                "title": TEXT,
                "sentence": TEXT,
                "source": "S2",
                "clauses": [{"severity": "fatal", "when": {"answer": "q-x", "is": "a"}}],
            },
            "severity must be one of",
        ),
        (
            parse_rule,
            {
                "code": "scr-x",
                "title": TEXT,
                "sentence": TEXT,
                "source": "S2",
                "clauses": [{"severity": "info", "when": {"eval": "1"}}],
            },
            "no known condition",
        ),
        (
            parse_rule,
            {
                "code": "scr-x",
                "title": TEXT,
                "sentence": TEXT,
                "source": "S2",
                "clauses": [{"severity": "temporary", "when": {"answer": "q-x", "is": "a"}}],
            },
            "needs “wait”",
        ),
        (
            parse_rule,
            {
                "code": "scr-x",
                "title": TEXT,
                "sentence": TEXT,
                "source": "S2",
                "clauses": [{"severity": "info", "when": {"number": "q-x", "above": "many"}}],
            },
            "must be a number",
        ),
        (parse_question, {"code": "q-x", "text": TEXT, "source": "S2", "kind": "riddle"}, "kind must be one of"),
        (parse_question, {"code": "q-x", "text": TEXT, "source": "S2", "kind": "list"}, "“none” first"),
        (parse_question, {"code": "q-x", "text": TEXT, "source": "S2", "kind": "choice"}, "at least two options"),
        (parse_question, {"code": "q-x", "text": TEXT, "source": "S2", "sexes": ["cat"]}, "may hold only female, male, other"),
        (
            parse_question,
            {
                "code": "q-x",
                "text": TEXT,
                "source": "S2",
                "follow_ups": [{"key": "q-y-date", "kind": "date", "text": TEXT, "when": "yes"}],
            },
            "must begin with q-x-",
        ),
        (parse_measurement, {"code": "m-x", "name": TEXT, "source": "S2"}, "values"),
        (
            parse_medicine_class,
            {"code": "med-x", "name": TEXT, "source": "S2", "effects": [{"severity": "temporary", "sentence": TEXT}]},
            "severity",
        ),
    ],
)
def test_a_wrong_definition_is_refused_with_its_reason(parse: Any, data: dict[str, Any], complaint: str) -> None:
    with pytest.raises(EntryError, match=complaint):
        parse(data)


def test_healthy_is_the_first_option() -> None:
    healthy = {code: question.healthy for code, question in catalogue().questions.items()}
    assert (healthy["q-stroke"], healthy["q-hives"], healthy["q-contraception"]) == ("no", "never", "yes")
    assert all(as_list(value) for value in healthy.values())
