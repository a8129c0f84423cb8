"""Who gives a service: the page of it, what it refuses, and what follows for whoever books."""
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Stale
from clinic.models import AuditEvent, User
from protocols import giving
from protocols.models import Service, ServiceGiver
from tests import factories as make
from tests.clinic.test_places import post
from tests.sessions.clinicday import MORNING, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def manager(day: ClinicDay) -> User:
    return make.make_user(Role.MANAGER)


@pytest.fixture
def office(client: Client, manager: User) -> Client:
    return make.signed_in(client, manager)


def page_of(service: Service) -> str:
    return reverse("service-people", args=[service.public_id])


def known(service: Service) -> list[tuple[str, str]]:
    rows = ServiceGiver.objects.filter(service=service).order_by("user__name")
    return [(row.user.name, row.site.name if row.site else "") for row in rows]


def test_people_are_named_for_one_site_or_all_and_only_they_are_offered(office: Client, day: ClinicDay) -> None:
    other = make.make_site(name="Ostia")
    service = day.consultation
    assert set(giving.givers_at(service, day.site)) == {day.doctor, day.other_doctor}, "everybody who treats"
    keys = [f"{day.doctor.public_id}|", f"{day.other_doctor.public_id}|{other.public_id}"]
    assert post(office, page_of(service), named_only="on", givers=keys).status_code == 302
    service.refresh_from_db()
    assert known(service) == [(day.doctor.name, ""), (day.other_doctor.name, "Ostia")]
    assert list(giving.givers_at(service, day.site)) == [day.doctor]
    assert not giving.may_give(day.other_doctor, service, day.site)
    assert set(giving.givers_at(service, other)) == {day.doctor, day.other_doctor}
    form = office.get(page_of(service)).context["form"]
    assert (form["named_only"].value(), form["givers"].value()) == (True, keys), "the page begins with what holds"
    event = AuditEvent.objects.get(action="service-givers-set")
    assert event.detail["before"] == "everybody who treats"
    assert f"{day.other_doctor.name} (Ostia)" in event.detail["after"]
    assert post(office, page_of(service), givers=[]).status_code == 302
    service.refresh_from_db()
    assert (service.named_only, known(service)) == (False, [])


def test_whoever_is_booked_and_may_not_give_it_any_more_leads_to_the_list(office: Client, day: ClinicDay) -> None:
    visit = day.book("10:00", day=day.site.today())
    answer = post(office, page_of(day.consultation), named_only="on", givers=[f"{day.other_doctor.public_id}|"])
    assert (answer.status_code, answer.url) == (302, reverse("displaced"))
    visit.refresh_from_db()
    assert visit.displaced == "service"


@pytest.mark.parametrize(
    "values",
    [
        {"named_only": "on", "givers": []}, {"named_only": "on", "givers": ["nobody|"]},
        {"named_only": "on", "givers": ["\x00"]}, {"named_only": "on", "givers": ["x" * 500]},
    ],
)  # fmt: skip
def test_nobody_or_somebody_unknown_is_refused(office: Client, day: ClinicDay, values: dict[str, Any]) -> None:
    answer = post(office, page_of(day.consultation), **values)
    assert answer.status_code == 422
    assert "givers" in answer.context["form"].errors
    day.consultation.refresh_from_db()
    assert (day.consultation.named_only, day.consultation.version, known(day.consultation)) == (False, 1, [])


def test_who_does_not_treat_is_no_choice(office: Client, day: ClinicDay) -> None:
    answer = post(office, page_of(day.consultation), named_only="on", givers=[f"{day.desk.public_id}|"])
    assert answer.status_code == 422
    assert day.desk.name not in answer.content.decode().partition("<form")[2].partition("</form>")[0]


def test_a_stale_page_changes_nothing(manager: User, day: ClinicDay) -> None:
    by = Doer.staff(manager)
    giving.set_givers(service=day.consultation, seen_version=1, named_only=True, givers=[(day.doctor, None)], by=by)
    with pytest.raises(Stale) as stale:
        giving.set_givers(service=day.consultation, seen_version=1, named_only=False, givers=[], by=by)
    assert list(stale.value.theirs) == [("Given by", f"{day.doctor.name} (every site)")]
    assert known(day.consultation) == [(day.doctor.name, "")]


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
def test_other_roles_change_nothing(client: Client, day: ClinicDay, role: str) -> None:
    user = make.make_user(role)
    assert make.signed_in(client, user).post(page_of(day.consultation), {"named_only": "on"}).status_code == 403
    with pytest.raises(NotPermitted):
        giving.set_givers(
            service=day.consultation, seen_version=1, named_only=True, givers=[(day.doctor, None)], by=Doer.staff(user)
        )
    local = make.make_user(Role.MANAGER, site=day.site)
    with pytest.raises(NotPermitted):
        giving.set_givers(
            service=day.consultation, seen_version=1, named_only=True, givers=[(day.doctor, None)], by=Doer.staff(local)
        )
    assert known(day.consultation) == []
