"""Catalogue versions in the database: publish the reference, name the one in force, rebuild its frozen values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast

from django.db import transaction
from django.db.models import Max, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic import audit
from clinic.audit import canonical
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused
from clinic.once import once
from clinic.prepared import Prepared
from clinic.quick_rows import whole
from patients.models import QuestionnaireVersion
from patients.questionnaire import Question
from protocols.definitions import Catalogue
from protocols.loading import catalogue_from_entries, entries_of_reference
from protocols.models import CatalogueEntry, CatalogueVersion
from protocols.models.catalogue import VersionState
from protocols.rules import parse_question
from protocols.text_rows import approved, with_texts

VERSION = whole(CatalogueVersion)
IN_FORCE = Prepared(lambda: CatalogueVersion.objects.in_force().values_list(*VERSION.read)[:1])  # asked by every page
REFERENCE_LABEL = gettext_noop("Reference catalogue")


def current() -> CatalogueVersion:
    """The published version. Raises `Refused` while there is none: nothing can be decided without rules."""
    version = once("catalogue in force", lambda: next(iter(VERSION.rows(IN_FORCE())), None))
    if version is None:
        raise Refused(_("There is no published catalogue. Run `manage.py load_catalogue` first."))
    return version


def load(version: CatalogueVersion) -> Catalogue:
    """The frozen catalogue of a version. Kept per process, because entries of a published version never change."""
    if version.state in {VersionState.PUBLISHED, VersionState.RETIRED}:
        return _frozen(version.pk, version.digest, version.texts_revision)
    return _build(version.pk)


def in_force() -> Catalogue:
    return load(current())


@lru_cache(maxsize=8)
def _frozen(version_id: int, digest: str, texts_revision: str) -> Catalogue:
    return _build(version_id)


def _build(version_id: int) -> Catalogue:
    """The entries of a version with the approved texts of the other languages beside their own."""
    stored = CatalogueEntry.objects.filter(version_id=version_id).order_by("position")
    rows, lacking = with_texts(((row.kind, row.code, row.body) for row in stored), approved())
    built = catalogue_from_entries(rows, version=str(CatalogueVersion.objects.get(pk=version_id)))
    return replace(built, lacking=MappingProxyType(lacking))


def rows_of(version: CatalogueVersion) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, code and body of every entry, in order: what is validated, digested and compared."""
    return [(row.kind, row.code, row.body) for row in version.entries.order_by("position")]


def digest_of(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    """The same for the same entries in the same order, so that an edit shows in it."""
    return hashlib.sha256(canonical([list(row) for row in rows])).hexdigest()


def next_number() -> int:
    return int(CatalogueVersion.objects.aggregate(most=Max("number"))["most"] or 0) + 1


def questions_of(questionnaire: QuestionnaireVersion) -> Mapping[str, Question]:
    """The questions of a questionnaire version by code, in the order in which they are asked. The one asked now
    (`current_questionnaire`) speaks every language that is approved."""
    return _questions(questionnaire.pk, questionnaire.digest, getattr(questionnaire, "texts_revision", None))


@lru_cache(maxsize=8)
def _questions(questionnaire_id: int, digest: str, texts_revision: str | None) -> Mapping[str, Question]:
    bodies: Any = QuestionnaireVersion.objects.values_list("questions", flat=True).get(pk=questionnaire_id)
    if texts_revision is not None:
        rows, _lacking = with_texts((("question", body["code"], body) for body in bodies), approved())
        bodies = [body for _kind, _code, body in rows]
    return {question.code: question for question in map(parse_question, bodies)}


def current_questionnaire() -> QuestionnaireVersion:
    revision = CatalogueVersion.objects.in_force().values("texts_revision")[:1]
    questionnaire = QuestionnaireVersion.objects.annotate(texts_revision=Subquery(revision)).first()
    if questionnaire is None:
        raise Refused(_("There is no published questionnaire. Run `manage.py load_catalogue` first."))
    return questionnaire


@transaction.atomic
def ensure_reference_catalogue(*, by: Doer = SYSTEM) -> CatalogueVersion:
    """Publish the reference if it is newer than what is in force and no medical lead has approved that one yet.

    An approved catalogue is never replaced by itself: the newer reference then waits as a draft.
    """
    entries = entries_of_reference()
    digest = digest_of((entry.kind, entry.code, entry.body) for entry in entries)
    published = CatalogueVersion.objects.in_force().select_for_update().first()
    known = CatalogueVersion.objects.filter(digest=digest).first()
    if known is not None:
        return published or known
    version = CatalogueVersion.objects.create(number=next_number(), label=REFERENCE_LABEL, digest=digest)
    CatalogueEntry.objects.bulk_create(
        [
            CatalogueEntry(
                version=version,
                kind=entry.kind,
                code=entry.code,
                position=entry.position,
                body=cast("Any", entry.body),
                source=entry.source,
                mark=entry.mark,
            )
            for entry in entries
        ]
    )
    if published is None or published.approved_at is None:
        put_in_force(version=version, by=by)
    return version


@transaction.atomic
def put_in_force(*, version: CatalogueVersion, by: Doer) -> CatalogueVersion:
    """The former version retires, this one's questions become the questionnaire that is asked. Whether it may be
    published is judged by `protocols.versions.publish`; the shipped reference is the system's own deed."""
    _build(version.pk)  # raises CatalogueError: a faulty version leaves the published one untouched
    now = timezone.now()
    CatalogueVersion.objects.in_force().update(state=VersionState.RETIRED, retired_at=now)
    # What was looked at elsewhere was looked at against the version that has just retired.
    CatalogueVersion.objects.exclude(pk=version.pk).exclude(impact_seen_digest="").update(
        impact_seen_digest="", impact_seen_at=None, impact_seen_by=None
    )
    bodies: Any = list(version.entries.filter(kind="question").order_by("position").values_list("body", flat=True))
    digest = hashlib.sha256(canonical(bodies)).hexdigest()
    asked = QuestionnaireVersion.objects.first()  # the newest: what is asked now
    if asked is None or asked.digest != digest:
        number = asked.number + 1 if asked else 1
        QuestionnaireVersion.objects.create(number=number, questions=bodies, digest=digest, published_at=now)
    version.state = VersionState.PUBLISHED
    version.published_at = now
    version.save(update_fields=["state", "published_at"])
    audit.record(by=by, action="catalogue-published", sentence=f"published {version}", of=version)
    return version
