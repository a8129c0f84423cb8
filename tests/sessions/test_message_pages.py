"""The message log and the patient's appointment page: what they show, whom they refuse, what they do."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.models import AccessEvent, AuditEvent
from patients import links
from sessions import messaging, outbox, reactions
from sessions.choices import MessageState
from sessions.models import Message
from sessions.reactions import Report
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db
S = MessageState
TOKEN = "t" * 32


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def desk(day: MailDay, client: Client) -> Client:
    return factories.signed_in(client, day.clinic.desk)


def as_sent(message: Message) -> Message:
    outbox.move(message, S.SENDING, claimed_at=timezone.now())
    message.subject, message.html, message.text = "Your appointment", "<p>we expect you</p>", "we expect you"
    message.save()
    outbox.move(message, S.SENT, sent_at=timezone.now())
    return message


def as_bounced(message: Message) -> Message:
    outbox.move(message, S.SENDING, claimed_at=timezone.now())
    outbox.move(message, S.BOUNCED, reason="550 no such user")
    message.patient.email_problem = "550 no such user"  # type: ignore[union-attr]
    message.patient.save()  # type: ignore[union-attr]
    return message


def page_of(client: Client, name: str, *args: Any, **query: Any) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def names_in(page: str) -> list[str]:
    return re.findall(r'class="row-link"[^>]*>(?:<[^>]*>)*([^<]+)', page)


class TestLog:
    def test_shows_what_was_above_what_comes_with_the_now_line_between(self, day: MailDay, desk: Client) -> None:
        day.book("15:00", dt.date(2026, 3, 13))
        as_sent(day.messages("msg-confirm")[0])
        page = page_of(desk, "messages")
        places = [page.index(words) for words in ("Reminder for Fri 13 Mar", "now 08:00", "Booking confirmed for")]
        assert places == sorted(places)

    def test_counts_each_tab(self, day: MailDay, desk: Client) -> None:
        day.book()
        as_bounced(day.messages("msg-confirm")[0])
        page = re.sub(r"\s+", " ", page_of(desk, "messages"))
        for tab, count in (("All", 2), ("Scheduled", 1), ("Failed", 1)):
            assert re.search(rf"<span>{tab}</span><span class=\"count\">{count}</span>", page), tab

    def test_scheduled_tab_shows_all_days_soonest_first(self, day: MailDay, desk: Client) -> None:
        day.book("10:00", dt.date(2026, 4, 30))
        page = page_of(desk, "messages", tab="scheduled")
        assert page.index("Booking confirmed for") < page.index("Reminder for Thu 30 Apr")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "bello"}, 2), ({"q": "AISHA.BELLO@"}, 2), ({"q": "somebody"}, 0),
            ({"kind": "msg-24h", "first": ""}, 1), ({"language": "tr", "first": ""}, 0),
            ({"first": "2026-03-18", "last": "2026-03-18"}, 1),
            ({"first": "2026-03-19"}, 0),
        ],
    )  # fmt: skip
    def test_filters(self, day: MailDay, desk: Client, query: dict[str, str], found: int) -> None:
        day.book("10:00", dt.date(2026, 3, 19))
        assert len(names_in(page_of(desk, "messages", **query))) == found

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"first": "31.02.2026"}, "Enter a valid date"), ({"kind": "<script>"}, "not one of the available choices"),
            ({"first": "2026-03-13", "last": "2026-03-12"}, "lies before the first"),
            ({"q": "a\x00b"}, "Null characters"), ({"q": "\u202eolleB"}, "right-to-left"),
        ],
    )  # fmt: skip
    def test_says_which_filter_is_wrong_and_keeps_it(
        self, day: MailDay, desk: Client, query: dict[str, str], sentence: str
    ) -> None:
        day.book()
        page = page_of(desk, "messages", **query)
        assert sentence in page
        assert "<script>" not in page

    def test_pages_with_a_fixed_number_of_queries(
        self, day: MailDay, desk: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            messaging.intake_requested(patient=factories.make_patient(day.clinic.site), site=day.clinic.site, by=day.by)
            del number
        page_of(desk, "messages")
        with django_assert_max_num_queries(14):
            page = page_of(desk, "messages")
        assert len(names_in(page)) == 25
        assert "1 to 25 of 30" in page
        assert len(names_in(page_of(desk, "messages", page="2"))) == 5

    def test_shows_this_site_only(self, day: MailDay, desk: Client) -> None:
        elsewhere = factories.make_site(name="Other site")
        messaging.intake_requested(patient=day.patient, site=elsewhere, by=day.by)
        assert names_in(page_of(desk, "messages")) == []
        (message,) = day.messages()
        assert desk.get(reverse("message", args=[message.public_id])).status_code == 404

    def test_empty_log_says_so(self, day: MailDay, desk: Client) -> None:
        assert "No message yet" in page_of(desk, "messages")
        day.book()
        assert "No message fits" in page_of(desk, "messages", q="somebody else")
        assert "Nothing failed" in page_of(desk, "messages", tab="failed")


class TestPanel:
    def test_tells_what_happened_and_is_noted_as_a_look(self, day: MailDay, desk: Client) -> None:
        day.book()
        message = as_bounced(day.messages("msg-confirm")[0])
        page = page_of(desk, "message", message.public_id)
        for words in ("Written", "Handed to the mail server", "Came back", "550 no such user", "Fix and send again"):
            assert words in page
        look = AccessEvent.objects.filter(category="view", object_public_id=message.public_id).get()
        assert look.patient_public_id == day.patient.public_id

    def test_fragment_for_htmx_is_the_log_alone(self, day: MailDay, desk: Client) -> None:
        day.book()
        message = day.messages()[0]
        response = desk.get(
            reverse("message", args=[message.public_id]), headers={"HX-Request": "true", "HX-Target": "message-log"}
        )
        assert response.content.decode().strip().startswith('<div id="message-log"')

    def test_mail_stands_in_a_frame_that_may_do_nothing(self, day: MailDay, desk: Client) -> None:
        day.book()
        message = as_sent(day.messages("msg-confirm")[0])
        response = desk.get(reverse("message-mail", args=[message.public_id]))
        assert response.content.decode() == "<p>we expect you</p>"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        around = desk.get(reverse("message", args=[message.public_id]))
        assert "frame-src 'self'" in around.headers["Content-Security-Policy"]

    def test_preview_shows_the_mail_to_come_and_leaves_no_link(self, day: MailDay, desk: Client) -> None:
        day.book()
        response = desk.get(reverse("message-mail", args=[day.messages("msg-24h")[0].public_id]))
        assert "Thursday 19 March 2026, 10:00" in response.content.decode()
        assert not day.patient.links.exists()


class TestRepair:
    def post(self, client: Client, message: Message, name: str = "message-send-again", **values: str) -> Any:
        return client.post(
            reverse(name, args=[message.public_id]), {"form_token": TOKEN, "seen_state": message.state, **values}
        )

    def test_fix_and_send_again(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = as_bounced(day.messages("msg-confirm")[0])
        response = self.post(desk, old, address="aisha@example.com")
        new = day.messages("msg-confirm")[1]
        assert response.headers["Location"] == reverse("message", args=[new.public_id])
        assert (new.recipient, new.state) == ("aisha@example.com", S.SCHEDULED)
        assert AuditEvent.objects.filter(action="message-sent-again", object_public_id=new.public_id).exists()

    def test_held_back_by_an_open_event_is_said_instead_of_a_button(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = as_bounced(day.messages("msg-24h")[0])
        url = reverse("message-send-again", args=[old.public_id])
        assert url in page_of(desk, "message", old.public_id)
        reactions.report(
            patient=day.patient, site=day.clinic.site, event=Report(grade=2, reaction="ae-haematoma"), by=day.clinic.by_doctor
        )
        page = page_of(desk, "message", old.public_id)
        assert "An adverse event is open: a clinician writes instead" in page
        assert url not in page
        refused = self.post(desk, old, address="aisha@example.com")
        assert refused.status_code == 422
        assert "An adverse event is open: a clinician writes instead" in refused.content.decode()
        assert not AuditEvent.objects.filter(action="message-sent-again").exists()
        assert list(Message.objects.needing_somebody()) == [old]

    def test_one_of_unknown_fate_can_be_settled_beside_an_open_event(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = day.messages("msg-24h")[0]
        outbox.move(old, S.SENDING, claimed_at=timezone.now())
        outbox.move(old, S.UNKNOWN)
        reactions.report(
            patient=day.patient, site=day.clinic.site, event=Report(grade=2, reaction="ae-haematoma"), by=day.clinic.by_doctor
        )
        page = page_of(desk, "message", old.public_id)
        assert reverse("message-arrived", args=[old.public_id]) in page
        assert reverse("message-send-again", args=[old.public_id]) not in page
        assert self.post(desk, old, "message-arrived").status_code == 302
        old.refresh_from_db()
        assert old.state == S.SENT

    def test_twice_has_one_effect(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = as_bounced(day.messages("msg-confirm")[0])
        first, second = (self.post(desk, old, address="aisha@example.com") for _ in range(2))
        assert first.headers["Location"] == second.headers["Location"]
        assert len(day.messages("msg-confirm")) == 2

    @pytest.mark.parametrize(
        "address",
        ["no-at-sign", "a@b", "a@example.org\r\nBcc: x@y.org", "x" * 250 + "@example.org", "a\u202e@example.org"],
    )
    def test_wrong_address_is_refused_beside_its_field_and_kept(self, day: MailDay, desk: Client, address: str) -> None:
        day.book()
        old = as_bounced(day.messages("msg-confirm")[0])
        response = self.post(desk, old, address=address)
        assert response.status_code == 422
        assert "aisha.bello@example.org" not in re.findall(r'name="address" value="([^"]*)"', response.content.decode())
        assert len(day.messages("msg-confirm")) == 1
        day.patient.refresh_from_db()
        assert day.patient.email == "aisha.bello@example.org"

    def test_changed_meanwhile_is_told(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = as_bounced(day.messages("msg-confirm")[0])
        response = self.post(desk, old, seen_state="failed")
        assert response.status_code == 409
        assert "This message has changed meanwhile" in response.content.decode()

    def test_without_token_nothing_happens(self, day: MailDay, desk: Client) -> None:
        day.book()
        old = as_bounced(day.messages("msg-confirm")[0])
        response = self.post(desk, old, form_token="")
        assert response.status_code == 422
        assert "lost its token" in response.content.decode()

    def test_arrived_without_the_state_that_was_seen_says_so(self, day: MailDay, desk: Client) -> None:
        message = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.UNKNOWN)
        response = self.post(desk, message, "message-arrived", seen_state="")
        assert response.status_code == 422
        assert "The page was out of date" in response.content.decode()

    def test_it_arrived(self, day: MailDay, desk: Client) -> None:
        message = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.UNKNOWN)
        assert "It arrived" in page_of(desk, "message", message.public_id)
        self.post(desk, message, "message-arrived")
        message.refresh_from_db()
        assert message.state == S.SENT

    def test_manager_sees_and_changes_nothing(self, day: MailDay, client: Client) -> None:
        day.book()
        message = as_bounced(day.messages("msg-confirm")[0])
        manager = factories.signed_in(client, factories.make_user(Role.MANAGER))
        assert "Fix and send again" not in page_of(manager, "message", message.public_id)
        assert self.post(manager, message, address="aisha@example.com").status_code == 403
        assert len(day.messages("msg-confirm")) == 1

    def test_asks_for_post(self, day: MailDay, desk: Client) -> None:
        day.book()
        message = day.messages()[0]
        for name in ("message-send-again", "message-arrived"):
            assert desk.get(reverse(name, args=[message.public_id])).status_code == 405


# --- the patient's side ---------------------------------------------------------------------------------------------
@pytest.fixture
def patient_page(day: MailDay, client: Client) -> Client:
    """The browser of a patient who opened the link of the confirmation and gave the birth date."""
    appointment = day.book()
    _link, token = links.issue(
        patient=day.patient, site=day.clinic.site, purpose="appointment", subject=appointment, by=day.by,
        expires_at=appointment.ends_at,
    )  # fmt: skip
    client.get(reverse("patient-link", args=[token]))
    birth_date = day.patient.birth_date.isoformat()
    answer = client.post(reverse("patient-gate"), {"birth_date": birth_date, "form_token": TOKEN})
    assert answer.headers["Location"] == reverse("patient-appointment")
    return client


class TestPatientAppointmentPage:
    def send(self, client: Client, deed: str, day: MailDay, **values: str) -> Any:
        fields = {"form_token": TOKEN, "seen_version": str(self.appointment(day).version)} | values
        return client.post(reverse(f"patient-appointment-{deed}"), fields)

    def appointment(self, day: MailDay) -> Any:
        return day.patient.appointments.get()

    def test_shows_day_and_place_after_the_gate(self, day: MailDay, patient_page: Client) -> None:
        page = page_of(patient_page, "patient-appointment")
        for words in ("Thursday 19 March 2026", "10:00", "Marylebone", "Confirm", "Cannot come"):
            assert words in page
        assert self.appointment(day).service.name not in page

    def test_opening_it_changes_nothing(self, day: MailDay, patient_page: Client) -> None:
        for _ in range(3):
            page_of(patient_page, "patient-appointment")
        assert self.appointment(day).status == "booked"
        assert patient_page.get(reverse("patient-appointment-confirm")).status_code == 405
        assert patient_page.get(reverse("patient-appointment-cancel")).status_code == 405

    def test_confirm(self, day: MailDay, patient_page: Client) -> None:
        assert self.send(patient_page, "confirm", day).status_code == 302
        assert self.appointment(day).status == "confirmed"
        doer = AuditEvent.objects.filter(action="appointment-status-confirmed").get()
        assert (doer.doer_kind, doer.doer_public_id) == ("patient", day.patient.public_id)

    def test_cannot_come_needs_a_reason(self, day: MailDay, patient_page: Client) -> None:
        response = self.send(patient_page, "cancel", day)
        assert response.status_code == 422
        assert "Choose one" in response.content.decode()
        assert self.appointment(day).status == "booked"

    @pytest.mark.parametrize("deed", ["confirm", "cancel"])
    @pytest.mark.parametrize("version", ["", "0", "-1", "now"])
    def test_a_page_without_its_version_says_so(self, day: MailDay, patient_page: Client, deed: str, version: str) -> None:
        response = self.send(patient_page, deed, day, seen_version=version, reason="ill")
        assert response.status_code == 422
        assert "The page was out of date" in response.content.decode()
        assert self.appointment(day).status == "booked"

    def test_cannot_come_cancels_and_withdraws_the_reminder(self, day: MailDay, patient_page: Client) -> None:
        assert self.send(patient_page, "cancel", day, reason="ill").status_code == 302
        assert self.appointment(day).status == "cancelled"
        assert self.appointment(day).cancel_reason == "patient by link: ill"
        assert {m.state for m in day.messages()} == {S.SUPPRESSED}
        assert "Confirm</" not in page_of(patient_page, "patient-appointment")

    def test_clinic_was_faster(self, day: MailDay, patient_page: Client) -> None:
        response = self.send(patient_page, "confirm", day, seen_version="7")
        assert response.status_code == 409
        assert self.appointment(day).status == "booked"

    def test_without_the_gate_leads_nowhere(self, day: MailDay, client: Client) -> None:
        day.book()
        assert client.get(reverse("patient-appointment")).status_code == 404

    def test_speaks_turkish_with_a_turkish_patient(self, day: MailDay, patient_page: Client) -> None:
        day.patient.language = "tr"
        day.patient.save()
        page = page_of(patient_page, "patient-appointment")
        for words in ("19 Mart 2026 Perşembe", "Randevunuz", "Gelemiyorum", "Neden gelemiyorsunuz?", "Hastayım"):
            assert words in page
        assert "Your appointment" not in page
