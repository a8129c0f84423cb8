"""What patients decide behind their own link: mails, language, photographs, their consent, their data."""
from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent, StaffRole
from patients import links, privacy, records
from patients.models import DataRequest, Patient, PatientLink, PrivacyChoice
from sessions import consenting, data_requests, message_repair, own_choices, own_data_links
from sessions.gates import gates_of
from sessions.models import Consent, Document, Message
from sessions.photo_permission import USES, permission_of
from sessions.sending import send_due
from tests import factories
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import issued, make_own_world, patient_doer, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(at: Any) -> SimpleNamespace:
    return make_own_world(at)


class TestChoices:
    def fields(self, world: SimpleNamespace, **instead: Any) -> dict[str, Any]:
        world.patient.refresh_from_db()
        return {
            "mails": ["msg-next", "msg-late"], "language": "en", "seen_version": str(world.patient.version),
            "form_token": token(),
        } | instead  # fmt: skip

    def test_kinds_are_chosen_and_what_waits_of_the_others_is_withdrawn(self, world: SimpleNamespace) -> None:
        waiting = Message.objects.create(
            kind="msg-review-1m", patient=world.patient, site=world.site, cause_kind="course",
            cause_public_id=world.course.public_id, language="en", due_at=timezone.now() + dt.timedelta(days=9),
            rfc_message_id="<w@halden.example>", recipient="nadia@halden.example", state="scheduled",
        )  # fmt: skip
        client = behind_link(world, "privacy")
        assert client.post(reverse("patient-privacy"), self.fields(world)).status_code == 302
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason) == ("suppressed", "The patient does without this kind of mail")
        assert privacy.declined(world.patient, "msg-review-1m")
        assert not privacy.declined(world.patient, "msg-next")
        # and back again
        assert client.post(reverse("patient-privacy"), self.fields(world, mails=list(own_choices.OPTIONAL))).status_code == 302
        assert not privacy.declined(world.patient, "msg-review-1m")

    def test_mails_about_visits_are_not_among_them(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        html = client.get(reverse("patient-privacy")).content.decode()
        assert 'value="msg-next"' in html
        for kind in ("msg-24h", "msg-confirm", "msg-after-0", "msg-48h", "msg-ntm-6w"):
            assert f'value="{kind}"' not in html
        assert client.post(reverse("patient-privacy"), self.fields(world, mails=["msg-24h"])).status_code == 422
        assert not PrivacyChoice.objects.exists()

    def test_the_language_of_page_and_mails(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        answer = client.post(reverse("patient-privacy"), self.fields(world, language="tr"), follow=True)
        assert 'lang="tr"' in answer.content.decode()
        world.patient.refresh_from_db()
        assert world.patient.language == "tr"
        waiting = Message.objects.filter(patient=world.patient, state="scheduled")
        assert set(waiting.values_list("language", flat=True)) <= {"tr"}

    @pytest.mark.parametrize("wrong", [{"language": "xx"}, {"mails": ["nonsense"]}, {"seen_version": "no"}])
    def test_nonsense_is_refused_and_nothing_kept(self, world: SimpleNamespace, wrong: dict[str, Any]) -> None:
        client = behind_link(world, "privacy")
        assert client.post(reverse("patient-privacy"), self.fields(world, **wrong)).status_code == 422
        world.patient.refresh_from_db()
        assert world.patient.language == "en"
        assert not PrivacyChoice.objects.exists()

    def test_a_use_of_photographs_is_taken_back_for_the_future(self, world: SimpleNamespace) -> None:
        by = patient_doer(world.patient)
        assert permission_of(world.patient).allows("record")
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-photos", args=["record"])
        assert client.post(url, {"form_token": token()}).status_code == 302
        assert not permission_of(world.patient).allows("record")
        assert client.post(url, {"form_token": token()}, follow=True).status_code == 200
        assert PrivacyChoice.objects.filter(kind="photos-record").count() == 1
        doctor = factories.signed_in(Client(), world.doctor)
        chart = doctor.get(reverse("patient", args=[world.patient.public_id]) + "?tab=forms").content.decode()
        assert "Photographs in the record: taken back by the patient" in chart
        with pytest.raises(Refused):
            own_choices.refuse_photos(patient=world.patient, use="sale", by=by)
        with pytest.raises(NotPermitted):
            own_choices.refuse_photos(patient=world.patient, use="record", by=patient_doer(world.stranger))

    def test_a_newer_consent_allows_it_again(self, world: SimpleNamespace, at: Any) -> None:
        own_choices.refuse_photos(patient=world.patient, use="record", by=patient_doer(world.patient))
        at("2026-03-13T09:00+00:00")
        now = timezone.now()
        Consent.objects.create(
            patient=world.patient, course=world.course, plan_version=1, language="en", informed_at=now,
            informed_by=world.doctor, signed_at=now, method="paper", recorded_by=world.doctor, photos_record=True,
            photos_teaching=False, photos_publicity=False,
        )  # fmt: skip
        assert permission_of(world.patient).allows("record")
        own_choices.refuse_photos(patient=world.patient, use="record", by=patient_doer(world.patient))
        assert not permission_of(world.patient).allows("record")


class TestTheNewestStatementWins:
    """A consent of another course, an older yes: nothing of it comes back by itself."""

    def signed(self, world: SimpleNamespace, when: str, *, publicity: bool, record: bool = True, other: bool = False) -> Consent:
        course = factories.make_course(world.patient, world.doctor) if other else world.course
        moment = dt.datetime.fromisoformat(when)
        return Consent.objects.create(
            patient=world.patient, course=course, plan_version=1, language="en", informed_at=moment, informed_by=world.doctor,
            signed_at=moment, method="paper", recorded_by=world.doctor, photos_record=record, photos_teaching=False,
            photos_publicity=publicity,
        )  # fmt: skip

    @pytest.fixture
    def two(self, world: SimpleNamespace, at: Any) -> tuple[Consent, Consent]:
        at("2026-03-12T12:00+00:00")
        older = self.signed(world, "2026-03-12T09:00+00:00", publicity=True, other=True)
        return older, self.signed(world, "2026-03-12T11:00+00:00", publicity=False)

    def test_withdrawing_the_newest_brings_no_older_yes_back(
        self, world: SimpleNamespace, two: tuple[Consent, Consent]
    ) -> None:
        _older, newest = two
        assert [use for use in USES if permission_of(world.patient).allows(use)] == ["record"]
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-withdraw", args=[newest.public_id])
        assert "Photographs that you allowed in it are not used any more" in client.get(url).content.decode()
        client.post(url, {"form_token": token()})
        assert not any(permission_of(world.patient).allows(use) for use in USES)
        assert "No use of photographs is allowed now" in client.get(reverse("patient-privacy")).content.decode()

    def test_withdrawing_an_older_one_leaves_what_was_said_since(
        self, world: SimpleNamespace, two: tuple[Consent, Consent]
    ) -> None:
        older, _newest = two
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-withdraw", args=[older.public_id])
        assert "Photographs that you allowed in it" not in client.get(url).content.decode()
        client.post(url, {"form_token": token()})
        assert [use for use in USES if permission_of(world.patient).allows(use)] == ["record"]

    def test_a_newer_no_ends_an_older_yes(self, world: SimpleNamespace, two: tuple[Consent, Consent]) -> None:
        assert not permission_of(world.patient).allows("publicity")

    @pytest.mark.parametrize("page", ["chart", "course"])
    def test_staff_read_what_counts_now(self, world: SimpleNamespace, at: Any, page: str) -> None:
        at("2026-03-12T12:00+00:00")
        consent = self.signed(world, "2026-03-12T09:00+00:00", publicity=True)
        doctor = factories.signed_in(Client(), world.doctor)
        url = reverse("patient", args=[world.patient.public_id]) + "?tab=forms"
        if page == "course":
            url = reverse("course", args=[world.course.public_id])
        assert "publicity yes" in doctor.get(url).content.decode()
        own_choices.refuse_photos(patient=world.patient, use="publicity", by=patient_doer(world.patient))
        html = doctor.get(url).content.decode()
        assert "publicity yes" not in html
        assert "record yes · teaching no · publicity no longer (taken back on" in html
        consenting.withdraw_own(consent=consent, by=patient_doer(world.patient))
        html = doctor.get(url).content.decode()
        assert "record no longer (withdrawn on" in html
        assert " yes" not in html.partition("Photos:")[2][:200]

    def test_the_strip_asks_for_no_photograph_that_is_not_allowed(self, world: SimpleNamespace, at: Any) -> None:
        at("2026-03-12T12:00+00:00")
        self.signed(world, "2026-03-12T09:00+00:00", publicity=False, record=False)
        gate = next(one for one in gates_of(world.record) if one.code == "gate-photos")
        assert "allows no photographs in the record" in gate.detail


class TestWithdrawing:
    def test_asks_first_then_ends_it_for_the_future(self, world: SimpleNamespace) -> None:
        consent = world.signed
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-withdraw", args=[consent.public_id])
        asked = client.get(url).content.decode()
        assert "From now on you are not treated any further" in asked
        consent.refresh_from_db()
        assert consent.withdrawn_at is None
        for _click in range(2):
            assert client.post(url, {"form_token": "one-and-the-same-token-1"}).status_code == 302
        consent.refresh_from_db()
        assert consent.withdrawn_reason == consenting.BY_LINK
        assert AuditEvent.objects.filter(action="consent-withdrawn").count() == 1
        assert AuditEvent.objects.get(action="consent-withdrawn").doer_kind == "patient"
        gate = next(one for one in gates_of(world.record) if one.code == "gate-consent")
        assert (gate.is_met, gate.detail) == (False, "The patient withdrew the consent.")
        assert client.get(url).status_code == 404

    def test_the_frozen_paper_stays_and_verify_says_withdrawn(self, world: SimpleNamespace) -> None:
        consent = world.consent_to_countersign
        paper = issued(world, Document.objects.get(pk=consent.signed_document_id))
        consenting.withdraw_own(consent=consent, by=patient_doer(world.patient))
        paper.refresh_from_db()
        assert bytes(paper.pdf) == b"%PDF-1.7 own"
        page = Client().get(reverse("verify", args=[paper.verification_code])).content.decode()
        assert "Genuine, but withdrawn." in page
        client = behind_link(world, "papers")
        assert "withdrawn" in client.get(reverse("patient-papers")).content.decode()

    def test_not_that_of_another_patient_nor_one_not_signed(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        foreign = Consent.objects.create(
            patient=world.stranger, course=factories.make_course(world.stranger, world.doctor), plan_version=1,
            language="en", informed_at=timezone.now(), informed_by=world.doctor, signed_at=timezone.now(), method="paper",
            recorded_by=world.doctor, photos_record=True, photos_teaching=False, photos_publicity=False,
        )  # fmt: skip
        for consent in (foreign, world.consent_to_sign):
            url = reverse("patient-privacy-withdraw", args=[consent.public_id])
            assert client.get(url).status_code == 404
            assert client.post(url, {"form_token": token()}).status_code in {302, 404}
            consent.refresh_from_db()
            assert consent.withdrawn_at is None
        with pytest.raises(NotPermitted):
            consenting.withdraw_own(consent=foreign, by=patient_doer(world.patient))
        with pytest.raises(Refused):
            consenting.withdraw_own(consent=world.consent_to_sign, by=patient_doer(world.patient))


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


class TestTheFootOfAMail:
    def address(self, world: SimpleNamespace) -> str:
        return own_data_links.address_in(world.message).partition("8000")[2]

    def test_opening_changes_nothing_and_the_button_leads_to_the_gate(self, world: SimpleNamespace) -> None:
        client = Client()
        for _scan in range(3):
            assert client.get(self.address(world)).status_code == 200
        assert not PatientLink.objects.filter(purpose="privacy").exists()
        gate = client.post(self.address(world), follow=True)
        assert "First, your birth date" in gate.content.decode()
        assert "Nadia" not in gate.content.decode()
        answer = client.post(reverse("patient-gate"), {"birth_date": world.patient.birth_date.isoformat()})
        assert answer.url == reverse("patient-privacy")

    def test_is_no_way_to_guess_birth_dates(self, world: SimpleNamespace) -> None:
        tried = 0
        for _round in range(4):
            client = Client()
            client.post(self.address(world), follow=True)
            for _try in range(2):
                answer = client.post(reverse("patient-gate"), {"birth_date": "1970-01-01"})
                tried += answer.status_code == 422
        assert tried == 4  # the fifth wrong one ends it, whatever link it was tried at
        assert Client().post(self.address(world)).status_code == 404

    def test_wrong_ones_are_counted_until_the_right_one_is_shown(self, world: SimpleNamespace, at: Any) -> None:
        def wrong(day: str, tries: int) -> int:
            at(f"{day}T09:00+00:00")
            made = 0
            for _try in range(tries):
                client = Client()
                if client.post(self.address(world), follow=True).status_code != 200:
                    break
                made += 1
                client.post(reverse("patient-gate"), {"birth_date": "1970-01-01"})
            return made

        assert wrong("2026-03-13", 4) == 4  # a patient guesser stops before the fifth, and comes back when it is forgotten
        assert wrong("2026-03-20", 4) == 1  # it is not
        assert wrong("2026-03-20", 1) == 0
        assert wrong("2026-03-22", 9) == 5
        assert wrong("2026-03-24", 1) == 0  # a week, the second time
        assert wrong("2026-03-30", 9) == 5
        assert wrong("2026-06-01", 9) == 0  # shut
        behind_link(world, "intake")  # until the patient shows the right one at a link the clinic gave
        assert wrong("2026-06-02", 9) == 5

    def test_a_mail_that_went_to_another_address_leads_to_nobody(self, world: SimpleNamespace) -> None:
        address = self.address(world)
        client = Client()
        client.post(address, follow=True)
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        world.patient.refresh_from_db()
        values = {name: getattr(world.patient, name) for name in records.PERSON_FIELDS} | {"email": "right@halden.example"}
        records.amend(patient=world.patient, values=values, seen_version=world.patient.version, by=by)
        assert Client().get(address).status_code == 404
        assert Client().post(address).status_code == 404
        answer = client.post(reverse("patient-gate"), {"birth_date": world.patient.birth_date.isoformat()})
        assert answer.status_code == 404  # what was opened from there is shut, too

    def test_letters_case_at_the_message_log_ends_no_link(self, world: SimpleNamespace) -> None:
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        soon = timezone.now() + dt.timedelta(days=1)
        mailed, _token = links.issue(patient=world.patient, site=world.site, purpose="papers", expires_at=soon, by=SYSTEM)
        set_fields(world.message, state="failed", reason="550 no such user")
        address = world.patient.email.title()
        message_repair.send_again(message=world.message, seen_state="failed", address=address, by=by)
        mailed.refresh_from_db()
        world.patient.refresh_from_db()
        assert (world.patient.email, mailed.revoked_at) == (address, None)

    def test_only_mailed_links_end_with_their_address(self, world: SimpleNamespace) -> None:
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        soon = timezone.now() + dt.timedelta(days=1)
        mailed, _token = links.issue(patient=world.patient, site=world.site, purpose="papers", expires_at=soon, by=SYSTEM)
        by_hand, _token = links.issue(patient=world.patient, site=world.site, purpose="intake", expires_at=soon, by=by)
        set_fields(world.message, state="failed", reason="550 no such user")
        message_repair.send_again(message=world.message, seen_state="failed", address="right@halden.example", by=by)
        for one in (mailed, by_hand):
            one.refresh_from_db()
        assert (mailed.revoked_reason, by_hand.revoked_at) == (links.ADDRESS_CHANGED, None)

    @pytest.mark.parametrize("made_up", ["x", "A" * 22, "A" * 22 + ":1abc:zzzz"])
    def test_made_up_and_old_ones_open_nothing(self, world: SimpleNamespace, made_up: str, at: Any) -> None:
        assert Client().post(reverse("mail-own-data", args=[made_up])).status_code == 404
        old = self.address(world)
        at("2028-01-01T09:00+00:00")
        assert Client().post(old).status_code == 404
        assert not PatientLink.objects.filter(purpose="privacy").exists()
