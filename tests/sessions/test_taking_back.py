"""Begun or ended by mistake: what is taken back, what stays, and that nothing changes on refusal."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from sessions import course_messages, coursework, documents, recording, taking_back
from sessions.choices import CourseStatus
from sessions.models import Course, Document, Lot, Message, StockMovement, TreatmentSession
from tests import factories as make
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[..., object]) -> CareDay:
    at(MORNING)
    return make_care_day()


def begin_back(record: TreatmentSession, by: Any, **instead: Any) -> TreatmentSession:
    values = {"seen_version": record.version, "reason": "Wrong patient", "nothing_given": True} | instead
    return taking_back.take_back_begin(record=record, by=by, **values)


def end_back(record: TreatmentSession, by: Any, **instead: Any) -> TreatmentSession:
    values = {"seen_version": record.version, "reason": "Pressed too early"} | instead
    return taking_back.take_back_end(record=record, by=by, **values)


def again(record: TreatmentSession) -> TreatmentSession:
    return TreatmentSession.objects.select_related("appointment", "course").get(pk=record.pk)


# --- the beginning --------------------------------------------------------------------------------------------------
def test_a_beginning_is_taken_back_and_begun_anew(day: CareDay) -> None:
    record = day.begun()
    back = again(begin_back(record, day.by))
    assert (back.status, back.begun_at, back.appointment.status) == ("open", None, "arrived")
    said = AuditEvent.objects.get(action="begin-taken-back")
    assert said.detail["reason"] == "Wrong patient"
    anew = recording.begin(record=back, seen_version=back.version, by=day.by)
    assert anew.status == "begun"


@pytest.mark.parametrize("wrong", [{"reason": " "}, {"nothing_given": False}, {"seen_version": 1}])
def test_what_was_given_cannot_be_taken_back(day: CareDay, wrong: dict[str, Any]) -> None:
    record = day.begun()
    with pytest.raises((Refused, Stale)):
        begin_back(record, day.by, **wrong)
    kept = again(record)
    assert (kept.status, kept.appointment.status, kept.version) == ("begun", "in-treatment", record.version)


# --- the end --------------------------------------------------------------------------------------------------------
def test_an_end_is_taken_back_with_all_that_hung_on_it(day: CareDay) -> None:
    record = day.begun()
    before = dict(Lot.objects.values_list("pk", "balance_ml"))
    record = recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    assert dict(Lot.objects.values_list("pk", "balance_ml")) != before
    sheet = Document.objects.get(kind="aftercare")
    back = again(end_back(record, day.by))
    assert (back.status, back.ended_at, back.appointment.status) == ("begun", None, "in-treatment")
    assert dict(Lot.objects.values_list("pk", "balance_ml")) == before
    assert list(StockMovement.objects.order_by("id").values_list("kind", flat=True))[-2:] == ["used", "corrected"]
    assert back.planned_session is not None
    assert back.planned_session.done_on is None
    waiting = Message.objects.filter(cause_public_id=record.public_id, state="scheduled")
    assert not waiting.exists()
    assert documents.is_withdrawn(sheet), "its times count from nothing"


def test_the_second_end_makes_a_sheet_and_mails_of_its_own(day: CareDay, at: Callable[..., object]) -> None:
    record = day.ended()
    first = Document.objects.get(kind="aftercare")
    back = end_back(record, day.by)
    at("2026-03-12T10:05:00+00:00")
    ended = recording.end_treatment(record=again(back), seen_version=back.version, by=day.by)
    assert ended.ended_at == timezone.now()
    first.refresh_from_db()
    assert first.superseded_by is not None
    assert not documents.is_withdrawn(first.superseded_by)
    kinds = Message.objects.filter(cause_public_id=record.public_id, state="scheduled").values_list("kind", flat=True)
    assert len(set(kinds)) == len(kinds) > 1, "each once"


def test_a_complete_course_goes_on(day: CareDay) -> None:
    record = day.begun()
    record.course.planned_sessions.filter(number__gt=1).delete()
    before = Course.objects.get(pk=record.course_id).version
    record = recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    assert record.course.version == before + 1, "a page of the course that is open is out of date"
    with patch.object(course_messages, "follow", wraps=course_messages.follow) as follow:
        end_back(record, day.by)
    assert follow.call_count == 1
    record.course.refresh_from_db()
    assert (record.course.status, record.course.version) == (CourseStatus.APPROVED, before + 2)
    said = AuditEvent.objects.filter(action__in=["course-completed", "course-reopened"]).order_by("id")
    assert [(one.action, one.doer_label) for one in said] == [
        ("course-completed", day.doctor.name), ("course-reopened", day.doctor.name)
    ]  # fmt: skip


def test_a_stopped_course_is_not_opened_by_an_end_taken_back(day: CareDay) -> None:
    record = day.begun()
    record.course.planned_sessions.filter(number__gt=1).delete()
    Course.objects.filter(pk=record.course_id).update(status=CourseStatus.STOPPED, stopped_reason="Moved away")
    record = again(record)
    record = recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    end_back(record, day.by)
    record.course.refresh_from_db()
    assert record.course.status == CourseStatus.STOPPED
    assert not AuditEvent.objects.filter(action__in=["course-completed", "course-reopened"]).exists()


def test_a_complete_course_is_not_approved_anew(day: CareDay) -> None:
    course = day.course()
    Course.objects.filter(pk=course.pk).update(status=CourseStatus.COMPLETED)
    course.refresh_from_db()
    with pytest.raises(Refused, match="completed"):
        coursework.approve(course=course, seen_version=course.version, by=day.by)


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"seen_version": 1}])
def test_a_refused_taking_back_changes_nothing(day: CareDay, wrong: dict[str, Any]) -> None:
    record = day.ended()
    ended_at = record.ended_at
    with pytest.raises((Refused, Stale)):
        end_back(record, day.by, **wrong)
    kept = again(record)
    assert (kept.status, kept.appointment.status, kept.ended_at) == ("ended", "done", ended_at)
    assert list(StockMovement.objects.filter(kind="corrected")) == []


def test_nothing_signed_is_taken_back(day: CareDay) -> None:
    record = day.signed()
    for deed in (begin_back, end_back):
        with pytest.raises(Refused):
            deed(record, day.by)
    assert again(record).status == "signed"


# --- who, and the page ----------------------------------------------------------------------------------------------
def test_only_who_treats_takes_back(day: CareDay) -> None:
    record = day.ended()
    with pytest.raises((NotPermitted, Refused)):
        end_back(record, Doer.staff(make.make_user(Role.FRONT_DESK), day.site))
    assert again(record).status == "ended"


def test_the_page_asks_why_keeps_what_was_typed_and_does_it_once(client: Any, day: CareDay) -> None:
    record = day.begun()
    make.signed_in(client, day.doctor)
    url = reverse("record-take-back", args=[record.appointment.public_id])
    assert "Begun by mistake" in client.get(reverse("record", args=[record.appointment.public_id])).content.decode()
    form = {"form_token": new_token(), "seen_version": str(record.version), "reason": "Wrong patient"}
    refused = client.post(url, form)
    assert refused.status_code == 422
    assert "Wrong patient" in refused.content.decode()
    form |= {"nothing_given": "on", "form_token": new_token()}
    assert [client.post(url, form).status_code for _ in range(2)] == [302, 302]
    assert again(record).status == "open"
    assert client.get(url).status_code == 302, "there is nothing to take back now"
    assert AuditEvent.objects.filter(action="begin-taken-back").count() == 1


def test_the_page_after_an_end(client: Any, day: CareDay) -> None:
    record = day.ended()
    make.signed_in(client, day.doctor)
    url = reverse("record-take-back", args=[record.appointment.public_id])
    form = {"form_token": new_token(), "seen_version": str(record.version), "reason": "Pressed too early"}
    assert client.post(url, form | {"reason": "x" * 201}).status_code == 422
    assert client.post(url, form).status_code == 302
    page = client.get(reverse("record", args=[record.appointment.public_id])).content.decode()
    assert "End treatment" in page
