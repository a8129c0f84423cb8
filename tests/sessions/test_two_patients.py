"""One browser, two patients: a clinic's tablet, a family's phone. Nobody sees or answers for the other."""
from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM
from patients import links
from patients.labels import LinkPurpose
from patients.models import PatientLink, PrivacyChoice, QuestionnaireResponse
from patients.views import opened
from tests import factories
from tests.healthy import answered
from tests.house.pages import Page as Read
from tests.house.world import behind_link
from tests.sessions.ownpages import make_own_world, plan_paper, token

pytestmark = pytest.mark.django_db
WITHOUT_A_LINK = {"gate.html", "mail_stop.html", "privacy/open.html", "consent/done.html"}


@pytest.fixture
def world(at: Any) -> SimpleNamespace:
    world = make_own_world(at)
    answered(world.patient)
    at("2026-03-12T07:30+00:00")
    return world


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
