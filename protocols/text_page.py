"""What the pages about texts in other languages show: languages with their state, one text beside its English sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from clinic.languages import NAMES, STAFF, TRANSLATED, direction
from protocols import catalogue
from protocols.field_words import KINDS
from protocols.models import CatalogueText
from protocols.models.catalogue import TextState as S
from protocols.patient_texts import Wanted, digest_of
from protocols.text_rows import wanted_of

PILLS: Mapping[str, str] = {S.APPROVED: "ok", S.WAITING: "caution", S.RETIRED: "neutral"}
SHOWN = ("lacking", "waiting", "approved", "all")


@dataclass(frozen=True)
class LanguageRow:
    code: str
    name: str
    wanted: int
    approved: int
    waiting: int
    lacking: int

    @property
    def is_whole(self) -> bool:
        return self.lacking == 0


@dataclass(frozen=True)
class TextLine:
    """One sentence patients read: the English of the catalogue in force, what is said in this language, what waits."""

    wanted: Wanted
    kind_name: str
    approved: CatalogueText | None
    waiting: CatalogueText | None

    @property
    def newest(self) -> CatalogueText | None:
        return self.waiting or self.approved


def wanted_now() -> Sequence[Wanted]:
    """Everything patients read of the catalogue in force."""
    return wanted_of(catalogue.rows_of(catalogue.current()))


def languages() -> list[LanguageRow]:
    rules, wanted = catalogue.in_force(), len(wanted_now())
    rows = CatalogueText.objects.filter(state=S.WAITING).values("language").annotate(found=Count("pk"))
    waiting = {row["language"]: row["found"] for row in rows}
    return [
        LanguageRow(code, NAMES[code], wanted, wanted - rules.lacking[code], waiting.get(code, 0), rules.lacking[code])
        for code in TRANSLATED
    ]


def of_the_entries() -> str:
    return ", ".join(NAMES[code] for code in STAFF)


def lines(language: str, *, show: str, query: str) -> list[TextLine]:
    """The texts of a language, in the order of the catalogue; `lacking` are those patients read in English now."""
    held: dict[tuple[str, str, str], dict[str, CatalogueText]] = {}
    rows: QuerySet[CatalogueText] = CatalogueText.objects.filter(language=language).exclude(state=S.RETIRED)
    for row in rows.select_related("made_by", "approved_by").order_by("number"):
        held.setdefault((row.code, row.field, row.english_digest), {})[row.state] = row
    found = []
    for one in wanted_now():
        own = held.get((one.code, one.field, digest_of(one.english)), {})
        line = TextLine(one, KINDS[one.kind], own.get(S.APPROVED), own.get(S.WAITING))
        if _is_shown(line, show) and _is_found(line, query):
            found.append(line)
    return found


def _is_shown(line: TextLine, show: str) -> bool:
    return {
        "lacking": line.approved is None, "waiting": line.waiting is not None, "approved": line.approved is not None,
    }.get(show, True)  # fmt: skip


def _is_found(line: TextLine, query: str) -> bool:
    words = [line.wanted.code, line.wanted.english, *(one.text for one in (line.approved, line.waiting) if one)]
    return not query or any(query.casefold() in word.casefold() for word in words)


def line_of(language: str, code: str, field: str) -> TextLine | None:
    return next(
        (one for one in lines(language, show="all", query="") if (one.wanted.code, one.wanted.field) == (code, field)), None
    )


def history(language: str, code: str, field: str) -> list[dict[str, Any]]:
    """Every wording there ever was, newest first, each with what differs from the one before it."""
    rows = list(
        CatalogueText.objects.filter(language=language, code=code, field=field).select_related("made_by", "approved_by")
        .order_by("-number")
    )  # fmt: skip
    return [
        {"row": row, "pill": PILLS[row.state], "parts": difference(older.text if older else "", row.text),
         "who": row.made_by.name if row.made_by else _("With the application")}
        for row, older in zip(rows, [*rows[1:], None], strict=True)
    ]  # fmt: skip


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Word by word: ("same" | "gone" | "new", words). Without an earlier wording all is the same."""
    if not before:
        return [("same", after)]
    old, new = before.split(), after.split()
    parts: list[tuple[str, str]] = []
    for what, first, last, begin, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append(("same", " ".join(old[first:last])))
            continue
        parts += [(name, " ".join(words)) for name, words in (("gone", old[first:last]), ("new", new[begin:end])) if words]
    return parts


def reading(language: str) -> dict[str, str]:
    """Attributes of an element that holds this language."""
    return {"lang": language, "dir": direction(language)}

