"""A finding explained to the patient: what it rests on, why it matters, what would change it, what to do now.

The same content stands on the screen turned to the patient and on paper. The words of the rule are the catalogue's
(`explanation`, `advice`), the words around them belong to the paper (sessions.explanation_words). Nothing is judged here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from clinic import day_words
from clinic.errors import Refused
from clinic.models import Site
from patients.choices import Text
from patients.facts import PatientFacts
from patients.models import Patient
from patients.questionnaire import NONE, UNSURE, as_list
from protocols import catalogue as catalogues
from protocols.conditions import AllOf, AnyOf, Condition, Named, Not, Takes
from protocols.definitions import Catalogue
from protocols.findings import Finding, Severity, Stage, worst
from protocols.models import CatalogueVersion
from protocols.plan_problems import capitalised, listed
from protocols.rules import Rule
from protocols.sources import titles_of
from sessions import coursework, papers, screenings
from sessions.events import UNHEARD
from sessions.explaining import BIRTH_DATE, EVENT, PILL, asked_and_answered, name_of
from sessions.explanation_words import EXPLANATION
from sessions.gathering import facts_of
from sessions.models import Course
from sessions.paper_words import SHARED, word

GOLDEN = "wo-golden"
MEDICINES = "q-medicines"
# Questions about something the patient takes: whoever is told about one of them also hears not to stop it alone.
ABOUT_MEDICINES = frozenset(
    {MEDICINES, "q-anticoagulant", "q-antiplatelet", "q-nsaid", "q-supplements", "q-chc", "q-contraception", "q-diabetes",
     "q-heart-medicines", "q-isotretinoin", "q-retinoid", "q-antibiotic", "q-steroid", "q-immune", "q-arrhythmia",
     "q-cancer", "q-mood", "q-epilepsy", "q-thyroid", "q-heart"}
)  # fmt: skip


@dataclass(frozen=True)
class Basis:
    """One answer or measurement in the patient's words."""

    asked: str
    answered: str


@dataclass(frozen=True)
class ExplanationContent:
    """What the page says, word for word, in one language. `outcome` is a pill kind."""

    title: str
    outcome: str
    headline: str
    patient: str
    about: str
    judged_for: str
    found: tuple[Basis, ...]
    unsure: str
    why: tuple[str, ...]
    changes: tuple[str, ...]
    to_do: tuple[str, ...]
    golden: str
    reach_us: str
    emergency: str
    rule: str
    source: str
    standing: str


@dataclass(frozen=True)
class Subject:
    """Which finding of whom: everything an explanation is written from. A medicine may fire one rule several times."""

    patient: Patient
    course: Course | None
    on: dt.date
    findings: tuple[Finding, ...]
    facts: PatientFacts
    rules: Catalogue
    version: CatalogueVersion

    @property
    def site(self) -> Site:
        return self.course.site if self.course else self.patient.registered_at

    @property
    def rule(self) -> Rule | None:
        return self.rules.rules.get(self.findings[0].code)


def subject_of(*, patient: Patient, course: Course | None, code: str) -> Subject | None:
    """The finding as it stands now, as on the patient page or the course page; None when it does not stand."""
    facts = facts_of(patient)
    if course is None:
        stage, on = Stage.INTAKE, patient.registered_at.today()
    else:
        stage, on = Stage.PLAN, coursework.next_day(course)
    evaluated = screenings.evaluate(patient=patient, stage=stage, on=on, course=course, facts=facts)
    found = tuple(one for one in evaluated.findings if one.code == code)
    if not found:
        return None
    version = screenings.version_for(course)
    return Subject(patient, course, on, found, facts, catalogues.load(version), version)


def check_stands(subject: Subject | None) -> Subject:
    """Raise `Refused` when there is nothing to explain any more."""
    if subject is None:
        raise Refused(_("This finding does not stand any more. Look at the screening again."))
    return subject


def explanation_of(subject: Subject, *, language: str) -> ExplanationContent:
    """The whole page in one language."""
    return _Writer(subject, language).content()


class _Writer:
    """Writes one explanation. `leading` is the finding that counts most: several of one code differ only by medicine."""

    def __init__(self, subject: Subject, language: str) -> None:
        self.subject, self.language = subject, language
        severity = worst(one.severity for one in subject.findings)
        standing = [one for one in subject.findings if one.cleared_by is None] or list(subject.findings)
        self.leading = next((one for one in standing if one.severity is severity), standing[0])
        self.outcome = "cleared" if self.leading.cleared_by else PILL[self.leading.severity]

    def content(self) -> ExplanationContent:
        with translation.override(self.language):
            return ExplanationContent(
                title=self.leading.title.get(self.language),
                outcome=self.outcome,
                headline=self._headline(),
                patient=self._patient(),
                about=self._about(),
                judged_for=papers.day(self.subject.on, self.language),
                found=self._found(),
                unsure=self._word("was_unsure") if any(one.unclarified for one in self.subject.findings) else "",
                why=self._why(),
                changes=self._changes(),
                to_do=self._to_do(),
                golden=self._golden(),
                reach_us=self._reach_us(),
                emergency=self._emergency(),
                rule=self._word("rule", code=self.leading.code, version=self.leading.rule_version),
                source="; ".join(self._sources()),
                standing=self._standing(),
            )

    def _word(self, key: str, **values: object) -> str:
        return word(EXPLANATION[key], self.language).format(**values)

    def _patient(self) -> str:
        patient = self.subject.patient
        born = word(SHARED["born"], self.language).format(date=day_words.birth_day(patient.birth_date, self.language))
        return f"{patient.name}, {born}"

    def _about(self) -> str:
        course = self.subject.course
        return name_of(course.indication, self.subject.rules.indications) if course else self._word("any_treatment")

    # --- what it rests on -------------------------------------------------------------------------------------------
    def _found(self) -> tuple[Basis, ...]:
        evidence = dict.fromkeys(one for finding in self.subject.findings for one in finding.answers)
        return tuple(basis for code, value in evidence if (basis := self._basis(code, value)) is not None)

    def _basis(self, code: str, value: str) -> Basis | None:
        """None for what only clinicians weigh: how an event was graded and judged."""
        if code.startswith(f"{EVENT}."):
            return None
        asked, answered = asked_and_answered(code, value, self.subject.rules)
        if code == BIRTH_DATE:
            asked = self._word("sum_born")
        elif code == EVENT:
            asked = self._word("an_event")
            answered = self._word("an_unheard_event") if value == UNHEARD else answered
        elif code in self.subject.rules.measurements:
            answered = self._measured(code, value, answered)
        return Basis(asked, answered)

    def _measured(self, code: str, value: str, in_words: str) -> str:
        """“185/112 mmHg, measured on Mon 2 March 2026”."""
        shown = f"{in_words} {self.subject.rules.measurements[code].unit}".strip()
        taken = [one.taken_on for one in self.subject.facts.measurements if one.code == code and one.shown == value]
        if not taken:
            return shown
        return self._word("measured_on", value=shown, day=papers.day(max(taken), self.language))

    # --- why, and what follows --------------------------------------------------------------------------------------
    def _why(self) -> tuple[str, ...]:
        """The rule's words for patients, and for each medicine what it does with what we give."""
        rule = self.subject.rule
        own = rule.explanation if rule else None
        lines = [own.get(self.language)] if own else []
        for finding in self.subject.findings:
            sentence = finding.sentence.get(self.language)
            if finding.answers and finding.answers[0][0] == MEDICINES and finding.code == "scr-medicines":
                lines.append(f"{self._medicine(finding)}: {sentence}")
            elif own is None:
                lines.append(sentence)
        return tuple(dict.fromkeys(lines))

    def _medicine(self, finding: Finding) -> str:
        name = finding.answers[0][1]
        if not finding.substances:
            return name
        return self._word("with", medicine=name, substances=self._substances(finding))

    def _substances(self, finding: Finding) -> str:
        known = self.subject.rules.substances
        names = [known[code].name_in(self.language) if code in known else code for code in finding.substances]
        return listed({self.language: names})[self.language]

    def _headline(self) -> str:
        finding = self.leading
        if self.outcome == "cleared":
            return self._word("is_cleared", who=finding.cleared_by)
        if self.outcome == "blocked" and finding.substances:
            return self._word("is_blocked_with", substances=self._substances(finding))
        if self.outcome == "wait" and finding.wait_until and not finding.open_ended:
            return self._word("is_wait_until", day=papers.day(finding.wait_until, self.language))
        return self._word(f"is_{self.outcome}")

    def _changes(self) -> tuple[str, ...]:
        """The rule's own words where it has some, then what follows from the kind of finding, then the days."""
        finding, lines = self.leading, []
        own = self._own_lift(finding)
        if own is not None:
            lines.append(own.get(self.language))
        elif self.outcome == "blocked":
            lines.append(self._change_of_block(finding))
        elif self.outcome != "wait":
            lines.append(self._word(f"change_{self.outcome}"))
        if self.outcome == "needs-clearance" and finding.needs_letter is not None:
            lines.append(self._word("change_letter", letter=finding.needs_letter.get(self.language)))
        if finding.open_ended:
            lines.append(self._word("change_wait"))
        elif finding.wait_until is not None:
            lines.append(self._word("change_wait_until", day=papers.day(finding.wait_until, self.language)))
        return tuple(dict.fromkeys(lines))

    def _own_lift(self, finding: Finding) -> Text | None:
        rule = self.subject.rule
        own = {clause.lifted_by for clause in rule.clauses if clause.lifted_by is not None} if rule else set()
        return finding.lifted_by if finding.lifted_by in own else None

    def _change_of_block(self, finding: Finding) -> str:
        if finding.substances:
            return capitalised(self._word("change_blocked_with", substances=self._substances(finding)), self.language)
        clauses = self.subject.rule.clauses if self.subject.rule else ()
        absolute = [clause for clause in clauses if clause.severity is Severity.ABSOLUTE]
        only_for_some_plans = bool(absolute) and all(clause.needs_plan for clause in absolute)
        return self._word("change_blocked_plan" if only_for_some_plans else "change_blocked")

    def _to_do(self) -> tuple[str, ...]:
        rule = self.subject.rule
        if rule is not None and rule.advice is not None:
            return (rule.advice.get(self.language),)
        return (self._word("do_note" if self.outcome == "cleared" else f"do_{self.outcome}"),)

    def _golden(self) -> str:
        """The sentence of `wo-golden` whenever something the patient takes may come to mind."""
        golden = self.subject.rules.rules.get(GOLDEN)
        if golden is None or golden.sentence is None or not concerns_medicines(self.subject):
            return ""
        return golden.sentence.get(self.language)

    # --- who says so ------------------------------------------------------------------------------------------------
    def _reach_us(self) -> str:
        phone = self.subject.site.phone
        return self._word("reach_us", phone=phone) if phone else self._word("reach_us_here")

    def _emergency(self) -> str:
        number = self.subject.site.emergency_number
        return self._word("emergency", number=number) if number else ""

    def _sources(self) -> Sequence[str]:
        codes = dict.fromkeys(code for finding in self.subject.findings for code in finding.source)
        return titles_of(codes, self.language)

    def _standing(self) -> str:
        version = self.subject.version
        if version.approved_at is None or version.approved_by is None:
            return self._word("default")
        day = version.approved_at.astimezone(self.subject.site.zone).date()
        return self._word("approved", who=version.approved_by.name, day=papers.day(day, self.language))


def concerns_medicines(subject: Subject) -> bool:
    """Whether the rule looks at medicines, an answer behind the finding speaks of one, or the patient takes any."""
    asked = {code for finding in subject.findings for code, _value in finding.answers}
    named = [one for one in as_list(subject.facts.answers.get(MEDICINES)) if one not in (NONE, UNSURE)]
    looks = any(_looks_at_medicines(clause.when) for clause in (subject.rule.clauses if subject.rule else ()))
    return bool(looks or named or subject.facts.medicines or not ABOUT_MEDICINES.isdisjoint(asked))


def _looks_at_medicines(condition: Condition) -> bool:
    if isinstance(condition, AllOf | AnyOf):
        return any(_looks_at_medicines(part) for part in condition.parts)
    if isinstance(condition, Not):
        return _looks_at_medicines(condition.part)
    return isinstance(condition, Takes | Named)
