"""The services an installation starts with, and changing them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, User
from protocols import catalogue, services
from protocols.choices import Status
from protocols.models import Service
from protocols.models.service import ServiceKind
from tests import factories as make
from tests.clinic.test_places import post

pytestmark = pytest.mark.django_db
VALUES: dict[str, Any] = {
    "name": "First talk", "preparation_minutes": 0, "numbing_minutes": 0, "treatment_minutes": 40, "cleanup_minutes": 5,
    "device_wipe_minutes": 0, "is_active": True,
}  # fmt: skip


@pytest.fixture
def manager() -> User:
    make.make_site()
    return make.make_user(Role.MANAGER)


@pytest.fixture
def consultation() -> Service:
    services.ensure_default_services()
    return Service.objects.get(code="consultation")


def test_every_indication_that_may_be_treated_has_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_catalogue")
    rules = catalogue.in_force()
    on = {code for code, one in rules.indications.items() if one.status == Status.ON}
    assert on
    assert on < set(rules.indications)
    assert set(Service.objects.values_list("code", flat=True)) == on | {"consultation", "allergy-test", "review"}
    minutes = dict(Service.objects.values_list("code", "treatment_minutes"))
    assert [minutes[code] for code in ("consultation", "allergy-test", "review", "ind-cellulite")] == [30, 15, 20, 60]
    hair = Service.objects.get(code="ind-aga")
    assert (hair.kind, hair.indication, hair.name) == (ServiceKind.TREATMENT, "ind-aga", "Pattern hair loss (men, women)")
    assert (hair.preparation_minutes, hair.treatment_minutes, hair.cleanup_minutes) == (5, 30, 10)
    assert f"Services added: {len(on) + 3}" in capsys.readouterr().out


def test_loading_again_adds_nothing_and_changes_nothing(consultation: Service, manager: User) -> None:
    services.change_service(service=consultation, seen_version=1, by=Doer.staff(manager), **VALUES)
    before = list(Service.objects.values())
    assert services.ensure_default_services() == []
    assert list(Service.objects.values()) == before
    Service.objects.get(code="review").delete()
    assert [service.code for service in services.ensure_default_services(by=SYSTEM)] == ["review"]


def test_a_manager_changes_minutes_and_stops_offering(client: Client, consultation: Service, manager: User) -> None:
    make.signed_in(client, manager)
    page = reverse("service-edit", args=[consultation.public_id])
    answer = post(client, page, **{**VALUES, "is_active": ""})
    assert (answer.status_code, answer.url) == (302, reverse("services"))
    consultation.refresh_from_db()
    assert (consultation.name, consultation.treatment_minutes, consultation.is_active) == ("First talk", 40, False)
    html = client.get(reverse("services")).content.decode()
    assert "First talk" in html
    assert "Not offered" in html
    assert AuditEvent.objects.get(action="service-changed").detail["treatment_minutes"] == [30, 40]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 81), ("name", "Talk\x00"), ("name", "\u202eklat"), ("treatment_minutes", "4"),
        ("treatment_minutes", "481"), ("treatment_minutes", "-5"), ("treatment_minutes", "NaN"),
        ("treatment_minutes", "9" * 40), ("treatment_minutes", ""), ("preparation_minutes", "-1"),
        ("cleanup_minutes", "121"), ("numbing_minutes", "1.5"), ("device_wipe_minutes", "many"),
    ],
)  # fmt: skip
def test_hostile_values_stay_beside_their_field(
    client: Client, consultation: Service, manager: User, field: str, value: str
) -> None:
    make.signed_in(client, manager)
    answer = post(client, reverse("service-edit", args=[consultation.public_id]), **{**VALUES, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    consultation.refresh_from_db()
    assert (consultation.name, consultation.version) == ("Consultation", 1)


def test_the_verb_refuses_what_no_form_would_send(consultation: Service, manager: User) -> None:
    for field, minutes in (("treatment_minutes", 0), ("cleanup_minutes", -1), ("numbing_minutes", 500)):
        with pytest.raises(Refused) as refusal:
            services.change_service(
                service=consultation, seen_version=1, by=Doer.staff(manager), **{**VALUES, field: minutes}
            )
        assert refusal.value.field == field
    assert not AuditEvent.objects.filter(action="service-changed").exists()


def test_a_stale_change_is_refused(client: Client, consultation: Service, manager: User) -> None:
    by = Doer.staff(manager)
    services.change_service(service=consultation, seen_version=1, by=by, **VALUES)
    with pytest.raises(Stale) as stale:
        services.change_service(service=consultation, seen_version=1, by=by, **{**VALUES, "name": "Talk"})
    assert stale.value.theirs == (("Name", "First talk"),)
    make.signed_in(client, manager)
    page = reverse("service-edit", args=[consultation.public_id])
    assert post(client, page, **{**VALUES, "seen_version": "1", "name": "Talk"}).status_code == 409


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
def test_other_roles_see_and_do_not_change(client: Client, consultation: Service, manager: User, role: str) -> None:
    user = make.make_user(role)
    make.signed_in(client, user)
    assert "Consultation" in client.get(reverse("services")).content.decode()
    assert client.get(reverse("service-edit", args=[consultation.public_id])).status_code == 403
    with pytest.raises(NotPermitted):
        services.change_service(service=consultation, seen_version=1, by=Doer.staff(user), **VALUES)


def test_a_manager_of_one_site_does_not_change_what_all_sites_offer(consultation: Service, manager: User) -> None:
    local = make.make_user(Role.MANAGER, site=make.make_site())
    with pytest.raises(NotPermitted):
        services.change_service(
            service=consultation, seen_version=1, by=Doer.staff(local, local.roles.get().site), **VALUES
        )
