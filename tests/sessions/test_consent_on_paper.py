"""The two ways of a consent that no screen sees: the scan of a signed paper, and the mail with the text to read."""
from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from patients.models import PatientLink
from sessions import consent_signing, consenting
from sessions.models import Consent, ConsentSignature, Course, Message, Upload
from sessions.sending import send_due
from tests import factories as make
from tests.house.pages import Page as Read
from tests.house.world import given_for
from tests.papers import MARKERS, pdf, picture, with_notes
from tests.sessions.careday import MORNING, CareDay, make_care_day, send

pytestmark = pytest.mark.django_db
SIGNED = {"signed_at": "2026-03-12T09:45", "photos_record": "yes", "photos_teaching": "no", "photos_publicity": "no",
          "every_part": "on"}  # fmt: skip


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.make_lot(care.site)
    make.signed_in(client, make.make_user(Role.FRONT_DESK))
    return care


@pytest.fixture
def course(day: CareDay) -> Course:
    type(day.patient).objects.filter(pk=day.patient.pk).update(email="nadia@halden.example")
    course = day.course()
    Course.objects.filter(pk=course.pk).update(price_per_session=120, currency="EUR")
    return Course.objects.get(pk=course.pk)


class TestTheScanOfThePaper:
    @pytest.fixture
    def consent(self, day: CareDay, course: Course) -> Consent:
        return day.consent(course, signed=False)

    def record(self, client: Client, consent: Consent, name: str, content: bytes, **instead: Any) -> Any:
        scan = SimpleUploadedFile(name, content)
        return send(client, reverse("consent-record", args=[consent.public_id]), SIGNED | {"scan": scan}, **instead)

    @pytest.mark.parametrize(
        ("name", "content"), [("paper.pdf", pdf(2)), ("paper.jpg", with_notes("JPEG")), ("paper.png", picture("PNG"))]
    )
    def test_is_kept_as_the_signature(
        self, client: Client, day: CareDay, course: Course, consent: Consent, name: str, content: bytes
    ) -> None:
        assert self.record(client, consent, name, content).status_code == 302
        consent.refresh_from_db()
        assert (consent.method, consent.recorded_by is not None) == ("scan", True)
        assert consenting.state_of(course).holds  # both signed the same sheet: nobody countersigns on a screen
        upload = Upload.objects.get()
        assert (consent.scan, upload.patient, upload.kind) == (upload, day.patient, "consent")
        doctor = make.signed_in(Client(), day.doctor)
        answer = doctor.get(reverse("upload-file", args=[upload.public_id]))
        kept = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200
        assert not any(mark in kept for mark in MARKERS)
        page = doctor.get(reverse("course", args=[course.public_id])).content.decode()
        assert "Signed on paper, scanned" in page
        assert reverse("upload-file", args=[upload.public_id]) in page
        desk = client.get(reverse("patient", args=[day.patient.public_id]) + "?tab=forms").content.decode()
        assert "Signed on paper, scanned" in desk
        assert reverse("upload-file", args=[upload.public_id]) not in desk  # the paper names the treatment

    @pytest.mark.parametrize(
        ("name", "content"),
        [("paper.pdf", b"<html>"), ("paper.pdf", b""), ("paper.pdf", pdf(password="x")),
         ("paper.svg", b"<svg/>"), ("paper.jpg", picture()[:200])],
    )  # fmt: skip
    def test_a_bad_file_is_refused_beside_its_field_and_nothing_is_kept(
        self, client: Client, course: Course, consent: Consent, name: str, content: bytes
    ) -> None:
        answer = self.record(client, consent, name, content)
        assert answer.status_code == 422
        form = answer.context["form"]
        assert set(form.errors) == {"scan"}
        assert form["signed_at"].value() == SIGNED["signed_at"]
        consent.refresh_from_db()
        assert (consent.signed_at, consent.method) == (None, "")
        assert not Upload.objects.exists()

    def test_another_error_asks_for_the_file_again_and_keeps_none(self, client: Client, consent: Consent) -> None:
        answer = self.record(client, consent, "paper.pdf", pdf(), photos_teaching=None)
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"photos_teaching", "scan"}
        assert "Choose the file again" in answer.content.decode()
        assert not Upload.objects.exists()

    def test_of_a_changed_plan_is_not_taken(self, client: Client, course: Course, consent: Consent) -> None:
        Course.objects.filter(pk=course.pk).update(plan_version=course.plan_version + 1)
        assert self.record(client, consent, "paper.pdf", pdf()).status_code == 422
        consent.refresh_from_db()
        assert consent.signed_at is None
        assert not Upload.objects.exists()

    def test_is_taken_by_no_manager(self, course: Course, consent: Consent) -> None:
        manager = make.signed_in(Client(), make.make_user(Role.MANAGER))
        url = reverse("consent-record", args=[consent.public_id])
        assert manager.post(url, SIGNED | {"scan": SimpleUploadedFile("paper.pdf", pdf())}).status_code == 403
        assert not Upload.objects.exists()

    def test_cannot_be_exchanged_afterwards(self, client: Client, consent: Consent) -> None:
        self.record(client, consent, "paper.pdf", pdf())
        with pytest.raises(DatabaseError), transaction.atomic():
            Consent.objects.filter(pk=consent.pk).update(scan=None, method="paper")
        assert self.record(client, consent, "other.pdf", pdf(3)).status_code == 422
        assert Upload.objects.count() == 1


class TestTheMail:
    """One press: the text is frozen, the link goes out; what it is about stays behind the birth date."""

    def press(self, client: Client, course: Course) -> Any:
        url = reverse("consent-mail", args=[course.public_id])
        page = client.get(reverse("consent-text", args=[course.public_id])).content.decode()
        form = next((one for one in Read(page, url="/").forms if one.action == url), None)
        again = {"form_token": "one-and-the-same-token-1", "language": "en"}
        return client.post(url, again if form is None else {name: field.values for name, field in form.fields.items()})

    def test_leads_to_the_text_and_says_nothing_of_it(self, client: Client, day: CareDay, course: Course) -> None:
        assert self.press(client, course).status_code == 302
        consent, message = Consent.objects.get(), Message.objects.get(kind="msg-consent")
        assert (message.patient, message.recipient) == (day.patient, "nadia@halden.example")
        assert consent.text is not None
        outbox.outbox.clear()
        send_due()
        (mail,) = outbox.outbox
        html = str(mail.alternatives[0][0])
        for part in (mail.subject, mail.body, html):
            for word in ("melasma", "tranexamic", "injection", "hair", "off-label"):
                assert word not in part.lower()
        address = next(word for word in mail.body.split() if "/p/" in word)
        phone = Client()
        assert phone.get(address.partition("8000")[2]).status_code == 302
        answer = phone.post(reverse("patient-gate"), {"birth_date": day.patient.birth_date.isoformat()}, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("patient-consent")
        assert consent.text.verification_code in answer.content.decode()
        message.refresh_from_db()
        assert address.rstrip("/").rpartition("/")[2] not in message.text + message.html
        link = PatientLink.objects.get(purpose="consent")
        assert (link.subject_public_id, link.created_by) == (consent.public_id, None)

    def test_in_the_patients_language(self, client: Client, day: CareDay, course: Course) -> None:
        type(day.patient).objects.filter(pk=day.patient.pk).update(language="de")
        self.press(client, course)
        outbox.outbox.clear()
        send_due()
        (mail,) = outbox.outbox
        assert 'lang="de"' in str(mail.alternatives[0][0])
        assert mail.extra_headers.get("Content-Language", "de") == "de"

    def test_two_presses_are_one_mail(self, client: Client, course: Course) -> None:
        for _press in range(2):
            assert self.press(client, course).status_code == 302
        assert Message.objects.filter(kind="msg-consent").count() == 1
        assert Consent.objects.count() == 1

    def test_without_an_address_nothing_is_given_and_it_says_what_to_do(
        self, client: Client, day: CareDay, course: Course
    ) -> None:
        type(day.patient).objects.filter(pk=day.patient.pk).update(email="")
        answer = self.press(client, course)
        assert answer.status_code == 422, answer.context["form"].errors
        assert "Show the QR code instead" in str(answer.context["form"].errors), answer.context["form"].errors
        assert "Show the QR code instead" in answer.content.decode()
        assert not Message.objects.exists()
        assert not Consent.objects.exists()

    @pytest.mark.parametrize("meanwhile", ["signed", "withdrawn"])
    def test_does_not_go_once_it_is_signed_or_withdrawn(
        self, client: Client, day: CareDay, course: Course, meanwhile: str
    ) -> None:
        self.press(client, course)
        consent = Consent.objects.get()
        if meanwhile == "signed":
            consent_signing.opened(consent=consent, by=Doer.patient(day.patient.public_id, "patient by link"))
            consent_signing.sign(
                consent=consent, given=given_for(consent), address="203.0.113.9",
                by=Doer.patient(day.patient.public_id, "patient by link"),
            )  # fmt: skip
            assert ConsentSignature.objects.exists()
        else:
            consenting.withdraw(consent=consent, reason="by phone", by=day.by)
        outbox.outbox.clear()
        send_due()
        assert not outbox.outbox
        message = Message.objects.get(kind="msg-consent")
        assert message.state == "suppressed"
        assert message.reason

    def test_a_manager_gives_none(self, course: Course) -> None:
        manager = make.signed_in(Client(), make.make_user(Role.MANAGER))
        assert manager.post(reverse("consent-mail", args=[course.public_id]), {"form_token": "t" * 20}).status_code == 403
        assert not Consent.objects.exists()
