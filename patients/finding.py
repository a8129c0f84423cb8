"""Who finds whom. A role limited to sites finds the patients known there; others only as name and birth year."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clinic.models import User
from patients.models import Patient
from patients.search_key import fold, query_terms

MOST_ELSEWHERE = 5
LETTERS_BEFORE_OTHERS = 3
LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class Glimpse:
    """All that is shown of a patient of another site before somebody asks to open the record."""

    public_id: str
    name: str
    birth_year: int

    @classmethod
    def of(cls, patient: Patient) -> Glimpse:
        return cls(patient.public_id, patient.name, patient.birth_date.year)


def visible(user: User, typed: str) -> Any:
    """Current records this person may see, narrowed to the query if there is one."""
    found = Patient.objects.visible_to(user).current()
    return found.matching(typed) if typed else found


def elsewhere(user: User, typed: str) -> list[Glimpse]:
    """Glimpses of matching patients beyond the limits of a limited role.

    Every word must be part of the name (three letters or more) or the exact birth year, so that nobody can feel their
    way to a phone number or an e-mail address letter by letter.
    """
    if any(role.site_id is None for role in user.roles.all()):
        return []
    terms = query_terms(typed)
    if not terms or max(map(len, terms)) < LETTERS_BEFORE_OTHERS:
        return []
    known = Patient.objects.visible_to(user).values("pk")
    others = Patient.objects.current().matching(typed).exclude(pk__in=known)[:LOOKED_AT]
    return [Glimpse.of(patient) for patient in others if _by_name_or_year(patient, terms)][:MOST_ELSEWHERE]


def _by_name_or_year(patient: Patient, terms: list[str]) -> bool:
    name = fold(patient.name)
    named = [term for term in terms if len(term) >= LETTERS_BEFORE_OTHERS and term in name]
    return bool(named) and all(term in named or term == str(patient.birth_date.year) for term in terms)
