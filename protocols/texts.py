"""Texts of the catalogue in other languages: they come with the application, a medical lead approves them or writes others.

What reaches patients is an approved row that translates exactly the sentence of the entry (protocols.text_rows); all else
falls back to English, and says so (docs/decisions/0013).
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.languages import NAMES, TRANSLATED
from clinic.models.base import new_public_id
from clinic.permissions import check_doer
from protocols.loading import entries_of_reference
from protocols.models import CatalogueText, CatalogueVersion
from protocols.models.catalogue import TextState as S
from protocols.patient_texts import Wanted, digest_of, fits, shipped, wanted_in

BATCH = 500


@transaction.atomic
def ensure_shipped_texts() -> int:
    """Add the texts that came with the application and are not there yet; nobody has approved them then. Safe to repeat."""
    wanted = [one for entry in entries_of_reference() for one in wanted_in(entry.kind, entry.code, entry.body)]
    known = set(CatalogueText.objects.values_list("code", "field", "language", "english_digest", "text"))
    numbers = _numbers()
    rows = []
    for language in TRANSLATED:
        for one, text in shipped(wanted, language).items():
            digest = digest_of(one.english)
            if (one.code, one.field, language, digest, text) not in known and fits(one.english, text):
                number = numbers.get((one.code, one.field, language), 0) + 1
                rows.append(_row(one, language, text, number=number, by=SYSTEM))
    _retire_waiting(rows)
    CatalogueText.objects.bulk_create(rows, batch_size=BATCH)
    return len(rows)


def _retire_waiting(newer: list[CatalogueText]) -> None:
    """A shipped text that nobody approved gives way to the newer one of the next release."""
    replaced = {(one.code, one.field, one.language) for one in newer if one.number > 1}
    if not replaced:
        return
    waiting = CatalogueText.objects.filter(state=S.WAITING, made_by=None).values_list("pk", "code", "field", "language")
    gone = [pk for pk, *key in waiting if tuple(key) in replaced]
    CatalogueText.objects.filter(pk__in=gone).update(state=S.RETIRED, version=F("version") + 1)


def _numbers() -> dict[tuple[str, str, str], int]:
    rows = CatalogueText.objects.values_list("code", "field", "language").annotate(most=Max("number"))
    return {(code, field, language): most for code, field, language, most in rows}


def _row(one: Wanted, language: str, text: str, *, number: int, by: Doer) -> CatalogueText:
    return CatalogueText(
        kind=one.kind, code=one.code, field=one.field, language=language, number=number, english=one.english,
        english_digest=digest_of(one.english), text=text, made_by=by.user, made_at=timezone.now(),
    )  # fmt: skip


# --- what a medical lead decides ---------------------------------------------------------------------------------------
@transaction.atomic
def write(*, wanted: Wanted, language: str, text: str, by: Doer) -> CatalogueText:
    """The clinic's own wording: a new row that waits for approval. What patients read now stays until then."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    words = " ".join(text.split())
    _check_fits(wanted.english, words)
    same = CatalogueText.objects.filter(code=wanted.code, field=wanted.field, language=language)
    _lock(same)
    newest = same.order_by("-number").first()
    if newest is not None and newest.text == words and newest.english_digest == digest_of(wanted.english):
        raise Refused(_("This is what the newest version says already."), field="text")
    row = _row(wanted, language, words, number=newest.number + 1 if newest else 1, by=by)
    row.save(force_insert=True)
    audit.record(by=by, action="catalogue-text-written", sentence=f"wrote {row}", of=row,
                 detail={"english": row.english, "before": newest.text if newest else "", "after": words})  # fmt: skip
    return row


def _check_fits(english: str, words: str) -> None:
    if not words:
        raise Refused(_("Write the text."), field="text")
    if not fits(english, words):
        raise Refused(_("Keep what stands in braces, such as {item}, exactly as in English."), field="text")


@transaction.atomic
def approve(*, text: CatalogueText, seen_version: int, by: Doer) -> CatalogueText:
    """From now on patients read this row; the one they read before retires."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = _held(text, seen_version)
    if held.state != S.WAITING:
        raise Refused(_("This text does not wait for approval any more."))
    _approve(CatalogueText.objects.filter(pk=held.pk), by)
    held.refresh_from_db()
    audit.record(by=by, action="catalogue-text-approved", sentence=f"approved {held}", of=held,
                 detail={"english": held.english, "text": held.text})  # fmt: skip
    return held


@transaction.atomic
def approve_language(*, language: str, seen_waiting: int, by: Doer) -> int:
    """Approve every text of a language that waits. `seen_waiting` is how many were shown: not one more is approved."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    waiting = CatalogueText.objects.filter(language=language, state=S.WAITING)
    _lock(waiting)
    newest = newest_waiting(language)
    if not newest:
        raise Refused(_("Nothing in this language waits for approval."))
    if len(newest) != seen_waiting:
        raise Stale(_("Another text has come in since you opened this page. Look at the texts again."))
    version = CatalogueVersion.objects.in_force().first()
    _approve(CatalogueText.objects.filter(pk__in=newest), by)
    audit.record(by=by, action="catalogue-language-approved", sentence=f"approved {len(newest)} texts in {NAMES[language]}",
                 of=version or CatalogueVersion(), detail={"language": language, "texts": len(newest)})  # fmt: skip
    return len(newest)


def newest_waiting(language: str) -> list[int]:
    """Of each sentence the newest waiting row, by key."""
    rows = CatalogueText.objects.filter(language=language, state=S.WAITING).order_by("number")
    found = {(code, field): pk for pk, code, field in rows.values_list("pk", "code", "field")}
    return list(found.values())


def _approve(chosen: object, by: Doer) -> None:
    """Retire what stood for the same sentences, then let the chosen rows count."""
    rows = list(chosen.values_list("pk", "code", "field", "language", "english_digest", "number"))  # type: ignore[attr-defined]
    keys = {tuple(row[1:5]): row[5] for row in rows}
    language = rows[0][3]
    others = CatalogueText.objects.filter(Q(state=S.APPROVED) | Q(state=S.WAITING), language=language)
    others = others.exclude(pk__in=[row[0] for row in rows])
    before = [
        pk
        for pk, state, number, *key in others.values_list(
            "pk", "state", "number", "code", "field", "language", "english_digest")
        if tuple(key) in keys and (state == S.APPROVED or number < keys[tuple(key)])
    ]  # fmt: skip
    CatalogueText.objects.filter(pk__in=before).update(state=S.RETIRED, version=F("version") + 1)
    chosen.update(  # type: ignore[attr-defined]
        state=S.APPROVED, approved_by=by.user, approved_at=timezone.now(), version=F("version") + 1
    )
    _count_anew()


@transaction.atomic
def withdraw(*, text: CatalogueText, seen_version: int, reason: str, by: Doer) -> CatalogueText:
    """This wording no longer counts; patients read English until another one is approved."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = _held(text, seen_version)
    if held.state == S.RETIRED:
        raise Refused(_("This text is withdrawn already."))
    held.state = S.RETIRED
    if not held.save_if_unchanged(seen=seen_version, fields=["state"]):
        raise Stale(_("Somebody else changed this text meanwhile."))
    _count_anew()
    audit.record(by=by, action="catalogue-text-withdrawn", sentence=f"withdrew {held}", of=held, detail={"reason": reason})
    return held


def _held(text: CatalogueText, seen_version: int) -> CatalogueText:
    held = CatalogueText.objects.select_for_update().get(pk=text.pk)
    if held.version != seen_version:
        raise Stale(
            _("Somebody else changed this text meanwhile."), theirs=[(_("State"), str(held.get_state_display()))]
        )
    return held


def _lock(rows: object) -> None:
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))  # type: ignore[attr-defined]


def _count_anew() -> None:
    """Every process builds its catalogue anew when it next reads a version."""
    CatalogueVersion.objects.update(texts_revision=new_public_id())

