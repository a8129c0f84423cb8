"""Who finds whom. A role limited to sites finds the patients known there; others only as name and birth year."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from phonenumber_field.phonenumber import to_python

from clinic.models import User
from clinic.prepared import Prepared, Slot, many
from patients.models import Patient
from patients.models.person import Named
from patients.search_key import fold, parts_of_key, query_terms

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


@dataclass(frozen=True, slots=True)
class Suggestion(Named):
    """What is shown of a patient while somebody types."""

    public_id: str
    given_name: str
    family_name: str
    birth_date: dt.date
    record_number: str
    stored_phone: str

    @property
    def phone(self) -> str:
        return shown_phone(self.stored_phone)


def suggested(user: User, typed: str, *, most: int) -> list[Suggestion]:
    """The first of those `visible` finds; one prepared query, because it is asked with every letter."""
    terms = query_terms(typed)
    if not terms:
        return []
    limits, escaped = user.limited_to(), connection.ops.prep_for_like_query
    words = {f"word{number}": f"%{escaped(part)}%" for number, part in enumerate(parts_of_key(terms))}
    sites = {} if limits is None else {"sites": limits}
    return [Suggestion(*row) for row in _suggestions(len(terms), limits is not None, most)(**words, **sites)]


@cache  # a query has a hundred signs at most, so there are few of them
def _suggestions(words: int, is_limited: bool, most: int) -> Prepared:
    def asked() -> Any:
        found = Patient.objects.current()
        if is_limited:
            found = found.known_in(many("sites"))
        for number in range(words):
            found = found.filter(
                RawSQL("patients_patient.search_key LIKE %s", [Slot(f"word{number}")], output_field=BooleanField())
            )
        names = ("public_id", "given_name", "family_name", "birth_date", "record_number")
        return found.values_list(*names, Cast("phone", TextField()))[:most]

    return Prepared(asked)


@lru_cache(maxsize=4096)
def shown_phone(stored: str) -> str:
    """As people write it. The next letter mostly finds the same patients again."""
    return str(to_python(stored).as_international) if stored else ""


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
