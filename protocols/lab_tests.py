"""Which laboratory values a plan asks for before a session (clinical reference, section 8, `lab-` rules). Pure."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from patients.facts import PatientFacts
from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.patient_case import Case, words_of
from protocols.plan import Plan
from protocols.rules import LabTest

ASKING = ("lab-base", "lab-preg")
"""Rules that ask for something in every catalogue. A version stored before their tests could be edited asks for what the
reference asks for."""


def lab_tests_of(*, plan: Plan, facts: PatientFacts, on: date, catalogue: Catalogue) -> Iterator[LabTest]:
    """Every test that counts for this patient and this plan on this day, in the order of the catalogue."""
    case = Case(facts=facts, plan=plan, on=on, questions=catalogue.questions, words=words_of(plan))
    for code, rule in catalogue.rules.items():
        tests = rule.tests
        if tests is None and code in ASKING:
            tests = load_reference().rules[code].tests
        for test in tests or ():
            if test.when is None or test.when.match(case) is not None:
                yield test
