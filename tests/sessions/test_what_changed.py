"""What a patient says before a session has changed since last time."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted
from patients.models import PatientLink, QuestionnaireResponse
from sessions import changes_before
from sessions.gates import gates_of
from sessions.models import Message, Screening, TreatmentSession
from sessions.sending import send_due
from tests import factories
from tests.healthy import answered
from tests.house.pages import Page as Read
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import make_own_world, patient_doer, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(at: Any) -> SimpleNamespace:
    return make_own_world(at)


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
