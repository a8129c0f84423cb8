"""Likely duplicates, shown before anything is saved: one person with two records is two half histories.

Likely means: the same birth date together with a similar name (also with given and family name swapped) or the same
phone. A merged record never counts, nor does the record that is being edited.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from patients.models import Patient
from patients.search_key import fold

# 0.72 of the letters in the same order: "Ayse Yilmaz" and "Ayşe Yılmazer" yes, "Ayşe Yılmaz" and "Ali Yıldız" no.
SIMILAR = 0.72
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Likely:
    """A record that may be the same person, and the words that say why."""

    patient: Patient
    reasons: tuple[str, ...]


def likely_duplicates(
    *,
    given_name: str,
    family_name: str,
    birth_date: dt.date,
    phone: str = "",
    except_for: Patient | None = None,
    among: Iterable[Patient] | None = None,
) -> list[Likely]:
    """Records with the same birth date whose name or phone fits, the closest first; at most five.

    All patients of the organisation are compared, whoever asks: a person registered at the other site is still one
    person. What the asker may see of them is the page's business.
    """
    candidates: Any = among if among is not None else _born_on(birth_date, except_for)
    found: list[tuple[float, Likely]] = []
    for patient in candidates:
        closeness = similarity(given_name, family_name, patient.given_name, patient.family_name)
        same_phone = bool(phone) and str(patient.phone or "") == str(phone)
        reasons = [_("same birth date")]
        if closeness >= SIMILAR:
            reasons.append(_("same name") if closeness == 1 else _("similar name"))
        if same_phone:
            reasons.append(_("same phone"))
        if len(reasons) > 1:
            found.append((closeness + same_phone, Likely(patient, tuple(reasons))))
    found.sort(key=lambda pair: (-pair[0], pair[1].patient.pk))
    return [likely for _score, likely in found[:MOST_SHOWN]]


def _born_on(birth_date: dt.date, except_for: Patient | None) -> Any:
    born = Patient.objects.current().filter(Q(birth_date=birth_date))
    return born.exclude(pk=except_for.pk) if except_for is not None else born


def similarity(given: str, family: str, other_given: str, other_family: str) -> float:
    """0 to 1, accents and case aside; the better of the usual and the swapped order of given and family name."""
    mine = fold(f"{given} {family}")
    straight, swapped = fold(f"{other_given} {other_family}"), fold(f"{other_family} {other_given}")
    return max(_ratio(mine, straight), _ratio(mine, swapped))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(a=one, b=other, autojunk=False).ratio()
