"""The careless colleague at the needle, and the curious one at the desk: what must not begin, go out or be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from patients.models import Patient
from protocols import catalogue, versions
from sessions import addressing, clearing, coursework, mixture_papers, reactions, recording, uploading
from sessions.choices import DocumentKind
from sessions.choices import MessageState as S
from sessions.models import Course, Document, TreatmentSession
from sessions.reactions import Report
from sessions.uploading import NewFile
from tests import factories as make
from tests.papers import checked
from tests.protocols.drafts import change, in_force
from tests.sessions.careday import MORNING, CareDay, make_care_day
from tests.sessions.mailday import make_mail_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


def new_rules(code: str, **values: Any) -> None:
    lead = make.make_user(Role.MEDICAL_LEAD)
    draft = versions.make_draft(based_on=catalogue.current(), note="Review", by=Doer.staff(lead))
    change(draft, code, lead, **values)
    in_force(draft, lead)


def begun(day: CareDay, record: TreatmentSession) -> TreatmentSession:
    return recording.begin(record=record, seen_version=record.version, by=day.by)


# --------------------------------------------------------------------------------------------------- before the needle
@pytest.mark.parametrize("values", [{"status": "withdrawn"}, {"never_in": ["IT"]}])
def test_nothing_begins_that_the_rules_of_today_forbid(day: CareDay, values: dict[str, Any]) -> None:
    """Approved last week, forbidden since: the light is red before the needle, not first at the end."""
    record = day.ready()
    new_rules("sub-ha-nc", **values)
    with pytest.raises(Refused) as refusal:
        begun(day, TreatmentSession.objects.get(pk=record.pk))
    assert refusal.value.code == "gate-plan"
    page = make.signed_in(Client(), day.doctor).get(reverse("record", args=[record.appointment.public_id]))
    assert refusal.value.sentence in page.content.decode()


def test_nothing_begins_of_a_stopped_course(day: CareDay) -> None:
    record = day.ready()
    course = Course.objects.get(pk=record.course_id)
    coursework.stop(course=course, seen_version=course.version, reason="She is unsure", by=day.by)
    with pytest.raises(Refused):
        begun(day, TreatmentSession.objects.get(pk=record.pk))


def test_more_than_the_limit_is_not_begun_either(day: CareDay) -> None:
    record = day.ready()
    day.fill(record, drawn="25.0", waste="23.1")
    with pytest.raises(Refused) as refusal:
        begun(day, TreatmentSession.objects.get(pk=record.pk))
    assert refusal.value.code == "gate-plan"


# ------------------------------------------------------------------------------------------------------------- messages
def test_a_late_address_writes_nothing_by_itself_while_an_event_is_open(at: Callable[[str], Any]) -> None:
    at(MORNING)
    mails = make_mail_day(email="")
    mails.treat()
    mails.book()
    site, by = mails.clinic.site, mails.clinic.by_doctor
    event = reactions.report(patient=mails.patient, site=site, by=by, event=Report(grade=3, term="Abscess"))
    Patient.objects.filter(pk=mails.patient.pk).update(email="aisha@example.com")
    addressing.write_anew()
    assert S.SCHEDULED not in {one.state for one in [*mails.messages("msg-24h"), *mails.messages("msg-48h")]}
    reactions.assess(event=event, seen_version=event.version, causality="possible", grade=3, action="medicine", by=by)
    reactions.close(event=event, seen_version=event.version, outcome="recovered", closing="", by=by)
    addressing.write_anew()
    assert S.SCHEDULED in {one.state for one in mails.messages("msg-24h")}


# --------------------------------------------------------------------------------------------------------------- papers
def test_the_desk_neither_lists_nor_opens_what_is_prepared_from(day: CareDay) -> None:
    """Worksheet and label say weight, allergies and mixture."""
    course = day.course()
    for issue in (mixture_papers.issue_worksheet, mixture_papers.issue_labels):
        issue(course=course, record=None, by=day.by, language="en")
    desk = make.signed_in(Client(), make.make_user(Role.FRONT_DESK))
    listed = desk.get(reverse("patient-documents", args=[course.patient.public_id])).content.decode()
    papers = Document.objects.filter(kind__in=[DocumentKind.WORKSHEET, DocumentKind.LABEL])
    assert papers.count() == 2
    for paper in papers:
        assert paper.public_id not in listed
        for name in ("document", "document-state", "document-pdf"):
            assert desk.get(reverse(name, args=[paper.public_id])).status_code == 404


# ------------------------------------------------------------------------------------------- of another patient, by POST
def test_papers_and_courses_of_another_patient_are_of_no_use(day: CareDay) -> None:
    other = make.make_patient(day.site)
    foreign = uploading.keep(patient=other, new=NewFile(checked("letter.pdf"), kind="letter"), by=day.by)
    with pytest.raises(Refused):
        clearing.grant(
            patient=day.patient, course=day.course(), rule_code="scr-diabetes-other", reason="Fine", by=day.by, uploads=[foreign]
        )
    record = day.open_record()
    with pytest.raises(Refused):
        reactions.report(patient=other, site=day.site, by=day.by, event=Report(grade=1, term="x", treatment_session=record))
