"""Check-ins after a session: the patient's answers are judged, kept, and where somebody must look at them, said to the
clinic at once: on the board, by mail, and as an adverse event that nobody has assessed yet.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.file_checking import CheckedFile
from clinic.permissions import check_may
from protocols import catalogue
from protocols.check_in import EMERGENCY, EXPECTED, Answers, judge, urgency_of
from protocols.definitions import CheckInAnswer
from sessions import messaging, reactions
from sessions.models import AdverseEvent, CheckIn, TreatmentSession
from sessions.uploading import CHECK_IN_FOLDER as FOLDER
from sessions.uploading import private_files

PICTURES = {"image/jpeg", "image/png"}
# Until a clinician assesses it (section 11): 2 and more ends the automatic messages, 3 goes to the medical lead.
GRADE_UNTIL_ASSESSED = {EMERGENCY: 3}
USUAL_GRADE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The answers as the form gives them; `fever` and `lump` are yes, no or unsure."""

    signs: tuple[str, ...]
    pain: int
    swelling: str
    fever: str
    lump: str
    note: str = ""


@transaction.atomic
def answer(*, record: TreatmentSession, given: Given, photo: CheckedFile | None, by: Doer) -> CheckIn:
    """Keep what a patient answered about their own session.

    1. Judge it by the catalogue in force. 2. What somebody must look at becomes an adverse event, unless one like it is
    open. 3. Keep the row and the picture. 4. Tell the clinic by mail; the board reads the row."""
    if by.kind != "patient" or by.public_id != record.patient.public_id:
        raise NotPermitted(_("Only the patient answers here."))
    if record.ended_at is None:
        raise Refused(_("This session has not ended yet."))
    if photo is not None and photo.content_type not in PICTURES:
        raise Refused(_("Choose a picture: JPEG or PNG."), field="photo")
    now = timezone.now()
    met = judge(answers_of(record, given), since_end=now - record.ended_at, catalogue=catalogue.in_force())
    urgency = urgency_of(met)
    with kept_photo(photo) as photo_fields:
        event = event_for(record, met, urgency, given, by) if urgency != EXPECTED else None
        check_in = CheckIn.objects.create(
            patient=record.patient, site=record.appointment.site, treatment_session=record, answered_at=now,
            answers=asdict(given), pain=given.pain, codes=[one.code for one in met], urgency=urgency, event=event,
            **photo_fields,
        )  # fmt: skip
        tell(check_in, record, by)
    return check_in


def tell(check_in: CheckIn, record: TreatmentSession, by: Doer) -> None:
    """The audit row, and the mail to the clinic where somebody has to look."""
    urgency = check_in.urgency
    audit.record(
        by=by, action="check-in-answered", sentence=f"answered a check-in: {urgency}", of=check_in, patient=record.patient,
        site=check_in.site, detail={"urgency": urgency, "codes": check_in.codes},
    )  # fmt: skip
    if urgency != EXPECTED:
        messaging.tell_clinic(check_in=check_in, practitioner=record.practitioner, by=by)


def answers_of(record: TreatmentSession, given: Given) -> Answers:
    before = CheckIn.objects.filter(treatment_session=record).order_by("-answered_at").first()
    sure = {"yes": True, "no": False}
    return Answers(
        signs=frozenset(given.signs), pain=given.pain, pain_before=before.pain if before else None,
        swelling_grows=given.swelling == "more", fever=sure.get(given.fever), lump=sure.get(given.lump),
    )  # fmt: skip


def event_for(
    record: TreatmentSession, met: tuple[CheckInAnswer, ...], urgency: str, given: Given, by: Doer
) -> AdverseEvent:
    """One event for the most serious of these answers; an open one of the same kind after this session is taken again."""
    suspected = next((one.reaction for one in met if one.reaction), "")
    term = "" if suspected else met[0].name_in("en")[:120]
    rows = AdverseEvent.objects.filter(treatment_session=record, reaction=suspected, outcome="open")
    known: AdverseEvent | None = (rows if suspected else rows.filter(term=term)).first()
    if known is not None:
        return known
    default = catalogue.in_force().reactions.get(suspected)
    grade = (default.grade_low if default else None) or GRADE_UNTIL_ASSESSED.get(urgency, USUAL_GRADE)
    said = "; ".join(one.name_in("en") for one in met)
    return reactions.report_by_patient(
        patient=record.patient, by=by,
        event=reactions.Report(
            grade=grade, reaction=suspected, term=term, treatment_session=record,
            onset_on=record.appointment.site.today(), description=f"Check-in of the patient: {said}. {given.note}".strip(),
        ),
    )  # fmt: skip


@contextmanager
def kept_photo(photo: CheckedFile | None) -> Iterator[dict[str, str]]:
    """The picture stored under a random name, for the fields of the row written inside. Without its row nobody would ever
    find it: when the row fails it is deleted, and when the whole deed fails later `uploading.sweep_strays` finds it."""
    if photo is None:
        yield {}
        return
    token = secrets.token_hex(24)
    name = private_files().save(f"{FOLDER}/{token[:2]}/{token[2:]}", photo.content)
    try:
        with transaction.atomic():
            yield {"photo_name": name, "photo_type": photo.content_type, "photo_sha256": photo.sha256}
    except BaseException:
        private_files().delete(name)
        raise


def photo_of(check_in: CheckIn) -> bytes:
    """The stored picture, after a look at whether it is still what was sent. Raises `Refused`."""
    try:
        with private_files().open(check_in.photo_name) as stored:
            content: bytes = stored.read()
    except OSError as lost:
        raise Refused(_("This file is not in the storage. Whoever runs the installation has to restore it.")) from lost
    if hashlib.sha256(content).hexdigest() != check_in.photo_sha256:
        raise Refused(_("The stored file is not what was added. Whoever runs the installation has to restore it."))
    return content


@transaction.atomic
def mark_seen(*, check_in: CheckIn, seen_version: int, by: Doer) -> CheckIn:
    """Somebody has looked at the answers and acts on them: they leave the board."""
    if by.user is None:
        raise NotPermitted(_("Only staff can do this."))
    check_may(by.user, Permission.CHANGE_CLINICAL, check_in.site)
    if check_in.seen_at is not None:
        raise Refused(_("Somebody has looked at this already."))
    check_in.seen_at, check_in.seen_by = timezone.now(), by.user
    if not check_in.save_if_unchanged(seen=seen_version, fields=["seen_at", "seen_by"]):
        raise Stale(_("Somebody has looked at this already."))
    audit.record(by=by, action="check-in-seen", sentence="looked at a check-in", of=check_in, patient=check_in.patient,
                 site=check_in.site)  # fmt: skip
    return check_in


def words_of(check_in: CheckIn) -> list[CheckInAnswer]:
    """The entries that were met, most urgent first, by the catalogue in force; one it no longer knows is left out."""
    known = catalogue.in_force().check_ins
    return [known[code] for code in check_in.codes if code in known]
