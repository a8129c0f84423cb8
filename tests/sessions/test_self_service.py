"""A patient chooses another time by the link in the mail: which times are offered, and what is refused."""
from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients import links
from protocols.models.service import ServiceKind
from sessions import booking, self_service, self_service_setting
from sessions.choices import MessageState
from sessions.forms.self_service import value_of
from sessions.models import Appointment, PlannedSession, SelfServiceRules
from tests import factories
from tests.sessions.clinicday import MORNING, allow_screening
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-one-form-000001"


@pytest.fixture
def day(at: Any) -> MailDay:
    at(MORNING)
    return make_mail_day()


@dataclass
class Phone:
    """The browser of a patient who opened the link of one appointment and gave the birth date."""

    client: Client
    appointment: Appointment

    def page(self, query: str = "", status: int = 200) -> str:
        answer = self.client.get(reverse("patient-appointment-move") + query)
        assert answer.status_code == status
        return answer.content.decode()

    def offers(self, query: str = "") -> list[str]:
        return re.findall(r'name="offer" value="([^"]+)"', self.page(query))

    def choose(self, value: str, **fields: str) -> Any:
        self.appointment.refresh_from_db()
        posted = {"form_token": TOKEN, "seen_version": str(self.appointment.version), "offer": value} | fields
        return self.client.post(reverse("patient-appointment-move"), posted)

    def stands(self) -> str:
        self.appointment.refresh_from_db()
        return self.appointment.agreed_start


@pytest.fixture
def phone(day: MailDay) -> Phone:
    return phone_of(day, day.book())


def phone_of(day: MailDay, appointment: Appointment) -> Phone:
    client = Client()
    _link, token = links.issue(
        patient=appointment.patient, site=appointment.site, purpose="appointment", subject=appointment, by=day.by,
        expires_at=appointment.ends_at,
    )  # fmt: skip
    client.get(reverse("patient-link", args=[token]))
    answer = client.post(reverse("patient-gate"), {"birth_date": appointment.patient.birth_date.isoformat()})
    assert answer.status_code == 302
    return Phone(client, appointment)


def set_rules(day: MailDay, **fields: Any) -> None:
    SelfServiceRules.objects.update_or_create(site=day.clinic.site, defaults=fields)


def value(day: MailDay, time: str, on: dt.date = NEXT_THURSDAY, who: Any = None) -> str:
    return value_of(day.clinic.at(time, on), who or day.clinic.doctor)


class TestWhatIsOffered:
    def test_the_next_days_with_their_free_times_and_none_inside_the_cut_off(self, day: MailDay, phone: Phone) -> None:
        offers = phone.offers()
        starts = [dt.datetime.fromisoformat(one.partition("|")[0]) for one in offers]
        assert min(starts) >= day.clinic.at("08:00") + dt.timedelta(hours=24)
        assert len({start.date() for start in starts}) == self_service.SHOWN_DAYS
        assert all(one.endswith(f"|{day.clinic.doctor.public_id}") for one in offers)

    def test_what_is_taken_is_not_offered_and_the_own_time_neither(self, day: MailDay, phone: Phone) -> None:
        day.clinic.book("14:00", day=NEXT_THURSDAY)
        offers = phone.offers(f"?from={NEXT_THURSDAY}")
        assert value(day, "14:00") not in offers
        assert value(day, "10:00") not in offers
        assert value(day, "10:15") in offers  # its own time gives way

    def test_anybody_only_where_the_site_allows_it(self, day: MailDay, phone: Phone) -> None:
        day.clinic.book("14:00", day=NEXT_THURSDAY)
        other = value(day, "14:00", who=day.clinic.other_doctor)
        query = f"?who=any&from={NEXT_THURSDAY}"
        assert other not in phone.offers(query)
        set_rules(day, any_practitioner=True)
        assert other in phone.offers(query)
        assert day.clinic.other_doctor.name in phone.page(query)

    def test_later_days_go_on_where_the_first_end(self, day: MailDay, phone: Phone) -> None:
        later = re.search(r"from=(\d{4}-\d\d-\d\d)", phone.page())
        assert later
        first = {one[:10] for one in phone.offers()}
        assert min(one[:10] for one in phone.offers(f"?from={later[1]}")) > max(first)

    @pytest.mark.parametrize("junk", ["2026-13-40", "0001-01-01", "9999-12-31", "x", "%00", "2026-03-12T10:00", "٣"])
    def test_a_day_that_is_none_shows_the_first_days(self, phone: Phone, junk: str) -> None:
        assert phone.page(f"?from={junk}")

    def test_nothing_free_says_to_call(self, day: MailDay, phone: Phone) -> None:
        day.clinic.doctor.shifts.all().delete()
        page = phone.page()
        assert "No time is free" in page
        assert 'name="offer"' not in page

    def test_queries_do_not_grow_with_the_appointments(
        self, day: MailDay, phone: Phone, django_assert_max_num_queries: Any
    ) -> None:
        phone.page()
        with django_assert_max_num_queries(90):
            phone.page()
        for hour in range(8, 16):
            on = NEXT_THURSDAY + dt.timedelta(days=1)
            day.clinic.book(f"{hour + 1:02}:00", day=on, practitioner=day.clinic.other_doctor)
        with django_assert_max_num_queries(90):
            phone.page()


class TestTheDeed:
    def test_moves_tells_and_writes_who(self, day: MailDay, phone: Phone) -> None:
        assert phone.choose(value(day, "15:00")).status_code == 302
        assert phone.stands() == "2026-03-19T15:00"
        row = AuditEvent.objects.get(action="appointment-moved")
        assert (row.doer_kind, row.doer_public_id) == ("patient", day.patient.public_id)
        assert "15:00" in phone.client.get(reverse("patient-appointment")).content.decode()
        unsent = [m for m in day.messages("msg-confirm", "msg-moved") if m.state == MessageState.SCHEDULED]
        assert len(unsent) == 1  # never told the first time, so the confirmation names the new one

    def test_a_double_click_has_one_effect(self, day: MailDay, phone: Phone) -> None:
        version = str(phone.appointment.version)
        for _ in range(2):
            answer = phone.choose(value(day, "15:00"), seen_version=version)
            assert (answer.status_code, answer.headers["Location"]) == (302, reverse("patient-appointment"))
        assert AuditEvent.objects.filter(action="appointment-moved").count() == 1

    def test_taken_meanwhile_says_so_offers_others_and_changes_nothing(self, day: MailDay, phone: Phone) -> None:
        day.clinic.book("15:00", day=NEXT_THURSDAY)
        answer = phone.choose(value(day, "15:00"))
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "just been taken" in page
        assert day.clinic.room.name not in page
        assert 'name="offer"' in page
        assert phone.stands() == "2026-03-19T10:00"

    def test_moved_by_the_desk_meanwhile_shows_it_as_it_is(self, day: MailDay, phone: Phone) -> None:
        seen = str(phone.appointment.version)
        booking.move(
            appointment=phone.appointment, seen_version=phone.appointment.version, by=day.by,
            starts_at=day.clinic.at("11:00", NEXT_THURSDAY),
        )  # fmt: skip
        answer = phone.choose(value(day, "15:00"), seen_version=seen)
        assert answer.status_code == 409
        assert "11:00" in answer.content.decode()
        assert phone.stands() == "2026-03-19T11:00"

    @pytest.mark.parametrize(
        "offer", ["", "|", "x|y", "2026-03-19T14:00|", "2026-03-19T14:00+00:00|nobody", "9" * 200, "\x00",
                  "2026-02-31T14:00+00:00|x", "0001-01-01T00:00+00:00|x"],
    )  # fmt: skip
    def test_a_tampered_choice_is_refused_in_words(self, phone: Phone, offer: str) -> None:
        answer = phone.choose(offer)
        assert answer.status_code == 422
        assert "Choose one of the times" in answer.content.decode()
        assert phone.stands() == "2026-03-19T10:00"

    @pytest.mark.parametrize(
        ("time", "on"),
        [("14:07", NEXT_THURSDAY), ("14:00", dt.date(2026, 3, 12)), ("14:00", dt.date(2026, 3, 1)),
         ("14:00", dt.date(2027, 1, 14)), ("03:00", NEXT_THURSDAY)],
    )  # fmt: skip
    def test_a_time_nobody_offered_is_refused(self, day: MailDay, phone: Phone, time: str, on: dt.date) -> None:
        answer = phone.choose(value(day, time, on))
        assert answer.status_code == 409
        assert "cannot be chosen here" in answer.content.decode()
        assert phone.stands() == "2026-03-19T10:00"

    def test_another_practitioner_is_refused_where_the_site_does_not_allow_it(self, day: MailDay, phone: Phone) -> None:
        assert phone.choose(value(day, "14:00", who=day.clinic.other_doctor)).status_code == 409
        assert phone.stands() == "2026-03-19T10:00"
        set_rules(day, any_practitioner=True)
        assert phone.choose(value(day, "14:00", who=day.clinic.other_doctor), form_token=TOKEN + "2").status_code == 302
        phone.appointment.refresh_from_db()
        assert phone.appointment.practitioner == day.clinic.other_doctor

    def test_a_confirmation_ends_with_the_old_time(self, day: MailDay, phone: Phone) -> None:
        phone.appointment = booking.change_status(
            appointment=phone.appointment, to="confirmed", seen_version=phone.appointment.version, by=day.by
        )
        assert phone.choose(value(day, "15:00")).status_code == 302
        phone.appointment.refresh_from_db()
        assert phone.appointment.status == "booked"


class TestTheRules:
    def test_after_the_cut_off_it_says_to_call(self, day: MailDay, phone: Phone, at: Any) -> None:
        at("2026-03-18T10:00+00:00")  # 23 hours before
        phone = phone_of(day, phone.appointment)
        page = phone.page()
        assert "24 hours before. Please call us" in page
        assert 'name="offer"' not in page
        assert phone.choose(value(day, "15:00")).status_code == 409
        assert phone.stands() == "2026-03-19T10:00"
        front = phone.client.get(reverse("patient-appointment")).content.decode()
        assert "24 hours before. Please call us" in front
        assert "Cannot come" in front

    def test_just_before_the_cut_off_it_is_open(self, day: MailDay, phone: Phone, at: Any) -> None:
        at("2026-03-18T08:59+00:00")
        assert phone_of(day, phone.appointment).offers()

    def test_switched_off_at_the_site(self, day: MailDay, phone: Phone) -> None:
        set_rules(day, moving_on=False)
        assert "please call us" in phone.page()
        assert phone.choose(value(day, "15:00")).status_code == 409
        assert phone.stands() == "2026-03-19T10:00"

    def test_only_upcoming_visits(self, day: MailDay, phone: Phone) -> None:
        booking.cancel(appointment=phone.appointment, seen_version=phone.appointment.version, reason="ill", by=day.by)
        assert "can no longer be changed here" in phone.page()
        assert phone.choose(value(day, "15:00")).status_code == 409

    def test_nobody_moves_another_patients_visit(self, day: MailDay) -> None:
        theirs = day.book()
        stranger = factories.make_patient(day.clinic.site)
        for doer in (Doer.patient(stranger.public_id, "somebody"), Doer(kind="nobody", label="nobody")):
            later = day.clinic.at("15:00", NEXT_THURSDAY)
            with pytest.raises(NotPermitted):
                booking.move(appointment=theirs, seen_version=theirs.version, starts_at=later, by=doer)
        theirs.refresh_from_db()
        assert theirs.agreed_start == "2026-03-19T10:00"

    def test_a_patient_cannot_overbook(self, day: MailDay, phone: Phone) -> None:
        with pytest.raises(Refused):
            booking.move(
                appointment=phone.appointment, seen_version=phone.appointment.version, overbook_reason="please",
                starts_at=day.clinic.at("15:00", NEXT_THURSDAY), by=Doer.patient(day.patient.public_id, "patient"),
            )  # fmt: skip


class TestACourse:
    """The window of the session, and the session after it, bound the days."""

    @pytest.fixture
    def course_phone(self, day: MailDay, monkeypatch: Any) -> Phone:
        allow_screening(monkeypatch)
        course = factories.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
        service = factories.make_service(ServiceKind.TREATMENT, indication=course.indication)
        first, second = course.planned_sessions.order_by("number")[:2]
        visit = day.book(service=service, course=course, planned_sessions=[first])
        self.service, self.course, self.second = service, course, second
        return phone_of(day, visit)

    def test_days_lie_inside_the_window(self, day: MailDay, course_phone: Phone) -> None:
        session = self.course.planned_sessions.get(number=1)
        PlannedSession.objects.filter(pk=session.pk).update(
            earliest=dt.date(2026, 3, 17), ideal=NEXT_THURSDAY, latest=dt.date(2026, 3, 20)
        )
        assert {one[:10] for one in course_phone.offers()} <= {"2026-03-17", "2026-03-18", "2026-03-19", "2026-03-20"}
        assert course_phone.choose(value(day, "14:00", dt.date(2026, 3, 23))).status_code == 409
        assert course_phone.choose(value(day, "14:00", dt.date(2026, 3, 16)), form_token=TOKEN + "2").status_code == 409
        assert course_phone.stands() == "2026-03-19T10:00"
        assert course_phone.choose(value(day, "14:00", dt.date(2026, 3, 20)), form_token=TOKEN + "3").status_code == 302

    def test_the_session_after_it_keeps_its_distance(self, day: MailDay, course_phone: Phone) -> None:
        self.second.refresh_from_db()
        day.book(service=self.service, course=self.course, planned_sessions=[self.second], day=self.second.earliest)
        last = self_service.Range.of(course_phone.appointment).last
        assert last < self.second.earliest
        beyond = last + dt.timedelta(days=1)
        assert not self_service.Range.of(course_phone.appointment).holds(beyond)
        assert course_phone.choose(value(day, "14:00", beyond)).status_code == 409

    def test_a_screening_that_says_no_offers_nothing(self, course_phone: Phone, monkeypatch: Any) -> None:
        allow_screening(monkeypatch, allowed=False)
        assert course_phone.offers() == []


class TestTheSetting:
    def post(self, day: MailDay, role: str, **fields: Any) -> Any:
        client = factories.signed_in(Client(), factories.make_user(role))
        posted = {"form_token": TOKEN, "seen_version": "1", "cut_off_hours": "48", "moving_on": "on"} | fields
        return client.post(reverse("site-self-service", args=[day.clinic.site.public_id]), posted)

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.MEDICAL_LEAD])
    def test_is_set_by_manager_and_medical_lead(self, day: MailDay, role: str) -> None:
        assert self.post(day, role).status_code == 302
        rules = self_service.rules_of(day.clinic.site)
        assert (rules.cut_off_hours, rules.moving_on, rules.any_practitioner) == (48, True, False)
        assert AuditEvent.objects.get(action="self-service-set").detail["cut_off_hours"] == [24, 48]

    @pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER])
    def test_by_nobody_else(self, day: MailDay, role: str) -> None:
        assert self.post(day, role).status_code == 403
        by = Doer.staff(factories.make_user(role), day.clinic.site)
        with pytest.raises(NotPermitted):
            self_service_setting.set_rules(
                site=day.clinic.site, seen_version=1, moving_on=True, cut_off_hours=1, any_practitioner=True,
                feed_names=True, by=by,
            )  # fmt: skip
        assert not SelfServiceRules.objects.exists()

    @pytest.mark.parametrize("hours", ["-1", "337", "x", "", "1.5", "9" * 30])
    def test_hours_that_make_no_sense(self, day: MailDay, hours: str) -> None:
        assert self.post(day, Role.MANAGER, cut_off_hours=hours).status_code == 422
        assert not SelfServiceRules.objects.exists()

    def test_somebody_else_was_faster(self, day: MailDay) -> None:
        set_rules(day, cut_off_hours=12, version=2)
        assert self.post(day, Role.MANAGER).status_code == 409
        assert self_service.rules_of(day.clinic.site).cut_off_hours == 12
