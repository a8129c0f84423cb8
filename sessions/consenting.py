"""Consent: the text was given, the paper was signed, or the patient withdrew. Whether it holds is asked here too."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.file_checking import CheckedFile
from clinic.models import User
from clinic.permissions import check_may
from patients import links
from patients.labels import LinkPurpose
from protocols import catalogue
from protocols.calendar_dates import add_months
from protocols.definitions import Catalogue
from sessions import uploading
from sessions.before_the_first import thinking_time
from sessions.models import Consent, Course, UploadKind
from sessions.models.consent import ConsentMethod
from sessions.planned import replan

BY_LINK = "by the patient, on their own page"  # how the clinic learned of it, for staff


@dataclass(frozen=True, slots=True)
class ConsentState:
    """`holds`: signed by patient and clinician for this plan version, not withdrawn, in date. `sentence` says what is
    missing, `until` the last day a consent that holds is good for."""

    holds: bool
    sentence: str
    consent: Consent | None
    until: dt.date | None = None


def state_of(course: Course, *, at: dt.datetime | None = None, rules: Catalogue | None = None) -> ConsentState:
    """Does a consent hold for this course at this moment?"""
    telling = course.consents.telling_first().first()
    return judged(telling, plan_version=course.plan_version, zone=course.site.zone, at=at or timezone.now(), rules=rules)


def judged(
    newest: Consent | None, *, plan_version: int, zone: dt.tzinfo, at: dt.datetime, rules: Catalogue | None = None
) -> ConsentState:
    """Does this consent, the telling one of its course (`telling_first`), hold for the plan as it is now? Pages that show
    many courses fetch them at once and ask here."""
    months = _most_months(rules)
    missing, until = _missing(newest, plan_version=plan_version, zone=zone, today=at.astimezone(zone).date(), months=months)
    if missing:
        return ConsentState(False, _sentence(missing, months), newest)
    return ConsentState(True, "", newest, until)


def holds(newest: Consent | None, *, plan_version: int, zone: dt.tzinfo, today: dt.date, rules: Catalogue) -> bool:
    """The same without the sentence, for a page that asks eighty times; `today` is the site's."""
    return not _missing(newest, plan_version=plan_version, zone=zone, today=today, months=_most_months(rules))[0]


def _most_months(rules: Catalogue | None) -> int:
    return int((rules or catalogue.in_force()).start_gates["gate-consent"].limits["most_months"])


def _missing(
    newest: Consent | None, *, plan_version: int, zone: dt.tzinfo, today: dt.date, months: int
) -> tuple[str, dt.date | None]:
    """What is missing, and until when it is good for if nothing is."""
    if newest is None:
        return "text", None
    if newest.withdrawn_at:
        return "withdrawn", None
    if newest.signed_at is None:
        return "signature", None
    if newest.plan_version != plan_version:
        return "plan", None
    if newest.waits_for_clinician:
        return "clinician", None
    until = add_months(newest.signed_at.astimezone(zone).date(), months)
    return ("old", None) if today > until else ("", until)


def _sentence(missing: str, months: int) -> str:
    return {
        "text": _("The consent text has not been given yet."),
        "withdrawn": _("The patient withdrew the consent."),
        "signature": _("The consent is not signed yet."),
        "plan": _("The plan changed after the consent was signed."),
        "clinician": _("The patient has signed; the clinician who treats has not."),
        "old": _("The consent is older than %(months)s months.") % {"months": months},
    }[missing]


def thought_long_enough(course: Course, *, at: dt.datetime | None = None, rules: Catalogue | None = None) -> bool:
    """Enough elapsed hours (gate-thinking) lie between the first information about this plan and now."""
    moment = at or timezone.now()
    first = course.consents.filter(plan_version=course.plan_version).order_by("informed_at").first()
    return first is not None and moment - first.informed_at >= thinking_time(rules or catalogue.in_force())


@transaction.atomic
def give_text(
    *, course: Course, informed_at: dt.datetime, language: str, by: Doer, document_public_id: str = ""
) -> Consent:
    """Record that the patient received the consent text. It may have been earlier, never later than now."""
    user = _staff(by, course)
    if informed_at > timezone.now():
        raise Refused(_("This time lies in the future."), field="informed_at")
    consent = Consent.objects.create(
        patient_id=course.patient_id, course=course, plan_version=course.plan_version, language=language,
        informed_at=informed_at, informed_by=user, document_public_id=document_public_id,
    )  # fmt: skip
    audit.record(by=by, action="consent-text-given", sentence="gave the consent text", of=consent,
                 patient=course.patient, site=course.site)  # fmt: skip
    replan(course)
    return consent


@transaction.atomic
def record_signature(
    *, consent: Consent, signed_at: dt.datetime, photos_record: bool, photos_teaching: bool, photos_publicity: bool,
    by: Doer, scan: CheckedFile | None = None,
) -> Consent:  # fmt: skip
    """Record the signed paper, with its scan if there is one: every photo choice was made by the patient, none is assumed."""
    user = _staff(by, consent.course)
    locked = Consent.objects.select_for_update(no_key=True).select_related("course__site", "patient").get(pk=consent.pk)
    if locked.signed_at is not None or locked.withdrawn_at is not None:
        raise Refused(_("This consent is signed or withdrawn already."))
    if signed_at > timezone.now():
        raise Refused(_("This time lies in the future."), field="signed_at")
    if signed_at < locked.informed_at:
        raise Refused(_("It cannot be signed before the text was given."), field="signed_at")
    if locked.plan_version != locked.course.plan_version:
        raise Refused(_("The plan changed since the text was given. Give the new text first."))
    locked.signed_at = signed_at
    if scan is not None:
        new = uploading.NewFile(file=scan, kind=UploadKind.CONSENT, note=_("Signed consent"))
        locked.scan = uploading.keep(patient=locked.patient, new=new, by=by)
    locked.method = ConsentMethod.SCAN if scan is not None else ConsentMethod.PAPER
    locked.recorded_by = user
    locked.photos_record, locked.photos_teaching = photos_record, photos_teaching
    locked.photos_publicity = photos_publicity
    fields = ["signed_at", "method", "recorded_by", "scan", "photos_record", "photos_teaching", "photos_publicity"]
    locked.save_if_unchanged(seen=locked.version, fields=fields)
    audit.record(by=by, action="consent-signed", sentence="recorded the signed consent", of=locked,
                 patient=locked.patient, site=locked.course.site)  # fmt: skip
    return locked


@transaction.atomic
def withdraw(*, consent: Consent, reason: str, by: Doer) -> Consent:
    """Any time, without a reason of the patient's; `reason` is how the clinic learned of it. It ends every consent of
    this course, and every link that leads to signing one."""
    _staff(by, consent.course)
    return _withdraw(consent, reason, by)


@transaction.atomic
def withdraw_own(*, consent: Consent, by: Doer) -> Consent:
    """The patient withdraws by their own link: for the future, without a reason. Frozen papers stay as they are."""
    if by.kind != "patient" or by.public_id != consent.patient.public_id:
        raise NotPermitted(_("Only the patient withdraws here."))
    if consent.signed_at is None:
        raise Refused(_("This consent is not signed."))
    return _withdraw(consent, BY_LINK, by)


def _withdraw(consent: Consent, reason: str, by: Doer) -> Consent:
    stamps = {"withdrawn_at": timezone.now(), "withdrawn_reason": reason.strip()[:200], "version": F("version") + 1}
    standing = Consent.objects.filter(course=consent.course_id, withdrawn_at=None)
    if not standing.filter(pk=consent.pk).update(**stamps):
        raise Refused(_("This consent is withdrawn already."))
    for other in standing.all():
        Consent.objects.filter(pk=other.pk).update(**stamps)
        links.spend(patient=other.patient, purpose=LinkPurpose.CONSENT, subject_public_id=other.public_id)
    links.spend(patient=consent.patient, purpose=LinkPurpose.CONSENT, subject_public_id=consent.public_id)
    consent.refresh_from_db()
    own = by.kind == "patient"
    sentence = "withdrew the consent" if own else "recorded the withdrawal of consent"
    audit.record(by=by, action="consent-withdrawn", sentence=sentence, of=consent,
                 patient=consent.patient, site=consent.course.site, detail={"reason": consent.withdrawn_reason})  # fmt: skip
    return consent


def _staff(by: Doer, course: Course) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.CHANGE_PERSON, course.site)
    return by.user
