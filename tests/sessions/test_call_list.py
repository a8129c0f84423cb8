"""The call list: who is on it and why, what takes them off, and a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from patients.models import Patient
from protocols import catalogue
from sessions import call_list
from sessions.call_list import Asked, entries
from sessions.models import Appointment, CallNote, Course, PlannedSession
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def day(at: Callable[[str], Any]) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def found(day: ClinicDay, **asked: Any) -> list[tuple[str, str]]:
    """Reason and family name of each line, in order."""
    rows = entries(
        site=day.site, patients=Patient.objects.visible_to(day.desk), rules=catalogue.in_force(), asked=Asked(**asked)
    )
    _page, calls = call_list.page_of(rows, 1, site=day.site)
    return [(one.reason, one.patient.family_name) for one in calls]


def course(day: ClinicDay, *, first_day: dt.date, sessions: int = 2, **fields: Any) -> Course:
    patient = make.make_patient(day.site)
    return make.make_course(patient, day.doctor, sessions=sessions, first_day=first_day, **fields)


def late(day: ClinicDay, days: int = 5) -> Course:
    return course(day, first_day=THURSDAY - days * DAY)


def book(day: ClinicDay, planned: PlannedSession, starts_at: dt.datetime, **fields: Any) -> Appointment:
    return make.make_appointment(
        planned.course.patient, practitioner=day.doctor, room=day.room, course=planned.course, planned_session=planned,
        starts_at=starts_at, **fields,
    )  # fmt: skip


def missed(day: ClinicDay, days: int = 3, **fields: Any) -> Appointment:
    return make.make_appointment(
        make.make_patient(day.site), practitioner=day.doctor, room=day.room, service=day.consultation,
        starts_at=day.at("10:00", THURSDAY - days * DAY), status="no-show", **fields,
    )  # fmt: skip


# --- who is on it ---------------------------------------------------------------------------------------------------
def test_every_reason_in_the_order_of_urgency_and_longest_overdue_first(day: ClinicDay) -> None:
    soon = course(day, first_day=THURSDAY + 10 * DAY)
    recent, older = late(day, 2), late(day, 9)
    gone = missed(day)
    review = finished(day, 32)
    assert found(day) == [
        ("no-show", gone.patient.family_name), ("late", older.patient.family_name), ("late", recent.patient.family_name),
        ("review", review.patient.family_name), ("unbooked", soon.patient.family_name),
    ]  # fmt: skip


def finished(day: ClinicDay, days_ago: int) -> Course:
    """A hydration course whose last session was `days_ago`: its review is due 30 days after the last."""
    over = course(day, first_day=THURSDAY - (days_ago + 28) * DAY)
    for planned in over.planned_sessions.all():
        planned.done_on = planned.ideal
        planned.save(update_fields=["done_on"])
    Course.objects.filter(pk=over.pk).update(status="completed")
    return over


def test_the_last_day_itself_is_not_late(day: ClinicDay) -> None:
    on_the_day = course(day, first_day=THURSDAY)
    assert found(day) == [("unbooked", on_the_day.patient.family_name)]


def test_without_a_last_day_nobody_is_late(day: ClinicDay) -> None:
    endless = late(day, 40)
    endless.planned_sessions.update(latest=None)
    assert found(day) == [("unbooked", endless.patient.family_name)]


def test_far_ahead_nobody_is_called(day: ClinicDay) -> None:
    course(day, first_day=THURSDAY + 22 * DAY)
    assert found(day) == []


def test_only_the_next_session_of_an_approved_course_counts(day: ClinicDay) -> None:
    late(day, 40)
    course(day, first_day=THURSDAY - 9 * DAY, approved=False)
    Course.objects.filter(pk=late(day).pk).update(status="stopped")
    assert len(found(day)) == 1


def test_being_booked_takes_somebody_off_and_a_cancellation_puts_them_back(day: ClinicDay) -> None:
    waiting = late(day)
    planned = waiting.planned_sessions.get(number=1)
    visit = book(day, planned, day.at("10:00", THURSDAY + DAY))
    assert found(day) == []
    visit.fulfilments.update(active=False)
    assert found(day) == [("late", waiting.patient.family_name)]


def test_a_no_show_leaves_with_the_next_time_and_after_three_months(day: ClinicDay) -> None:
    gone = missed(day)
    missed(day, 95)
    assert found(day) == [("no-show", gone.patient.family_name)]
    make.make_appointment(gone.patient, practitioner=day.doctor, room=day.room, starts_at=day.at("10:00", THURSDAY + DAY))
    assert found(day) == []


def test_two_missed_visits_are_one_call(day: ClinicDay) -> None:
    gone = missed(day, 9)
    make.make_appointment(
        gone.patient, practitioner=day.doctor, room=day.room, starts_at=day.at("10:00", THURSDAY - DAY), status="no-show"
    )
    assert found(day) == [("no-show", gone.patient.family_name)]


def test_a_missed_session_is_called_about_once(day: ClinicDay) -> None:
    """The no-show and the session it was for are one reason, not two."""
    waiting = late(day)
    visit = book(day, waiting.planned_sessions.get(number=1), day.at("10:00", THURSDAY - 4 * DAY), status="no-show")
    visit.fulfilments.update(active=False)
    assert found(day) == [("no-show", waiting.patient.family_name)]


@pytest.mark.parametrize(("days_ago", "due"), [(22, False), (23, True), (30, True), (150, True), (151, False)])
def test_reviews_fall_due_by_the_catalogue(day: ClinicDay, days_ago: int, due: bool) -> None:
    """Hydration: 30 days after the last session; called a week before, and for four months."""
    assert ("last", 30) in {
        (one.anchor, one.days) for one in catalogue.in_force().indications["ind-hydration"].reviews
    }
    finished(day, days_ago)
    assert bool(found(day, reason="review")) is due


def test_a_booked_review_takes_somebody_off(day: ClinicDay) -> None:
    over = finished(day, 30)
    make.make_appointment(
        over.patient, practitioner=day.doctor, room=day.room, service=make.make_service("review"),
        starts_at=day.at("10:00", THURSDAY + 3 * DAY),
    )  # fmt: skip
    assert found(day) == []


def test_merged_records_and_other_sites_are_left_out(day: ClinicDay) -> None:
    merged = late(day)
    Patient.objects.filter(pk=merged.patient.pk).update(merged_into=make.make_patient(day.site))
    make.make_course(make.make_patient(day.site), day.doctor, site=make.make_site(), first_day=THURSDAY - 9 * DAY)
    assert found(day) == []


# --- what came of it ------------------------------------------------------------------------------------------------
def log(day: ClinicDay, about: Course, outcome: str, **more: Any) -> CallNote:
    subject = f"session:{about.planned_sessions.get(number=1).public_id}"
    return call_list.log(
        patient=about.patient, site=day.site, reason="late", subject=subject, outcome=outcome, by=day.by, **more
    )


def test_call_again_hides_a_line_until_its_day_and_then_it_stands_first(day: ClinicDay, at: Callable[[str], Any]) -> None:
    gone, waiting = missed(day), late(day)
    log(day, waiting, "later", again_on=THURSDAY + 2 * DAY)
    assert found(day) == [("no-show", gone.patient.family_name)]
    at("2026-03-14T07:00+00:00")
    assert [name for _reason, name in found(day)] == [waiting.patient.family_name, gone.patient.family_name]


def test_not_wanted_takes_a_line_off_for_good_and_no_answer_keeps_it(day: ClinicDay) -> None:
    waiting, other = late(day, 9), late(day)
    log(day, waiting, "not-wanted", note="Goes elsewhere")
    log(day, other, "no-answer")
    assert found(day) == [("late", other.patient.family_name)]
    assert AuditEvent.objects.filter(action="call-logged").count() == 2


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"outcome": "later"}, "again_on"), ({"outcome": "later", "again_on": THURSDAY}, "again_on"),
        ({"outcome": "later", "again_on": dt.date(2099, 1, 1)}, "again_on"), ({"reason": "no-show"}, None),
        ({"reason": "bored"}, None), ({"subject": "session:nobody"}, None), ({"subject": "course:x"}, None),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_refused(day: ClinicDay, more: dict[str, Any], field: str | None) -> None:
    waiting = late(day)
    subject = f"session:{waiting.planned_sessions.get(number=1).public_id}"
    values = {"reason": "late", "subject": subject, "outcome": "no-answer"} | more
    with pytest.raises(Refused) as refusal:
        call_list.log(patient=waiting.patient, site=day.site, by=day.by, **values)
    assert refusal.value.field == field
    assert not CallNote.objects.exists()


def test_a_call_about_another_patients_session_is_refused(day: ClinicDay) -> None:
    subject = f"session:{late(day).planned_sessions.get(number=1).public_id}"
    with pytest.raises(Refused):
        call_list.log(
            patient=make.make_patient(day.site), site=day.site, reason="late", subject=subject, outcome="no-answer", by=day.by
        )
    manager = Doer.staff(make.make_user(Role.MANAGER), day.site)
    with pytest.raises(NotPermitted):
        call_list.log(patient=late(day).patient, site=day.site, reason="late", subject=subject, outcome="spoken", by=manager)
    assert not CallNote.objects.exists()


# --- the page -------------------------------------------------------------------------------------------------------
def test_the_page_says_who_why_since_when_and_the_last_contact(day: ClinicDay, client: Any) -> None:
    waiting = late(day)
    log(day, waiting, "no-answer", note="Mailbox")
    make.signed_in(client, day.desk)
    page = client.get(reverse("call-list")).content.decode()
    for words in ("Late for the interval", "session 1", "for 5 days", "Called, no answer", "Mailbox", "Mara Lind",
                  waiting.patient.phone.as_international):  # fmt: skip
        assert words in page
    planned = waiting.planned_sessions.get(number=1)
    assert f"planned_session={planned.public_id}" in page


def test_a_call_is_logged_by_its_form(day: ClinicDay, client: Any) -> None:
    waiting = late(day)
    subject = f"session:{waiting.planned_sessions.get(number=1).public_id}"
    make.signed_in(client, day.desk)
    url = reverse("call-log", args=[waiting.patient.public_id])
    assert client.get(f"{url}?reason=late&subject={subject}&outcome=later").status_code == 200
    fields = {"form_token": new_token(), "reason": "late", "subject": subject, "outcome": "later", "again_on": "2026-03-20"}
    assert client.post(url, fields | {"again_on": "", "note": "In the evening"}).status_code == 422
    assert not CallNote.objects.exists()
    fields["form_token"] = new_token()
    for _ in range(2):
        assert client.post(url, fields).status_code == 302
    assert CallNote.objects.get().again_on == dt.date(2026, 3, 20)
    assert client.get(f"{url}?reason=bored&subject={subject}").status_code == 404
    assert client.get(url).status_code == 404


def test_filter_search_paging_and_the_empty_state(day: ClinicDay, client: Any) -> None:
    make.signed_in(client, day.desk)
    url = reverse("call-list")
    assert "Nobody has to be called" in client.get(url).content.decode()
    people = [late(day, 2 + number) for number in range(30)]
    gone = missed(day)
    assert "1 to 25 of 31" in client.get(url).content.decode()
    assert "26 to 31 of 31" in client.get(f"{url}?page=2").content.decode()
    only = client.get(f"{url}?reason=no-show").content.decode()
    assert gone.patient.family_name in only
    assert people[0].patient.family_name not in only
    one = client.get(f"{url}?q={people[3].patient.family_name}").content.decode()
    assert people[3].patient.family_name in one
    assert people[4].patient.family_name not in one
    assert "Nobody fits" in client.get(f"{url}?q=nobody").content.decode()
    for query in ("?reason=%00", "?page=-1", "?page=x", "?q=%00%ff"):
        assert client.get(url + query).status_code == 200


def test_the_number_of_queries_is_fixed(day: ClinicDay, client: Any) -> None:
    make.signed_in(client, day.desk)

    def counted() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("call-list"))
        return len(caught)

    late(day), missed(day), finished(day, 30)
    counted()
    first = counted()
    for number in range(7):
        late(day, 3 + number), missed(day, 4 + number), finished(day, 31 + number)
    assert counted() == first


def test_somebody_of_another_site_sees_nobody_of_this_one(day: ClinicDay, client: Any) -> None:
    waiting = late(day)
    make.signed_in(client, make.make_user(Role.FRONT_DESK, site=make.make_site()))
    assert waiting.patient.family_name not in client.get(reverse("call-list")).content.decode()
    assert client.get(reverse("call-log", args=[waiting.patient.public_id])).status_code == 404
