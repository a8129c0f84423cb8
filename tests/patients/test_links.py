"""Patient links: guessed, leaked, prefetched, misdirected."""
from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import AuditEvent
from patients import links
from patients.labels import LinkPurpose
from patients.models import PatientLink
from tests import factories

pytestmark = pytest.mark.django_db
BORN = dt.date(1984, 8, 9)


def issue(purpose: LinkPurpose = LinkPurpose.INTAKE, days: int = 14) -> tuple[PatientLink, str]:
    patient = factories.make_patient(birth_date=BORN)
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), patient.registered_at)
    return links.issue(
        patient=patient, site=patient.registered_at, purpose=purpose,
        expires_at=timezone.now() + dt.timedelta(days=days), by=desk,
    )  # fmt: skip


def test_only_the_hash_of_256_random_bits_is_kept() -> None:
    link, token = issue()
    assert len(token) >= 43
    link.refresh_from_db()
    assert bytes(link.token_hash) == hashlib.sha256(token.encode()).digest()
    assert token not in str(AuditEvent.objects.get(action="link-issued").detail)


def test_opening_changes_nothing_however_often() -> None:
    link, token = issue()
    before = PatientLink.objects.filter(pk=link.pk).values().get()
    for _again in range(20):
        assert links.open_link(token) == link
    assert PatientLink.objects.filter(pk=link.pk).values().get() == before


@pytest.mark.parametrize("token", ["", "x", "\x00" * 43, "ş" * 43, "a" * 101, "Zk3v-9_QyWnF2sLd0xRbT7uHgJ4mPcEa1oVi8K5SfNw"])
def test_foreign_tokens_open_nothing(token: str) -> None:
    issue()
    assert links.open_link(token) is None


def test_guessing_hits_nothing() -> None:
    issue()
    assert not any(links.open_link(secrets.token_urlsafe(32)) for _guess in range(300))


def test_dead_links_open_nothing() -> None:
    link, token = issue()
    for change in ({"expires_at": timezone.now()}, {"revoked_at": timezone.now()}, {"spent_at": timezone.now()}):
        kept = {name: getattr(link, name) for name in change}
        PatientLink.objects.filter(pk=link.pk).update(**change)
        assert links.open_link(token) is None
        PatientLink.objects.filter(pk=link.pk).update(**kept)
    assert links.open_link(token) == link


def test_a_link_of_one_purpose_is_none_of_another() -> None:
    link, _token = issue(LinkPurpose.APPOINTMENT)
    assert links.find(link.public_id, LinkPurpose.INTAKE) is None
    assert links.find(link.public_id, LinkPurpose.APPOINTMENT) == link


def test_the_right_birth_date_passes_and_is_logged() -> None:
    link, _token = issue()
    assert links.pass_gate(link, BORN) == links.Gate.PASSED
    assert AuditEvent.objects.filter(action="link-opened", patient_public_id=link.patient.public_id).count() == 1


def test_when_a_link_was_opened_before_that_was_kept_is_read_from_the_log(at: Any) -> None:
    at("2026-03-12T10:00+00:00")
    opened, _token = issue()
    untouched, _token = issue()
    wrong, _token = issue()
    for moment in ("2026-03-12T11:00+00:00", "2026-03-12T12:00+00:00"):
        at(moment)
        links.pass_gate(opened, opened.patient.birth_date)
    links.pass_gate(wrong, dt.date(1970, 1, 1))
    kept, _token = issue()
    links.pass_gate(kept, kept.patient.birth_date)
    at("2026-03-12T13:00+00:00")
    PatientLink.objects.exclude(pk=kept.pk).update(passed_at=None)
    PatientLink.objects.filter(pk=kept.pk).update(passed_at=timezone.now())
    migration = import_module("patients.migrations.0006_fill_passed_at")
    migration.AT_A_TIME = 2
    migration.fill(apps, SimpleNamespace(connection=connection))
    found = dict(PatientLink.objects.values_list("pk", "passed_at"))
    assert found[opened.pk] == dt.datetime(2026, 3, 12, 12, tzinfo=dt.UTC)  # the last time
    assert (found[untouched.pk], found[wrong.pk]) == (None, None)
    assert found[kept.pk] == timezone.now()


def test_the_fifth_wrong_birth_date_ends_the_link_even_for_the_right_one_after_it() -> None:
    link, token = issue()
    answers = [links.pass_gate(link, dt.date(1990, 1, day)) for day in range(1, 6)]
    assert answers == [links.Gate.WRONG] * 4 + [links.Gate.DEAD]
    assert links.pass_gate(link, BORN) == links.Gate.DEAD
    assert links.open_link(token) is None
    assert AuditEvent.objects.filter(action="link-wrong-birth-date").count() == 5


def test_spending_ends_every_link_to_the_same_thing_and_no_other() -> None:
    link, token = issue()
    other, other_token = issue()
    links.spend(patient=link.patient, purpose=LinkPurpose.INTAKE)
    assert links.open_link(token) is None
    assert links.open_link(other_token) == other


def test_revoking_is_logged_once() -> None:
    link, token = issue()
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK))
    links.revoke(link=link, reason="wrong address", by=desk)
    links.revoke(link=link, reason="wrong address", by=desk)
    assert links.open_link(token) is None
    assert AuditEvent.objects.filter(action="link-revoked").count() == 1


def test_a_source_that_keeps_failing_is_throttled_for_a_while(at: object) -> None:
    at("2026-03-12T10:05+00:00")  # type: ignore[operator]
    for _failure in range(links.MOST_FAILURES_AN_HOUR):
        assert not links.is_throttled("somebody")
        links.count_failure("somebody")
    assert links.is_throttled("somebody")
    assert not links.is_throttled("somebody else")
    at("2026-03-12T12:05+00:00")  # type: ignore[operator]
    assert not links.is_throttled("somebody")


def test_the_throttle_keeps_no_network_address() -> None:
    assert "192.0.2.7" not in links.source_of("192.0.2.7")
    assert links.source_of("192.0.2.7") == links.source_of("192.0.2.7") != links.source_of("192.0.2.8")
