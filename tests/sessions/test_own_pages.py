"""What patients do behind their own links beside visits and aftercare: papers, choices, their data, and what changed."""
from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AccessEvent, AuditEvent
from patients import links, privacy
from patients.models import DataRequest, Patient, PatientLink, PrivacyChoice, QuestionnaireResponse
from sessions import changes_before, consenting, data_requests, giving_papers, listed_papers, own_choices, own_data_links
from sessions.gates import gates_of
from sessions.models import Consent, Document, GivenPaper, Message, Screening, TreatmentSession
from sessions.sending import send_due
from tests import factories
from tests.healthy import answered
from tests.house.ledger import Ledger
from tests.house.pages import Page as Read
from tests.house.world import behind_link, make_world, set_fields
from tests.sessions.clinicday import MORNING

pytestmark = pytest.mark.django_db
NEW_PURPOSES = {"papers": "patient-papers", "privacy": "patient-privacy", "changes": "patient-changes"}


@pytest.fixture
def world(at: Any) -> SimpleNamespace:
    at(MORNING)
    world = make_world(given_name="Nadia", family_name="Rahman", email="nadia@halden.example")
    starts = timezone.now() + dt.timedelta(days=1)
    set_fields(world.appointment, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), displaced="")
    return world


def token() -> str:
    return f"form-{secrets.token_hex(12)}"


def patient_doer(patient: Patient) -> Doer:
    return Doer.patient(patient.public_id, "patient by link")


def issued(world: SimpleNamespace, document: Document, content: bytes = b"%PDF-1.7 own") -> Document:
    set_fields(document, state="issued", pdf=content, sha256=hashlib.sha256(content).hexdigest(), issued_at=timezone.now(),
               pages=1)  # fmt: skip
    return document


def plan_paper(world: SimpleNamespace, patient: Patient | None = None) -> Document:
    course = world.course if patient is None else factories.make_course(patient, world.doctor)
    return issued(world, listed_papers.issue_plan(course=course, by=Doer.staff(world.doctor, world.site), language="en"))


def given(world: SimpleNamespace, *papers: Document) -> None:
    by = Doer.staff(world.doctor, world.site)
    chosen = [one.public_id for one in papers]
    among = giving_papers.papers_to_give(world.patient, {"see-clinical"})
    giving_papers.give(patient=world.patient, chosen=chosen, among=among, by=by)


class TestEveryNewLink:
    """Foreign, used, expired, guessed and revoked ones all end on the same neutral page."""

    @pytest.mark.parametrize("purpose", NEW_PURPOSES)
    def test_opens_its_page_only_after_the_birth_date_and_no_other(self, world: SimpleNamespace, purpose: str) -> None:
        client = Client()
        _link, made = links.issue(
            patient=world.patient, site=world.site, purpose=purpose, subject=world.appointment, by=SYSTEM,
            expires_at=timezone.now() + dt.timedelta(days=1),
        )  # fmt: skip
        opened = client.get(reverse("patient-link", args=[made]), follow=True)
        assert "Nadia" not in opened.content.decode()
        assert client.get(reverse(NEW_PURPOSES[purpose])).status_code == 302  # to the gate
        client = behind_link(world, purpose)
        assert client.get(reverse(NEW_PURPOSES[purpose])).status_code == 200
        for other, page in NEW_PURPOSES.items():
            if other != purpose:
                assert client.get(reverse(page)).status_code == 404

    @pytest.mark.parametrize("purpose", NEW_PURPOSES)
    @pytest.mark.parametrize(
        "end", [{"revoked_at": True}, {"spent_at": True}, {"expires_at": True}], ids=["revoked", "used", "expired"]
    )
    def test_dead_links_are_one_page(self, world: SimpleNamespace, purpose: str, end: dict[str, Any]) -> None:
        client = behind_link(world, purpose)
        PatientLink.objects.filter(purpose=purpose).update(**dict.fromkeys(end, timezone.now()))
        answer = client.get(reverse(NEW_PURPOSES[purpose]))
        assert answer.status_code == 404
        assert "does not open anything" in answer.content.decode()

    @pytest.mark.parametrize("purpose", NEW_PURPOSES)
    def test_five_wrong_birth_dates_end_it(self, world: SimpleNamespace, purpose: str) -> None:
        link, made = links.issue(
            patient=world.patient, site=world.site, purpose=purpose, subject=world.appointment, by=SYSTEM,
            expires_at=timezone.now() + dt.timedelta(days=1),
        )  # fmt: skip
        client = Client()
        client.get(reverse("patient-link", args=[made]))
        for number in range(5):
            answer = client.post(reverse("patient-gate"), {"birth_date": f"1970-01-0{number + 1}"})
        assert answer.status_code == 404
        right = client.post(reverse("patient-gate"), {"birth_date": world.patient.birth_date.isoformat()})
        assert right.status_code == 404
        link.refresh_from_db()
        assert link.revoked_reason == "five wrong birth dates"

    @pytest.mark.parametrize("purpose", NEW_PURPOSES)
    def test_looking_changes_nothing(self, world: SimpleNamespace, purpose: str) -> None:
        client = behind_link(world, purpose)
        ledger = Ledger()
        for method in (client.get, client.head):
            assert method(reverse(NEW_PURPOSES[purpose])).status_code == 200
        assert ledger.changed() == []
        assert AccessEvent.objects.filter(category="view", patient_public_id=world.patient.public_id).exists()


class TestPapers:
    def test_what_is_theirs_and_what_was_given_and_nothing_else(self, world: SimpleNamespace) -> None:
        sheet = issued(world, world.document)
        plan, not_given = plan_paper(world), issued(world, self.passport(world))
        given(world, plan)
        client = behind_link(world, "papers")
        html = client.get(reverse("patient-papers")).content.decode()
        assert "Aftercare sheet" in html
        assert "Course plan with cost" in html
        assert not_given.public_id not in html
        for paper in (sheet, plan):
            answer = client.get(reverse("patient-paper", args=[paper.public_id]))
            assert answer.content == b"%PDF-1.7 own"
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert "no-store" in answer.headers["Cache-Control"]
            assert "Rahman" not in answer.headers["Content-Disposition"]
        assert AccessEvent.objects.filter(category="print", object_public_id=plan.public_id).exists()

    def passport(self, world: SimpleNamespace) -> Document:
        by = Doer.staff(world.doctor, world.site)
        return listed_papers.issue_passport(patient=world.patient, site=world.site, by=by, language="en")

    def test_no_paper_of_another_patient_none_not_given_none_taken_back(self, world: SimpleNamespace) -> None:
        foreign = plan_paper(world, world.stranger)
        GivenPaper.objects.create(
            patient=world.stranger, document=foreign, given_at=timezone.now(), given_by=world.doctor
        )
        plan = plan_paper(world)
        client = behind_link(world, "papers")
        for paper in (foreign, plan):
            assert client.get(reverse("patient-paper", args=[paper.public_id])).status_code == 404
        given(world, plan)
        assert client.get(reverse("patient-paper", args=[plan.public_id])).status_code == 200
        set_fields(world.document, state="issued", pdf=b"x", sha256="a" * 64, issued_at=timezone.now(), pages=1)
        given(world)
        assert client.get(reverse("patient-paper", args=[plan.public_id])).status_code == 404
        assert GivenPaper.objects.get(document=plan).taken_back_by == world.doctor
        assert client.get(reverse("patient-paper", args=["A" * 22])).status_code == 404

    def test_a_download_changes_nothing(self, world: SimpleNamespace) -> None:
        sheet = issued(world, world.document)
        client = behind_link(world, "papers")
        ledger = Ledger()
        assert client.get(reverse("patient-paper", args=[sheet.public_id])).status_code == 200
        assert ledger.changed() == []
        assert client.post(reverse("patient-paper", args=[sheet.public_id])).status_code == 405

    def test_the_desk_gives_the_plan_and_never_sees_the_summary(self, world: SimpleNamespace) -> None:
        plan, passport = plan_paper(world), issued(world, self.passport(world))
        desk = factories.signed_in(Client(), world.people["front-desk"])
        url = reverse("papers-give", args=[world.patient.public_id])
        html = desk.get(url).content.decode()
        assert plan.public_id in html
        assert passport.public_id not in html
        wrong = desk.post(url, {"papers": [passport.public_id], "form_token": token()})
        assert wrong.status_code == 422
        assert not GivenPaper.objects.exists()
        answer = desk.post(url, {"papers": [plan.public_id], "form_token": token()})
        assert answer.status_code == 302
        assert GivenPaper.objects.get().document == plan
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if one.subject == "Your papers are ready"]
        assert "plan" not in (mail.subject + mail.body).lower().replace("explan", "")
        kept = Message.objects.get(kind="msg-papers")
        assert "/p/link-not-kept/" in kept.text
        assert "/mail/your-data/link-not-kept" in kept.text

    def test_nothing_to_read_sends_nothing(self, world: SimpleNamespace) -> None:
        desk = factories.signed_in(Client(), world.people["front-desk"])
        answer = desk.post(reverse("papers-give", args=[world.patient.public_id]), {"form_token": token()})
        assert answer.status_code == 422
        assert "no paper for the patient" in answer.content.decode()
        assert not Message.objects.filter(kind="msg-papers").exists()

    def test_a_manager_gives_no_papers(self, world: SimpleNamespace) -> None:
        manager = factories.signed_in(Client(), world.people["manager"])
        assert manager.get(reverse("papers-give", args=[world.patient.public_id])).status_code == 403


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


class TestWhatChanged:
    @pytest.fixture
    def asked(self, world: SimpleNamespace, at: Any) -> SimpleNamespace:
        answered(world.patient)
        at("2026-03-12T07:30+00:00")
        return world

    def test_the_reminder_carries_the_link_and_the_copy_hides_it(self, asked: SimpleNamespace) -> None:
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if "Reminder" in one.subject]
        assert "Has your health changed?: http" in mail.body
        kept = Message.objects.get(pk=asked.message.pk).text
        assert "Has your health changed?: http://localhost:8000/p/link-not-kept/" in kept
        assert PatientLink.objects.filter(purpose="changes", subject_public_id=asked.appointment.public_id).count() == 1

    def test_a_reminder_of_somebody_never_asked_has_none(self, world: SimpleNamespace) -> None:
        outbox.outbox.clear()
        send_due()
        (mail,) = [one for one in outbox.outbox if "Reminder" in one.subject]
        assert "Has your health changed?" not in mail.body

    def nothing(self, client: Client, **instead: Any) -> Any:
        fields = {"way": "same", "signed_name": "Nadia Rahman", "form_token": token()} | instead
        return client.post(reverse("patient-changes"), fields)

    def test_nothing_changed_is_one_signature_and_staff_see_it(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        html = client.get(reverse("patient-changes")).content.decode()
        assert "Nothing has changed" in html
        screenings = Screening.objects.filter(patient=asked.patient).count()
        assert self.nothing(client).status_code == 302
        kept = QuestionnaireResponse.objects.get(purpose="again", patient=asked.patient)
        assert (kept.submitted_kind, kept.signed_name) == ("patient", "Nadia Rahman")
        assert kept.wording
        assert Screening.objects.filter(patient=asked.patient).count() > screenings
        gate = next(one for one in gates_of(asked.record) if one.code == "gate-history")
        assert not gate.is_met
        assert "Said on their own page, Thu 12 March" in gate.detail
        assert "nothing has changed." in gate.detail
        # the link is spent: a second click is thanked, a new browser finds nothing
        assert client.get(reverse("patient-changes")).url == reverse("patient-changes-thanks")

    def answers_on(self, html: str) -> dict[str, list[str]]:
        form = next(form for form in Read(html, url="/my/changes/").forms if "way" in form.fields)
        return {name: field.values for name, field in form.fields.items() if field.values}

    def test_a_new_answer_is_read_by_the_rules_and_shown_on_the_strip(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        html = client.get(reverse("patient-changes") + "?way=others").content.decode()
        fields = self.answers_on(html) | {"q-pregnant": ["yes"], "signed_name": "Nadia Rahman", "form_token": token()}
        answer = client.post(reverse("patient-changes"), fields)
        if answer.status_code == 422:  # what the new answer calls for
            fields |= self.answers_on(answer.content.decode()) | {"form_token": token()}
            answer = client.post(reverse("patient-changes"), fields)
        assert answer.status_code == 302, answer.content.decode()
        newest = Screening.objects.filter(patient=asked.patient).order_by("-id").first()
        assert newest is not None
        assert any(one.code.startswith("scr-pregn") for one in newest.findings.all())
        gate = next(one for one in gates_of(asked.record) if one.code == "gate-history")
        assert "1 answer is another one." in gate.detail

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [({"signed_name": ""}, "Type your name to sign."), ({"signed_name": "12"}, "Type your name to sign."),
         ({"form_token": ""}, "token"), ({"way": "others"}, "Please answer this question.")],
    )  # fmt: skip
    def test_what_is_wrong_is_said_and_nothing_kept(self, asked: SimpleNamespace, wrong: dict[str, str], words: str) -> None:
        client = behind_link(asked, "changes")
        answer = self.nothing(client, **wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not QuestionnaireResponse.objects.filter(purpose="again").exists()

    def test_never_asked_is_no_nothing_has_changed(self, asked: SimpleNamespace) -> None:
        response = QuestionnaireResponse.objects.get(patient=asked.patient)
        lacking = {key: value for key, value in response.answers.items() if key != "q-pregnant"}
        patient = factories.make_patient(asked.site)
        QuestionnaireResponse.objects.create(
            patient=patient, questionnaire=response.questionnaire, language="en", answers=lacking,
            submitted_at=timezone.now(), submitted_kind="patient", signed_name="N",
        )  # fmt: skip
        visit = factories.make_appointment(
            patient, practitioner=asked.doctor, room=factories.make_room(asked.site), service=asked.service,
            course=factories.make_course(patient, asked.doctor), starts_at=timezone.now() + dt.timedelta(days=2),
        )  # fmt: skip
        other = SimpleNamespace(patient=patient, site=asked.site, appointment=visit)
        client = behind_link(other, "changes")
        html = client.get(reverse("patient-changes")).content.decode()
        assert "Nothing has changed" not in html
        assert self.nothing(client).status_code == 422

    def test_once_the_visit_has_begun_or_is_cancelled_nothing_is_taken(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        set_fields(asked.appointment, status="cancelled", cancelled_at=timezone.now(), cancel_reason="Ill")
        assert "please call us" in client.get(reverse("patient-changes")).content.decode()
        self.nothing(client)
        assert not QuestionnaireResponse.objects.filter(purpose="again").exists()

    def test_typed_answers_travel_through_the_gate(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        session = client.session
        del session["patient_links"]
        session.save()
        late = self.nothing(client)
        assert late.status_code == 403
        gate = next(one for one in Read(late.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
        sent = {name: field.values for name, field in gate.fields.items()}
        client.post(reverse("patient-gate"), sent | {"birth_date": asked.patient.birth_date.isoformat()}, follow=True)
        assert QuestionnaireResponse.objects.filter(purpose="again", patient=asked.patient).count() == 1

    def test_by_the_patient_of_the_visit_only(self, asked: SimpleNamespace) -> None:
        recheck = changes_before.recheck_of(asked.appointment)
        for by in (SYSTEM, patient_doer(asked.stranger), Doer.staff(asked.doctor, asked.site)):
            with pytest.raises(NotPermitted):
                changes_before.answer(
                    appointment=asked.appointment, recheck=recheck, given=recheck.known, signed_name="N R", language="en",
                    by=by,
                )  # fmt: skip

    def test_an_older_word_is_not_of_this_session(self, asked: SimpleNamespace, at: Any) -> None:
        client = behind_link(asked, "changes")
        self.nothing(client)
        at("2026-03-20T09:00+00:00")
        TreatmentSession.objects.filter(patient=asked.patient, status="ended").update(ended_at=timezone.now())
        assert changes_before.last_word(asked.record) is None
