"""One browser, two patients: a clinic's tablet, a family's phone. Nobody sees or answers for the other."""
from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from patients import links
from patients.labels import LinkPurpose
from patients.models import PatientLink, PrivacyChoice, QuestionnaireResponse
from patients.views import opened
from sessions import consenting
from tests import factories
from tests.healthy import answered
from tests.house.pages import Page as Read
from tests.house.world import behind_link
from tests.sessions.ownpages import plan_paper, token
from tests.sessions.test_patient_intake import healthy

pytestmark = pytest.mark.django_db
WITHOUT_A_LINK = {"gate.html", "mail_stop.html", "privacy/open.html", "consent/done.html"}


@pytest.fixture
def world(own_world: SimpleNamespace, at: Any) -> SimpleNamespace:
    answered(own_world.patient)
    at("2026-03-12T07:30+00:00")
    return own_world


@pytest.fixture
def twin(world: SimpleNamespace) -> SimpleNamespace:
    """Born on the same day: the gate alone could not tell them apart."""
    patient = factories.make_patient(
        world.site, given_name="Samir", family_name="Rahman", birth_date=world.patient.birth_date, language="en"
    )
    answered(patient)
    visit = factories.make_appointment(
        patient, practitioner=world.doctor, room=factories.make_room(world.site), service=world.service,
        course=factories.make_course(patient, world.doctor), starts_at=timezone.now() + dt.timedelta(days=2),
    )  # fmt: skip
    return SimpleNamespace(patient=patient, site=world.site, appointment=visit)


def open_another(client: Client, who: SimpleNamespace, purpose: str, *, enter: bool) -> PatientLink:
    subject = who.appointment if purpose in {"changes", "appointment"} else None
    link, key = links.issue(
        patient=who.patient, site=who.site, purpose=purpose, subject=subject, by=SYSTEM,
        expires_at=timezone.now() + dt.timedelta(days=2),
    )  # fmt: skip
    assert client.get(reverse("patient-link", args=[key])).status_code == 302
    if enter:
        answer = client.post(reverse("patient-gate"), {"birth_date": who.patient.birth_date.isoformat()})
        assert answer.status_code == 302
    return link


def remember_again(client: Client, link: PatientLink) -> None:
    answer = HttpResponse()
    opened.remember(answer, link)
    client.cookies[opened.COOKIE] = answer.cookies[opened.COOKIE].value


def answer_intake(client: Client) -> None:
    for key, value in healthy().items():
        assert client.post(reverse("patient-intake-question", args=[key]), {key: value}).status_code == 302, key


def sign_intake(client: Client, who: SimpleNamespace) -> None:
    answer_intake(client)
    fields = form_of(client.get(reverse("patient-intake-overview")).content.decode()) | {"signed_name": who.patient.name}
    answer = client.post(reverse("patient-intake-sign"), fields)
    assert answer.url == reverse("patient-intake-thanks")


def form_of(html: str, form_id: str = "") -> dict[str, Any]:
    forms = [one for one in Read(html, url="/my/").forms if opened.OF_LINK in one.fields]
    return {name: field.values for name, field in forms[0].fields.items() if field.values}


def kept_at_the_gate(answer: Any) -> dict[str, Any]:
    gate = next(one for one in Read(answer.content.decode(), url="/p/").forms if one.action == reverse("patient-gate"))
    return {name: field.values for name, field in gate.fields.items() if field.values}


@pytest.mark.parametrize("enter", [False, True])
@pytest.mark.parametrize("purpose", ["privacy", "intake"])
def test_opening_another_patients_link_closes_every_page_of_the_one_before(
    world: SimpleNamespace, twin: SimpleNamespace, purpose: str, enter: bool
) -> None:
    plan_paper(world)
    client = behind_link(world, "papers")
    open_another(client, world, "privacy", enter=True)
    assert client.get(reverse("patient-papers")).status_code == 200  # two links of one patient stand side by side
    open_another(client, twin, purpose, enter=enter)
    for name in ("patient-papers", "patient-privacy"):
        page = client.get(reverse(name), follow=True)
        assert "Nadia" not in page.content.decode()
    assert client.get(reverse("patient-papers")).status_code == 404
    choose = client.post(reverse("patient-privacy"), {"form_token": token(), "language": "tr", "seen_version": "1"})
    assert choose.status_code != 302 or (purpose == "privacy" and enter)
    world.patient.refresh_from_db()
    assert world.patient.language == "en"
    assert not PrivacyChoice.objects.filter(patient=world.patient).exists()


def test_a_session_written_by_two_tabs_at_once_opens_nothing_either(world: SimpleNamespace, twin: SimpleNamespace) -> None:
    client = behind_link(world, "papers")
    before = dict(client.session.items())
    open_another(client, twin, "intake", enter=True)
    session = client.session
    for key, value in before.items():  # a page of the first patient's saved its session last
        session[key] = value
    session.save()
    assert client.get(reverse("patient-papers")).status_code == 404


class TestAFormDrawnForAnother:
    @pytest.mark.parametrize("enter", [False, True])
    def test_reaches_neither_until_its_own_birth_date_is_shown(
        self, world: SimpleNamespace, twin: SimpleNamespace, enter: bool
    ) -> None:
        client = behind_link(world, "changes")
        drawn = form_of(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}
        open_another(client, twin, "changes", enter=enter)
        late = client.post(reverse("patient-changes"), drawn)
        assert late.status_code == 403
        assert "What you typed is kept" in late.content.decode()
        assert "Samir" not in late.content.decode()
        assert not QuestionnaireResponse.objects.filter(purpose="again").exists()
        kept = kept_at_the_gate(late) | {"birth_date": world.patient.birth_date.isoformat()}
        assert kept["signed_name"] == ["Nadia Rahman"]
        answer = client.post(reverse("patient-gate"), kept, follow=True)
        assert "Thank you" in answer.content.decode()
        said = QuestionnaireResponse.objects.get(purpose="again")
        assert said.patient == world.patient  # and not the twin's, whose link was opened last

    def test_dead_meanwhile_says_that_nothing_arrived(self, world: SimpleNamespace, twin: SimpleNamespace) -> None:
        client = behind_link(world, "changes")
        drawn = form_of(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}
        PatientLink.objects.filter(patient=world.patient).update(revoked_at=timezone.now())
        open_another(client, twin, "changes", enter=True)
        late = client.post(reverse("patient-changes"), drawn)
        assert late.status_code == 404
        assert "did not reach us" in late.content.decode()
        assert "are safe" not in late.content.decode()
        assert not QuestionnaireResponse.objects.filter(purpose="again").exists()
        assert client.get(reverse("patient-changes")).status_code == 200  # the other's page stays open

    @pytest.mark.parametrize("mark", ["", "x", "A" * 22, "A" * 22 + ":1abc:zzzz", "\x00"])
    def test_a_made_up_mark_opens_and_saves_nothing(self, world: SimpleNamespace, mark: str) -> None:
        client = behind_link(world, "privacy")
        fields = form_of(client.get(reverse("patient-privacy")).content.decode()) | {"language": "tr", opened.OF_LINK: mark}
        assert client.post(reverse("patient-privacy"), fields).status_code == 404
        world.patient.refresh_from_db()
        assert world.patient.language == "en"

    def test_a_mark_is_no_key_for_longer_than_the_cookie(self, world: SimpleNamespace, at: Any) -> None:
        link = open_another(Client(), world, "privacy", enter=False)
        mark = opened.mark_of(link)
        at("2026-03-13T08:00+00:00")
        sent = {"birth_date": world.patient.birth_date.isoformat(), opened.OF_LINK: mark}
        assert Client().post(reverse("patient-gate"), sent).status_code == 404


class TestWhatWasSignedHere:
    """Another's signature, or another visit's, is nobody's excuse: "you have signed" is said of one's own deed only."""

    SIGNED, LOST = "You had already sent and signed", "did not reach us"

    def drawn(self, client: Client) -> dict[str, Any]:
        return form_of(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}

    @pytest.mark.parametrize("marked", [True, False])
    @pytest.mark.parametrize("end", ["revoked_at", "spent_at"])
    def test_the_intake_of_one_is_not_signed_by_the_others(
        self, world: SimpleNamespace, twin: SimpleNamespace, end: str, marked: bool
    ) -> None:
        client = Client()
        hers = open_another(client, world, "intake", enter=True)
        page = reverse("patient-intake-question", args=["q-stroke"])
        typed = form_of(client.get(page).content.decode()) | {"q-stroke": "tia", "go": "next"}
        open_another(client, twin, "intake", enter=True)
        sign_intake(client, twin)
        PatientLink.objects.filter(pk=hers.pk).update(**{end: timezone.now()})
        if not marked:  # of a page drawn before forms named their link; the browser says which one was opened last
            typed.pop(opened.OF_LINK)
            remember_again(client, hers)
        late = client.post(page, typed)
        assert late.status_code == 404
        assert self.LOST in late.content.decode()
        assert self.SIGNED not in late.content.decode()

    def test_the_other_visit_is_not_answered_by_the_first(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "changes")
        first = PatientLink.objects.get(patient=world.patient, purpose="changes")
        typed = self.drawn(client)
        other = factories.make_appointment(
            world.patient, practitioner=world.doctor, room=factories.make_room(world.site), service=world.service,
            course=world.course, starts_at=timezone.now() + dt.timedelta(days=9),
        )  # fmt: skip
        open_another(client, SimpleNamespace(patient=world.patient, site=world.site, appointment=other), "changes", enter=True)
        assert client.post(reverse("patient-changes"), self.drawn(client)).status_code == 302
        PatientLink.objects.filter(pk=first.pk).update(expires_at=timezone.now())
        late = client.post(reverse("patient-changes"), typed)
        assert late.status_code == 404
        assert self.SIGNED not in late.content.decode()

    def test_a_consent_withdrawn_meanwhile_does_not_read_as_signed(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "consent")
        url = reverse("patient-consent-sign")
        client.get(reverse("patient-consent"))
        typed = form_of(client.get(url).content.decode()) | {"signed_name": "Nadia Rahman"}
        session = client.session
        session["patient_done"] = {"consent": "0"}  # another consent was signed here before
        session["patient_done_link"] = {"consent": "A" * 22}
        session.save()
        consenting.withdraw(consent=world.consent_to_sign, reason="by phone", by=Doer.staff(world.doctor, world.site))
        late = client.post(url, typed)
        assert late.status_code == 404
        assert self.SIGNED not in late.content.decode()

    @pytest.mark.parametrize("other_tab", ["same-link", "other-link"])
    def test_ones_own_second_page_is_told_so(self, world: SimpleNamespace, other_tab: str) -> None:
        client = Client()
        open_another(client, world, "intake", enter=True)
        page = reverse("patient-intake-question", args=["q-stroke"])
        typed = form_of(client.get(page).content.decode()) | {"q-stroke": "tia", "go": "next"}
        if other_tab == "other-link":
            open_another(client, world, "intake", enter=True)
        sign_intake(client, world)
        late = client.post(page, typed)
        assert late.status_code == 409
        assert self.SIGNED in late.content.decode()


class TestTheGateItself:
    """The question for the birth date stands for one link, like every form behind it."""

    def test_of_one_twin_does_not_open_the_others_page(self, world: SimpleNamespace, twin: SimpleNamespace) -> None:
        client = Client()
        open_another(client, world, "intake", enter=False)
        asked = client.get(reverse("patient-gate"))
        sent = kept_at_the_gate(asked) | {"birth_date": world.patient.birth_date.isoformat()}
        open_another(client, twin, "intake", enter=False)  # in another tab
        answer = client.post(reverse("patient-gate"), sent)
        assert (answer.status_code, answer.url) == (302, reverse("patient-intake"))
        html = client.get(answer.url).content.decode()
        assert "Nadia" in html
        assert "Samir" not in html

    def test_stays_with_its_link_after_a_wrong_birth_date(self, world: SimpleNamespace, twin: SimpleNamespace) -> None:
        client = Client()
        hers = open_another(client, world, "intake", enter=False)
        his = open_another(client, twin, "intake", enter=False)
        asked = kept_at_the_gate(client.get(reverse("patient-gate")))
        open_another(client, world, "privacy", enter=False)
        wrong = client.post(reverse("patient-gate"), asked | {"birth_date": "1970-01-01"})
        assert wrong.status_code == 422
        assert opened.OF_LINK in kept_at_the_gate(wrong)
        for link, tries in ((hers, 0), (his, 1)):
            link.refresh_from_db()
            assert link.wrong_tries == tries
        answer = client.post(
            reverse("patient-gate"), kept_at_the_gate(wrong) | {"birth_date": twin.patient.birth_date.isoformat()}, follow=True
        )
        assert "Samir" in answer.content.decode()

    def test_pressed_twice_thanks_twice(self, world: SimpleNamespace) -> None:
        """The first press was carried on and signed; the second is the same form."""
        client = Client()
        open_another(client, world, "intake", enter=True)
        answer_intake(client)
        overview = client.get(reverse("patient-intake-overview")).content.decode()
        signed = form_of(overview) | {"signed_name": "Nadia Rahman"}
        session = client.session
        del session[opened.SESSION_KEY]
        session.save()
        late = client.post(reverse("patient-intake-sign"), signed)
        assert late.status_code == 403
        sent = kept_at_the_gate(late) | {"birth_date": world.patient.birth_date.isoformat()}
        for _press in range(2):
            answer = client.post(reverse("patient-gate"), sent, follow=True)
            assert answer.redirect_chain[-1][0] == reverse("patient-intake-thanks")
            assert "did not reach us" not in answer.content.decode()
        assert QuestionnaireResponse.objects.filter(patient=world.patient, purpose="intake").count() == 2  # one is older
        # other words through the same gate are not thanked for, and a stranger's browser is told nothing
        other = client.post(reverse("patient-gate"), sent | {"signed_name": "Somebody Else"}, follow=True)
        assert other.status_code == 409
        assert Client().post(reverse("patient-gate"), sent, follow=True).status_code == 404


def test_thanks_and_copies_are_gone_with_the_next_patient(world: SimpleNamespace, twin: SimpleNamespace) -> None:
    client = behind_link(world, "changes")
    fields = form_of(client.get(reverse("patient-changes")).content.decode()) | {"signed_name": "Nadia Rahman"}
    assert client.post(reverse("patient-changes"), fields).url == reverse("patient-changes-thanks")
    paper = plan_paper(world)
    session = client.session
    session["patient_consent_copy"] = {"document": paper.public_id, "at": int(timezone.now().timestamp())}
    session["patient_done"] = session["patient_done"] | {"consent": "0"}
    session.save()
    PatientLink.objects.filter(patient=world.patient).update(spent_at=timezone.now())
    assert client.get(reverse("patient-consent-copy")).status_code == 200
    link = open_another(client, twin, "intake", enter=True)
    links.spend(patient=twin.patient, purpose=LinkPurpose.INTAKE)
    links.revoke(link=link, reason="done", by=SYSTEM)
    assert client.get(reverse("patient-consent-copy")).status_code == 404
    assert client.get(reverse("patient-changes-thanks")).status_code == 404


def test_every_form_behind_a_link_names_it() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "patient_pages"
    forms = 0
    for path in sorted(folder.rglob("*.html")):
        if str(path.relative_to(folder)) in WITHOUT_A_LINK:
            continue
        for form in re.findall(r"<form\b.*?</form>", path.read_text(), re.DOTALL):
            forms += 1
            assert 'include "patient_pages/of_link.html"' in form, path
    assert forms >= 12
