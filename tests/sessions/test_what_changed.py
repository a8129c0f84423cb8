"""What a patient says before a session has changed since last time."""
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
from clinic.errors import NotPermitted
from patients.models import PatientLink, QuestionnaireResponse
from sessions import asking_again, changes_before
from sessions.gates import gates_of
from sessions.models import Message, Screening, TreatmentSession
from sessions.sending import send_due
from tests import factories
from tests.healthy import answered
from tests.house.pages import Page as Read
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import patient_doer, token, wait_in_vain

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


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
        page = client.get(reverse("patient-changes")).content.decode()
        shown = re.search(r'name="answers_shown" value="([0-9a-f]{64})"', page)
        fields = {"way": "same", "signed_name": "Nadia Rahman", "form_token": token(),
                  "answers_shown": shown[1] if shown else ""} | instead  # fmt: skip
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
        assert client.get(reverse("patient-changes-thanks")).status_code == 200

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
        late = self.nothing(client, answers_shown=changes_before.recheck_of(asked.appointment).digest)
        assert late.status_code == 403
        gate = next(one for one in Read(late.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
        sent = {name: field.values for name, field in gate.fields.items()}
        client.post(reverse("patient-gate"), sent | {"birth_date": asked.patient.birth_date.isoformat()}, follow=True)
        assert QuestionnaireResponse.objects.filter(purpose="again", patient=asked.patient).count() == 1

    def test_a_second_click_is_thanked_and_kept_once(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        fields = self.answers_on(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}
        for _click in range(2):
            assert client.post(reverse("patient-changes"), fields).url == reverse("patient-changes-thanks")
        assert QuestionnaireResponse.objects.filter(purpose="again", patient=asked.patient).count() == 1

    def test_what_a_second_tab_says_is_kept_and_not_thanked_away(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        tab = self.answers_on(client.get(reverse("patient-changes") + "?way=others").content.decode())
        assert self.nothing(client).status_code == 302
        late = client.post(reverse("patient-changes"), tab | {"signed_name": "Nadia Rahman", "q-breastfeeding": "yes"})
        assert late.status_code == 403
        gate = next(one for one in Read(late.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
        sent = {name: field.values for name, field in gate.fields.items()}
        client.post(reverse("patient-gate"), sent | {"birth_date": asked.patient.birth_date.isoformat()}, follow=True)
        newest = QuestionnaireResponse.objects.filter(purpose="again", patient=asked.patient).order_by("-submitted_at", "-id")
        assert [one.answers["q-breastfeeding"] for one in newest] == ["yes", "no"]

    def changed_at_the_clinic(self, asked: SimpleNamespace, **answers: Any) -> None:
        whole = asking_again.round_of(asked.course, asking_again.BEFORE_SESSION)
        asking_again.answer(
            course=asked.course, asked=whole, given={**whole.known, **answers}, by=Doer.staff(asked.doctor, asked.site)
        )

    @pytest.mark.parametrize("shown", ["", "x", "0" * 64])
    def test_nobody_confirms_answers_that_were_not_shown(self, asked: SimpleNamespace, shown: str) -> None:
        client = behind_link(asked, "changes")
        assert self.nothing(client, answers_shown=shown).status_code == 409
        assert not QuestionnaireResponse.objects.filter(purpose="again").exists()

    def test_answers_changed_meanwhile_are_read_before_they_are_confirmed(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        fields = self.answers_on(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}
        self.changed_at_the_clinic(asked, **{"q-breastfeeding": "yes"})
        answer = client.post(reverse("patient-changes"), fields)
        html = answer.content.decode()
        assert answer.status_code == 409
        assert "Your answers were changed meanwhile" in html
        assert 'value="Nadia Rahman"' in html
        assert not QuestionnaireResponse.objects.filter(purpose="again", submitted_kind="patient").exists()
        again = self.answers_on(html)
        assert again["answers_shown"] != fields["answers_shown"]
        assert client.post(reverse("patient-changes"), again).status_code == 302
        said = QuestionnaireResponse.objects.get(purpose="again", submitted_kind="patient")
        assert said.answers["q-breastfeeding"] == "yes"  # what the clinic wrote down, read and confirmed

    def test_typed_answers_stand_beside_those_that_changed_meanwhile(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        html = client.get(reverse("patient-changes") + "?way=others").content.decode()
        fields = self.answers_on(html) | {"signed_name": "Nadia Rahman"}
        self.changed_at_the_clinic(asked, **{"q-breastfeeding": "yes"})
        answer = client.post(reverse("patient-changes"), fields)
        html = answer.content.decode()
        assert answer.status_code == 409
        assert "What we have on record now" in html
        assert html.index("What we have on record now") < html.index("What you say now")
        assert self.answers_on(html)["q-breastfeeding"] == ["no"]
        assert client.post(reverse("patient-changes"), self.answers_on(html)).status_code == 302

    def test_a_wrong_name_does_not_renew_what_was_shown(self, asked: SimpleNamespace) -> None:
        client = behind_link(asked, "changes")
        fields = self.answers_on(client.get(reverse("patient-changes")).content.decode())
        self.changed_at_the_clinic(asked, **{"q-breastfeeding": "yes"})
        html = client.post(reverse("patient-changes"), fields | {"signed_name": ""}).content.decode()
        again = self.answers_on(html) | {"signed_name": "Nadia Rahman"}
        assert client.post(reverse("patient-changes"), again).status_code == 409

    def test_a_busy_moment_loses_nothing_typed(self, asked: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        client = behind_link(asked, "changes")
        fields = self.answers_on(client.get(reverse("patient-changes") + "?way=others").content.decode())
        fields |= {"signed_name": "Nadia Rahman", "q-breastfeeding": "yes"}
        monkeypatch.setattr(changes_before, "answer", wait_in_vain)
        answer = client.post(reverse("patient-changes"), fields)
        html = answer.content.decode()
        assert answer.status_code == 422
        assert "Nothing was changed; please send it again." in html
        assert (self.answers_on(html)["q-breastfeeding"], self.answers_on(html)["signed_name"]) == (["yes"], ["Nadia Rahman"])
        monkeypatch.undo()
        assert client.post(reverse("patient-changes"), self.answers_on(html)).status_code == 302

    def test_by_the_patient_of_the_visit_only(self, asked: SimpleNamespace) -> None:
        recheck = changes_before.recheck_of(asked.appointment)
        for by in (SYSTEM, patient_doer(asked.stranger), Doer.staff(asked.doctor, asked.site)):
            with pytest.raises(NotPermitted):
                changes_before.answer(
                    appointment=asked.appointment, given=recheck.known, shown=recheck.digest, signed_name="N R",
                    language="en", by=by,
                )  # fmt: skip

    def test_an_older_word_is_not_of_this_session(self, asked: SimpleNamespace, at: Any) -> None:
        client = behind_link(asked, "changes")
        self.nothing(client)
        at("2026-03-20T09:00+00:00")
        TreatmentSession.objects.filter(patient=asked.patient, status="ended").update(ended_at=timezone.now())
        assert changes_before.last_word(asked.record) is None
