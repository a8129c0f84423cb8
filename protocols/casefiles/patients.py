"""The patient of a case: the healthy person of the clinical reference (section 7), and what the case changes. Pure."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

from patients.choices import Causality, EventStatus, Sex
from patients.facts import AnswerValue, EarlierSession, Measured, PatientFacts, PriorEvent, RecordedMedicine
from patients.questionnaire import Field, Kind, Question, check
from protocols.casefiles.written import Block, Keys, Written
from protocols.definitions import Catalogue
from protocols.rules import MeasurementDefinition

BORN = date(1990, 5, 10)

HEALTHY: Mapping[str, str] = {
    "m-bp": "120/75", "m-weight": "65", "m-height": "168", "m-bmi": "23", "m-asa": "I", "m-cops": "8",
    "m-fitzpatrick": "III", "m-platelets": "250", "m-hb": "13.5", "m-cbc": "normal", "m-liver": "normal",
    "m-kidney": "normal",
}
"""Taken on the day of the case. No HbA1c, no INR, no pregnancy test."""

PATIENT: Keys = {
    "sex": ("male", "sex for clinical use: female (the default), male or other"),
    "birth_date": ("1990-05-10", "date of birth; 1990-05-10 when left out"),
    "answers": ("{q-stroke: tia}", "answers that differ from the healthy ones, `~` for a question left unanswered"),
    "measurements": ("{m-bp: 165/80}", "measurements that differ, `~` for one not taken; see the table of measurements"),
    "medicines": ("[{name: warfarin, classes: [med-anticoagulant]}]", "recorded medicines"),
    "events": ("[{term: abscess, grade: 3, status: closed, causality: probable}]", "reactions after earlier sessions"),
    "sessions": ("[{on: 2026-05-20, indication: ind-aga, substances: [sub-minoxidil]}]", "earlier sessions"),
}
MEASURED: Keys = {
    "value": ("165/80", "the value, as it stands without a block"),
    "on": ("2026-05-20", "the day it was taken; the day of the case when left out"),
}
MEDICINE: Keys = {
    "name": ("warfarin 5 mg", "as the patient calls it"),
    "classes": ("[med-anticoagulant]", "medicine classes, `[]` for none of ours; left out: nobody has classed it yet"),
}
EVENT: Keys = {
    "term": ("abscess", "what happened"),
    "grade": ("3", "1 to 5"),
    "status": ("closed", "open or closed"),
    "causality": ("probable", "certain, probable, possible, unlikely, unrelated or not-assessed"),
    "substances": ("[sub-caffeine]", "what that session contained; left out: not known"),
    "on": ("2026-04-02", "the day it began"),
}
SESSION: Keys = {
    "on": ("2026-05-20", "its day"),
    "indication": ("ind-aga", "its indication"),
    "regions": ("[reg-scalp]", "its regions; the first of the indication when left out"),
    "substances": ("[sub-minoxidil]", "what was given"),
}


def healthy_answers(catalogue: Catalogue, sex: str) -> dict[str, AnswerValue]:
    """The first value of every question this sex is asked, those of special plans included."""
    return {
        question.key: [question.healthy] if question.kind in (Kind.LIST, Kind.NAMES) else question.healthy
        for question in catalogue.questions.values() if question.asked_of(sex)
    }


def read_patient(written: Written | None, *, on: date, catalogue: Catalogue) -> PatientFacts:
    """The healthy person with the changes of the case. Raises `CaseError` naming the field that cannot be."""
    block = Block(written, PATIENT) if written is not None else None
    sex, born = Sex.FEMALE.value, BORN
    if block is None:
        return PatientFacts(
            birth_date=born, sex=sex, answers=healthy_answers(catalogue, sex),
            measurements=tuple(_measurements(None, on, catalogue)))
    if (given := block.take("sex")) is not None:
        sex = given.one_of([one.value for one in Sex])
    if (given := block.take("birth_date")) is not None:
        born = given.day()
        if born > on:
            raise given.fail(f"a birth after the day of the case ({on.isoformat()}) is not possible.")
    medicines = tuple(_medicine(one, catalogue) for one in block.each("medicines"))
    events = tuple(_event(one, on, catalogue) for one in block.each("events"))
    implied: dict[str, AnswerValue] = {}
    if medicines:
        implied["q-medicines"] = [one.name for one in medicines]
    if events:
        implied["q-reaction"] = "yes"
    return PatientFacts(
        birth_date=born,
        sex=sex,
        answers=read_answers(block.take("answers"), sex=sex, on=on, catalogue=catalogue, implied=implied),
        measurements=tuple(_measurements(block, on, catalogue)),
        medicines=medicines,
        events=events,
        sessions=tuple(_session(one, catalogue) for one in block.each("sessions")),
    )


def read_answers(
    written: Written | None, *, sex: str, on: date, catalogue: Catalogue, implied: Mapping[str, AnswerValue]
) -> dict[str, AnswerValue]:
    """Healthy answers, then what medicines and events imply, then what the case says. Judged as the intake form is."""
    answers = {**healthy_answers(catalogue, sex), **implied}
    fields = {field.key: field for one in catalogue.questions.values() for field in (one, *one.follow_ups)}
    places: dict[str, Written] = {}
    for key, value in written.pairs() if written is not None else []:
        if key not in fields:
            near = get_close_matches(key, list(fields), n=1)
            meant = f" Is {near[0]} meant?" if near else ""
            raise value.fail(f"there is no question “{key}” in this catalogue.{meant}")
        places[key] = value
        if value.is_nothing:
            answers.pop(key, None)
        else:
            answers[key] = _answer(fields[key], value)
    for problem in check(catalogue.questions, answers, sex=sex, today=on, complete=False):
        place = places.get(problem.key)
        if place is not None:
            raise place.fail(f"{shown(answers[problem.key])}: {_why(problem.text.get('en'), fields[problem.key])}")
        if written is not None:  # a change makes something implied impossible
            raise written.fail(f"{problem.key}: {problem.text.get('en')}")
    _known_codes(answers, fields, places, catalogue)
    return answers


def _answer(field: Field, value: Written) -> AnswerValue:
    if value.is_list:
        return [one.text() for one in value.items()]
    word = value.text()
    digits = word.removeprefix("-")
    return int(word) if field.kind is Kind.NUMBER and digits.isascii() and digits.isdigit() else word


def _why(sentence: str, field: Field) -> str:
    """The sentence of the intake form, and what would be allowed."""
    values = [*field.values, "unsure"] if isinstance(field, Question) and "unsure" not in field.values else field.values
    return f"{sentence} Allowed: {', '.join(values)}." if values else sentence


def _known_codes(
    answers: Mapping[str, AnswerValue], fields: Mapping[str, Field], places: Mapping[str, Written], catalogue: Catalogue
) -> None:
    """Where an answer may name a substance, the substance must exist."""
    for key, place in places.items():
        answer = answers.get(key)
        if fields[key].code_prefix and isinstance(answer, list):
            for word in answer:
                if word.startswith("sub-") and word not in catalogue.substances:
                    raise place.fail(f"there is no substance “{word}” in this catalogue.")


def shown(answer: AnswerValue) -> str:
    """An answer in one line."""
    return f"“{answer}”" if isinstance(answer, str | int) else f"“{', '.join(answer)}”"


def _measurements(block: Block | None, on: date, catalogue: Catalogue) -> Iterator[Measured]:
    """Those of the healthy person that the case does not replace, then those of the case."""
    given = dict(block.pairs("measurements")) if block is not None else {}
    computed = {"m-bmi"} if {"m-weight", "m-height"} & given.keys() else set()  # a new weight makes a new index
    for code, value in HEALTHY.items():
        if code not in given and code not in computed and code in catalogue.measurements:
            yield measured(catalogue.measurements[code], value, on)
    for code, written in given.items():
        if code not in catalogue.measurements:
            raise written.fail(f"there is no measurement “{code}” in this catalogue.")
        if not written.is_nothing:
            for one in written.items() if written.is_list else [written]:
                yield _measurement(catalogue.measurements[code], one, on)


def _measurement(definition: MeasurementDefinition, written: Written, on: date) -> Measured:
    place, taken_on = written, on
    if written.is_block:
        block = Block(written, MEASURED)
        place = block.need("value")
        if (day := block.take("on")) is not None:
            taken_on = day.day()
            if taken_on > on:
                raise day.fail(f"a measurement after the day of the case ({on.isoformat()}) is not possible.")
    word = place.text()
    if not definition.values:
        unit = word.lstrip("-0123456789./ ")
        if unit not in ("", definition.unit):
            raise place.fail(f"{definition.code} is measured in {definition.unit or 'no unit'}, not in {unit}.")
        word = word.removesuffix(unit).strip()
        if not all(_is_number(part) for part in word.split("/", 1)):
            raise place.fail(f"“{word}” is not a value of {definition.code}.")
    found = measured(definition, word, taken_on)
    problem = definition.problem(found.value, found.second, found.text)
    if problem:
        raise place.fail(f"{definition.code} {word}: {problem}")
    return found


def _is_number(word: str) -> bool:
    return word.removeprefix("-").replace(".", "", 1).isdigit() and word.isascii()


def measured(definition: MeasurementDefinition, value: str, on: date) -> Measured:
    """ "120/75", "65", "III" or "negative" as a measurement of that day."""
    if definition.values:
        return Measured(definition.code, None, on, text=value)
    first, _, second = value.partition("/")
    return Measured(definition.code, Decimal(first), on, Decimal(second) if second else None)


def _medicine(written: Written, catalogue: Catalogue) -> RecordedMedicine:
    block = Block(written, MEDICINE)
    classes = block.take("classes")
    return RecordedMedicine(
        name=block.need("name").text(),
        classes=None if classes is None else tuple(
            one.code(catalogue.medicine_classes, "medicine class") for one in classes.items()),
    )


def _event(written: Written, on: date, catalogue: Catalogue) -> PriorEvent:
    block = Block(written, EVENT)
    began = block.take("on")
    day = None if began is None else began.day()
    if began is not None and day is not None and day > on:
        raise began.fail(f"an event after the day of the case ({on.isoformat()}) is not possible.")
    return PriorEvent(
        term=block.need("term").text(),
        grade=block.need("grade").whole(least=1, most=5),
        status=block.need("status").one_of([one.value for one in EventStatus]),
        causality=block.need("causality").one_of([one.value for one in Causality]),
        substances=tuple(one.code(catalogue.substances, "substance") for one in block.each("substances")),
        on=day,
    )


def _session(written: Written, catalogue: Catalogue) -> EarlierSession:
    block = Block(written, SESSION)
    indication = catalogue.indications[block.need("indication").code(catalogue.indications, "indication")]
    regions = tuple(one.code(catalogue.regions, "region") for one in block.each("regions"))
    return EarlierSession(
        on=block.need("on").day(),
        indication=indication.code,
        category=indication.category.value,
        regions=regions or indication.regions[:1],
        substances=tuple(one.code(catalogue.substances, "substance") for one in block.each("substances")),
    )
