"""Several bookings that lost their ground are cancelled in one act: all that are ticked, or none."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent, User
from sessions import booking, cancelling
from sessions import statuses as statuses_module
from sessions.choices import AppointmentStatus
from sessions.message_texts import CONFIRM
from sessions.models import Appointment, Message
from tests import factories as make
from tests.sessions.clinicday import MORNING, ClinicDay, make_clinic_day
from tests.sessions.displacedday import FRIDAY, MONDAY, displaced_two, fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def manager(day: ClinicDay) -> User:
    return make.make_user(Role.MANAGER, name="Ines Moreau")


@pytest.fixture
def by(manager: User) -> Doer:
    return Doer.staff(manager)


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


CANCEL = "/appointments/displaced/cancel/"


def ticked(html: str, *visits: Appointment, reason: str = "Strike", **more: str) -> dict[str, str]:
    return fields_of(html) | {f"cancel_{visit.public_id}": "on" for visit in visits} | {"reason": reason} | more


def ticks(html: str) -> list[str]:
    return re.findall(r'<input type="checkbox" name="cancel_([^"]+)"[^>]* checked', html)


def statuses() -> list[str]:
    return list(Appointment.objects.order_by("starts_at").values_list("status", flat=True))


def test_the_ticked_ones_are_cancelled_in_one_act_and_told(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = [*displaced_two(day, by)]
    Message.objects.filter(kind=CONFIRM).update(state="sent", sent_at=timezone.now(), claimed_at=timezone.now())
    Message.objects.filter(kind=CONFIRM).update(told_start=visits[0].agreed_start)
    assert CANCEL in desk.get(reverse("displaced")).content.decode()
    page = desk.get(CANCEL).content.decode()
    assert all(visit.patient.name in page for visit in visits)
    assert 'type="checkbox" name="cancel_' in page
    assert not ticks(page), "nobody is ticked but by hand"
    values = ticked(page, visits[0])
    assert [desk.post(CANCEL, values).status_code for _ in range(3)] == [302] * 3
    assert statuses() == [AppointmentStatus.CANCELLED, AppointmentStatus.BOOKED]
    told = Message.objects.get(kind="msg-cancelled")
    assert told.appointment == visits[0]
    assert told.due_at >= dt.datetime.fromisoformat(MORNING) + dt.timedelta(minutes=3)
    logs = AuditEvent.objects.filter(action="appointment-cancelled")
    assert [(log.detail["reason"], log.doer_label) for log in logs] == [("Strike", day.desk.name)]


def test_all_of_them_at_once(desk: Client, day: ClinicDay, by: Doer) -> None:
    displaced_two(day, by)
    page = desk.get(CANCEL).content.decode()
    assert desk.post(CANCEL, ticked(page, everyone="on")).status_code == 302
    assert statuses() == [AppointmentStatus.CANCELLED] * 2
    assert "Nothing is left to cancel" in desk.get(CANCEL).content.decode()


def test_one_that_changed_meanwhile_cancels_nobody_and_says_so_in_its_row(desk: Client, day: ClinicDay, by: Doer) -> None:
    moved, stays = displaced_two(day, by)
    page = desk.get(CANCEL).content.decode()
    booking.move(appointment=moved, seen_version=1, starts_at=day.at("15:00", MONDAY), by=day.by)
    answer = desk.post(CANCEL, ticked(page, everyone="on"))
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "nothing was cancelled" in html
    assert "Changed meanwhile. Now: Booked, Mon 16 Mar" in html
    assert 'value="Strike"' in html
    assert ticks(html) == [stays.public_id], "the other stays ticked"
    assert statuses() == [AppointmentStatus.BOOKED] * 2
    assert desk.post(CANCEL, ticked(html, stays)).status_code == 302
    moved.refresh_from_db()
    stays.refresh_from_db()
    assert (moved.status, stays.status) == (AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED)


def test_one_cancelled_meanwhile_has_no_tick_any_more(desk: Client, day: ClinicDay, by: Doer) -> None:
    first, second = displaced_two(day, by)
    page = desk.get(CANCEL).content.decode()
    booking.cancel(appointment=first, seen_version=1, reason="Ill", by=day.by)
    html = desk.post(CANCEL, ticked(page, first, second)).content.decode()
    assert f'name="cancel_{first.public_id}"' not in html
    assert f'name="cancel_{second.public_id}"' in html


@pytest.mark.parametrize(
    "wrong", [{"reason": ""}, {"reason": "x" * 201}, {"reason": "\x00"}, {"tick": ""}, {"version": "0"}, {"version": "x"}],
)
def test_a_crooked_form_cancels_nobody(desk: Client, day: ClinicDay, by: Doer, wrong: dict[str, str]) -> None:
    first, _second = displaced_two(day, by)
    values = ticked(desk.get(CANCEL).content.decode(), first)
    if "tick" in wrong:
        del values[f"cancel_{first.public_id}"]
    elif "version" in wrong:
        values[f"version_{first.public_id}"] = wrong["version"]
    else:
        values |= wrong
    answer = desk.post(CANCEL, values)
    assert answer.status_code == 422
    assert statuses() == [AppointmentStatus.BOOKED] * 2


def test_another_sites_booking_is_not_cancelled_by_a_crafted_row(day: ClinicDay, by: Doer) -> None:
    first, _second = displaced_two(day, by)
    away = make.make_site()
    doctor = make.make_user()
    make.make_shift(doctor, away)
    foreign = make.make_appointment(
        make.make_patient(away), practitioner=doctor, room=make.make_room(away), service=day.consultation,
        starts_at=day.at("10:00", FRIDAY),
    )  # fmt: skip
    local = make.signed_in(Client(), make.make_user(Role.FRONT_DESK, site=day.site))
    values = ticked(local.get(CANCEL).content.decode(), first, foreign)
    values[f"version_{foreign.public_id}"] = "1"
    assert local.post(CANCEL, values).status_code == 302
    foreign.refresh_from_db()
    assert foreign.status == AppointmentStatus.BOOKED


def test_who_may_not_cancel(client: Client, day: ClinicDay, manager: User, by: Doer) -> None:
    first, _second = displaced_two(day, by)
    office = make.signed_in(client, manager)
    assert office.get(CANCEL).status_code == 403
    assert office.post(CANCEL, {}).status_code == 403
    with pytest.raises(NotPermitted):
        cancelling.cancel_all(calls=[cancelling.Called(first, 1)], reason="Strike", by=by)
    with pytest.raises(Refused, match="at least one"):
        cancelling.cancel_all(calls=[], reason="Strike", by=day.by)
    assert statuses() == [AppointmentStatus.BOOKED] * 2


def test_a_fault_in_the_second_cancels_neither(day: ClinicDay, by: Doer, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = displaced_two(day, by)
    told: list[Appointment] = []

    def tell(*, appointment: Appointment, by: Doer) -> None:
        told.append(appointment)
        if len(told) == 2:
            raise RuntimeError("broken")

    monkeypatch.setattr(statuses_module.messaging, "appointment_cancelled", tell)
    with pytest.raises(RuntimeError):
        cancelling.cancel_all(calls=[cancelling.Called(one, 1) for one in visits], reason="Strike", by=day.by)
    assert statuses() == [AppointmentStatus.BOOKED] * 2
    assert not AuditEvent.objects.filter(action="appointment-cancelled").exists()
