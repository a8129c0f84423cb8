"""What patients decide behind their own link: mails, language, photographs, their consent, their data."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients import privacy
from patients.models import DataRequest, Patient, PatientLink, PrivacyChoice
from sessions import consenting, data_requests, own_choices, own_data_links
from sessions.gates import gates_of
from sessions.models import Consent, Document, Message
from sessions.sending import send_due
from tests import factories
from tests.house.world import behind_link
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
        assert own_choices.photo_uses(world.patient)["record"]
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-photos", args=["record"])
        assert client.post(url, {"form_token": token()}).status_code == 302
        assert not own_choices.photo_uses(world.patient)["record"]
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
        assert own_choices.photo_uses(world.patient)["record"]
        own_choices.refuse_photos(patient=world.patient, use="record", by=patient_doer(world.patient))
        assert not own_choices.photo_uses(world.patient)["record"]


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

    @pytest.mark.parametrize("made_up", ["x", "A" * 22, "A" * 22 + ":1abc:zzzz"])
    def test_made_up_and_old_ones_open_nothing(self, world: SimpleNamespace, made_up: str, at: Any) -> None:
        assert Client().post(reverse("mail-own-data", args=[made_up])).status_code == 404
        old = self.address(world)
        at("2028-01-01T09:00+00:00")
        assert Client().post(old).status_code == 404
        assert not PatientLink.objects.filter(purpose="privacy").exists()
