"""What is known about a patient at one moment: the input of every screening.

Pure and frozen. A stored screening keeps its facts as JSON (`to_json`), so that it can be explained years later.
Answers have the format described in `patients.questionnaire`.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

AnswerValue: TypeAlias = str | int | Sequence[str]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement (`m-` code, in the unit of its definition). `second` is the diastolic pressure; `text` holds
    what is not a number: ASA class, skin type, "negative", "normal"."""

    code: str
    value: Decimal | None
    taken_on: date
    second: Decimal | None = None
    text: str = ""

    @property
    def shown(self) -> str:
        if self.value is None:
            return self.text
        return f"{self.value}/{self.second}" if self.second is not None else f"{self.value}"


@dataclass(frozen=True, slots=True)
class RecordedMedicine:
    """A medicine the patient takes. `classes` is None while nobody has classed it; () means "no class of ours"."""

    name: str
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PriorEvent:
    """Something that went wrong after an earlier session, here or elsewhere. No substances = not known which."""

    term: str
    grade: int
    status: str
    causality: str
    substances: tuple[str, ...]
    on: date | None


@dataclass(frozen=True, slots=True)
class EarlierSession:
    on: date
    indication: str
    category: str
    regions: tuple[str, ...]
    substances: tuple[str, ...]
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PatientFacts:
    birth_date: date
    sex: str
    answers: Mapping[str, AnswerValue] = field(default_factory=dict)
    measurements: tuple[Measured, ...] = ()
    medicines: tuple[RecordedMedicine, ...] = ()
    events: tuple[PriorEvent, ...] = ()
    sessions: tuple[EarlierSession, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; amounts become strings, so that no digit is lost."""
        return {
            "birth_date": self.birth_date.isoformat(),
            "sex": self.sex,
            "answers": {key: _plain(value) for key, value in sorted(self.answers.items())},
            "measurements": [_measured_to_json(measured) for measured in self.measurements],
            "medicines": [
                {"name": medicine.name, "classes": None if medicine.classes is None else list(medicine.classes)}
                for medicine in self.medicines
            ],
            "events": [_event_to_json(event) for event in self.events],
            "sessions": [_session_to_json(earlier) for earlier in self.sessions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PatientFacts:
        """The inverse of `to_json`. Raises KeyError or ValueError on data that did not come from it."""
        return cls(
            birth_date=date.fromisoformat(data["birth_date"]),
            sex=data["sex"],
            answers=dict(data["answers"]),
            measurements=tuple(_measured_from_json(row) for row in data["measurements"]),
            medicines=tuple(
                RecordedMedicine(row["name"], None if row["classes"] is None else tuple(row["classes"]))
                for row in data["medicines"]
            ),
            events=tuple(_event_from_json(row) for row in data["events"]),
            sessions=tuple(_session_from_json(row) for row in data["sessions"]),
        )


def _plain(value: AnswerValue) -> str | int | list[str]:
    return value if isinstance(value, str | int) else list(value)


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _decimal_or_none(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _measured_to_json(measured: Measured) -> dict[str, Any]:
    return {
        "code": measured.code,
        "value": _text_or_none(measured.value),
        "second": _text_or_none(measured.second),
        "text": measured.text,
        "taken_on": measured.taken_on.isoformat(),
    }


def _measured_from_json(row: Mapping[str, Any]) -> Measured:
    return Measured(
        code=row["code"],
        value=_decimal_or_none(row["value"]),
        second=_decimal_or_none(row["second"]),
        text=row["text"],
        taken_on=date.fromisoformat(row["taken_on"]),
    )


def _event_to_json(event: PriorEvent) -> dict[str, Any]:
    return {
        "term": event.term,
        "grade": event.grade,
        "status": event.status,
        "causality": event.causality,
        "substances": list(event.substances),
        "on": None if event.on is None else event.on.isoformat(),
    }


def _event_from_json(row: Mapping[str, Any]) -> PriorEvent:
    return PriorEvent(
        term=row["term"],
        grade=row["grade"],
        status=row["status"],
        causality=row["causality"],
        substances=tuple(row["substances"]),
        on=None if row["on"] is None else date.fromisoformat(row["on"]),
    )


def _session_to_json(earlier: EarlierSession) -> dict[str, Any]:
    return {
        "on": earlier.on.isoformat(),
        "indication": earlier.indication,
        "category": earlier.category,
        "regions": list(earlier.regions),
        "substances": list(earlier.substances),
        "ended_at": None if earlier.ended_at is None else earlier.ended_at.isoformat(),
    }


def _session_from_json(row: Mapping[str, Any]) -> EarlierSession:
    return EarlierSession(
        on=date.fromisoformat(row["on"]),
        indication=row["indication"],
        category=row["category"],
        regions=tuple(row["regions"]),
        substances=tuple(row["substances"]),
        ended_at=None if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"]),
    )
