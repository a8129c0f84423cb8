"""A time held for somebody outside, at the desk: moved, let go of, and what the person is told and can still do."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from patients.models import Patient
from sessions import booking, holds, public_booking, sending
from sessions.choices import AppointmentStatus
from sessions.holds import HoldOver
from sessions.models import Appointment, BookingRequest, Message
from sessions.public_booking import HOLD_MINUTES
from tests import factories as make
from tests.sessions.clinicday import MORNING, ClinicDay
from tests.sessions.publicday import FRIDAY, At, confirmed, hold, later, make_public_day, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: At) -> ClinicDay:
    at(MORNING)
    return make_public_day()


@pytest.fixture
def held(day: ClinicDay) -> BookingRequest:
    return hold(day)


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


def mails_of(request: BookingRequest) -> list[tuple[str, int, str]]:
    rows = Message.objects.filter(cause_public_id=request.public_id).order_by("id")
    return list(rows.values_list("kind", "cause_revision", "state"))


def typed(visit: Appointment, time: str = "15:00", **more: Any) -> dict[str, Any]:
    """What the move form sends."""
    return {
        "form_token": new_token(), "seen_version": visit.version, "day": FRIDAY.isoformat(), "time": time, "fold": "",
        "practitioner": visit.practitioner.public_id, "room": "", "device": "", "minutes": "45",
    } | more  # fmt: skip


# --- moved ----------------------------------------------------------------------------------------------------------
def test_a_moved_hold_is_told_anew_and_lasts_ten_minutes_from_then(day: ClinicDay, held: BookingRequest, at: At) -> None:
    sending.send_due()
    first = opened(held)
    later(at, minutes=6)
    visit = held.appointment
    moved = holds.move(appointment=visit, seen_version=visit.version, starts_at=day.at("15:00", FRIDAY), by=day.by)
    held.refresh_from_db()
    assert (moved.status, moved.starts_at, moved.came_from) == ("held", day.at("15:00", FRIDAY), None)
    assert held.hold_ends_at == moved.hold_ends_at == timezone.now() + dt.timedelta(minutes=HOLD_MINUTES)
    assert mails_of(held) == [("msg-request", 1, "sent"), ("msg-request", 2, "scheduled")]
    sending.send_due()
    said = mail.outbox[-1].body
    assert "we had to move the time you asked for" in said
    assert "15:00" in said
    assert mail.outbox[-1].to == ["ayse@example.org"]
    later(at, minutes=8)  # past the first ten minutes
    assert confirmed(first).status_code == 302, "the link of the first mail leads to the time as it is now"
    visit = Appointment.objects.get()
    assert (visit.status, visit.starts_at) == ("booked", day.at("15:00", FRIDAY))


def test_a_page_from_before_the_move_confirms_nothing(day: ClinicDay, held: BookingRequest) -> None:
    browser = opened(held)
    page = browser.get(reverse("public-booking-request")).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    holds.move(appointment=held.appointment, seen_version=1, starts_at=day.at("15:00", FRIDAY), by=day.by)
    answer = browser.post(reverse("public-booking-confirm"), {"seen": seen[1]})
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "The clinic has moved the time" in html
    assert "15:00" in html
    assert Appointment.objects.get().status == "held"
    assert browser.post(reverse("public-booking-confirm")).status_code == 409, "nor does one that says nothing"
    assert confirmed(browser).status_code == 302


def test_what_nobody_was_told_yet_is_told_once(day: ClinicDay, held: BookingRequest) -> None:
    holds.move(appointment=held.appointment, seen_version=1, starts_at=day.at("15:00", FRIDAY), by=day.by)
    assert mails_of(held) == [("msg-request", 1, "suppressed"), ("msg-request", 2, "scheduled")]
    sending.send_due()
    assert len(mail.outbox) == 1
    assert "you asked for a visit" in mail.outbox[0].body
    assert "15:00" in mail.outbox[0].body


def test_another_room_changes_nothing_for_the_person(day: ClinicDay, held: BookingRequest) -> None:
    visit = held.appointment
    other = day.other_room if visit.room == day.room else day.room
    moved = holds.move(
        appointment=visit, seen_version=1, starts_at=visit.starts_at, room=other, by=day.by
    )
    assert (moved.room, moved.hold_ends_at) == (other, held.hold_ends_at)
    assert mails_of(held) == [("msg-request", 1, "scheduled")]


def test_a_hold_is_not_moved_onto_what_is_taken_or_closed(day: ClinicDay, held: BookingRequest) -> None:
    visit = held.appointment
    day.book("15:00", day=FRIDAY, practitioner=visit.practitioner, room=visit.room)
    with pytest.raises(booking.SlotTaken):
        holds.move(appointment=visit, seen_version=1, starts_at=day.at("15:00", FRIDAY), by=day.by)
    with pytest.raises(Refused):
        holds.move(appointment=visit, seen_version=1, starts_at=day.at("05:00", FRIDAY), by=day.by)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.version) == (day.at("10:00", FRIDAY), 1)
    assert mails_of(held) == [("msg-request", 1, "scheduled")]


# --- let go ---------------------------------------------------------------------------------------------------------
def test_what_the_last_mail_said_is_forgotten_when_its_time_has_passed(day: ClinicDay, held: BookingRequest, at: At) -> None:
    holds.release(appointment=held.appointment, seen_version=1, reason="Ill", by=day.by)
    sending.send_due()
    last = Message.objects.get(cause_public_id=held.public_id, kind="msg-request-off")
    assert (last.state, bool(last.text)) == ("sent", True)
    public_booking.sweep()
    last.refresh_from_db()
    assert last.text, "it may still be looked up"
    at((last.useful_until + dt.timedelta(minutes=1)).isoformat())
    public_booking.sweep()
    last.refresh_from_db()
    assert (last.text, last.html, last.told_start) == ("", "", "")


def test_a_hold_that_is_let_go_frees_the_time_and_tells_the_person(day: ClinicDay, held: BookingRequest) -> None:
    sending.send_due()
    browser = opened(held)
    visit = held.appointment
    holds.release(appointment=visit, seen_version=1, reason="Emergency on the phone", by=day.by)
    held.refresh_from_db()
    assert (held.state, held.email, held.family_name, held.appointment) == ("declined", "", "", None)
    assert not Appointment.objects.exists()
    assert not Patient.everyone.exists()
    assert day.book("10:00", day=FRIDAY, practitioner=visit.practitioner, room=visit.room).status == "booked"
    sending.send_due()
    told = next(one for one in mail.outbox if one.subject == "The time you asked for")
    assert told.to == ["ayse@example.org"]
    assert "could not keep the time you asked for" in told.body
    assert "10:00" in told.body
    assert "Emergency" not in told.body
    assert f"/book/{day.site.public_id}/" in told.body
    page = browser.get(reverse("public-booking-request")).content.decode()
    assert "We could not keep the time you asked for" in page
    answer = browser.post(reverse("public-booking-confirm"))
    assert answer.status_code == 409
    assert "they are over" not in answer.content.decode()
    log = AuditEvent.objects.get(action="appointment-hold-declined")
    assert (log.detail["reason"], log.detail.get("email")) == ("Emergency on the phone", None)


def test_a_mail_that_is_not_out_yet_stays_unsent(day: ClinicDay, held: BookingRequest) -> None:
    holds.release(appointment=held.appointment, seen_version=1, reason="Ill", by=day.by)
    assert mails_of(held) == [("msg-request", 1, "suppressed"), ("msg-request-off", 1, "scheduled")]


@pytest.mark.parametrize("deed", ["move", "release"])
def test_what_is_over_or_changed_is_a_sentence(day: ClinicDay, held: BookingRequest, at: At, deed: str) -> None:
    visit = held.appointment

    def act(version: int = 1) -> None:
        if deed == "move":
            holds.move(appointment=visit, seen_version=version, starts_at=day.at("15:00", FRIDAY), by=day.by)
        else:
            holds.release(appointment=visit, seen_version=version, reason="Ill", by=day.by)

    with pytest.raises(Stale):
        act(version=7)
    later(at, minutes=HOLD_MINUTES)
    with pytest.raises(HoldOver):
        act()
    public_booking.sweep()
    with pytest.raises(HoldOver):
        act()
    assert mails_of(held) == [("msg-request", 1, "suppressed")]


def test_confirmed_meanwhile_it_is_an_appointment_like_others(day: ClinicDay, held: BookingRequest) -> None:
    visit = held.appointment
    public_booking.confirm(request=held)
    with pytest.raises(Stale):
        holds.move(appointment=visit, seen_version=1, starts_at=day.at("15:00", FRIDAY), by=day.by)
    with pytest.raises(Stale):
        holds.release(appointment=visit, seen_version=1, reason="Ill", by=day.by)
    assert Appointment.objects.get().status == "booked"


def test_only_the_desk_of_the_site(day: ClinicDay, held: BookingRequest) -> None:
    visit = held.appointment
    manager = Doer.staff(make.make_user(Role.MANAGER), day.site)
    for by in (manager, Doer.staff(make.make_user(Role.FRONT_DESK, site=make.make_site()))):
        with pytest.raises(NotPermitted):
            holds.move(appointment=visit, seen_version=1, starts_at=day.at("15:00", FRIDAY), by=by)
        with pytest.raises(NotPermitted):
            holds.release(appointment=visit, seen_version=1, reason="Ill", by=by)
    assert Appointment.objects.get().version == 1


# --- pages ----------------------------------------------------------------------------------------------------------
def test_the_forms_of_a_hold(day: ClinicDay, held: BookingRequest, desk: Client) -> None:
    visit = held.appointment
    move, cancel = (reverse(f"appointment-{name}", args=[visit.public_id]) for name in ("move", "cancel"))
    panel = desk.get(reverse("appointment-panel", args=[visit.public_id])).content.decode()
    assert move in panel
    assert cancel in panel
    page = desk.get(move).content.decode()
    assert "Yılmaz" not in page
    assert 'name="tell"' not in page
    sent = typed(visit)
    answers = [desk.post(move, sent) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 302]
    visit.refresh_from_db()
    assert visit.starts_at == day.at("15:00", FRIDAY)
    assert len(mails_of(held)) == 2, "twice is once"
    assert desk.get(cancel).status_code == 200
    assert desk.post(cancel, {"form_token": new_token(), "seen_version": visit.version, "reason": ""}).status_code == 422
    assert desk.post(cancel, {"form_token": new_token(), "seen_version": 1, "reason": "Ill"}).status_code == 409
    gone = {"form_token": new_token(), "seen_version": visit.version, "reason": "Ill"}
    assert [desk.post(cancel, gone).status_code for _ in range(2)] == [302, 302]
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [("time", "25:00", 422), ("minutes", "0", 422), ("minutes", "1440", 422), ("practitioner", "x" * 22, 422),
     ("day", "2026-02-30", 422), ("seen_version", "9", 409), ("time", "05:00", 422)],
)  # fmt: skip
def test_crooked_moves_of_a_hold(
    day: ClinicDay, held: BookingRequest, desk: Client, field: str, value: str, status: int
) -> None:
    visit = held.appointment
    answer = desk.post(reverse("appointment-move", args=[visit.public_id]), typed(visit, **{field: value}))
    assert answer.status_code == status
    visit.refresh_from_db()
    assert (visit.version, visit.starts_at) == (1, day.at("10:00", FRIDAY))


def test_a_taken_time_offers_others(day: ClinicDay, held: BookingRequest, desk: Client) -> None:
    visit = held.appointment
    day.book("15:00", day=FRIDAY, practitioner=visit.practitioner, room=visit.room)
    answer = desk.post(
        reverse("appointment-move", args=[visit.public_id]), typed(visit, room=visit.room.public_id)
    )
    assert answer.status_code == 409
    assert 'name="offer"' in answer.content.decode()


def test_a_hold_is_dragged_like_others(day: ClinicDay, held: BookingRequest, desk: Client) -> None:
    visit = held.appointment
    url = reverse("appointment-drop", args=[visit.public_id])
    asked = desk.get(url, {"start": "2026-03-13T15:00", "seen": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "held for 10 minutes from now" in asked
    assert 'name="tell"' not in asked
    values = {name: value for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked)}  # noqa: C416
    answer = desk.post(url, values, headers={"HX-Request": "true"})
    assert answer.status_code == 302
    done = desk.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "held until" in done
    assert "Take back" not in done
    visit.refresh_from_db()
    assert visit.starts_at == day.at("15:00", FRIDAY)


def test_a_hold_is_named_in_the_readers_language(day: ClinicDay, held: BookingRequest, client: Client) -> None:
    day.desk.language = "tr"
    day.desk.save(update_fields=["language"])
    desk = make.signed_in(client, day.desk)
    feed = desk.get(reverse("calendar-feed"), {"first": FRIDAY.isoformat(), "last": FRIDAY.isoformat()}).json()
    assert ["Çevrimiçi istek" in one["html"] for one in feed["blocks"]] == [True]
    listed = desk.get(reverse("calendar"), {"view": "list", "day": FRIDAY.isoformat()}).content.decode()
    assert "Çevrimiçi istek" in listed
    url = reverse("appointment-drop", args=[held.appointment.public_id])
    assert "Çevrimiçi istek" in desk.get(url, {"start": "2026-03-13T15:00", "seen": "1"}).content.decode()


def test_the_manager_sees_a_hold_and_changes_nothing(day: ClinicDay, held: BookingRequest, client: Client) -> None:
    office = make.signed_in(client, make.make_user(Role.MANAGER))
    visit = held.appointment
    page = office.get(reverse("appointment", args=[visit.public_id])).content.decode()
    assert reverse("appointment-move", args=[visit.public_id]) not in page
    for name in ("move", "cancel", "drop"):
        assert office.post(reverse(f"appointment-{name}", args=[visit.public_id]), {}).status_code == 403
    far = make.signed_in(Client(), make.make_user(Role.FRONT_DESK, site=make.make_site()))
    assert far.get(reverse("appointment-move", args=[visit.public_id])).status_code == 404


def test_a_confirmed_request_is_moved_and_cancelled_from_the_panel(
    day: ClinicDay, held: BookingRequest, desk: Client, at: At
) -> None:
    visit = public_booking.confirm(request=held)
    sending.send_due()
    panel = desk.get(reverse("appointment-panel", args=[visit.public_id])).content.decode()
    move, cancel = (reverse(f"appointment-{name}", args=[visit.public_id]) for name in ("move", "cancel"))
    assert move in panel
    assert cancel in panel
    assert desk.post(move, typed(visit, tell="on", overbook_reason="")).status_code == 302
    later(at, minutes=4)
    sending.send_due()
    assert "your appointment has moved" in mail.outbox[-1].body
    assert mail.outbox[-1].to == ["ayse@example.org"]
    visit.refresh_from_db()
    gone = {"form_token": new_token(), "seen_version": visit.version, "reason": "Ill"}
    assert desk.post(cancel, gone).status_code == 302
    later(at, minutes=4)
    sending.send_due()
    assert "is cancelled" in mail.outbox[-1].body
    visit.refresh_from_db()
    assert visit.status in {AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED}
