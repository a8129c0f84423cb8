"""Registering and amending: numbers, lookalikes, versions, the audit row, and nothing saved on refusal."""
from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.models import AuditEvent
from patients import links, records
from patients.duplicates import likely_duplicates, similarity
from patients.models import Patient, PatientSite
from tests import factories

BORN = dt.date(1984, 8, 9)


def person(**changes: Any) -> dict[str, Any]:
    return {
        "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": BORN, "sex": "female", "phone": "+905321112233",
        "email": "ayse@example.org", "language": "tr", "address": "Moda 1", "country": "TR",
    } | changes  # fmt: skip


@pytest.fixture
def desk(db: None) -> Doer:
    return Doer.staff(factories.make_user(Role.FRONT_DESK), factories.make_site())


def test_registering_gives_a_number_a_site_a_search_key_and_an_audit_row(desk: Doer) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    assert patient.record_number.startswith("MC-2")
    assert PatientSite.objects.filter(patient=patient, site=desk.site).exists()
    assert list(Patient.objects.matching("yilm 532 111")) == [patient]
    row = AuditEvent.objects.get(action="patient-registered")
    assert (row.doer_public_id, row.patient_public_id) == (desk.public_id, patient.public_id)


def test_record_numbers_follow_each_other(desk: Doer) -> None:
    one = records.register(values=person(), site=desk.site, by=desk)
    two = records.register(values=person(given_name="Zeynep", family_name="Kaya", phone=""), site=desk.site, by=desk)
    assert int(two.record_number[3:]) > int(one.record_number[3:])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"given_name": "Ayse", "family_name": "Yilmaz", "phone": ""}, "same name"),
        ({"given_name": "Yılmaz", "family_name": "Ayşe", "phone": ""}, "same name"),
        ({"given_name": "Aysa", "family_name": "Yılmazer", "phone": ""}, "similar name"),
        ({"given_name": "Zoe", "family_name": "Kirk"}, "same phone"),
    ],
)
def test_a_lookalike_is_shown_before_saving(desk: Doer, changes: dict[str, Any], reason: str) -> None:
    first = records.register(values=person(), site=desk.site, by=desk)
    with pytest.raises(records.LooksLikeAnother) as shown:
        records.register(values=person(**changes), site=desk.site, by=desk)
    assert [one.patient for one in shown.value.likely] == [first]
    assert reason in shown.value.likely[0].reasons
    assert Patient.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"birth_date": dt.date(1984, 8, 10)},
        {"given_name": "Ali", "family_name": "Yıldız", "phone": ""},
    ],
)
def test_another_birth_date_or_another_name_is_nobody_alike(desk: Doer, changes: dict[str, Any]) -> None:
    records.register(values=person(), site=desk.site, by=desk)
    records.register(values=person(**changes), site=desk.site, by=desk)
    assert Patient.objects.count() == 2


def test_saying_that_it_is_a_different_person_saves_and_names_who_was_ruled_out(desk: Doer) -> None:
    first = records.register(values=person(), site=desk.site, by=desk)
    records.register(values=person(email="twin@example.org"), site=desk.site, by=desk, different_person=True)
    newest = AuditEvent.objects.filter(action="patient-registered").first()
    assert newest.detail["not_the_same_as"] == [first.record_number]


def test_a_merged_record_is_no_lookalike(desk: Doer) -> None:
    kept = records.register(values=person(birth_date=dt.date(1990, 1, 1)), site=desk.site, by=desk)
    gone = records.register(values=person(), site=desk.site, by=desk)
    Patient.objects.filter(pk=gone.pk).update(merged_into=kept)
    assert likely_duplicates(given_name="Ayşe", family_name="Yılmaz", birth_date=BORN) == []


def test_amending_into_somebody_else_is_shown_too(desk: Doer) -> None:
    first = records.register(values=person(), site=desk.site, by=desk)
    other = records.register(values=person(given_name="Zoe", family_name="Kirk", phone=""), site=desk.site, by=desk)
    with pytest.raises(records.LooksLikeAnother) as shown:
        records.amend(patient=other, values=person(), seen_version=1, by=desk)
    assert [one.patient for one in shown.value.likely] == [first]


def test_amending_keeps_the_change_in_the_audit_row_and_raises_the_version(desk: Doer) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    changed = records.amend(patient=patient, values=person(email="new@example.org"), seen_version=1, by=desk)
    assert (changed.version, changed.email) == (2, "new@example.org")
    row = AuditEvent.objects.get(action="patient-amended")
    assert row.detail["changed"] == {"email": ["ayse@example.org", "new@example.org"]}


def test_a_new_address_forgets_that_the_old_one_bounced(desk: Doer) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    Patient.objects.filter(pk=patient.pk).update(email_problem="no such mailbox")
    records.amend(patient=patient, values=person(email="new@example.org"), seen_version=1, by=desk)
    patient.refresh_from_db()
    assert patient.email_problem == ""


@pytest.mark.parametrize(("address", "ends"), [("Ayse@Example.org", False), ("new@example.org", True), ("", True)])
def test_mailed_links_end_with_their_mailbox_and_not_with_its_spelling(desk: Doer, address: str, ends: bool) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    link, _token = links.issue(
        patient=patient, site=desk.site, purpose="papers", expires_at=timezone.now() + dt.timedelta(days=1), by=SYSTEM
    )
    records.amend(patient=patient, values=person(email=address), seen_version=1, by=desk)
    link.refresh_from_db()
    assert (link.revoked_at is not None) is ends


def test_a_stale_save_is_refused_with_the_other_text_and_changes_nothing(desk: Doer) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    records.amend(patient=patient, values=person(address="Kadıköy 2"), seen_version=1, by=desk)
    with pytest.raises(Stale) as refused:
        records.amend(patient=patient, values=person(address="Beşiktaş 3"), seen_version=1, by=desk)
    assert ("address", "Kadıköy 2") in refused.value.theirs
    patient.refresh_from_db()
    assert patient.address == "Kadıköy 2"
    assert AuditEvent.objects.filter(action="patient-amended").count() == 1


def test_opening_a_record_of_another_site_needs_a_reason(desk: Doer) -> None:
    patient = records.register(values=person(), site=desk.site, by=desk)
    elsewhere = factories.make_site()
    with pytest.raises(Refused):
        records.know_at(patient=patient, site=elsewhere, by=desk, reason="  ")
    assert patient.sites.count() == 1
    records.know_at(patient=patient, site=elsewhere, by=desk, reason="moved house")
    assert AuditEvent.objects.get(action="patient-opened-at-site").detail == {"reason": "moved house"}


def test_nothing_is_saved_when_the_audit_row_cannot_be_written(desk: Doer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_kwargs: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(records.audit, "record", fail)
    with pytest.raises(RuntimeError):
        records.register(values=person(), site=desk.site, by=desk)
    assert Patient.objects.count() == 0


def test_similarity_knows_swapped_names() -> None:
    assert similarity("Şükrü", "IŞIK", "ışık", "sukru") == 1
    assert similarity("Ayşe", "Yılmaz", "Ali", "Yıldız") < 0.72


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_desks_at_once_register_one_person_once() -> None:
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), factories.make_site())

    def register(_number: int) -> str:
        try:
            return records.register(values=person(), site=desk.site, by=desk).record_number
        except records.LooksLikeAnother:
            return "shown"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(register, range(8)))
    assert answers.count("shown") == 7
    assert Patient.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_desks_at_once_get_different_numbers() -> None:
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), factories.make_site())

    def register(number: int) -> str:
        try:
            values = person(birth_date=BORN + dt.timedelta(days=number), phone="")
            return records.register(values=values, site=desk.site, by=desk).record_number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(register, range(24)))
    assert len(set(numbers)) == 24
