"""The two papers of a consent: the text that is given, and the same text with answers and signatures, sealed."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.doer import Doer
from protocols import catalogue as catalogues
from sessions import documents, papers
from sessions.choices import DocumentKind, DocumentState
from sessions.consent_text import ConsentContent
from sessions.models import Consent, ConsentSignature, Course, Document
from sessions.models.consent import SignatureRole
from sessions.paper_words import CONSENT, word

issue_text = documents.issue_consent
ROLE_WORDS = {SignatureRole.PATIENT: "sign_patient", SignatureRole.CLINICIAN: "sign_clinician"}


def issue_signed(*, consent: Consent, by: Doer) -> Document:
    """Freeze the text as given with what was answered and every signature so far. Call it inside the verb that signed."""
    text, course = consent.given_text, consent.course
    return documents.queue(
        Document(
            kind=DocumentKind.SIGNED_CONSENT, patient=consent.patient, site=text.site, course=course,
            language=text.language, template_version=text.template_version,
        ),
        content=signed_content(consent, text.source["content"]),
        template="consent",
        name=word(CONSENT["document_signed"], text.language),
        head=papers.Head.of(text.site, course.practitioner),
        ids={"consent": consent.public_id, "text": text.public_id, "text_sha256": consent.text_sha256,
             "plan_version": consent.plan_version},
        replaces=list(
            Document.objects.filter(
                kind=DocumentKind.SIGNED_CONSENT, course=course, superseded_by=None
            ).exclude(state=DocumentState.FAILED).defer("pdf")
        ),
        by=by,
    )  # fmt: skip


def signed_content(consent: Consent, given: dict[str, Any]) -> dict[str, Any]:
    """The given text, word for word, with the blanks a signature fills."""
    content = copy.deepcopy(given)
    language, zone = consent.language, consent.course.site.zone
    content["received"] = papers.day_and_time(consent.informed_at, zone, language, year=True)
    for entry in content["entries"]:
        for choice in entry["choices"]:
            choice["answer"] = consent.answers.get(choice["code"], "")
        for paragraph in entry["paragraphs"]:
            if paragraph["code"]:
                said = consent.answers.get(paragraph["code"], "")
                paragraph |= {"writes": 0, "text": said or word(CONSENT["none"], language)}
    signatures = consent.signatures.order_by("signed_at", "id")
    content["signatures"] = [signature_line(one, language=language, zone=zone) for one in signatures]
    return content


def signature_line(signature: ConsentSignature, *, language: str, zone: Any) -> dict[str, str]:
    picture = ""
    if signature.picture is not None:
        picture = f"data:image/png;base64,{base64.b64encode(bytes(signature.picture)).decode()}"
    return {
        "role": word(CONSENT[ROLE_WORDS[SignatureRole(signature.role)]], language),
        "name": signature.name,
        "when": papers.day_and_time(signature.signed_at, zone, language, year=True),
        "meaning": signature.meaning,
        "method": word(CONSENT[f"method_{signature.method}"], language),
        "picture": picture,
    }


def plain(content: ConsentContent) -> dict[str, Any]:
    """The content as it would be frozen."""
    says: dict[str, Any] = papers.readable(asdict(content))
    return says


def blank_sentence(blanks: Sequence[str], course: Course) -> str:
    """What somebody of the clinic has to enter before this text can be signed on a screen."""
    rules, language = catalogues.load(course.catalogue), get_language() or "en"
    known = {
        "price": _("the price per session (on the course)"),
        "licence": _("the licence number of %(name)s (under Staff)") % {"name": course.practitioner.name},
        "insurer": _("the insurer (under Sites)"),
    }
    missing = []
    for blank in blanks:
        kind, _colon, code = blank.partition(":")
        if kind == "maker":
            name = rules.substances[code].name_in(language) if code in rules.substances else code
            missing.append(_("the maker of %(product)s (no lot in stock)") % {"product": name})
        else:
            missing.append(known[kind])
    return _("Still missing for a signature on a screen: %(parts)s. Or print the form and sign it on paper.") % {
        "parts": "; ".join(missing)
    }
