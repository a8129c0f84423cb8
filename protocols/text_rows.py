"""The texts of the catalogue in other languages, as they count now: read, put beside the entries, counted where missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clinic.languages import TRANSLATED
from protocols.models import CatalogueText
from protocols.models.catalogue import TextState
from protocols.patient_texts import Wanted, digest_of, fits, joined, wanted_in

Row = tuple[str, str, Mapping[str, Any]]
Approved = Mapping[tuple[str, str, str], Mapping[str, str]]
"""Code, field and digest of the English sentence -> language -> the approved words."""


def approved() -> Approved:
    found: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    rows = CatalogueText.objects.filter(state=TextState.APPROVED)
    for code, field, language, digest, text in rows.values_list("code", "field", "language", "english_digest", "text"):
        found[code, field, digest][language] = text
    return found


def with_texts(rows: Iterable[Row], texts: Approved) -> tuple[list[Row], dict[str, int]]:
    """The entries with every approved text that still fits them, and how many texts each language lacks."""
    lacking = dict.fromkeys(TRANSLATED, 0)
    done: list[Row] = []
    for kind, code, body in rows:
        said: list[tuple[str, str, str]] = []
        for one in wanted_in(kind, code, body):
            known = texts.get((code, one.field, digest_of(one.english)), {})
            for language in TRANSLATED:
                text = known.get(language, "")
                if fits(one.english, text):
                    said.append((one.field, language, text))
                else:
                    lacking[language] += 1
        done.append((kind, code, joined(body, said)))
    return done, lacking


def wanted_of(rows: Iterable[Row]) -> Sequence[Wanted]:
    return [one for kind, code, body in rows for one in wanted_in(kind, code, body)]
