"""What patients ask about their data, and how a manager hears of it, answers it and says so."""
from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.errors import NotPermitted
from clinic.models import StaffRole
from patients.models import DataRequest, Patient
from sessions import data_requests, messaging, withholding
from sessions.models import Message
from sessions.sending import send_due, sweep
from tests import factories
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import patient_doer, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


def week_before(world: SimpleNamespace) -> dt.datetime:
    """Ten in the morning at the site, seven days before the last day for an answer."""
    return dt.datetime.combine(world.data_request.due_on - dt.timedelta(days=7), dt.time(10), world.site.zone)


class TestDataRequests:
    @pytest.mark.parametrize(("kind", "words"), [("copy", "a copy of your data"), ("erase", "to delete your data")])
    def test_becomes_a_row_with_a_due_date_and_a_mail(self, world: SimpleNamespace, kind: str, words: str) -> None:
        DataRequest.objects.all().delete()
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-ask", args=[kind])
        assert client.get(url).status_code == 200
        assert not DataRequest.objects.exists()
        for _twice in range(2):
            assert client.post(url, {"form_token": token()}).status_code == 302
        request = DataRequest.objects.get()
        assert (request.kind, request.state) == (kind, "open")
        assert request.due_on == world.site.today() + dt.timedelta(days=30)
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if one.subject == "We have received your request"]
        assert words in mail.body
        assert ("obliges us to keep medical records" in mail.body) == (kind == "erase")
        assert "We answer by" in client.get(reverse("patient-privacy")).content.decode()

    def test_the_page_says_in_plain_words_what_the_law_keeps(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        html = client.get(reverse("patient-privacy-ask", args=["erase"])).content.decode()
        assert "The law obliges us to keep medical records" in html
        assert "deletes nothing by itself" in html
        assert client.get(reverse("patient-privacy-ask", args=["sell"])).status_code == 404

    @pytest.mark.parametrize(("outcome", "words"), [("done", "we have settled"), ("refused", "we cannot grant")])
    def test_a_manager_answers_and_the_patient_reads_why(self, world: SimpleNamespace, outcome: str, words: str) -> None:
        manager = factories.signed_in(Client(), world.people["manager"])
        listed = manager.get(reverse("data-requests")).content.decode()
        assert world.patient.record_number in listed
        url = reverse("data-request-settle", args=[world.data_request.public_id])
        fields = {"outcome": outcome, "reason": "Treatment records stay until 2036.", "seen_version": "1"}
        assert manager.post(url, fields | {"form_token": token(), "reason": " "}).status_code == 422
        assert manager.post(url, fields | {"form_token": token()}).status_code == 302
        world.data_request.refresh_from_db()
        assert (world.data_request.state, world.data_request.settled_by) == (outcome, world.people["manager"])
        assert manager.post(url, fields | {"form_token": token()}).status_code in {409, 422}
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if one.subject == "The answer to your request"]
        assert words in mail.body
        assert "Treatment records stay until 2036." in mail.body
        assert Patient.objects.filter(pk=world.patient.pk).exists()

    def test_overdue_ones_say_so(self, world: SimpleNamespace, at: Any) -> None:
        at("2026-04-30T09:00+00:00")
        manager = factories.signed_in(Client(), world.people["manager"])
        assert "Overdue" in manager.get(reverse("data-requests")).content.decode()

    def settled(self, world: SimpleNamespace, client: Client, **fields: Any) -> Any:
        url = reverse("data-request-settle", args=[world.data_request.public_id])
        first = {"outcome": "done", "reason": "Handed over.", "seen_version": "1", "form_token": token()}
        return client.post(url, first | fields)

    @pytest.mark.parametrize("why", [{"email": ""}, {"email_problem": "mailbox unavailable"}])
    def test_without_mail_somebody_tells_the_patient_and_says_how(self, world: SimpleNamespace, why: dict[str, str]) -> None:
        set_fields(world.patient, **why)
        boss = factories.signed_in(Client(), factories.make_user("manager"))
        url = reverse("data-request-settle", args=[world.data_request.public_id])
        page = boss.get(url).content.decode()
        assert "no mail goes out. Tell them yourself" in page
        assert "Save and tell the patient" not in page
        for wrong in ({}, {"told_by": "mail"}, {"told_by": "pigeon"}):
            answer = self.settled(world, boss, **wrong)
            assert answer.status_code == 422
            assert "Handed over." in answer.content.decode()
        world.data_request.refresh_from_db()
        assert world.data_request.state == "open"
        answer = self.settled(world, boss, told_by="post")
        assert answer.status_code == 302
        html = boss.get(answer.url + "?tab=settled").content.decode()
        assert "No mail goes out. How the patient was told: by post." in html
        world.data_request.refresh_from_db()
        assert (world.data_request.state, world.data_request.told_by) == ("done", "post")

    def test_with_mail_it_says_that_the_mail_goes(self, world: SimpleNamespace) -> None:
        boss = factories.signed_in(Client(), factories.make_user("manager"))
        answer = self.settled(world, boss, told_by="phone")  # nobody is asked, so nothing of it is kept
        assert "The answer goes to the patient by mail." in boss.get(answer.url).content.decode()
        world.data_request.refresh_from_db()
        assert world.data_request.told_by == "mail"

    def test_a_patient_without_mail_is_promised_none(self, world: SimpleNamespace) -> None:
        client, url = behind_link(world, "privacy"), reverse("patient-privacy-ask", args=["copy"])
        assert "You get a mail now" in client.get(url).content.decode()
        set_fields(world.patient, email="")
        html = client.get(url).content.decode()
        assert "You get a mail now" not in html
        assert "by phone, by post or when you come" in html

    def test_words_typed_while_somebody_else_settled_it_are_shown(self, world: SimpleNamespace) -> None:
        boss = factories.signed_in(Client(), factories.make_user("manager"))
        self.settled(world, boss)
        late = self.settled(world, boss, outcome="refused", reason="We know nobody of that name.")
        assert late.status_code == 422
        assert "settled already" in late.content.decode()
        assert "We know nobody of that name." in late.content.decode()
        assert "Handed over." in late.content.decode()

    def test_a_manager_sees_and_counts_only_what_they_may_answer(self, world: SimpleNamespace) -> None:
        elsewhere = factories.make_site(name="Elsewhere")
        person = factories.make_user("manager", site=elsewhere)
        StaffRole.objects.create(user=person, role="front-desk", site=world.site)  # sees the patients here, answers nothing
        there, everywhere = factories.signed_in(Client(), person), factories.signed_in(Client(), factories.make_user("manager"))
        set_fields(person, current_site=elsewhere)
        page, whole = (one.get(reverse("data-requests")).content.decode() for one in (there, everywhere))
        assert world.patient.record_number not in page
        assert world.patient.record_number in whole
        count = re.compile(r"Data requests.{0,80}?>\s*1\s*<", re.DOTALL)
        assert count.search(whole)
        assert not count.search(page)
        assert there.get(reverse("data-request-settle", args=[world.data_request.public_id])).status_code == 404

    def test_managers_hear_of_it_by_mail_and_on_the_board(self, world: SimpleNamespace) -> None:
        DataRequest.objects.all().delete()
        boss, desk = factories.make_user("manager"), factories.make_user("front-desk")
        elsewhere = factories.make_user("manager", site=factories.make_site(name="Elsewhere"))
        for one in (boss, desk):
            set_fields(one, current_site=world.site)
        client = factories.signed_in(Client(), boss)
        assert "about data to answer" not in client.get("/").content.decode()
        data_requests.ask(patient=world.patient, site=world.site, kind="erase", by=patient_doer(world.patient))
        told = Message.objects.filter(kind="msg-alert", cause_kind="datarequest")
        assert boss.email in told.values_list("recipient", flat=True)
        assert not told.filter(recipient__in=[desk.email, elsewhere.email]).exists()
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if boss.email in one.to]
        assert mail.subject == "A request about data: answer by Saturday 11 April 2026"
        assert reverse("data-requests") in mail.body
        assert "Nadia" not in mail.subject + mail.body
        board = client.get("/").content.decode()
        assert "1 request about data to answer" in board
        assert "first by Sat 11 Apr" in board
        assert "about data to answer" not in factories.signed_in(Client(), desk).get("/").content.decode()

    def reminders(self) -> list[Any]:
        """The rows written by a sweep and what they led to."""
        sweep()
        outbox.outbox.clear()
        send_due()
        return [one for one in outbox.outbox if "Still open" in str(one.subject)]

    def test_who_may_answer_hears_once_more_a_week_before_the_last_day(self, world: SimpleNamespace, at: Any) -> None:
        rows = Message.objects.filter(kind="msg-alert", cause_revision__gte=messaging.DATA_REMINDER)
        new = factories.make_user("manager")  # not there yet when it was asked
        StaffRole.objects.filter(role="manager").exclude(user=new).delete()
        morning = week_before(world)
        at((morning - dt.timedelta(days=1)).isoformat())
        assert self.reminders() == []
        assert not rows.exists()
        at((morning - dt.timedelta(minutes=1)).isoformat())
        assert self.reminders() == []
        at(morning.isoformat())
        (mail,) = self.reminders()
        assert mail.subject.startswith("Still open: a request about data, last day ")
        assert mail.to == [new.email]
        assert "Nadia" not in mail.subject + mail.body
        at((morning + dt.timedelta(days=3)).isoformat())
        assert self.reminders() == []
        assert rows.count() == 1

    @pytest.mark.parametrize("written", [False, True])
    def test_nobody_is_reminded_of_what_is_answered(self, world: SimpleNamespace, at: Any, written: bool) -> None:
        rows = Message.objects.filter(kind="msg-alert", cause_revision__gte=messaging.DATA_REMINDER)
        at((week_before(world) - dt.timedelta(hours=1)).isoformat())
        if written:
            sweep()
            assert {row.state for row in rows.all()} == {"scheduled"}
        self.settled(world, factories.signed_in(Client(), factories.make_user("manager")))
        at(week_before(world).isoformat())
        assert self.reminders() == []
        assert {row.reason for row in rows.all()} == ({withholding.REQUEST_SETTLED} if written else set())

    def test_one_that_is_overdue_already_is_not_called_due(self, world: SimpleNamespace, at: Any) -> None:
        at((week_before(world) + dt.timedelta(days=8)).isoformat())
        assert self.reminders() == []

    def test_without_any_manager_the_site_is_told(self, world: SimpleNamespace) -> None:
        DataRequest.objects.all().delete()
        StaffRole.objects.filter(role="manager").delete()
        set_fields(world.site, email="office@halden.example")
        data_requests.ask(patient=world.patient, site=world.site, kind="copy", by=patient_doer(world.patient))
        assert Message.objects.get(kind="msg-alert", cause_kind="datarequest").recipient == "office@halden.example"

    def test_nobody_else_answers(self, world: SimpleNamespace) -> None:
        for who in ("front-desk", "practitioner", "medical-lead"):
            client = factories.signed_in(Client(), world.people[who])
            assert client.get(reverse("data-requests")).status_code == 403
            with pytest.raises(NotPermitted):
                data_requests.settle(
                    request=world.data_request, outcome="done", reason="x", seen_version=1,
                    by=Doer.staff(world.people[who], world.site),
                )  # fmt: skip
        with pytest.raises(NotPermitted):
            data_requests.ask(patient=world.patient, site=world.site, kind="copy", by=patient_doer(world.stranger))
