"""Conditional questions: what is asked, what is visible now, which answers are acceptable.

One evaluator for the patient's form, the staff's form, stored answers and clinical case files. Pure: no Django.

Format of answers: one flat mapping of keys to JSON values.

=============================  =============================================================================
a choice                       `"q-stroke": "tia"`; yes/no questions: `"no"`, `"yes"`, `"unsure"`
a list                         `"q-skin": ["none"]` or `["rash", "wound"]`; `["unsure"]` leaves it unanswered
names (free words)             `"q-medicines": ["none"]` or `["bisoprolol 5 mg", "nettle tea"]`
a follow-up                    its own flat key: `"q-nsaid-date": "2026-03-02"`, `"q-heart-medicines": 2`
a detail of one item           `"q-skin.rash.state": "healed"`, `"q-procedure.filler.date": "2026-01-30"`
a date                         ISO text, or `"unknown"` where the patient cannot say (then the wait has no end)
regions                        `"q-skin-area": ["reg-face"]`; none given means every region
=============================  =============================================================================

- The first option of a question is the healthy one, the others stand worst first.
- Every choice also accepts `unsure`, read as the option directly after the healthy one, unless the question has an
  option `unsure` of its own. Follow-ups are then asked as for that option, but dates, texts and regions may stay open.
- A comparison with an unanswered question is false: a follow-up whose source is unanswered is hidden.
- Answers to hidden questions are rejected, not dropped. Answers to questions that belong to another plan
  (`only_with`) are kept: they simply have no effect.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as computed
from datetime import date
from enum import StrEnum

from patients.choices import BODY_AREAS, Text
from patients.facts import AnswerValue

UNSURE = "unsure"
UNKNOWN = "unknown"
NONE = "none"
EARLIEST_DATE = date(1900, 1, 1)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class Kind(StrEnum):
    CHOICE = "choice"
    LIST = "list"
    NAMES = "names"
    DATE = "date"
    NUMBER = "number"
    TEXT = "text"
    REGIONS = "regions"


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one answer key may hold. Limits are inclusive; `code_prefix` admits catalogue codes beside the options.
    `values` are those of the options, read once: screening asks for them by the thousand."""

    key: str
    kind: Kind
    text: Text
    options: tuple[Option, ...] = ()
    lowest: int = 0
    highest: int = 0
    max_length: int = 500
    code_prefix: str = ""
    by: str = "patient"
    values: tuple[str, ...] = computed(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(option.value for option in self.options))

    @property
    def open_when_unsure(self) -> bool:
        """Nobody who is unsure *whether* can be made to say *when*, *where* or *what*."""
        return self.kind in (Kind.DATE, Kind.TEXT, Kind.REGIONS)


@dataclass(frozen=True, slots=True)
class Holds:
    """True while the answer under `key` is (or, for a list, contains) one of `values`."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(Field):
    """Asked, and then required, while all of `when` hold; merely offered while all of `offered_when` hold."""

    when: tuple[Holds, ...]
    offered_when: tuple[Holds, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Field):
    """A question of the catalogue. `only_with` names the words of a plan it belongs to (empty = intake form);
    `again` = asked at every session; `areas` = its answer counts only where it touches the planned regions."""

    why: Text | None = None
    help: Text | None = None
    heading: Text | None = None
    sexes: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    again: bool = False
    areas: bool = False
    optional: bool = False
    follow_ups: tuple[FollowUp, ...] = ()
    source: tuple[str, ...] = ()
    mark: str = ""
    asks_more_than_healthy: bool = computed(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Whether some follow-up can be required though the answer is the healthy one: none can where each of them needs
        another answer to this very question."""
        Field.__post_init__(self)
        needs_another = (
            any(one.key == self.key and self.healthy not in one.values for one in follow_up.when)
            for follow_up in self.follow_ups
        )
        object.__setattr__(self, "asks_more_than_healthy", not all(needs_another))

    @property
    def code(self) -> str:
        return self.key

    @property
    def healthy(self) -> str:
        return self.options[0].value if self.options else NONE

    @property
    def unsure_reads_as(self) -> str | None:
        """The option `unsure` stands for; None where it is an option itself or where the answer is not a choice."""
        if self.kind is not Kind.CHOICE or UNSURE in self.values:
            return None
        return self.options[1].value

    def asked_of(self, sex: str) -> bool:
        return not self.sexes or sex in self.sexes

    def belongs_to(self, plan_words: Collection[str]) -> bool:
        return not self.only_with or any(word in plan_words for word in self.only_with)


@dataclass(frozen=True, slots=True)
class Asked:
    """One input of the form as it stands now."""

    field: Field
    question: Question
    required: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an answer cannot be taken. `kind` is stable (tests, styling); `text` is the sentence beside the field."""

    question: str
    key: str
    kind: str
    text: Text


Questions = Mapping[str, Question]


def visible(
    questions: Questions,
    answers: Mapping[str, AnswerValue],
    *,
    sex: str,
    plan_words: Collection[str] = (),
    again_only: bool = False,
) -> list[Question]:
    """The questions to ask this patient, in the order of the catalogue. `plan_words` are the codes of the plan
    (indication, category, regions, delivery, substances ...); without them only the intake form is asked."""
    return [
        question
        for question in questions.values()
        if question.asked_of(sex) and question.belongs_to(plan_words) and (question.again or not again_only)
    ]


def asked(question: Question, answers: Mapping[str, AnswerValue], *, by: str = "staff") -> Iterator[Asked]:
    """The question itself, then each follow-up that is visible with these answers. `by="patient"` leaves out what only
    staff may answer; staff may answer everything."""
    if by == "staff" or question.by == by:
        yield Asked(question, question, required=not question.optional)
    for follow_up in question.follow_ups:
        required = _required(question, follow_up, answers)
        if required is not None and (by == "staff" or follow_up.by == by):
            yield Asked(follow_up, question, required)


def reading(question: Question, answers: Mapping[str, AnswerValue]) -> tuple[AnswerValue | None, bool]:
    """The answer as rules read it, and whether it is unclarified (the patient was unsure)."""
    answer = answers.get(question.key)
    if answer == UNSURE and question.unsure_reads_as is not None:
        return question.unsure_reads_as, True
    return answer, False


def unanswered(
    questions: Questions,
    answers: Mapping[str, AnswerValue],
    *,
    sex: str,
    plan_words: Collection[str] = (),
) -> list[str]:
    """Keys of visible required questions and follow-ups without a value. A list answered `unsure` counts as one, and so
    does a value that the field cannot hold: what nobody offered says nothing, and nothing said is never fine."""
    missing = []
    for question in visible(questions, answers, sex=sex, plan_words=plan_words):
        answer = answers.get(question.key)
        if not question.optional and not _says_something(question, answer):
            missing.append(question.key)
        if question.follow_ups and not is_empty(answer) and _may_ask_more(question, answer):
            missing.extend(
                one.key
                for one in question.follow_ups
                if _required(question, one, answers) and not _says_something(one, answers.get(one.key))
            )
    return missing


def check(
    questions: Questions,
    answers: Mapping[str, AnswerValue],
    *,
    sex: str,
    today: date,
    plan_words: Collection[str] = (),
    complete: bool = True,
    again_only: bool = False,
    by: str = "staff",
) -> list[Problem]:
    """Everything wrong with these answers, in the order of the form. An empty list means they can be stored.

    1. Each key must belong to a question of this patient whose condition holds, and that `by` may answer.
    2. Each value must be allowed: option, date not in the future, number in range, text not too long.
    3. With `complete`, each visible required question must have a value (drafts are checked without).
    """
    problems: list[Problem] = []
    known: set[str] = set()
    for question in questions.values():
        shown = {item.field.key: item for item in asked(question, answers, by=by)} if question.asked_of(sex) else {}
        asks_now = question.belongs_to(plan_words) and (question.again or not again_only)
        for field in (question, *question.follow_ups):
            known.add(field.key)
            answer = answers.get(field.key)
            if is_empty(answer):
                if complete and asks_now and field.key in shown and shown[field.key].required:
                    problems.append(_problem(question, field, "required"))
            elif field.key not in shown:
                problems.append(_problem(question, field, "hidden"))
            elif answer is not None:
                kind = _wrong(field, answer, today)
                if kind:
                    problems.append(_problem(question, field, kind))
    problems += [
        Problem(key, key, "unknown-question", _SENTENCES["unknown-question"].with_values(key=key))
        for key in answers
        if key not in known
    ]
    return problems


def is_empty(answer: AnswerValue | None) -> bool:
    """Nothing, an empty text or an empty list are no answer; 0 is one."""
    if isinstance(answer, str):
        return not answer.strip()
    return answer is None or (not isinstance(answer, int) and not answer)


def as_list(answer: AnswerValue | None) -> tuple[str, ...]:
    """An answer as its single values; a number has none."""
    if answer is None or isinstance(answer, int):
        return ()
    return (answer,) if isinstance(answer, str) else tuple(answer)


def _may_ask_more(question: Question, answer: AnswerValue | None) -> bool:
    if question.asks_more_than_healthy:
        return True
    return answer != question.healthy if isinstance(answer, str | int) else as_list(answer) != (question.healthy,)


def _says_something(field: Field, answer: AnswerValue | None) -> bool:
    if field.kind is Kind.CHOICE:  # the common cases, kept short: screening runs by the thousand
        return answer in field.values or (answer == UNSURE and isinstance(field, Question))
    if is_empty(answer) or answer is None:
        return False
    if field.kind is Kind.LIST and isinstance(answer, list | tuple) and len(answer) == 1 and answer[0] in field.values:
        return answer[0] != UNSURE
    unsure_list = field.kind in (Kind.LIST, Kind.NAMES) and UNSURE in as_list(answer)
    return not unsure_list and not _wrong(field, answer, date.max)


def _required(question: Question, follow_up: FollowUp, answers: Mapping[str, AnswerValue]) -> bool | None:
    """True = must be answered, False = may be, None = hidden."""
    if _all_hold(follow_up.when, question, answers, read_unsure=False):
        return not follow_up.optional
    unsure = answers.get(question.key) == UNSURE  # nothing else reads otherwise than it stands
    if unsure and _all_hold(follow_up.when, question, answers, read_unsure=True):
        return not (follow_up.optional or follow_up.open_when_unsure)
    if follow_up.offered_when and _all_hold(follow_up.offered_when, question, answers, read_unsure=False):
        return False
    return None


def _all_hold(
    conditions: Iterable[Holds], question: Question, answers: Mapping[str, AnswerValue], *, read_unsure: bool
) -> bool:
    for condition in conditions:
        answer = answers.get(condition.key)
        if read_unsure and condition.key == question.key:
            answer = reading(question, answers)[0]
        if isinstance(answer, str):
            if answer not in condition.values:
                return False
        elif not any(value in condition.values for value in as_list(answer)):
            return False
    return True


def _wrong(field: Field, answer: AnswerValue, today: date) -> str:
    """The kind of problem with this value, "" when there is none."""
    if field.kind is Kind.NUMBER:
        if not isinstance(answer, int) or isinstance(answer, bool):
            return "not-a-number"
        return "" if field.lowest <= answer <= field.highest else "out-of-range"
    if field.kind in (Kind.LIST, Kind.NAMES, Kind.REGIONS):
        return _wrong_list(field, answer)
    if not isinstance(answer, str):
        return "not-allowed"
    if field.kind is Kind.DATE:
        return _wrong_date(answer, today)
    if field.kind is Kind.TEXT:
        return _wrong_words(field, answer)
    may_be_unsure = isinstance(field, Question)
    return "" if answer in field.values or (may_be_unsure and answer == UNSURE) else "not-allowed"


def _wrong_list(field: Field, answer: AnswerValue) -> str:
    if isinstance(answer, str | int):
        return "not-a-list"
    items: Sequence[str] = list(answer)
    if not all(isinstance(item, str) for item in items):
        return "not-allowed"
    if len(set(items)) != len(items):
        return "twice"
    alone = {NONE, UNSURE} & set(items)
    if alone and len(items) > 1:
        return "none-and-more"
    if field.kind is Kind.NAMES:
        return next((problem for item in items if (problem := _wrong_words(field, item))), "")
    allowed = set(BODY_AREAS) if field.kind is Kind.REGIONS else {*field.values, UNSURE}
    for item in items:
        is_code = bool(field.code_prefix) and re.fullmatch(rf"{field.code_prefix}[a-z0-9]+(-[a-z0-9]+)*", item)
        if item not in allowed and not is_code:
            return "not-allowed"
    return ""


def _wrong_words(field: Field, words: str) -> str:
    if len(words) > field.max_length:
        return "too-long"
    if not words.strip() or _CONTROL.search(words):
        return "not-allowed-signs"
    return ""


def _wrong_date(answer: str, today: date) -> str:
    if answer == UNKNOWN:
        return ""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", answer, re.ASCII):
        return "not-a-date"
    try:
        on = date.fromisoformat(answer)
    except ValueError:
        return "not-a-date"
    if on > today:
        return "future-date"
    return "" if on >= EARLIEST_DATE else "not-a-date"


def _problem(question: Question, field: Field, kind: str) -> Problem:
    sentence = _SENTENCES[kind]
    if kind == "out-of-range":
        sentence = sentence.with_values(lowest=str(field.lowest), highest=str(field.highest))
    elif kind == "too-long":
        sentence = sentence.with_values(length=str(field.max_length))
    return Problem(question.key, field.key, kind, sentence)


_SENTENCES: Mapping[str, Text] = {
    "required": Text.of(en="Please answer this question.", tr="Lütfen bu soruyu yanıtlayın."),
    "hidden": Text.of(
        en="This answer does not fit the answers given before it. Please remove it or change them.",
        tr="Bu yanıt önceki yanıtlarla uyuşmuyor. Lütfen bu yanıtı silin ya da öncekileri değiştirin.",
    ),
    "unknown-question": Text.of(en="There is no question “{key}”.", tr="“{key}” adında bir soru yok."),
    "not-allowed": Text.of(
        en="Please choose one of the answers offered.", tr="Lütfen sunulan yanıtlardan birini seçin."
    ),
    "not-a-list": Text.of(en="Please tick the answers that apply.", tr="Lütfen size uyan yanıtları işaretleyin."),
    "twice": Text.of(en="The same answer is given twice.", tr="Aynı yanıt iki kez verilmiş."),
    "none-and-more": Text.of(
        en="“None” or “not sure” cannot stand beside another answer.",
        tr="“Hiçbiri” ya da “emin değilim” başka bir yanıtla birlikte seçilemez.",
    ),
    "not-a-date": Text.of(en="Please enter a real date.", tr="Lütfen geçerli bir tarih girin."),
    "future-date": Text.of(
        en="This date lies in the future. Please enter when it happened.",
        tr="Bu tarih gelecekte. Lütfen ne zaman olduğunu girin.",
    ),
    "not-a-number": Text.of(en="Please enter a whole number.", tr="Lütfen bir tam sayı girin."),
    "out-of-range": Text.of(
        en="Please enter a number from {lowest} to {highest}.",
        tr="Lütfen {lowest} ile {highest} arasında bir sayı girin.",
    ),
    "too-long": Text.of(
        en="Please shorten this to {length} characters.", tr="Lütfen en fazla {length} karakter kullanın."
    ),
    "not-allowed-signs": Text.of(
        en="This contains signs that cannot be stored. Please type it again.",
        tr="Burada saklanamayan işaretler var. Lütfen yeniden yazın.",
    ),
}
