"""Consent on a screen: the text is frozen and given, the patient answers and signs, the clinician countersigns.

What is signed is the document that was given, word for word; who signs comes from the link or the session, never from a
form. Each signature is followed by a new sealed paper that holds everything signed so far and supersedes the one before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import User
from clinic.permissions import check_may
from patients import links
from patients.labels import LinkPurpose
from sessions import consent_papers
from sessions.choices import CourseStatus
from sessions.models import Appointment, Consent, ConsentSignature, Course
from sessions.models.consent import ConsentMethod, SignatureMethod, SignatureRole
from sessions.paper_words import CONSENT, word
from sessions.planned import replan

ADULT_YEARS = 18
PHOTOS = {
    "consent-photos-record": "photos_record", "consent-photos-teaching": "photos_teaching",
    "consent-photos-publicity": "photos_publicity",
}  # fmt: skip
QUESTIONS = "consent-questions"
LEAST_POINTS, LEAST_LENGTH = 8, 40.0  # of a drawn signature: points, and pixels of line in all
MOST_STROKES, MOST_POINTS = 200, 20_000
LONGEST_FREE_TEXT = 300

Strokes = Sequence[Sequence[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Given:
    """What a patient hands in: the name, the drawing if there is one (strokes, and a PNG drawn anew), every choice by its
    code, and their own words. `text_sha256` is that of the text the page showed."""

    name: str
    answers: Mapping[str, str]
    text_sha256: str
    strokes: Strokes = ()
    picture: bytes | None = None
    questions: str = ""
    interpreter: str = ""


# --------------------------------------------------------------------------------------------------------------- giving
@transaction.atomic
def give(*, course: Course, language: str, by: Doer) -> Consent:
    """Freeze the text and give it to be read and signed on a screen. The same text given twice is one consent.

    Raises `Refused` while a part would have to be written in by hand, and for patients under 18."""
    user = _staff(by, course, Permission.CHANGE_PERSON)
    held = Course.objects.select_for_update(no_key=True, of=("self",)).select_related("site", "patient").get(pk=course.pk)
    _check_of_age(held)
    text = consent_papers.issue_text(course=held, by=by, language=language)
    blanks = text.source["content"]["blanks"]
    if blanks:
        raise Refused(consent_papers.blank_sentence(blanks, held), code="blanks")
    same = held.consents.filter(text=text, signed_at=None, withdrawn_at=None, plan_version=held.plan_version).first()
    if same is not None:
        return same
    consent = Consent.objects.create(
        patient_id=held.patient_id, course=held, plan_version=held.plan_version, language=text.language, text=text,
        document_public_id=text.public_id, informed_at=timezone.now(), informed_by=user,
    )  # fmt: skip
    audit.record(
        by=by, action="consent-text-given", sentence="gave the consent text to be signed on a screen", of=consent,
        patient=held.patient, site=held.site, detail={"text": text.verification_code, "language": text.language},
    )  # fmt: skip
    replan(held)
    return consent


@transaction.atomic
def opened(*, consent: Consent, by: Doer) -> None:
    """The patient has the text before their eyes. Stamped once."""
    changed = Consent.objects.filter(pk=consent.pk, opened_at=None, signed_at=None).update(opened_at=timezone.now())
    if changed:
        audit.record(by=by, action="consent-text-read", sentence="opened the consent text", of=consent,
                     patient=consent.patient, site=consent.course.site)  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- signing
def why_not(consent: Consent) -> str:
    """Why this consent cannot be signed any more, in words for the patient; empty while it can."""
    if consent.withdrawn_at is not None:
        return _("This consent was withdrawn. If you wish to be treated after all, the clinic gives you a new text.")
    if consent.signed_at is not None:
        return _("You have signed this consent already.")
    if consent.text is None or consent.text.superseded_by_id is not None:
        return _("This text was replaced by a newer one. The clinic gives you the new text.")
    course = consent.course
    if course.plan_version != consent.plan_version or course.status != CourseStatus.APPROVED:
        return _("Your plan has changed since this text was given. The clinic gives you the new text.")
    return ""


@transaction.atomic
def sign(*, consent: Consent, given: Given, address: str, by: Doer) -> Consent:
    """The patient signs. Raises `Stale` when the text is no longer the one to sign, `Refused` beside the part that is
    missing; nothing is kept then."""
    if by.kind != "patient":
        raise Refused(_("Only the patient signs here."))
    Course.objects.select_for_update(no_key=True, of=("self",)).get(pk=consent.course_id)
    held = (
        Consent.objects.select_for_update(no_key=True, of=("self",))
        .select_related("course__site", "course__practitioner", "patient", "text").defer("text__pdf").get(pk=consent.pk)
    )  # fmt: skip
    if by.public_id != held.patient.public_id:
        raise Refused(_("This consent belongs to somebody else."))
    if problem := why_not(held):
        raise Stale(problem)
    source = held.given_text.source
    if given.text_sha256 != source["content_sha256"]:
        raise Stale(_("The page showed another text. Please read the text once more."))
    _check_of_age(held.course)
    answers = checked_answers(given.answers, source["content"])
    name = given.name.strip()
    if not name:
        raise Refused(_("Type your name to sign."), field="signed_name")
    drawn = given.picture is not None
    signature = ConsentSignature.objects.create(
        consent=held, patient=held.patient, role=SignatureRole.PATIENT, name=name[:160],
        meaning=word(CONSENT["meaning_patient"], held.language),
        method=SignatureMethod.DRAWN if drawn else SignatureMethod.TYPED, signed_at=timezone.now(),
        address=address or None, strokes=checked_strokes(given.strokes) if drawn else [], picture=given.picture,
        text_sha256=given.text_sha256,
    )  # fmt: skip
    held.signed_at, held.patient_signature = signature.signed_at, signature
    held.method = ConsentMethod.DRAWN if drawn else ConsentMethod.TYPED
    held.text_sha256 = given.text_sha256
    held.answers = answers | {
        "questions": given.questions.strip()[:LONGEST_FREE_TEXT],
        "interpreter": given.interpreter.strip()[:LONGEST_FREE_TEXT],
    }
    for code, field in PHOTOS.items():
        setattr(held, field, answers.get(code) == "yes")
    held.save_if_unchanged(
        seen=held.version,
        fields=["signed_at", "patient_signature", "method", "text_sha256", "answers", *PHOTOS.values()],
    )
    _keep_paper(held, by)
    links.spend(patient=held.patient, purpose=LinkPurpose.CONSENT, subject_public_id=held.public_id)
    audit.record(
        by=by, action="consent-signed", sentence="signed the consent", of=held, patient=held.patient,
        site=held.course.site, detail={"method": held.method, "text": held.text_sha256, "answers": answers},
    )  # fmt: skip
    return held


def checked_answers(given: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, str]:
    """Yes or no to each choice of the text and to "my questions were answered"; nothing else is taken."""
    asked = [choice["code"] for entry in content["entries"] for choice in entry["choices"]]
    answers = {}
    for code in asked:
        if given.get(code) not in {"yes", "no"}:
            raise Refused(_("Choose yes or no."), field=code)
        answers[code] = given[code]
    if given.get(QUESTIONS) != "yes":
        raise Refused(_("Ask us first: nobody signs with an open question."), field=QUESTIONS)
    return answers | {QUESTIONS: "yes"}


def checked_strokes(strokes: Any) -> list[list[list[float]]]:
    """What the pen did as [x, y, time] per point. Raises `Refused` when it is no signature: too short, or no numbers."""
    unreadable = Refused(_("The drawing could not be read. Clear it and sign again."), field="strokes")
    if not isinstance(strokes, list | tuple) or len(strokes) > MOST_STROKES:
        raise unreadable
    kept: list[list[list[float]]] = []
    for stroke in strokes:
        if not isinstance(stroke, list | tuple):
            raise unreadable
        line = []
        for point in stroke:
            if not isinstance(point, list | tuple) or len(point) != 3:
                raise unreadable
            if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in point):
                raise unreadable
            line.append([round(float(one), 1) for one in point])
        kept.append(line)
    points = sum(len(line) for line in kept)
    length = sum(math.dist(a[:2], b[:2]) for line in kept for a, b in pairwise(line))
    if points > MOST_POINTS:
        raise unreadable
    if points < LEAST_POINTS or length < LEAST_LENGTH:
        raise Refused(_("Sign in the box, or type your name instead."), field="strokes")
    return kept


# --------------------------------------------------------------------------------------------------------- countersigning
def check_countersigner(consent: Consent, user: User) -> None:
    """Who treats this course signs: its clinician, or whoever has a visit of it."""
    check_may(user, Permission.TREAT, consent.course.site)
    treats = consent.course.practitioner_id == user.pk
    if not treats and not Appointment.objects.filter(course=consent.course_id, practitioner=user).exists():
        raise Refused(_("%(name)s treats this course and signs.") % {"name": consent.course.practitioner.name})


@transaction.atomic
def countersign(*, consent: Consent, password: str, seen_version: int, by: Doer) -> Consent:
    """The clinician who treats signs below the patient, after proving once more who it is."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_countersigner(consent, by.user)
    held = (
        Consent.objects.select_for_update(no_key=True, of=("self",))
        .select_related("course__site", "course__practitioner", "patient", "text").defer("text__pdf").get(pk=consent.pk)
    )  # fmt: skip
    if held.withdrawn_at is not None:
        raise Refused(_("The patient withdrew the consent."))
    if not held.waits_for_clinician:
        raise Refused(_("This consent does not wait for a signature."))
    if held.version != seen_version:
        raise Stale(_("Somebody changed this consent meanwhile. Look at it again."))
    if held.course.plan_version != held.plan_version:
        raise Refused(_("The plan changed after the patient signed. Give the new text first."))
    if not by.user.check_password(password):
        raise Refused(_("This password is not right."), field="password")
    held.clinician_signature = ConsentSignature.objects.create(
        consent=held, patient=held.patient, role=SignatureRole.CLINICIAN, name=by.user.name, user=by.user,
        meaning=word(CONSENT["meaning_clinician"], held.language), method=SignatureMethod.PASSWORD,
        signed_at=timezone.now(), text_sha256=held.text_sha256,
    )  # fmt: skip
    held.save_if_unchanged(seen=held.version, fields=["clinician_signature"])
    _keep_paper(held, by)
    audit.record(
        by=by, action="consent-countersigned", sentence="countersigned the consent", of=held, patient=held.patient,
        site=held.course.site, detail={"text": held.text_sha256},
    )  # fmt: skip
    return held


def _keep_paper(consent: Consent, by: Doer) -> None:
    """The paper with every signature so far."""
    consent.signed_document = consent_papers.issue_signed(consent=consent, by=by)
    Consent.objects.filter(pk=consent.pk).update(signed_document=consent.signed_document)


def _check_of_age(course: Course) -> None:
    born, today = course.patient.birth_date, course.site.today()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years < ADULT_YEARS:
        raise Refused(_("Nobody under 18 is treated, so nobody under 18 signs."))


def _staff(by: Doer, course: Course, permission: Permission) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, permission, course.site)
    return by.user
