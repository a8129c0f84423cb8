"""A page that ran out, a busy moment: what was typed or pressed behind a link goes on, or is said not to have arrived."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients.models import PatientLink, PrivacyChoice
from patients.views import opened
from sessions import booking, checking_in, consent_signing, own_choices
from sessions.models import Appointment, Consent
from tests.house.pages import Page as Read
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import token, wait_in_vain

pytestmark = pytest.mark.django_db
KEPT, NOT_YET = "What you typed is kept", "nothing is saved yet"


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


def form_at(client: Client, url: str, action: str = "", **typed: Any) -> dict[str, Any]:
    """What a browser sends from the form of this page that goes to `action`."""
    html = client.get(url).content.decode()
    forms = [one for one in Read(html, url=url).forms if opened.OF_LINK in one.fields]
    form = next(one for one in forms if not action or one.action == action)
    return {name: field.values for name, field in form.fields.items() if field.values} | typed


def run_out(client: Client) -> None:
    session = client.session
    del session[opened.SESSION_KEY]
    session.save()


def through_the_gate(client: Client, late: Any, world: SimpleNamespace) -> Any:
    gate = next(one for one in Read(late.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
    sent = {name: field.values for name, field in gate.fields.items() if field.values}
    # a wrong birth date first: what was typed outlives it
    wrong = client.post(reverse("patient-gate"), sent | {"birth_date": "1970-01-01"})
    assert wrong.status_code == 422
    gate = next(one for one in Read(wrong.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
    sent = {name: field.values for name, field in gate.fields.items() if field.values}
    birth_date = {"birth_date": world.patient.birth_date.isoformat()}
    return client.post(reverse("patient-gate"), sent | birth_date, follow=True)


class TestAPageThatRanOut:
    def late(self, client: Client, url: str, fields: dict[str, Any], words: str) -> Any:
        run_out(client)
        late = client.post(url, fields)
        html = late.content.decode()
        assert late.status_code == 403
        assert words in html
        assert (KEPT in html) == (words == KEPT)
        return late

    def test_the_reason_of_a_cancellation_goes_on(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "appointment")
        url = reverse("patient-appointment-cancel")
        fields = form_at(client, reverse("patient-appointment"), url, reason="ill")
        through_the_gate(client, self.late(client, url, fields, KEPT), world)
        world.appointment.refresh_from_db()
        assert (world.appointment.status, world.appointment.cancel_reason) == ("cancelled", "patient by link: ill")

    def test_a_button_that_was_pressed_goes_on_and_nothing_is_said_to_be_kept(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "appointment")
        url = reverse("patient-appointment-confirm")
        late = self.late(client, url, form_at(client, reverse("patient-appointment"), url), NOT_YET)
        world.appointment.refresh_from_db()
        assert world.appointment.status == "booked"
        through_the_gate(client, late, world)
        world.appointment.refresh_from_db()
        assert world.appointment.status == "confirmed"

    def test_choices_go_on_with_the_version_they_were_made_from(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy")
        fields = form_at(client, url, url, language="tr", mails=["msg-next"])
        answer = through_the_gate(client, self.late(client, url, fields, KEPT), world)
        assert answer.status_code == 200
        world.patient.refresh_from_db()
        assert world.patient.language == "tr"

    def test_taking_photographs_back_goes_on(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-photos", args=["record"])
        late = self.late(client, url, form_at(client, reverse("patient-privacy"), url), NOT_YET)
        assert not PrivacyChoice.objects.exists()
        through_the_gate(client, late, world)
        assert PrivacyChoice.objects.get().kind == "photos-record"

    def test_a_signature_goes_on_with_the_text_it_was_given_to(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "consent")
        url = reverse("patient-consent-sign")
        fields = form_at(client, url) | self.signature(client, url)
        through_the_gate(client, self.late(client, url, fields, KEPT), world)
        world.consent_to_sign.refresh_from_db()
        assert world.consent_to_sign.signed_at is not None

    def signature(self, client: Client, url: str) -> dict[str, Any]:
        form = next(one for one in Read(client.get(url).content.decode(), url=url).forms if "text_sha256" in one.fields)
        choices = {name: "yes" for name, field in form.fields.items() if field.kind == "radio"}
        return choices | {"signed_name": "Nadia Rahman", "typed_only": "on", "questions_answered": "yes"}

    def test_of_a_dead_link_nothing_is_said_to_be_safe(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "appointment")
        url = reverse("patient-appointment-cancel")
        fields = form_at(client, reverse("patient-appointment"), url, reason="ill")
        PatientLink.objects.update(revoked_at=timezone.now())
        late = client.post(url, fields)
        assert late.status_code == 404
        assert "did not reach us" in late.content.decode()
        assert "safe" not in late.content.decode()
        assert "safe" in Client().get(reverse("patient-link", args=["x" * 43])).content.decode()


class TestABusyMoment:
    def test_keeps_the_reason_of_a_cancellation(self, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        client = behind_link(world, "appointment")
        url = reverse("patient-appointment-cancel")
        fields = form_at(client, reverse("patient-appointment"), url, reason="time")
        monkeypatch.setattr(booking, "cancel", wait_in_vain)
        answer = client.post(url, fields)
        html = answer.content.decode()
        assert answer.status_code == 409
        assert "please send it again" in html
        assert 'value="time" checked' in html
        assert 'id="cannot-come" open' in html
        monkeypatch.undo()
        again = next(one for one in Read(html, url=url).forms if one.action == url)
        client.post(url, {name: field.values for name, field in again.fields.items() if field.values})
        assert Appointment.objects.get(pk=world.appointment.pk).cancel_reason.endswith("the time does not suit")

    def test_somebody_faster_at_the_clinic_does_not_lose_it_either(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "appointment")
        url = reverse("patient-appointment-cancel")
        fields = form_at(client, reverse("patient-appointment"), url, reason="time")
        set_fields(world.appointment, version=world.appointment.version + 1)
        html = client.post(url, fields).content.decode()
        assert 'value="time" checked' in html
        again = next(one for one in Read(html, url=url).forms if one.action == url)
        answer = client.post(url, {name: field.values for name, field in again.fields.items() if field.values})
        assert answer.status_code == 302

    def test_of_photographs_is_said_on_their_page(self, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        client = behind_link(world, "privacy")
        monkeypatch.setattr(own_choices, "refuse_photos", wait_in_vain)
        url = reverse("patient-privacy-photos", args=["record"])
        answer = client.post(url, {"form_token": token()}, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("patient-privacy")
        assert "please send it again" in answer.content.decode()
        assert not PrivacyChoice.objects.exists()

    def test_keeps_a_check_in(self, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        client = behind_link(world, "check-in")
        monkeypatch.setattr(checking_in, "answer", wait_in_vain)
        typed = {"signs": "none", "pain": "2", "swelling": "less", "fever": "no", "lump": "no", "note": "It burns"}
        answer = client.post(reverse("patient-check-in"), typed | {"form_token": token()})
        assert answer.status_code == 409
        assert "please send it again" in answer.content.decode()
        assert "It burns" in answer.content.decode()

    def test_keeps_a_signature(self, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        client = behind_link(world, "consent")
        url = reverse("patient-consent-sign")
        fields = form_at(client, url) | TestAPageThatRanOut().signature(client, url)
        monkeypatch.setattr(consent_signing, "sign", wait_in_vain)
        answer = client.post(url, fields)
        html = answer.content.decode()
        assert answer.status_code == 422
        assert "please send it again" in html
        assert 'value="Nadia Rahman"' in html
        assert Consent.objects.get(pk=world.consent_to_sign.pk).signed_at is None
