"""Where else a held time shows: nothing there leads nowhere, and who wants the time is told what holds it."""
from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import resolve, reverse

from clinic import placing
from clinic.choices import Role
from clinic.doer import SYSTEM
from clinic.idempotency import new_token
from sessions import booking, listed_contents, public_booking
from sessions.models import Appointment, BookingRequest
from tests import factories as make
from tests.sessions.clinicday import MORNING, ClinicDay
from tests.sessions.publicday import FRIDAY, At, hold, later, make_public_day

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


def test_the_board_expects_nobody_for_a_time_that_is_only_held(day: ClinicDay, held: BookingRequest, desk: Client) -> None:
    visit = held.appointment
    board = desk.get("/", {"day": visit.local_start.date().isoformat()}).content.decode()
    assert visit.public_id not in board
    calendar = desk.get("/calendar/", {"day": visit.local_start.date().isoformat(), "view": "list"}).content.decode()
    assert visit.public_id in calendar


def test_a_hold_is_on_no_paper_of_the_day(day: ClinicDay, held: BookingRequest) -> None:
    def rows() -> list[tuple[str, ...]]:
        content = listed_contents.day_list_of(day.site, FRIDAY, "en")
        return [row for section in content.sections for row in section.rows]

    assert rows() == [], "nobody is expected yet"
    public_booking.confirm(request=held)
    assert [row[:2] for row in rows()] == [("10:00", "AY")]


@pytest.mark.parametrize("name", ["arrive", "confirm", "no-show", "undo", "swap", "series", "freed", "take-back", "record-open"])
def test_what_belongs_to_appointments_is_not_done_to_a_hold(
    day: ClinicDay, held: BookingRequest, desk: Client, client: Client, name: str
) -> None:
    visit = held.appointment
    sent = {"form_token": new_token(), "seen_version": "1", "more": "1", "why": "no-word"}
    browser = make.signed_in(client, day.doctor) if name == "record-open" else desk
    url = reverse(name if name == "record-open" else f"appointment-{name}", args=[visit.public_id])
    assert browser.post(url, sent).status_code == 404
    visit.refresh_from_db()
    assert (visit.status, visit.version, visit.arrived_at) == ("held", 1, None)


def test_everything_the_desk_is_offered_for_a_hold_leads_somewhere(
    day: ClinicDay, held: BookingRequest, desk: Client
) -> None:
    visit = held.appointment
    pages = [
        f"/?day={FRIDAY}", f"/calendar/?view=list&day={FRIDAY}", reverse("appointment", args=[visit.public_id]),
        reverse("appointment-panel", args=[visit.public_id]),
    ]  # fmt: skip
    html = "".join(desk.get(page).content.decode() for page in pages)
    found = set(re.findall(r'(?:href|action|hx-get|hx-post)="([^"]*)"', html))
    offered = {address for address in found if visit.public_id in address}
    names = {resolve(address.partition("?")[0]).url_name for address in offered}
    assert names == {"appointment", "appointment-panel", "appointment-move", "appointment-cancel"}
    assert {desk.get(address).status_code for address in offered} == {200}


@pytest.mark.parametrize("name", ["panel", "drop"])
def test_a_hold_that_ended_while_the_calendar_stood_is_said_and_drawn_no_more(
    day: ClinicDay, held: BookingRequest, desk: Client, at: At, name: str
) -> None:
    visit = held.appointment
    url = reverse(f"appointment-{name}", args=[visit.public_id]) + "?start=2026-03-13T15:00&seen=1"
    assert desk.get(url, headers={"HX-Request": "true"}).status_code == 200
    later(at, minutes=11)
    assert public_booking.sweep() == 1
    answer = desk.get(url, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Trigger"]) == (409, "#calendar-done", "calendar-changed")
    assert "no longer here" in answer.content.decode()
    assert desk.get(url).status_code == 404, "as a page it is none"
    stranger = make.signed_in(Client(), make.make_user(Role.FRONT_DESK, site=make.make_site()))
    theirs = reverse(f"appointment-{name}", args=[day.book("12:00").public_id])
    foreign = stranger.get(theirs, headers={"HX-Request": "true"})
    assert foreign.content == answer.content, "what is another site's looks like what is gone"


def test_who_wants_a_held_time_is_told_what_holds_it_and_until_when(
    day: ClinicDay, held: BookingRequest, desk: Client
) -> None:
    visit = held.appointment
    with pytest.raises(booking.SlotTaken, match=r"online request, held until 08:10"):
        day.book("10:00", day=FRIDAY, practitioner=visit.practitioner)
    with pytest.raises(booking.SlotTaken) as outside:
        day.book("10:00", day=FRIDAY, practitioner=visit.practitioner, by=SYSTEM)
    assert "held until" not in outside.value.sentence, "only staff read it"
    page = desk.get(
        reverse("appointment-new"),
        {"day": FRIDAY, "time": "10:00", "practitioner": visit.practitioner.public_id,
         "patient": make.make_patient(day.site).public_id, "service": day.consultation.public_id},
    ).content.decode()  # fmt: skip
    assert "online request, held until 08:10" in page
    assert "Yılmaz" not in page
    assert Appointment.objects.count() == 1


def test_a_closure_over_a_held_time_is_seen_once_it_is_confirmed(
    day: ClinicDay, held: BookingRequest, desk: Client
) -> None:
    """The desk is asked to place anew what has a name, and only then."""
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Water", by=SYSTEM)
    visit = held.appointment
    assert visit.public_id not in desk.get(reverse("displaced")).content.decode()
    assert "to place anew" not in desk.get("/").content.decode()
    public_booking.confirm(request=held)
    assert visit.public_id in desk.get(reverse("displaced")).content.decode()
    assert "1 appointment to place anew" in desk.get("/").content.decode()
