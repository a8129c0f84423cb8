"""What patients decide behind their own link: mails, language, photographs, and the end of their consent."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients import privacy
from patients.models import PrivacyChoice
from sessions import consenting, own_choices
from sessions.gates import gates_of
from sessions.models import Consent, Document, Message
from sessions.photo_permission import USES, permission_of
from tests import factories
from tests.house.world import behind_link
from tests.sessions.ownpages import issued, patient_doer, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


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
        assert permission_of(world.patient).allows("record")
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-photos", args=["record"])
        assert client.post(url, {"form_token": token()}).status_code == 302
        assert not permission_of(world.patient).allows("record")
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
        assert permission_of(world.patient).allows("record")
        own_choices.refuse_photos(patient=world.patient, use="record", by=patient_doer(world.patient))
        assert not permission_of(world.patient).allows("record")


class TestTheNewestStatementWins:
    """A consent of another course, an older yes: nothing of it comes back by itself."""

    def signed(self, world: SimpleNamespace, when: str, *, publicity: bool, record: bool = True, other: bool = False) -> Consent:
        course = factories.make_course(world.patient, world.doctor) if other else world.course
        moment = dt.datetime.fromisoformat(when)
        return Consent.objects.create(
            patient=world.patient, course=course, plan_version=1, language="en", informed_at=moment, informed_by=world.doctor,
            signed_at=moment, method="paper", recorded_by=world.doctor, photos_record=record, photos_teaching=False,
            photos_publicity=publicity,
        )  # fmt: skip

    @pytest.fixture
    def two(self, world: SimpleNamespace, at: Any) -> tuple[Consent, Consent]:
        at("2026-03-12T12:00+00:00")
        older = self.signed(world, "2026-03-12T09:00+00:00", publicity=True, other=True)
        return older, self.signed(world, "2026-03-12T11:00+00:00", publicity=False)

    def test_withdrawing_the_newest_brings_no_older_yes_back(
        self, world: SimpleNamespace, two: tuple[Consent, Consent]
    ) -> None:
        _older, newest = two
        assert [use for use in USES if permission_of(world.patient).allows(use)] == ["record"]
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-withdraw", args=[newest.public_id])
        assert "Photographs that you allowed in it are not used any more" in client.get(url).content.decode()
        client.post(url, {"form_token": token()})
        assert not any(permission_of(world.patient).allows(use) for use in USES)
        assert "No use of photographs is allowed now" in client.get(reverse("patient-privacy")).content.decode()

    def test_withdrawing_an_older_one_leaves_what_was_said_since(
        self, world: SimpleNamespace, two: tuple[Consent, Consent]
    ) -> None:
        older, _newest = two
        client = behind_link(world, "privacy")
        url = reverse("patient-privacy-withdraw", args=[older.public_id])
        assert "Photographs that you allowed in it" not in client.get(url).content.decode()
        client.post(url, {"form_token": token()})
        assert [use for use in USES if permission_of(world.patient).allows(use)] == ["record"]

    def test_a_newer_no_ends_an_older_yes(self, world: SimpleNamespace, two: tuple[Consent, Consent]) -> None:
        assert not permission_of(world.patient).allows("publicity")

    @pytest.mark.parametrize("page", ["chart", "course"])
    def test_staff_read_what_counts_now(self, world: SimpleNamespace, at: Any, page: str) -> None:
        at("2026-03-12T12:00+00:00")
        consent = self.signed(world, "2026-03-12T09:00+00:00", publicity=True)
        doctor = factories.signed_in(Client(), world.doctor)
        url = reverse("patient", args=[world.patient.public_id]) + "?tab=forms"
        if page == "course":
            url = reverse("course", args=[world.course.public_id])
        assert "publicity yes" in doctor.get(url).content.decode()
        own_choices.refuse_photos(patient=world.patient, use="publicity", by=patient_doer(world.patient))
        html = doctor.get(url).content.decode()
        assert "publicity yes" not in html
        assert "record yes · teaching no · publicity no longer (taken back on" in html
        consenting.withdraw_own(consent=consent, by=patient_doer(world.patient))
        html = doctor.get(url).content.decode()
        assert "record no longer (withdrawn on" in html
        assert " yes" not in html.partition("Photos:")[2][:200]

    def test_the_strip_asks_for_no_photograph_that_is_not_allowed(self, world: SimpleNamespace, at: Any) -> None:
        at("2026-03-12T12:00+00:00")
        self.signed(world, "2026-03-12T09:00+00:00", publicity=False, record=False)
        gate = next(one for one in gates_of(world.record) if one.code == "gate-photos")
        assert "allows no photographs in the record" in gate.detail


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
