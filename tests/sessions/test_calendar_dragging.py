"""In a real browser: blocks moved and resized with the mouse, refused, taken back; the lock; a second screen that sees it."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions import public_booking
from sessions.choices import AppointmentStatus, MessageState
from sessions.message_texts import CONFIRM, MOVED
from sessions.models import Appointment, Message, PlannedSession
from tests import factories
from tests.screens import enter
from tests.sessions.clinicday import ClinicDay, allow_screening, make_clinic_day
from tests.sessions.publicday import open_to_all, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], Any]
STATUS = AppointmentStatus
DESK = {"viewport": {"width": 1440, "height": 900}}
PATIENCE = 30_000
QUARTER = 23  # pixels of fifteen minutes


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


@pytest.fixture
def on(day: ClinicDay) -> dt.date:
    """A working day a week ahead, so that it holds at every hour and weekday."""
    ahead = day.site.today() + dt.timedelta(days=7)
    return ahead + dt.timedelta(days=ahead.weekday() == 6)


@pytest.fixture
def ada(day: ClinicDay, on: dt.date) -> Appointment:
    visit = day.book("10:00", day=on, patient=factories.make_patient(day.site, given_name="Ada"))
    Message.objects.filter(appointment=visit, kind=CONFIRM).update(
        state=MessageState.SENT, told_start=visit.agreed_start, claimed_at=timezone.now(), sent_at=timezone.now()
    )
    return visit


@pytest.fixture
def calendar(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment, settings: Any
) -> Page:
    settings.CALENDAR_POLL_SECONDS = 1
    return opened(new_page, live_server, day, on)


def opened(new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, view: str = "day") -> Page:
    page = new_page(**DESK)
    enter(page, live_server.url, day.desk)
    page.set_default_timeout(PATIENCE)
    page.goto(f"/calendar/?day={on}&view={view}")
    page.locator(".ec-event.block").first.wait_for()
    return page


def block(page: Page, name: str) -> Any:
    return page.locator(".ec-event.block:not(.ec-preview):not(.ec-ghost)", has_text=name)


def drag(page: Page, name: str, *, quarters: float = 0, across: float = 0, edge: bool = False) -> None:
    """Take the block (or its lower edge) and carry it so many quarter hours down and pixels across."""
    box = block(page, name).bounding_box()
    assert box is not None
    x, y = box["x"] + 40, box["y"] + (box["height"] - 3 if edge else 12)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y + quarters * QUARTER / 2, steps=4)
    page.mouse.move(x + across, y + quarters * QUARTER, steps=4)
    page.mouse.up()


def asked(page: Page) -> Any:
    dialog = page.get_by_role("dialog", name="Change the appointment")
    expect(dialog).to_be_visible()
    return dialog


def state_of(visit: Appointment) -> Appointment:
    return Appointment.objects.get(pk=visit.pk)


def waiting(visit: Appointment) -> list[str]:
    return list(Message.objects.filter(appointment=visit, kind=MOVED).values_list("state", flat=True))


def test_a_block_is_moved_and_taken_back_and_nothing_is_sent(
    calendar: Page, day: ClinicDay, on: dt.date, ada: Appointment, no_axe_findings: Check, picture: Picture
) -> None:
    # when Ada is dragged an hour and a quarter down, the calendar asks first
    drag(calendar, "Ada", quarters=5)
    dialog = asked(calendar)
    expect(dialog.get_by_text("Move from 10:00 to 11:15?")).to_be_visible()
    expect(dialog.get_by_label("Tell the patient")).to_be_checked()
    assert state_of(ada).local_start.hour == 10, "nothing has moved yet"
    picture(calendar, "calendar-drop")
    no_axe_findings(calendar)
    # and once confirmed, it stands there and the mail waits
    dialog.get_by_role("button", name="Move").click()
    expect(calendar.get_by_role("button", name="Take back")).to_be_visible()
    expect(block(calendar, "11:15")).to_be_visible()
    assert f"{state_of(ada).local_start:%H:%M}" == "11:15"
    mail = Message.objects.get(appointment=ada, kind=MOVED)
    assert mail.state == MessageState.SCHEDULED
    assert mail.due_at > timezone.now() + dt.timedelta(minutes=1)
    picture(calendar, "calendar-moved")
    no_axe_findings(calendar)
    # taken back within three minutes, nothing is left to send
    calendar.get_by_role("button", name="Take back").click()
    expect(block(calendar, "10:00")).to_be_visible()
    expect(calendar.get_by_text("back at")).to_be_visible()
    assert f"{state_of(ada).local_start:%H:%M}" == "10:00"
    assert waiting(ada) == [MessageState.SUPPRESSED]


def test_a_time_held_for_somebody_outside_is_moved_and_let_go(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, settings: Any, picture: Picture,
    no_axe_findings: Check,
) -> None:  # fmt: skip
    settings.CALENDAR_POLL_SECONDS = 1
    open_to_all(day)
    request = public_booking.hold(
        site=day.site, service=day.consultation, practitioner=day.doctor, starts_at=day.at("10:00", on), source="a",
        person=person(),
    )  # fmt: skip
    held = request.appointment
    page = opened(new_page, live_server, day, on)
    drag(page, "Online", quarters=4)
    dialog = asked(page)
    expect(dialog.get_by_text("held for 10 minutes from now")).to_be_visible()
    expect(dialog.get_by_label("Tell the patient")).to_have_count(0)
    no_axe_findings(page)
    picture(page, "calendar-hold-moved")
    dialog.get_by_role("button", name="Move").click()
    expect(page.locator(".done-bar")).to_contain_text("held until")
    assert state_of(held).starts_at == day.at("11:00", on)
    block(page, "Online").click()
    panel = page.locator("#visit-panel-body")
    expect(panel.get_by_text("11:00")).to_be_visible()
    picture(page, "calendar-hold-panel")
    panel.get_by_role("link", name="Let it go").click()
    page.get_by_label("Why is it cancelled?").fill("Emergency on the phone")
    page.get_by_role("button", name="Let it go").click()
    expect(page.get_by_text("The time is free again; a mail tells the person.")).to_be_visible()
    assert not Appointment.objects.filter(pk=held.pk).exists()
    kinds = Message.objects.filter(cause_public_id=request.public_id).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["msg-request", "msg-request", "msg-request-off"]


def test_a_hold_that_is_gone_says_so_when_it_is_pressed_or_dragged(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment, settings: Any,
    no_axe_findings: Check,
) -> None:  # fmt: skip
    settings.CALENDAR_POLL_SECONDS = 600
    open_to_all(day)
    for way in ("press", "drag"):
        request = public_booking.hold(
            site=day.site, service=day.consultation, practitioner=day.doctor, starts_at=day.at("14:00", on), source=way,
            person=person(email=f"{way}@example.org"),
        )  # fmt: skip
        page = opened(new_page, live_server, day, on)
        expect(block(page, "Online")).to_be_visible()
        public_booking.withdraw(request=request)
        block(page, "Online").click() if way == "press" else drag(page, "Online", quarters=4)
        expect(page.get_by_role("alert").get_by_text("This is no longer here.")).to_be_visible()
        expect(block(page, "Online")).to_have_count(0)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(block(page, "Ada")).to_be_visible()
        no_axe_findings(page)


def test_not_confirmed_it_goes_back(calendar: Page, ada: Appointment) -> None:
    drag(calendar, "Ada", quarters=8)
    asked(calendar)
    expect(block(calendar, "Ada").first).to_be_visible()
    calendar.keyboard.press("Escape")
    expect(block(calendar, "10:00")).to_be_visible()
    assert state_of(ada).version == 1


def test_the_edge_changes_the_length(calendar: Page, ada: Appointment, picture: Picture) -> None:
    drag(calendar, "Ada", quarters=2, edge=True)
    dialog = asked(calendar)
    expect(dialog.get_by_text("45 min become 75 min of treatment")).to_be_visible()
    picture(calendar, "calendar-resize")
    dialog.get_by_role("button", name="Move").click()
    expect(calendar.get_by_role("button", name="Take back")).to_be_visible()
    longer = state_of(ada)
    assert longer.treatment_minutes == 75
    assert longer.room_span.upper - longer.ends_at == dt.timedelta(minutes=10), "the clean-up follows"
    assert waiting(ada) == [], "the same start: nothing to tell"


def test_across_the_columns_the_practitioner_changes(calendar: Page, day: ClinicDay, ada: Appointment) -> None:
    heads = calendar.locator(".ec-header .ec-col-head")
    first, second = heads.nth(0).bounding_box(), heads.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    drag(calendar, "Ada", across=second["x"] - first["x"])
    dialog = asked(calendar)
    expect(dialog.get_by_text("Dr Jonas Weber")).to_be_visible()
    dialog.get_by_label("Tell the patient").uncheck()
    dialog.get_by_role("button", name="Move").click()
    expect(calendar.get_by_role("button", name="Take back")).to_be_visible()
    assert state_of(ada).practitioner == day.other_doctor


def test_a_drop_on_what_is_taken_closed_or_past_is_refused(
    calendar: Page, day: ClinicDay, on: dt.date, ada: Appointment, no_axe_findings: Check, picture: Picture
) -> None:
    day.book("11:00", day=on, patient=factories.make_patient(day.site, given_name="Tom"))
    expect(block(calendar, "Tom")).to_be_visible()  # the poll brings it
    drag(calendar, "Ada", quarters=3)
    dialog = asked(calendar)
    expect(dialog.get_by_role("alert")).to_contain_text("Dr Amina Haddad is taken")
    expect(dialog.get_by_role("alert")).to_contain_text("Next free")
    picture(calendar, "calendar-drop-refused")
    no_axe_findings(calendar)
    calendar.keyboard.press("Escape")
    expect(block(calendar, "10:00")).to_be_visible()
    assert state_of(ada).version == 1
    # one of the free times that are offered instead is one press away
    drag(calendar, "Ada", quarters=3)
    asked(calendar).get_by_role("button", name=re.compile(r"12:00|11:45|12:15")).first.click()
    expect(calendar.get_by_role("button", name="Take back")).to_be_visible()
    assert state_of(ada).version == 2


def test_what_moved_meanwhile_is_said_and_redrawn(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment, settings: Any
) -> None:
    settings.CALENDAR_POLL_SECONDS = 600
    page = opened(new_page, live_server, day, on)
    from sessions import booking

    booking.move(appointment=ada, seen_version=1, starts_at=day.at("14:00", on), by=day.by)
    drag(page, "Ada", quarters=2)
    expect(asked(page).get_by_role("alert")).to_contain_text("Somebody changed this appointment meanwhile")
    page.keyboard.press("Escape")
    expect(block(page, "14:00")).to_be_visible()
    assert state_of(ada).version == 2


def test_dragging_can_be_locked_by_each_person(
    calendar: Page, new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment
) -> None:
    calendar.get_by_role("switch", name="Lock dragging").click()
    expect(calendar.get_by_role("switch", name="Lock dragging")).to_have_attribute("aria-checked", "true")
    block(calendar, "Ada").wait_for()
    drag(calendar, "Ada", quarters=4)
    calendar.wait_for_timeout(300)
    expect(calendar.get_by_role("dialog", name="Change the appointment")).to_have_count(0)
    day.desk.refresh_from_db()
    assert day.desk.drag_locked
    # on another screen of the same person as well
    other = opened(new_page, live_server, day, on)
    expect(other.get_by_role("switch", name="Lock dragging")).to_have_attribute("aria-checked", "true")


def test_a_second_screen_sees_it_by_the_poll(
    calendar: Page, new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment
) -> None:
    other = opened(new_page, live_server, day, on)
    drag(calendar, "Ada", quarters=4)
    asked(calendar).get_by_role("button", name="Move").click()
    expect(block(other, "11:00")).to_be_visible()


# --- free time ------------------------------------------------------------------------------------------------------
def slot(page: Page) -> Any:
    return page.get_by_role("complementary", name="New appointment", exact=True)


def test_free_time_is_booked_in_the_slide_over(
    calendar: Page, day: ClinicDay, on: dt.date, ada: Appointment, no_axe_findings: Check, picture: Picture
) -> None:
    factories.make_patient(day.site, given_name="Grace", family_name="Hopper")
    box = block(calendar, "Ada").bounding_box()
    assert box is not None
    # when free time three hours below Ada is clicked
    calendar.mouse.click(box["x"] + 100, box["y"] + 12 * QUARTER + 4)
    calendar.get_by_label("Patient", exact=True).press_sequentially("Gra", delay=30)
    picture(calendar, "calendar-slot-who")
    no_axe_findings(calendar)
    slot(calendar).get_by_role("button", name=re.compile("Grace")).click()
    expect(slot(calendar).get_by_label("Time of arrival")).to_have_value("13:00")
    expect(slot(calendar).get_by_text("45 min, from the protocol")).to_be_visible()
    expect(slot(calendar).locator("select[name=practitioner]")).to_have_value(day.doctor.public_id)
    picture(calendar, "calendar-slot")
    no_axe_findings(calendar)
    # then it is saved, shown, and the calendar never left
    slot(calendar).get_by_role("button", name="Save").click()
    expect(block(calendar, "Grace")).to_be_visible()
    assert Appointment.objects.filter(patient__given_name="Grace", practitioner=day.doctor).count() == 1


def test_dragged_over_free_time_for_somebody_new(
    calendar: Page, day: ClinicDay, on: dt.date, ada: Appointment, picture: Picture
) -> None:
    box = block(calendar, "Ada").bounding_box()
    assert box is not None
    x, y = box["x"] + 100, box["y"] + 16 * QUARTER + 4
    calendar.mouse.move(x, y)
    calendar.mouse.down()
    calendar.mouse.move(x, y + 2 * QUARTER, steps=4)
    calendar.mouse.move(x, y + 3 * QUARTER + 8, steps=4)
    calendar.mouse.up()
    calendar.get_by_label("Patient", exact=True).press_sequentially("Alan Turing", delay=10)
    slot(calendar).get_by_text("Nobody fits").wait_for()
    slot(calendar).get_by_role("button", name="New patient").click()
    expect(slot(calendar).get_by_label("Given name")).to_have_value("Alan")
    expect(slot(calendar).get_by_label("Treatment, minutes")).to_have_value("60")
    slot(calendar).get_by_label("Birth date").fill("1980-06-23")
    slot(calendar).get_by_label("Sex").select_option(index=1)
    picture(calendar, "calendar-slot-new")
    slot(calendar).get_by_role("button", name="Save").click()
    expect(block(calendar, "Alan")).to_be_visible()
    made = Appointment.objects.get(patient__given_name="Alan")
    assert (f"{made.local_start:%H:%M}", made.treatment_minutes) == ("14:00", 60)


# --- the interval of a course ---------------------------------------------------------------------------------------
def test_while_a_session_is_moved_the_days_say_how_they_fit(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, on: dt.date, monkeypatch: Any, picture: Picture,
    settings: Any, no_axe_findings: Check,
) -> None:  # fmt: skip
    allow_screening(monkeypatch)
    settings.CALENDAR_POLL_SECONDS = 600
    monday = on - dt.timedelta(days=on.weekday())
    patient = factories.make_patient(day.site, given_name="Ada")
    course = factories.make_course(patient, day.doctor, first_day=monday + dt.timedelta(days=1))
    service = factories.make_service()
    planned = list(course.planned_sessions.order_by("number"))
    for one in planned[:2]:
        shift = (one.ideal.weekday() == 6) * dt.timedelta(days=1)
        day.book("10:00", day=one.ideal + shift, patient=patient, course=course, service=service, planned_sessions=[one])
    PlannedSession.objects.filter(pk=planned[0].pk).update(
        earliest=monday + dt.timedelta(days=1), latest=monday + dt.timedelta(days=3)
    )
    page = opened(new_page, live_server, day, monday, view="week")
    page.get_by_label("Week of").select_option(label="Dr Haddad")
    box = block(page, "Ada").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 40, steps=4)
    heads = page.locator(".ec-header .ec-col-head")
    expect(heads.nth(0)).to_contain_text("Too early")
    expect(heads.nth(1)).to_contain_text("In the window")
    expect(heads.nth(4)).to_contain_text("Late")
    assert page.locator(".month .fit-ideal").count() == 3
    picture(page, "calendar-week-shaded")
    # dropped two days later: late is said, the next session is warned of, and then the rest is offered
    page.mouse.move(box["x"] + 30 + 3 * (heads.nth(1).bounding_box() or {})["width"], box["y"] + 12, steps=6)
    page.mouse.up()
    dialog = asked(page)
    expect(dialog.get_by_text("Late", exact=True)).to_be_visible()
    picture(page, "calendar-week-drop")
    no_axe_findings(page)
    assert page.locator(".fit-words").count() == 7
    dialog.get_by_role("button", name="Move").click()
    page.get_by_role("link", name="Move the later session too").click()
    page.wait_for_url(re.compile("/series/"))
    expect(page.get_by_label("Shift by days")).to_have_value("3")
    picture(page, "calendar-series")
    no_axe_findings(page)
    page.get_by_role("button", name="Move all").click()
    page.wait_for_url(re.compile("/calendar/"))
    assert Appointment.objects.filter(version=2).count() == 2
