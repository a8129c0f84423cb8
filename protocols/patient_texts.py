"""Which texts of the catalogue a patient reads, and how a text in another language joins an entry. Pure.

An entry is written in English and Turkish and published with its version. Every other language is a text of its own, that
says which English sentence it translates: as soon as the entry says something else, the translation no longer fits and is
left out, because a figure may have changed. Then the English sentence is shown, and the reader is told so.
"""
from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clinic.code_words import book
from protocols.leaves import leaves, pattern_of, with_leaf

READ_BY_PATIENTS: Mapping[str, tuple[str, ...]] = {
    "question": ("text", "why", "help", "heading", "options.*", "follow_ups.#.text", "follow_ups.#.options.*"),
    "measurement": ("name",),
    "aftercare": ("name", "text", "variants.#.text"),
    "reaction": ("name", "text", "onset", "lasts"),
    "consent_item": ("name", "text"),
    "indication": ("name", "effect", "evidence_note"),
    "region": ("name",),
    "technique": ("name",),
    "substance": ("name",),
    "medicine_class": ("name", "effects.#.sentence"),
    "message": ("name", "text"),
    "rule": ("title", "explanation", "advice", "clauses.#.lifted_by", "clauses.#.letter"),
}
"""The fields of each kind that reach a patient on a page, a paper or in a mail. Everything else is for staff."""
ALSO = {("wo-golden", "sentence")}
"""The one sentence of a rule that is said to patients as it stands: never stop a prescribed medicine."""

DOMAIN = "catalogue"
PLACEHOLDER = re.compile(r"\{\w*\}")


class Wanted(NamedTuple):
    """A text a patient reads: where it stands, and its English words."""

    kind: str
    code: str
    field: str
    english: str


def digest_of(english: str) -> str:
    """Of the words, not of how lines break in a file."""
    return hashlib.sha256(" ".join(english.split()).encode()).hexdigest()


def wanted_in(kind: str, code: str, body: Mapping[str, Any]) -> Iterator[Wanted]:
    """The texts of one entry that patients read, in the order they stand in it."""
    for path, value in leaves(body).items():
        field, _dot, language = path.rpartition(".")
        if language == "en" and isinstance(value, str) and is_read(kind, code, field):
            yield Wanted(kind, code, field, " ".join(value.split()))


def is_read(kind: str, code: str, field: str) -> bool:
    if (code, field) in ALSO:
        return True
    steps = pattern_of(field).split(".")
    return any(
        len(steps) == len(pattern) and all(wanted in ("*", step) for wanted, step in zip(pattern, steps, strict=True))
        for pattern in (one.split(".") for one in READ_BY_PATIENTS.get(kind, ()))
    )


def shipped(wanted: Iterable[Wanted], language: str) -> dict[Wanted, str]:
    """The texts that come with the application in one language, for those sentences it was translated from."""
    words = book(language, DOMAIN)
    found = {one: words.pgettext(context_of(one), one.english) for one in wanted}
    return {one: text for one, text in found.items() if text}


def context_of(one: Wanted) -> str:
    return f"{one.code} {one.field}"


def fits(english: str, text: str) -> bool:
    """Whether a translation can stand for the English sentence: it says something and fills in the same values."""
    return bool(text.strip()) and sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(text))


def joined(body: Mapping[str, Any], texts: Iterable[tuple[str, str, str]]) -> Mapping[str, Any]:
    """The entry with texts (field, language, words) beside its own. What does not fit its English sentence stays out."""
    for field, language, text in texts:
        body = with_leaf(body, f"{field}.{language}", text)
    return body
