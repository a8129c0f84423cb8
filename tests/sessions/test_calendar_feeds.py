"""The private calendar address of a practitioner, and the entries that travel with mails to patients."""
from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted
from clinic.models import AccessEvent, AuditEvent
from sessions import booking, calendar_feeds
from sessions.models import CalendarFeed, SelfServiceRules
from sessions.sending import send_due
from tests import factories
from tests.sessions.clinicday import MORNING, THURSDAY
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-one-form-000001"


@pytest.fixture
def day(at: Any) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def doctor(day: MailDay) -> Client:
    return factories.signed_in(Client(), day.clinic.doctor)


def make_address(doctor: Client, form_token: str = TOKEN) -> str:
    answer = doctor.post(reverse("own-calendar-renew"), {"form_token": form_token})
    assert answer.status_code == 200
    found = re.search(r'value="https?://[^/"]+(/calendar-file/[^"]+\.ics)"', answer.content.decode())
    assert found
    return found[1]


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).walk("VEVENT")


class TestTheAddress:
    def test_is_shown_once_and_only_its_hash_is_kept(self, day: MailDay, doctor: Client) -> None:
        token = make_address(doctor).rpartition("/")[2].removesuffix(".ics")
        assert len(token) == 64
        assert token not in doctor.get(reverse("own-calendar")).content.decode()
        feed = CalendarFeed.objects.get()
        assert bytes(feed.token_hash) == calendar_feeds.hash_of(token)
        assert AuditEvent.objects.filter(action="calendar-feed-made", doer_public_id=day.clinic.doctor.public_id).count() == 1
        assert token not in str(list(AuditEvent.objects.values()))

    def test_a_double_click_shows_the_same_address(self, doctor: Client) -> None:
        assert make_address(doctor) == make_address(doctor)
        assert CalendarFeed.objects.count() == 1

    def test_a_new_address_ends_the_old_one_and_ending_ends_it(self, doctor: Client) -> None:
        old = make_address(doctor)
        new = make_address(doctor, TOKEN + "2")
        assert Client().get(old).status_code == 404
        assert Client().get(new).status_code == 200
        assert doctor.post(reverse("own-calendar-end"), {"form_token": TOKEN + "3"}).status_code == 302
        assert Client().get(new).status_code == 404
        assert AuditEvent.objects.filter(action="calendar-feed-ended").count() == 1
        assert doctor.post(reverse("own-calendar-end"), {"form_token": TOKEN + "4"}).status_code == 409

    def test_every_dead_address_answers_alike(self, doctor: Client) -> None:
        old = make_address(doctor)
        doctor.post(reverse("own-calendar-end"), {"form_token": TOKEN + "2"})
        answers = [Client().get(old)] + [
            Client().get(reverse("calendar-file", args=[token])) for token in ("x", "y" * 64, "z" * 200)
        ]
        same = {(one.status_code, one.content, one["Content-Type"]) for one in answers}
        assert same == {(404, b"", "text/plain; charset=utf-8")}

    def test_of_somebody_who_left_is_dead(self, day: MailDay, doctor: Client) -> None:
        url = make_address(doctor)
        day.clinic.doctor.is_active = False
        day.clinic.doctor.save(update_fields=["is_active"])
        assert Client().get(url).status_code == 404

    @pytest.mark.parametrize("by", [SYSTEM, Doer.patient("x", "patient")])
    def test_is_made_by_staff_for_themselves_only(self, by: Doer) -> None:
        with pytest.raises(NotPermitted):
            calendar_feeds.renew(by=by, token="t" * 64)
        with pytest.raises(NotPermitted):
            calendar_feeds.revoke(by=by)


class TestTheFeed:
    def test_own_appointments_without_names(self, day: MailDay, doctor: Client) -> None:
        day.book()
        day.clinic.book("10:00", day=NEXT_THURSDAY, practitioner=day.clinic.other_doctor, room=day.clinic.other_room)
        url = make_address(doctor)
        (event,) = events(Client().get(url))
        assert event["summary"] == "Consultation"
        assert event["dtstart"].dt == day.clinic.at("10:00", NEXT_THURSDAY)
        assert event["location"] == "Room 1, Marylebone"
        assert b"Aisha" not in Client().get(url).content

    def test_names_only_where_the_site_allows_them(self, day: MailDay, doctor: Client) -> None:
        day.book()
        url = make_address(doctor)
        SelfServiceRules.objects.create(site=factories.make_site(name="Elsewhere"), feed_names=True)
        assert b"Aisha" not in Client().get(url).content
        SelfServiceRules.objects.create(site=day.clinic.site, feed_names=True)
        assert events(Client().get(url))[0]["summary"] == "Consultation · Aisha Bello"

    def test_a_cancelled_visit_disappears_and_a_moved_one_moves(self, day: MailDay, doctor: Client) -> None:
        gone, moved = day.book(), day.clinic.book("12:00", day=NEXT_THURSDAY)
        url = make_address(doctor)
        before = {str(event["uid"]): event["sequence"] for event in events(Client().get(url))}
        booking.cancel(appointment=gone, seen_version=gone.version, reason="ill", by=day.by)
        booking.move(appointment=moved, seen_version=moved.version, starts_at=day.clinic.at("15:00", NEXT_THURSDAY), by=day.by)
        (event,) = events(Client().get(url))
        assert event["dtstart"].dt == day.clinic.at("15:00", NEXT_THURSDAY)
        assert event["sequence"] > before[str(event["uid"])]

    def test_reaches_thirty_days_back_and_half_a_year_ahead(self, day: MailDay, doctor: Client) -> None:
        for days in (-31, -29, 179, 181):
            factories.make_appointment(
                day.patient, practitioner=day.clinic.doctor, room=day.clinic.room,
                starts_at=day.clinic.at("10:00") + dt.timedelta(days=days),
            )  # fmt: skip
        starts = {event["dtstart"].dt.date() for event in events(Client().get(make_address(doctor)))}
        assert starts == {THURSDAY + dt.timedelta(days=days) for days in (-29, 179)}

    def test_unchanged_answers_304_and_a_change_does_not(self, day: MailDay, doctor: Client, at: Any) -> None:
        day.book()
        url = make_address(doctor)
        first = Client().get(url)
        at("2026-03-12T09:00+00:00")
        again = Client().get(url, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert AccessEvent.objects.filter(page="calendar-file").count() == 1
        day.clinic.book("12:00", day=NEXT_THURSDAY)
        changed = Client().get(url, headers={"If-None-Match": first["ETag"]})
        assert changed.status_code == 200
        assert changed["ETag"] != first["ETag"]
        row = AccessEvent.objects.filter(page="calendar-file").order_by("-id").first()
        assert (row.category, row.doer_public_id) == ("export", day.clinic.doctor.public_id)

    def test_queries_do_not_grow(self, day: MailDay, doctor: Client, django_assert_num_queries: Any) -> None:
        make_address(doctor)
        feed = CalendarFeed.objects.select_related("user").get()
        now = day.clinic.at("09:00")
        for hour in range(9, 16):
            day.clinic.book(f"{hour:02}:00", day=NEXT_THURSDAY)
        with django_assert_num_queries(2):
            calendar_feeds.read(feed, now=now)

    def test_asking_too_often_waits(self, doctor: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr("sessions.views.self_service.READS_AN_HOUR", 3)
        monkeypatch.setattr("sessions.views.self_service.DEAD_AN_HOUR", 3)
        url, dead = make_address(doctor), reverse("calendar-file", args=["x" * 64])
        for address, code in ((url, 200), (dead, 404)):
            assert [Client().get(address).status_code for _ in range(4)] == [code] * 3 + [429]

    def test_a_manager_without_patients_has_an_empty_one(self, day: MailDay) -> None:
        day.book()
        manager = factories.signed_in(Client(), factories.make_user(Role.MANAGER))
        assert events(Client().get(make_address(manager))) == []


class TestWhatTravelsWithMails:
    def sent(self) -> list[Any]:
        """The calendar parts of what was sent, as another program reads the mail."""
        send_due()
        found = []
        for one in outbox.outbox:
            parsed = message_from_bytes(one.message().as_bytes())
            found += [part for part in parsed.walk() if part.get_content_type() == "text/calendar"]
        outbox.outbox.clear()
        return found

    def one(self) -> tuple[str, Any, str]:
        (part,) = self.sent()
        content = part.get_payload(decode=True)
        calendar = Calendar.from_ical(content)
        (event,) = calendar.walk("VEVENT")
        assert calendar["method"] == part.get_param("method")
        return part.get_param("method"), event, content.decode()

    def test_booked_moved_cancelled_is_one_entry_in_three_versions(self, day: MailDay, at: Any) -> None:
        visit = day.book()
        method, booked, text = self.one()
        assert method == "REQUEST"
        assert visit.service.name not in text
        assert "Halden" in str(booked["summary"]) or "Marylebone" in str(booked["summary"])
        assert "Marylebone" in booked["location"]
        later = day.clinic.at("15:00", NEXT_THURSDAY)
        visit = booking.move(appointment=visit, seen_version=visit.version, starts_at=later, by=day.by)
        at("2026-03-12T07:10+00:00")  # after the hold
        method, moved, _text = self.one()
        assert method == "REQUEST"
        assert moved["dtstart"].dt == day.clinic.at("15:00", NEXT_THURSDAY)
        booking.cancel(appointment=visit, seen_version=visit.version, reason="ill", by=day.by)
        at("2026-03-12T07:20+00:00")
        method, cancelled, _text = self.one()
        assert (method, cancelled["status"]) == ("CANCEL", "CANCELLED")
        assert booked["uid"] == moved["uid"] == cancelled["uid"]
        assert booked["sequence"] < moved["sequence"] < cancelled["sequence"]
        assert all(one["attendee"] == "mailto:aisha.bello@example.org" for one in (booked, moved, cancelled))

    def test_speaks_the_patients_language(self, day: MailDay) -> None:
        day.patient.language = "tr"
        day.patient.save(update_fields=["language"])
        day.book()
        _method, event, _text = self.one()
        assert str(event["summary"]).startswith("Randevu")
