"""Papers: ask for one, have it made, hand out its bytes. An issued paper is frozen; a newer one supersedes it.

1. `issue_...` freezes what the paper will say, in the caller's transaction, and puts the document in the queue.
2. `finish` asks the renderer for the bytes, outside any transaction, and stores them with their SHA-256.
3. `bytes_of` hands out what was stored, for ever the same.
"""
from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit, rendering, sealing
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site
from clinic.permissions import check_doer
from clinic.rendering import NotRenderable, Rendered
from patients.models import Patient
from protocols import catalogue as catalogues
from sessions import papers
from sessions.choices import SEALED_PAPERS, DocumentKind, DocumentState
from sessions.consent_text import blank_consent_content, consent_content
from sessions.explanation_words import EXPLANATION, EXPLANATION_VERSION
from sessions.explanations import check_stands, explanation_of, subject_of
from sessions.language_note import language_note
from sessions.models import Consent, Course, Document, TreatmentSession
from sessions.paper_words import (
    AFTERCARE,
    AFTERCARE_VERSION,
    CONSENT,
    CONSENT_VERSION,
    SHARED,
    printable_language,
    word,
)
from sessions.sheet import sheet_content
from sessions.sheet_facts import sheet_facts

CODE_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that reads like something else
REPLACED = "replaced"
DENSITIES: dict[str, tuple[str, ...]] = {
    DocumentKind.AFTERCARE: ("", "snug", "tight"), DocumentKind.WORKSHEET: ("", "snug", "tight"),
}  # fmt: skip


# --------------------------------------------------------------------------------------------------------- the request
@transaction.atomic
def issue_aftercare(*, treatment_session: TreatmentSession, by: Doer, language: str | None = None) -> Document:
    """Freeze the aftercare sheet of an ended treatment and queue it.

    The same sheet asked for twice is one document. A sheet that says something else supersedes those in its language;
    one with another end time supersedes them all."""
    record = (
        TreatmentSession.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "course", "appointment__site", "planned_session", "practitioner", "catalogue")
        .get(pk=treatment_session.pk)
    )
    if record.ended_at is None:
        raise Refused(_("The treatment has not ended yet; the times of the sheet count from its end."))
    spoken = printable_language(language or record.patient.language)
    rules = catalogues.load(record.catalogue)
    content = sheet_content(sheet_facts(record, catalogue=rules, language=spoken), catalogue=rules, language=spoken)
    earlier = Document.objects.filter(
        kind=DocumentKind.AFTERCARE, appointment=record.appointment, superseded_by=None
    ).exclude(state=DocumentState.FAILED)
    ended_at = record.ended_at.isoformat()
    return queue(
        Document(
            kind=DocumentKind.AFTERCARE, patient=record.patient, site=record.appointment.site,
            appointment=record.appointment, course=record.course, language=spoken, template_version=AFTERCARE_VERSION,
        ),
        content=content,
        template="aftercare",
        name=word(AFTERCARE["document"], spoken),
        head=papers.Head.of(record.appointment.site, record.practitioner),
        ids={
            "treatment_session": record.public_id, "course": record.course.public_id, "ended_at": ended_at,
            "catalogue": record.catalogue.number,
        },
        replaces=[
            one for one in earlier.defer("pdf") if one.language == spoken or one.source["ids"]["ended_at"] != ended_at
        ],
        by=by,
    )  # fmt: skip


@transaction.atomic
def issue_consent(*, course: Course, by: Doer, language: str | None = None, blank: bool = False) -> Document:
    """Freeze the consent form of a course as it is planned now; `blank` asks for the one to be filled in by hand."""
    if blank:
        return issue_blank_consent(site=course.site, by=by, language=language or course.patient.language)
    course = (
        Course.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "site", "practitioner", "catalogue")
        .get(pk=course.pk)
    )
    if course.status not in {"approved", "completed"}:
        raise Refused(_("The plan is not approved yet, so there is nothing to consent to."))
    spoken = printable_language(language or course.patient.language)
    rules = catalogues.load(course.catalogue)
    earlier = Document.objects.filter(kind=DocumentKind.CONSENT, course=course, superseded_by=None).exclude(
        state=DocumentState.FAILED
    )
    return queue(
        Document(
            kind=DocumentKind.CONSENT, patient=course.patient, site=course.site, course=course, language=spoken,
            template_version=CONSENT_VERSION,
        ),
        content=consent_content(course, catalogue=rules, language=spoken, version=catalogues.current()),
        template="consent",
        name=word(CONSENT["document"], spoken),
        head=papers.Head.of(course.site, course.practitioner),
        ids={"course": course.public_id, "plan_version": course.plan_version, "catalogue": course.catalogue.number},
        replaces=[
            one for one in earlier.defer("pdf")
            if one.language == spoken or one.source["ids"]["plan_version"] != course.plan_version
        ],
        by=by,
    )  # fmt: skip


@transaction.atomic
def issue_blank_consent(*, site: Site, by: Doer, language: str) -> Document:
    """The form for days when the computer is down: no patient, every paragraph, room to write."""
    spoken = printable_language(language)
    version = catalogues.current()
    return queue(
        Document(kind=DocumentKind.BLANK_CONSENT, site=site, language=spoken, template_version=CONSENT_VERSION),
        content=blank_consent_content(site, catalogue=catalogues.load(version), language=spoken),
        template="consent",
        name=word(CONSENT["document_blank"], spoken),
        head=papers.Head.of(site, None),
        ids={"catalogue": version.number},
        replaces=list(
            Document.objects.filter(
                kind=DocumentKind.BLANK_CONSENT, site=site, language=spoken, superseded_by=None
            ).exclude(state=DocumentState.FAILED).defer("pdf")
        ),
        by=by,
    )  # fmt: skip


@transaction.atomic
def issue_explanation(
    *, patient: Patient, course: Course | None, code: str, by: Doer, language: str | None = None
) -> Document:
    """Freeze what is said to the patient about one finding as it stands today.

    Raises `Refused` when the finding does not stand any more. A newer explanation of the same finding supersedes those
    in its language; the answers behind it are clinical, so only clinical roles may ask for it."""
    site = course.site if course else patient.registered_at
    check_doer(by, Permission.SEE_CLINICAL, site)
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    subject = check_stands(subject_of(patient=patient, course=course, code=code))
    spoken = printable_language(language or patient.language)
    earlier = Document.objects.filter(
        kind=DocumentKind.EXPLANATION, patient=patient, course=course, language=spoken, superseded_by=None,
        source__ids__finding=code,
    ).exclude(state=DocumentState.FAILED)  # fmt: skip
    return queue(
        Document(
            kind=DocumentKind.EXPLANATION, patient=patient, site=site, course=course, language=spoken,
            template_version=EXPLANATION_VERSION,
        ),
        content=explanation_of(subject, language=spoken),
        template="explanation",
        name=word(EXPLANATION["document"], spoken),
        head=papers.Head.of(site, course.practitioner if course else None),
        ids={"finding": code, "course": course.public_id if course else "", "catalogue": subject.version.number},
        replaces=list(earlier.defer("pdf")),
        by=by,
    )  # fmt: skip


def queue(
    document: Document, *, content: Any, template: str, name: str, head: papers.Head, ids: dict[str, Any],
    replaces: Sequence[Document], by: Doer,
) -> Document:  # fmt: skip
    """Store the frozen source, supersede what it replaces, write the audit row. An identical paper is handed back."""
    says = papers.readable(content if isinstance(content, dict) else asdict(content))
    issuer = papers.readable(asdict(head))
    digest = papers.digest_of([says, issuer, document.template_version])
    for one in replaces:
        if one.source["content_sha256"] == digest:
            return one
    now = timezone.now()
    code = new_code()
    document.state = DocumentState.QUEUED
    document.verification_code = code
    document.requested_by = by.user
    document.requested_at = now
    document.source = {
        "template": template,
        "title": f"{name} {code}",
        "paper": papers.PAPER[document.site.page_size],
        "head": issuer,
        "foot": papers.readable(asdict(_foot(document, name=name, digest=digest, who=by.label, now=now))),
        "content": says,
        "note": language_note(document.language),
        "content_sha256": digest,
        "ids": ids,
    }
    document.save(force_insert=True)
    supersede(replaces, by_document=document)
    audit.record(
        by=by, action="document-requested", sentence=f"asked for {document.kind} {code}", of=document,
        patient=document.patient, site=document.site,
        detail={"kind": document.kind, "language": document.language, "template": document.template_version,
                "replaces": [one.verification_code for one in replaces], **ids},
    )  # fmt: skip
    return document


def _foot(document: Document, *, name: str, digest: str, who: str, now: dt.datetime) -> papers.Foot:
    language = document.language
    for_whom = ""
    if document.patient is not None:
        for_whom = " · " + word(SHARED["for_record"], language).format(record=document.patient.record_number)
    when = papers.day_and_time(now, document.site.zone, language, year=True)
    printed = word(SHARED["printed"], language).format(who=who, when=when)
    content = word(SHARED["content"], language).format(digest=papers.short_digest(digest))
    code = document.verification_code
    address = papers.verification_address(code)
    return papers.Foot(
        label=f"{name}, {document.template_version}, {word(SHARED['language_name'], language)}{for_whom}",
        printed=f"{printed} · {content}",
        verify=word(SHARED["verify"], language).format(address=papers.verification_address("").rstrip("/")),
        code=code,
        address=address,
    )


def new_code() -> str:
    """40 random bits as `7KQ4-M2XP`; the unique column has the last word."""
    while True:
        signs = "".join(secrets.choice(CODE_SIGNS) for _ in range(8))
        code = f"{signs[:4]}-{signs[4:]}"
        if not Document.objects.filter(verification_code=code).exists():
            return code


def supersede(older: Sequence[Document], *, by_document: Document) -> None:
    """Issued papers become superseded; queued ones will not be made any more."""
    rows = Document.objects.filter(pk__in=[one.pk for one in older], superseded_by=None)
    rows.filter(state=DocumentState.ISSUED).update(state=DocumentState.SUPERSEDED, superseded_by=by_document)
    rows.filter(state=DocumentState.QUEUED).update(
        state=DocumentState.FAILED, failure=REPLACED, superseded_by=by_document
    )


# ---------------------------------------------------------------------------------------------------------- the making
def finish(*, document: Document, wait_seconds: float | None = None) -> Document:
    """Have a queued document made and store it. Anybody may call it, any number of times; one of them issues it.

    Raises `rendering.StillWorking` or `rendering.RendererAway`; the document then stays in the queue. A page that can
    never be made becomes a failed document with its reason."""
    if document.state != DocumentState.QUEUED:
        return document
    wait = settings.RENDER_WAIT_SECONDS if wait_seconds is None else wait_seconds
    try:
        rendered = _rendered(document, wait)
        sealed = sealing.seal(rendered.pdf) if document.kind in SEALED_PAPERS else sealing.Sealed(rendered.pdf, "")
    except NotRenderable as problem:
        return _failed(document, problem.code)
    except sealing.CannotSeal:
        return _failed(document, "seal")
    with transaction.atomic():
        issued = Document.objects.filter(pk=document.pk, state=DocumentState.QUEUED, superseded_by=None).update(
            state=DocumentState.ISSUED, pdf=sealed.content, sha256=hashlib.sha256(sealed.content).hexdigest(),
            sealed_by=sealed.certificate_sha256, pages=rendered.pages, issued_at=timezone.now(), failure="",
        )  # fmt: skip
        document = Document.objects.select_related("site", "patient", "requested_by").get(pk=document.pk)
        if issued:
            _record_issue(document)
    return document


def _failed(document: Document, failure: str) -> Document:
    rows = Document.objects.filter(pk=document.pk, state=DocumentState.QUEUED)
    rows.update(state=DocumentState.FAILED, failure=failure)
    return Document.objects.get(pk=document.pk)


def _rendered(document: Document, wait_seconds: float) -> Rendered:
    """The bytes; for a sheet the roomiest layout that fits one page, or the roomiest of all if none does."""
    deadline = time.monotonic() + wait_seconds
    roomiest: Rendered | None = None
    for density in DENSITIES.get(document.kind, ("",)):
        html = papers.html_of(document.source, language=document.language, density=density)
        rendered = rendering.render(html, wait_seconds=max(0.0, deadline - time.monotonic()))
        if rendered.pages == 1:
            return rendered
        roomiest = roomiest or rendered
    if roomiest is None:
        raise ValueError("a document has at least one layout")
    return roomiest


def _record_issue(document: Document) -> None:
    """The issue is a deed of whoever asked for the paper."""
    asked_by = document.requested_by
    by = Doer.staff(asked_by, document.site) if asked_by else Doer(kind="system", label="Mesoclinic")
    audit.record(
        by=by, action="document-issued", sentence=f"issued {document.kind} {document.verification_code}", of=document,
        patient=document.patient, site=document.site,
        detail={"sha256": document.sha256, "pages": document.pages, "language": document.language},
    )  # fmt: skip


@transaction.atomic
def retry(*, document: Document, by: Doer) -> Document:
    """Put a failed document back in the queue."""
    changed = (
        Document.objects.filter(pk=document.pk, state=DocumentState.FAILED, superseded_by=None)
        .update(state=DocumentState.QUEUED, failure="")
    )  # fmt: skip
    if not changed:
        raise Refused(_("This document does not wait for another attempt."))
    document.refresh_from_db(fields=["state", "failure"])
    audit.record(by=by, action="document-retried", sentence=f"tried {document.verification_code} again", of=document,
                 patient=document.patient, site=document.site)  # fmt: skip
    return document


# ----------------------------------------------------------------------------------------------------------- the bytes
def bytes_of(document: Document) -> bytes:
    """The stored bytes, checked against their SHA-256. Raises `Refused` when there are none or they differ."""
    if document.pdf is None:
        raise Refused(_("The document has not been made yet."))
    content = bytes(document.pdf)
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise Refused(_("The stored document does not match its checksum; it is not handed out. Tell your technician."))
    return content


def is_withdrawn(document: Document) -> bool:
    return document.pk in withdrawn_among([document])


def withdrawn_among(documents: Collection[Document]) -> set[int]:
    """Those (primary keys) that are the paper of a consent its patient has withdrawn, or the sheet of an end that was
    taken back: two queries for any number. Says nothing about what they were for."""
    treated = {one.pk: one.source["ids"]["treatment_session"] for one in documents if one.kind == DocumentKind.AFTERCARE}
    signed = {
        one.pk: one.source["ids"].get("consent") for one in documents if one.kind == DocumentKind.SIGNED_CONSENT
    }  # fmt: skip
    taken_back = set(
        TreatmentSession.objects.filter(public_id__in=set(treated.values()), ended_at=None).values_list("public_id", flat=True)
    )
    others = [one.pk for one in documents if one.pk not in treated]
    consents = Consent.objects.filter(withdrawn_at__isnull=False).filter(
        Q(text__in=others) | Q(signed_document__in=others) | Q(public_id__in=set(signed.values()) - {None})
    )  # fmt: skip
    named = {name for row in consents.values_list("text", "signed_document", "public_id") for name in row if name is not None}
    return {
        one.pk for one in documents
        if treated.get(one.pk) in taken_back or (one.pk not in treated and named & {one.pk, signed.get(one.pk)})
    }  # fmt: skip


def by_code(typed: str) -> Document | None:
    """The issued document behind a code as people type it: any case, with or without the hyphen, O for 0."""
    signs = "".join(sign for sign in typed.upper() if sign.isalnum()).translate(str.maketrans("OIL", "011"))
    if len(signs) != 8 or not set(signs) <= set(CODE_SIGNS):
        return None
    return (
        Document.objects.filter(
            verification_code=f"{signs[:4]}-{signs[4:]}", state__in=[DocumentState.ISSUED, DocumentState.SUPERSEDED]
        )
        .defer("pdf")
        .select_related("site")
        .first()
    )
