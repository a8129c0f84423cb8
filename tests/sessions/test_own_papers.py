"""The links to a patient's own pages, and the papers they find behind one."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused
from clinic.models import AccessEvent
from clinic.models.base import new_public_id
from patients import links
from patients.models import PatientLink
from sessions import documents, giving_papers, listed_papers
from sessions.models import Document, GivenPaper, Message
from sessions.sending import send_due
from tests import factories
from tests.house.ledger import Ledger
from tests.house.world import behind_link, set_fields
from tests.sessions.ownpages import given, issued, plan_paper, token

pytestmark = pytest.mark.django_db
NEW_PURPOSES = {"papers": "patient-papers", "privacy": "patient-privacy", "changes": "patient-changes"}


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


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

    def test_as_many_queries_for_ten_papers_as_for_two(self, world: SimpleNamespace) -> None:
        sheet = issued(world, world.document)
        signed = issued(world, Document.objects.get(pk=world.consent_to_countersign.signed_document_id))
        client = behind_link(world, "papers")
        client.get(reverse("patient-papers"))

        def asked() -> tuple[int, int]:
            with CaptureQueriesContext(connection) as queries:
                html = client.get(reverse("patient-papers")).content.decode()
            return html.count("own-row\""), len(queries)

        papers, queries = asked()
        for paper in (sheet, signed) * 4:
            paper.pk, paper.public_id, paper.verification_code = None, new_public_id(), documents.new_code()
            paper.save(force_insert=True)
        assert asked() == (papers + 8, queries)

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

    def test_a_paper_replaced_while_the_list_was_open_is_not_given(self, world: SimpleNamespace) -> None:
        plan = plan_paper(world)
        among = giving_papers.papers_to_give(world.patient, {"see-clinical"})
        assert [one.pk for one in among] == [plan.pk]  # as the form that lists them reads them, before the lock
        documents.supersede([plan], by_document=world.document)
        with pytest.raises(Refused, match="replaced meanwhile"):
            giving_papers.give(
                patient=world.patient, chosen=[plan.public_id], among=among, by=Doer.staff(world.doctor, world.site)
            )
        assert not GivenPaper.objects.exists()

    def test_nothing_to_read_sends_nothing(self, world: SimpleNamespace) -> None:
        desk = factories.signed_in(Client(), world.people["front-desk"])
        answer = desk.post(reverse("papers-give", args=[world.patient.public_id]), {"form_token": token()})
        assert answer.status_code == 422
        assert "no paper for the patient" in answer.content.decode()
        assert not Message.objects.filter(kind="msg-papers").exists()

    def test_a_manager_gives_no_papers(self, world: SimpleNamespace) -> None:
        manager = factories.signed_in(Client(), world.people["manager"])
        assert manager.get(reverse("papers-give", args=[world.patient.public_id])).status_code == 403
