"""Say a screening in words: every finding with what was answered, why it matters, its source, and what would lift it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from clinic.components.drawing import figure
from patients.asking import DO_NOT_KNOW, options_of
from patients.choices import BODY_AREAS
from patients.questionnaire import UNKNOWN, UNSURE, Field, Question
from protocols.definitions import Catalogue
from protocols.findings import Finding as EvaluatedFinding
from protocols.findings import Screening as Evaluated
from protocols.findings import Severity
from protocols.sources import titles_of
from sessions.choices import Causality
from sessions.models import Finding, Screening

PILL = {
    Severity.ABSOLUTE: "blocked",
    Severity.INCOMPLETE: "incomplete",
    Severity.RELATIVE: "needs-clearance",
    Severity.TEMPORARY: "wait",
    Severity.INFO: "note",
}
BIRTH_DATE, EVENT = "birth-date", "events"
"""Evidence that is no answer: the age on the day, and what went wrong earlier (protocols.patient_case)."""
ALERT = {Severity.ABSOLUTE: "safety", Severity.RELATIVE: "caution", Severity.TEMPORARY: "caution"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding ready for the finding card. `clearable` shows the clearance act."""

    code: str
    outcome: str
    title: str
    sentence: str
    source: str
    trigger: str
    lifts: str
    rule_version: str
    until: str
    severity: str
    clearable: bool
    mark: str = ""
    explain_url: str = ""


def in_words(texts: Mapping[str, str]) -> str:
    language = (get_language() or "en").split("-")[0]
    return texts.get(language) or texts.get("en", "")


def day_in_words(day: dt.date) -> str:
    """With the weekday, as everywhere beside a date."""
    return date_format(day, "D j F Y")


def name_of(code: str, definitions: Mapping[str, Any]) -> str:
    """The catalogue's name in the reader's language; a code the catalogue no longer knows stays as it is."""
    known = definitions.get(code)
    return standing_alone(known.name_in(get_language() or "en")) if known is not None else code


def standing_alone(name: str) -> str:
    """A catalogue name at the start of a line; in a sentence it stays as written. Turkish i has a capital of its own."""
    turkish = (get_language() or "en").startswith("tr")
    first = "İ" if turkish and name[:1] == "i" else name[:1].upper()
    return first + name[1:]


def asked_in_words(code: str, rules: Catalogue) -> str:
    """The question as asked, or the name of the measurement. “Which one?” stands behind the question it belongs to;
    what is asked about one item of a list names that item itself."""
    language = get_language() or "en"
    field = _field(code, rules.questions)
    if field is not None:
        of = next((one for one in rules.questions.values() if field in one.follow_ups and "." not in code), None)
        return f"{of.text.get(language)} {field.text.get(language)}" if of else field.text.get(language)
    measurement = rules.measurements.get(code)
    return measurement.name.get(language) if measurement is not None else code


def answer_in_words(code: str, value: str, rules: Catalogue) -> str:
    """The question as asked, or the measurement's name, with the answer in words; unknown codes stay as they are."""
    asked, answered = asked_and_answered(code, value, rules)
    if not answered:
        return asked
    return f"{asked} {answered}" if asked.endswith(("?", ".", ")")) else f"{asked}: {answered}"


def asked_and_answered(code: str, value: str, rules: Catalogue) -> tuple[str, str]:
    """What was asked or measured, and the answer in the words it was offered in."""
    language = get_language() or "en"
    field = _field(code, rules.questions)
    if field is not None:
        named = {option: text.get(language) for option, text in options_of(field)}
        return field.text.get(language), _value_in_words(value, named, rules)
    if code == BIRTH_DATE:
        return _("Birth date"), _value_in_words(value, {}, rules)
    if code == EVENT:
        known = rules.reactions.get(value)
        return _("After an earlier session"), name_of(value, rules.reactions) if known else value
    if code.startswith(f"{EVENT}."):
        return _of_event(code.rpartition(".")[2], value)
    if code in rules.measurements:
        return asked_in_words(code, rules), "/".join(_figure_in_words(part) for part in value.split("/"))
    return asked_in_words(code, rules), _value_in_words(value, {}, rules)


def _figure_in_words(part: str) -> str:
    """A figure in the reader's notation without empty decimals; "III" or "negative" as it is."""
    try:
        return figure(Decimal(part))
    except InvalidOperation:
        return part


def _of_event(part: str, value: str) -> tuple[str, str]:
    """Grade, cause and state of an adverse event."""
    if part == "grade":
        return _("Grade"), value
    if part == "causality":
        return _("Cause"), str(dict(Causality.choices).get(value, value))
    return _("State"), {"open": pgettext("event", "Open"), "closed": pgettext("event", "Closed")}.get(value, value)


def option_in_words(code: str, value: str, rules: Catalogue) -> str:
    """One answer alone, in the words it was offered in."""
    field = _field(code, rules.questions)
    named = {option: text.get(get_language() or "en") for option, text in options_of(field)} if field else {}
    return _one_in_words(value, named, rules)


def _value_in_words(value: str, named: Mapping[str, str], rules: Catalogue) -> str:
    return ", ".join(_one_in_words(one.strip(), named, rules) for one in value.split(","))


def _one_in_words(one: str, named: Mapping[str, str], rules: Catalogue) -> str:
    """An option, "I do not know", a place on the body, a substance or a date, in this order; else as written."""
    language = get_language() or "en"
    if one in named:
        return named[one]
    if one in {UNSURE, UNKNOWN}:
        return DO_NOT_KNOW.get(language)
    if one in BODY_AREAS:
        return BODY_AREAS[one].get(language)
    if one in rules.substances:
        return rules.substances[one].name_in(language)
    try:
        return day_in_words(dt.date.fromisoformat(one))
    except ValueError:
        return one


def _field(code: str, questions: Mapping[str, Question]) -> Field | None:
    question = questions.get(code)
    if question is not None:
        return question
    for candidate in questions.values():
        for follow_up in candidate.follow_ups:
            if follow_up.key == code:
                return follow_up
    return None


def shown_findings(
    screening: Screening | Evaluated, rules: Catalogue, explained_at: Callable[[str], str] | None = None
) -> list[Shown]:
    """Findings of a stored or a fresh screening, in their order. `explained_at`: code -> address of the page that
    explains a finding, as it stands now, to the patient."""
    if isinstance(screening, Evaluated):
        shown = [_fresh(finding, rules) for finding in screening.findings]
    else:
        shown = [_stored(finding, rules) for finding in screening.findings.all()]
    return [replace(one, explain_url=explained_at(one.code)) for one in shown] if explained_at else shown


def _triggers(answers: Iterable[tuple[str, str]], rules: Catalogue) -> str:
    return " · ".join(answer_in_words(code, value, rules) for code, value in answers)


def _until(wait_until: dt.date | None, open_ended: bool) -> str:
    if open_ended:
        return _("open, until healed or clarified")
    return day_in_words(wait_until) if wait_until else ""


def _fresh(finding: EvaluatedFinding, rules: Catalogue) -> Shown:
    language = get_language() or "en"
    return Shown(
        code=finding.code,
        outcome="cleared" if finding.cleared_by else PILL[finding.severity],
        title=finding.title.get(language),
        sentence=_sentence(finding.sentence.get(language), finding.cleared_by, finding.unclarified),
        source="; ".join(titles_of(finding.source, language)),
        trigger=_triggers(finding.answers, rules),
        lifts=finding.lifted_by.get(language) if finding.lifted_by and finding.severity is not Severity.INFO else "",
        rule_version=str(finding.rule_version),
        until=_until(finding.wait_until, finding.open_ended),
        severity=finding.severity,
        clearable=finding.severity is Severity.RELATIVE and not finding.cleared_by,
        mark=finding.mark,
    )


def _stored(finding: Finding, rules: Catalogue) -> Shown:
    severity = Severity(finding.severity)
    return Shown(
        code=finding.code,
        outcome="cleared" if finding.cleared_by else PILL[severity],
        title=in_words(finding.title),
        sentence=_sentence(in_words(finding.sentence), finding.cleared_by, finding.unclarified),
        source="; ".join(titles_of(finding.source, get_language() or "en")),
        trigger=_triggers(finding.answers, rules),
        lifts="" if severity is Severity.INFO else in_words(finding.lifted_by),
        rule_version=finding.rule_version,
        until=_until(finding.wait_until, finding.open_ended),
        severity=finding.severity,
        clearable=severity is Severity.RELATIVE and not finding.cleared_by,
        mark=finding.mark,
    )


def _sentence(sentence: str, cleared_by: str | None, unclarified: bool) -> str:
    if cleared_by:
        sentence = f"{sentence} {_('Cleared by %(name)s.') % {'name': cleared_by}}"
    if unclarified:
        sentence = f"{sentence} {_('The patient was unsure, so it counts until clarified.')}"
    return sentence


def alerts_of(findings: Iterable[Shown]) -> list[dict[str, str]]:
    """Lines of the alert banner: red for what blocks, amber for clearance and wait; notes stay in the list."""
    return [
        {"kind": ALERT[Severity(finding.severity)], "bold": finding.title, "text": finding.sentence}
        for finding in findings
        if finding.severity in ALERT and finding.outcome != "cleared"
    ]


def outcome_pill(outcome: str, wait_until: dt.date | None, open_ended: bool) -> tuple[str, str]:
    """Pill kind and word of a headline."""
    words = {
        "blocked": _("Blocked"),
        "incomplete": _("Incomplete"),
        "needs-clearance": _("Needs clearance"),
        "wait": _("Wait, open") if open_ended else _("Wait"),
        "cleared": _("Cleared"),
    }
    word = words[outcome]
    if outcome == "wait" and wait_until and not open_ended:
        word = _("Wait until %(day)s") % {"day": day_in_words(wait_until)}
    return outcome, word
