"""One question as a page shows it, and what a form sent for it as answers. Pure: no Django, no models.

The page needs no script: it shows the follow-ups the saved answers call for. A script may show them at once, by the
same conditions, which travel with each follow-up.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from patients.choices import BODY_AREAS, Text
from patients.facts import AnswerValue
from patients.questionnaire import (
    NONE,
    UNKNOWN,
    UNSURE,
    Field,
    FollowUp,
    Holds,
    Kind,
    Question,
    Questions,
    as_list,
    asked,
    is_empty,
    visible,
)

GetList = Callable[[str], Sequence[str]]
"""How to read a form: the values sent under a name, none if it was not sent."""

DO_NOT_KNOW = Text.of(en="I do not know", tr="Bilmiyorum")
I_TAKE_NONE = Text.of(en="I take none", tr="Hiçbirini kullanmıyorum")
LINES = ".lines"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    text: str
    chosen: bool
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One input of the page. `when` are the conditions a script needs: shown while one of the lists holds wholly."""

    key: str
    kind: str
    text: str
    choices: tuple[Choice, ...] = ()
    value: str = ""
    unknown: bool = False
    error: str = ""
    hidden: bool = False
    optional: bool = False
    is_follow_up: bool = False
    when: list[list[dict[str, object]]] = field(default_factory=list)
    lowest: int = 0
    highest: int = 0
    max_length: int = 500

    @property
    def when_json(self) -> str:
        return json.dumps(self.when)


# --- showing ------------------------------------------------------------------------------------------------------------
def patient_questions(questions: Questions, *, sex: str) -> list[Question]:
    """What the patient is asked on the intake form, in order. Questions of a certain plan and those for staff are not."""
    return [question for question in visible(questions, {}, sex=sex) if question.by == "patient"]


def inputs_of(
    question: Question,
    answers: Mapping[str, AnswerValue],
    *,
    language: str,
    typed: Mapping[str, AnswerValue] | None = None,
    errors: Mapping[str, str] | None = None,
    by: str = "patient",
) -> list[Shown]:
    """The question and all its follow-ups for whoever answers; those not called for yet are marked hidden."""
    given = {**answers, **(typed or {})}
    visible_now = {item.field.key: item.required for item in asked(question, given)}
    shown = []
    for one in (question, *question.follow_ups):
        if by == "patient" and one.by != "patient":
            continue
        shown.append(
            _shown(question, one, given.get(one.key), language=language, error=(errors or {}).get(one.key, ""),
                   required=visible_now.get(one.key))
        )  # fmt: skip
    return shown


def _shown(
    question: Question, one: Field, answer: AnswerValue | None, *, language: str, error: str, required: bool | None
) -> Shown:
    chosen = as_list(answer)
    names = [name for name in chosen if name not in (NONE, UNSURE)]
    if one.kind is Kind.NAMES:
        value = "\n".join(names)
    elif isinstance(answer, int):
        value = str(answer)
    else:
        value = answer if isinstance(answer, str) and answer != UNKNOWN else ""
    return Shown(
        key=one.key,
        kind=one.kind.value,
        text=one.text.get(language),
        choices=tuple(
            Choice(option, text.get(language), option in chosen, alone=option in (NONE, UNSURE))
            for option, text in options_of(one)
        ),
        value=value,
        unknown=one.kind is Kind.DATE and answer == UNKNOWN,
        error=error,
        hidden=required is None,
        optional=required is False,
        is_follow_up=isinstance(one, FollowUp),
        when=_conditions(question, one) if isinstance(one, FollowUp) else [],
        lowest=one.lowest,
        highest=one.highest,
        max_length=one.max_length,
    )


def options_of(one: Field) -> list[tuple[str, Text]]:
    """What can be chosen, "I do not know" last and always an equal choice."""
    if one.kind is Kind.REGIONS:
        return list(BODY_AREAS.items())
    options = [(option.value, option.text) for option in one.options]
    if one.kind is Kind.NAMES:
        options = [(NONE, I_TAKE_NONE)]
    may_be_unsure = isinstance(one, Question) and one.kind in (Kind.CHOICE, Kind.LIST, Kind.NAMES)
    if may_be_unsure and UNSURE not in one.values:
        options.append((UNSURE, DO_NOT_KNOW))
    return options


def _conditions(question: Question, follow_up: FollowUp) -> list[list[dict[str, object]]]:
    return [
        [_condition(question, holds) for holds in conditions]
        for conditions in (follow_up.when, follow_up.offered_when)
        if conditions
    ]


def _condition(question: Question, holds: Holds) -> dict[str, object]:
    values = list(holds.values)
    if holds.key == question.key and question.unsure_reads_as in values:
        values.append(UNSURE)
    return {"key": holds.key, "values": values}


# --- reading ------------------------------------------------------------------------------------------------------------
def read_answers(question: Question, getlist: GetList, *, by: str = "patient") -> dict[str, AnswerValue]:
    """What the form sent for this question and those of its follow-ups that are asked with these answers.

    A follow-up of an answer that was changed meanwhile is left out: a patient could not see it any more to take it
    away. Staff see the whole form at once, so nothing of theirs is left out and what does not fit is refused.
    """
    sent: dict[str, AnswerValue] = {}
    for one in (question, *question.follow_ups):
        if by == "staff" or one.by == "patient":
            value = _read(one, getlist)
            if not is_empty(value):
                sent[one.key] = value
    if by == "staff":
        return sent
    called_for = {item.field.key for item in asked(question, sent)}
    return {key: value for key, value in sent.items() if key in called_for}


def _read(one: Field, getlist: GetList) -> AnswerValue:
    values = [value.strip() for value in getlist(one.key)]
    given = [value for value in values if value]
    if one.kind is Kind.NAMES:
        lines = [line.strip() for text in getlist(one.key + LINES) for line in text.splitlines()]
        return list(dict.fromkeys([*given, *(line for line in lines if line)]))
    if one.kind in (Kind.LIST, Kind.REGIONS):
        return given
    if one.kind is Kind.DATE and UNKNOWN in given:
        return UNKNOWN
    first = given[0] if given else ""
    if one.kind is Kind.NUMBER and re.fullmatch(r"\d{1,6}", first, re.ASCII):
        return int(first)
    return first


def answer_in_words(one: Field, answer: AnswerValue, language: str) -> str:
    """An answer as the patient read it, for the overview and the frozen wording."""
    texts = {value: text.get(language) for value, text in options_of(one)}
    if one.kind is Kind.DATE and answer == UNKNOWN:
        return DO_NOT_KNOW.get(language)
    if isinstance(answer, int):
        return str(answer)
    return ", ".join(texts.get(value, value) for value in as_list(answer))


def wording(questions: Sequence[Question], answers: Mapping[str, AnswerValue], language: str) -> dict[str, object]:
    """The words that were asked and answered, by key, in the language they were read in."""
    return {
        item.field.key: {"asked": item.field.text.get(language),
                         "answered": answer_in_words(item.field, answers[item.field.key], language)}
        for question in questions
        for item in asked(question, answers)
        if item.field.key in answers
    }  # fmt: skip
