"""The check-in: what the patient is told at once, what the clinic gets to know, and what becomes of it."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted
from clinic.file_checking import check_file
from clinic.models import AuditEvent
from patients import links
from patients.views import opened
from sessions import checking_in, uploading
from sessions.checking_in import Given
from sessions.models import AdverseEvent, CheckIn, Message, TreatmentSession
from sessions.sending import send_due
from tests import factories
from tests.house.pages import Page as Read
from tests.papers import pdf, with_notes
from tests.screens import enter, readable_at_every_size
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sessions.test_live_aftercare import open_link

TOKEN = "a-token-of-one-form-000001"
FINE = {"signs": "none", "pain": "2", "swelling": "less", "fever": "no", "lump": "no", "note": "", "form_token": TOKEN}


@pytest.fixture
def day(at: Any, db: Any) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def record(day: MailDay, at: Any) -> TreatmentSession:
    """A session that ended two days ago."""
    record = day.treat(ended_at=day.clinic.at("07:30"))
    at("2026-03-14T10:00+00:00")
    return record


@pytest.fixture
def handset(day: MailDay, record: TreatmentSession, client: Client) -> Client:
    assert open_link(client, record, day, purpose="check-in").url == reverse("patient-check-in")
    return client


def send(handset: Client, **fields: Any) -> Any:
    return handset.post(reverse("patient-check-in"), FINE | fields, follow=True)


def opened_only(client: Client, record: TreatmentSession, day: MailDay) -> None:
    _link, token = links.issue(
        patient=record.patient, site=day.clinic.site, purpose="check-in", subject=record, by=day.by,
        expires_at=timezone.now() + dt.timedelta(days=9),
    )  # fmt: skip
    client.get(reverse("patient-link", args=[token]))


def counted() -> tuple[int, int, int]:
    return CheckIn.objects.count(), AdverseEvent.objects.count(), Message.objects.filter(kind="msg-alert").count()


class TestTheAnswer:
    def test_as_expected_tells_nobody(self, handset: Client) -> None:
        page = send(handset).content.decode()
        assert "is to be expected" in page
        assert counted() == (1, 0, 0)

    def test_a_red_flag_says_at_once_what_to_do_and_alerts_the_clinic(self, day: MailDay, handset: Client) -> None:
        page = send(handset, signs=["ci-breathing", "ci-pus"]).content.decode()
        number = day.clinic.site.emergency_number
        assert f"Call {number} now" in page
        assert f'href="tel:{number}"' in page
        event = AdverseEvent.objects.get()
        assert (event.grade, event.causality, event.term) == (3, "not-assessed", "Trouble breathing")
        assert event.substances is not None
        assert CheckIn.objects.get().event == event
        assert AuditEvent.objects.get(action="event-reported").doer_kind == "patient"
        outbox.outbox.clear()
        send_due()
        alerts = [one for one in outbox.outbox if "needs you" in one.subject]
        assert {one.to[0] for one in alerts} >= {day.clinic.doctor.email}
        for one in alerts:
            for words in ("Aisha", "Bello", "breathing", "session of"):
                assert words not in one.subject + one.body

    def test_a_lump_after_a_week_is_suspected_late_infection(
        self, day: MailDay, record: TreatmentSession, handset: Client, at: Any
    ) -> None:
        at("2026-03-25T10:00+00:00")
        open_link(handset, record, day, purpose="check-in")
        page = send(handset, lump="yes").content.decode()
        assert "within 48 hours" in page
        event = AdverseEvent.objects.get()
        assert (event.reaction, event.grade) == ("ae-infection-ntm", 3)

    def test_answering_again_makes_no_second_event_and_sees_the_rise(self, handset: Client) -> None:
        send(handset)
        page = send(handset, pain="4", form_token=TOKEN + "2").content.decode()
        assert "Call us today" in page
        send(handset, pain="8", form_token=TOKEN + "3")
        assert counted()[:2] == (3, 1)

    def test_a_double_click_counts_once(self, handset: Client) -> None:
        for _ in range(2):
            assert send(handset, fever="yes").status_code == 200
        assert counted()[:2] == (1, 1)

    def test_fever_not_measured_asks_to_measure(self, handset: Client) -> None:
        assert "measure your temperature" in send(handset, fever="unsure").content.decode()

    @pytest.mark.parametrize(
        ("fields", "words"),
        [({"signs": []}, "None of these"), ({"signs": ["none", "ci-pus"]}, "not both"),
         ({"signs": ["ci-nonsense"]}, "valid choice"), ({"pain": "11"}, "valid choice"), ({"pain": ""}, "Choose one."),
         ({"fever": ""}, "Choose one."), ({"lump": "maybe"}, "valid choice"),
         ({"note": "x" * 700}, "600"), ({"note": "\x00"}, "Null characters")],
    )  # fmt: skip
    def test_what_is_wrong_is_said_and_nothing_kept(self, handset: Client, fields: dict[str, Any], words: str) -> None:
        answer = send(handset, **fields)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert counted() == (0, 0, 0)

    def test_a_picture_is_drawn_anew_and_anything_else_refused(self, handset: Client, day: MailDay) -> None:
        refused = send(handset, photo=SimpleUploadedFile("a.pdf", pdf(), "application/pdf"))
        assert refused.status_code == 422
        assert "Choose a picture" in refused.content.decode()
        sent = with_notes("JPEG")
        assert send(handset, pain="9", photo=SimpleUploadedFile("a.jpg", sent, "image/jpeg")).status_code == 200
        kept = CheckIn.objects.get()
        doctor = factories.signed_in(Client(), day.clinic.doctor)
        shown = doctor.get(reverse("check-in-photo", args=[kept.public_id]))
        assert shown["Content-Type"] == "image/jpeg"
        assert shown.content != sent

    def test_by_the_patient_of_the_session_only(self, record: TreatmentSession, day: MailDay) -> None:
        stranger = factories.make_patient(day.clinic.site)
        given = Given(signs=(), pain=1, swelling="none", fever="no", lump="no")
        for doer in (SYSTEM, day.by, Doer.patient(stranger.public_id, "somebody")):
            with pytest.raises(NotPermitted):
                checking_in.answer(record=record, given=given, photo=None, by=doer)
        assert counted() == (0, 0, 0)

    def test_opens_with_the_link_of_the_aftercare_too_and_with_no_other(
        self, day: MailDay, record: TreatmentSession
    ) -> None:
        for purpose, status in (("aftercare", 200), ("intake", 404)):
            client = Client()
            open_link(client, record, day, purpose=purpose)
            assert client.get(reverse("patient-check-in")).status_code == status
        assert Client().get(reverse("patient-check-in")).status_code == 404

    def test_the_mail_leads_there(self, day: MailDay, record: TreatmentSession, at: Any) -> None:
        send_due()
        message = Message.objects.get(kind="msg-48h")
        assert message.state == "sent"
        assert "Tell us how you are: http" in message.text
        assert "/p/link-not-kept/" in message.text


class TestNothingIsLost:
    """What was typed on a page that had run out goes through the gate and arrives."""

    @pytest.mark.parametrize("purpose", ["check-in", "aftercare"])
    def test_typed_answers_travel_through_the_gate(
        self, day: MailDay, record: TreatmentSession, client: Client, purpose: str
    ) -> None:
        open_link(client, record, day, purpose=purpose)
        session = client.session
        del session["patient_links"]
        session.save()
        late = client.post(reverse("patient-check-in"), FINE | {"signs": ["ci-pus", "ci-breathing"], "note": "It burns"})
        assert late.status_code == 403
        page = Read(late.content.decode(), url="/p/")
        gate = next(form for form in page.forms if form.action == reverse("patient-gate"))
        sent = {name: field.values for name, field in gate.fields.items()} | {"birth_date": day.patient.birth_date.isoformat()}
        assert counted() == (0, 0, 0)
        answer = client.post(reverse("patient-gate"), sent, follow=True)
        assert "Call" in answer.content.decode()
        kept = CheckIn.objects.get()
        assert kept.answers["note"] == "It burns"
        assert sorted(kept.answers["signs"]) == ["ci-breathing", "ci-pus"]

    @pytest.mark.parametrize("both", [True, False])
    def test_a_form_of_the_aftercare_page_arrives_beside_the_link_of_the_check_in_mail(
        self, day: MailDay, record: TreatmentSession, client: Client, both: bool
    ) -> None:
        """Two tabs, two links of one patient: the form is held to the link it was drawn for and to no other."""
        open_link(client, record, day, purpose="aftercare")
        page = Read(client.get(reverse("patient-check-in")).content.decode(), url="/p/")
        form = next(one for one in page.forms if opened.OF_LINK in one.fields)
        typed = {name: field.values for name, field in form.fields.items() if field.values} | FINE
        if both:
            open_link(client, record, day, purpose="check-in")
        else:
            opened_only(client, record, day)
        answer = client.post(reverse("patient-check-in"), typed | {"note": "It burns"})
        assert (answer.status_code, answer.headers.get("Location")) == (302, reverse("patient-check-in-answer"))
        assert CheckIn.objects.get().answers["note"] == "It burns"
        assert client.get(answer.headers["Location"]).status_code == 200

    def test_a_picture_cannot_travel_and_is_asked_for_again(
        self, day: MailDay, record: TreatmentSession, client: Client
    ) -> None:
        open_link(client, record, day, purpose="check-in")
        session = client.session
        del session["patient_links"]
        session.save()
        photo = SimpleUploadedFile("a.jpg", with_notes("JPEG"), "image/jpeg")
        late = client.post(reverse("patient-check-in"), FINE | {"note": "It burns", "photo": photo})
        page = Read(late.content.decode(), url="/p/")
        gate = next(form for form in page.forms if form.action == reverse("patient-gate"))
        sent = {name: field.values for name, field in gate.fields.items()} | {"birth_date": day.patient.birth_date.isoformat()}
        asked = client.post(reverse("patient-gate"), sent, follow=True)
        assert asked.status_code == 422
        assert "Choose the file again" in asked.content.decode()
        assert "It burns" in asked.content.decode()
        assert counted() == (0, 0, 0)
        assert send(client, note="It burns").status_code == 200
        assert CheckIn.objects.get().photo_name == ""


class TestStrayPictures:
    def answered(self, record: TreatmentSession) -> CheckIn:
        given = Given(signs=(), pain=1, swelling="none", fever="no", lump="no")
        photo = check_file(SimpleUploadedFile("a.jpg", with_notes("JPEG"), "image/jpeg"))
        by = Doer.patient(record.patient.public_id, "patient by link")
        return checking_in.answer(record=record, given=given, photo=photo, by=by)

    def stored(self) -> set[str]:
        files = uploading.private_files()
        top = checking_in.FOLDER
        folders = files.listdir(top)[0] if files.exists(top) else []
        return {f"{top}/{one}/{name}" for one in folders for name in files.listdir(f"{top}/{one}")[1]}

    def test_a_deed_that_fails_leaves_no_picture(self, record: TreatmentSession, monkeypatch: Any) -> None:
        before = self.stored()

        def broken(**_given: Any) -> None:
            raise RuntimeError("the audit is away")

        monkeypatch.setattr(checking_in.audit, "record", broken)
        with pytest.raises(RuntimeError):
            self.answered(record)
        assert self.stored() == before
        assert counted() == (0, 0, 0)

    def test_one_whose_transaction_failed_later_is_swept_after_a_day_and_no_other(
        self, record: TreatmentSession, at: Any
    ) -> None:
        kept = self.answered(record).photo_name
        stray = uploading.private_files().save(f"{checking_in.FOLDER}/ab/{'c' * 46}", ContentFile(b"x"))
        at(dt.datetime.now(dt.UTC) + dt.timedelta(days=4_000))
        assert uploading.sweep_strays() >= 1
        assert kept in self.stored()
        assert stray not in self.stored()


class TestTheClinic:
    @pytest.fixture
    def check_in(self, handset: Client) -> CheckIn:
        send(handset, signs=["ci-pus"], note="Since <b>yesterday</b>")
        return CheckIn.objects.get()

    def test_stands_on_the_board_until_somebody_has_looked(self, day: MailDay, check_in: CheckIn) -> None:
        doctor = factories.signed_in(Client(), day.clinic.doctor)
        assert ": Same day" in doctor.get(reverse("board")).content.decode()
        page = doctor.get(reverse("check-in", args=[check_in.public_id])).content.decode()
        assert "Since &lt;b&gt;yesterday&lt;/b&gt;" in page
        posted = {"form_token": TOKEN + "7", "seen_version": "1"}
        assert doctor.post(reverse("check-in-seen", args=[check_in.public_id]), posted).status_code == 302
        assert ": Same day" not in doctor.get(reverse("board")).content.decode()
        again = doctor.post(reverse("check-in-seen", args=[check_in.public_id]), posted | {"form_token": TOKEN + "8"})
        assert again.status_code == 409
        check_in.refresh_from_db()
        assert check_in.seen_by == day.clinic.doctor

    def test_the_desk_sees_that_somebody_must_call_and_no_answers(self, day: MailDay, check_in: CheckIn) -> None:
        desk = factories.signed_in(Client(), day.clinic.desk)
        assert ": Same day" in desk.get(reverse("board")).content.decode()
        for name in ("check-in", "check-in-photo"):
            assert desk.get(reverse(name, args=[check_in.public_id])).status_code == 403
        posted = {"form_token": TOKEN, "seen_version": "1"}
        assert desk.post(reverse("check-in-seen", args=[check_in.public_id]), posted).status_code == 403

    def test_a_manager_sees_nothing_of_it(self, day: MailDay, check_in: CheckIn) -> None:
        manager = factories.signed_in(Client(), factories.make_user(Role.MANAGER))
        assert "Aisha Bello" not in manager.get(reverse("board")).content.decode()
        assert manager.get(reverse("check-in", args=[check_in.public_id])).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_on_the_phone_and_at_the_desk(
    phone: Page, page: Page, live_server: Any, picture: Any, no_axe_findings: Any
) -> None:
    day = make_mail_day(language="en")
    record = day.treat(ended_at=timezone.now() - dt.timedelta(hours=50))
    _link, token = links.issue(
        patient=day.patient, site=day.clinic.site, purpose="check-in", subject=record, by=day.by,
        expires_at=timezone.now() + dt.timedelta(days=9),
    )  # fmt: skip
    phone.goto(f"{live_server.url}{reverse('patient-link', args=[token])}")
    phone.get_by_label("Birth date").fill(day.patient.birth_date.isoformat())
    phone.get_by_role("button", name="Go on").click()
    expect(phone.get_by_role("heading", name="How are you?")).to_be_visible()
    no_axe_findings(phone)
    picture(phone, "check-in-phone")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Something is still to mend below.")).to_be_visible()
    no_axe_findings(phone)
    phone.get_by_label("Redness that spreads").check()
    phone.locator(".pain-chips label").nth(5).click()
    phone.get_by_label("The same").check()
    phone.get_by_role("group", name="Do you have a fever").get_by_label("No", exact=True).check()
    phone.get_by_role("group", name="Is there a lump").get_by_label("No", exact=True).check()
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="Call us today")).to_be_visible()
    no_axe_findings(phone)
    picture(phone, "check-in-answer-phone")
    enter(page, live_server.url, day.clinic.doctor)
    page.goto(live_server.url + reverse("board"))
    no_axe_findings(page)
    picture(page, "board-with-check-in")
    page.get_by_role("link", name="Look", exact=True).click()
    picture(page, "check-in-desk")
    readable_at_every_size(page, page.url, ((390, 844), (820, 1180), (1280, 800)))
    page.get_by_role("button", name="I have seen this").click()
    expect(page.get_by_text("Looked at by Dr Amina Haddad")).to_be_visible()
