"""The way from the foot of a mail to one's own data: opens nothing by itself, and is no way to guess birth dates."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM, Doer
from patients import links, records
from patients.models import PatientLink
from sessions import message_repair, own_data_links
from tests import factories
from tests.house.world import behind_link, set_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(own_world: SimpleNamespace) -> SimpleNamespace:
    return own_world


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

    def test_wrong_ones_are_counted_until_the_right_one_is_shown(self, world: SimpleNamespace, at: Any) -> None:
        def wrong(day: str, tries: int) -> int:
            at(f"{day}T09:00+00:00")
            made = 0
            for _try in range(tries):
                client = Client()
                if client.post(self.address(world), follow=True).status_code != 200:
                    break
                made += 1
                client.post(reverse("patient-gate"), {"birth_date": "1970-01-01"})
            return made

        assert wrong("2026-03-13", 4) == 4  # a patient guesser stops before the fifth, and comes back when it is forgotten
        assert wrong("2026-03-20", 4) == 1  # it is not
        assert wrong("2026-03-20", 1) == 0
        assert wrong("2026-03-22", 9) == 5
        assert wrong("2026-03-24", 1) == 0  # a week, the second time
        assert wrong("2026-03-30", 9) == 5
        assert wrong("2026-06-01", 9) == 0  # shut
        behind_link(world, "intake")  # until the patient shows the right one at a link the clinic gave
        assert wrong("2026-06-02", 9) == 5

    def test_a_mail_that_went_to_another_address_leads_to_nobody(self, world: SimpleNamespace) -> None:
        address = self.address(world)
        client = Client()
        client.post(address, follow=True)
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        world.patient.refresh_from_db()
        values = {name: getattr(world.patient, name) for name in records.PERSON_FIELDS} | {"email": "right@halden.example"}
        records.amend(patient=world.patient, values=values, seen_version=world.patient.version, by=by)
        assert Client().get(address).status_code == 404
        assert Client().post(address).status_code == 404
        answer = client.post(reverse("patient-gate"), {"birth_date": world.patient.birth_date.isoformat()})
        assert answer.status_code == 404  # what was opened from there is shut, too

    def test_letters_case_at_the_message_log_ends_no_link(self, world: SimpleNamespace) -> None:
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        soon = timezone.now() + dt.timedelta(days=1)
        mailed, _token = links.issue(patient=world.patient, site=world.site, purpose="papers", expires_at=soon, by=SYSTEM)
        set_fields(world.message, state="failed", reason="550 no such user")
        address = world.patient.email.title()
        message_repair.send_again(message=world.message, seen_state="failed", address=address, by=by)
        mailed.refresh_from_db()
        world.patient.refresh_from_db()
        assert (world.patient.email, mailed.revoked_at) == (address, None)

    def test_only_mailed_links_end_with_their_address(self, world: SimpleNamespace) -> None:
        by = Doer.staff(factories.make_user("front-desk", site=world.site), world.site)
        soon = timezone.now() + dt.timedelta(days=1)
        mailed, _token = links.issue(patient=world.patient, site=world.site, purpose="papers", expires_at=soon, by=SYSTEM)
        by_hand, _token = links.issue(patient=world.patient, site=world.site, purpose="intake", expires_at=soon, by=by)
        set_fields(world.message, state="failed", reason="550 no such user")
        message_repair.send_again(message=world.message, seen_state="failed", address="right@halden.example", by=by)
        for one in (mailed, by_hand):
            one.refresh_from_db()
        assert (mailed.revoked_reason, by_hand.revoked_at) == (links.ADDRESS_CHANGED, None)

    @pytest.mark.parametrize("made_up", ["x", "A" * 22, "A" * 22 + ":1abc:zzzz"])
    def test_made_up_and_old_ones_open_nothing(self, world: SimpleNamespace, made_up: str, at: Any) -> None:
        assert Client().post(reverse("mail-own-data", args=[made_up])).status_code == 404
        old = self.address(world)
        at("2028-01-01T09:00+00:00")
        assert Client().post(old).status_code == 404
        assert not PatientLink.objects.filter(purpose="privacy").exists()
