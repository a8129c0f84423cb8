"""With the keyboard alone, in a real browser: Tab walks the calendar and its forms as they read, and nothing holds it."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from clinic import placing
from clinic.doer import SYSTEM
from sessions.models import Appointment
from tests import factories as make
from tests.browser import settled
from tests.screens import enter
from tests.sessions.clinicday import ClinicDay, allow_screening, make_clinic_day
from tests.sessions.waitday import wait

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE = 30_000
MOST = 400  # more stops than any of these pages has

# What Tab must reach, in the order of the page: numbered as it is found, so that the walk can name where it is.
NUMBERED = """() => {
    const seen = one => one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length > 0;
    const found = [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, iframe, [tabindex]')].filter(one =>
        one.tabIndex >= 0 && !one.disabled && one.type !== 'hidden' && seen(one)
        && !(one.type === 'radio' && one.name && !one.checked
             && document.querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`)));
    found.forEach((one, index) => { one.dataset.stop = index; });
    found[0].focus();
    const name = one => one.getAttribute('aria-label') || one.innerText || one.name || '';
    return found.map(one => `${one.tagName} ${name(one).trim().slice(0, 40)}`);
}"""
HERE = """() => {
    const here = document.activeElement;
    if (!here || here === document.body || here === document.documentElement) return null;
    const label = here.closest('label, .switch, .form-check, .segment, .menu, tr') || here;
    const rings = [here, label, ...here.children].some(one => {
        const look = getComputedStyle(one);
        return (look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== 'none';
    });
    return {stop: here.dataset.stop ?? null, name: here.outerHTML.slice(0, 120), rings};
}"""


def walked(page: Page) -> tuple[list[str], list[int]]:
    """The stops of the page in its own order, and those Tab came by, until it left the page or began anew."""
    names = page.evaluate(NUMBERED)
    came: list[int] = [0]
    for _press in range(MOST):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None:
            break
        assert here["rings"], f"nobody sees that this has the focus: {here['name']}"
        if here["stop"] is None:
            continue  # a list that scrolls: Chromium lets the keyboard in, by itself
        stop = int(here["stop"])
        if stop == 0:
            break
        if stop != came[-1]:  # the parts of a date are one field
            came.append(stop)
    else:
        pytest.fail("Tab never left the page")
    return names, came


def reads_in_order(page: Page) -> None:
    names, came = walked(page)
    missed = [names[one] for one in range(len(names)) if one not in came]
    assert not missed, f"{page.url}: Tab does not come by {missed}"
    assert came == sorted(came), f"{page.url}: Tab jumps: {[names[one] for one in came]}"


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


@pytest.fixture
def on(day: ClinicDay) -> dt.date:
    ahead = day.site.today() + dt.timedelta(days=7)
    return ahead + dt.timedelta(days=ahead.weekday() == 6)


@pytest.fixture
def ada(day: ClinicDay, on: dt.date) -> Appointment:
    day.book("12:00", day=on, patient=make.make_patient(day.site, given_name="Ben"))
    return day.book("10:00", day=on, patient=make.make_patient(day.site, given_name="Ada"))


@pytest.fixture
def calendar(page: Page, live_server: Any, day: ClinicDay, on: dt.date, ada: Appointment) -> Page:
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, day.desk)
    page.goto(f"/calendar/?day={on}&view=day")
    page.locator(".ec-event.block").first.wait_for()
    return page


def block(page: Page, name: str) -> Any:
    return page.locator(".ec-event.block:not(.ec-preview):not(.ec-ghost)", has_text=name)


def test_tab_walks_the_day_as_it_reads(calendar: Page, on: dt.date) -> None:
    reads_in_order(calendar)
    calendar.goto(f"/calendar/?day={on}&view=list")
    calendar.get_by_role("link", name=re.compile("Ada")).wait_for()
    reads_in_order(calendar)


def test_the_panel_is_opened_walked_and_closed(calendar: Page) -> None:
    block(calendar, "Ada").focus()
    calendar.keyboard.press("Enter")
    panel = calendar.locator("#visit-panel")
    expect(panel.get_by_role("link", name=re.compile("Ada")).first).to_be_visible()
    assert calendar.evaluate("document.getElementById('visit-panel').contains(document.activeElement)")
    calendar.keyboard.press("Tab")
    assert calendar.evaluate("document.getElementById('visit-panel').contains(document.activeElement)")
    reads_in_order(calendar)
    panel.get_by_role("link", name=re.compile("Ada")).first.focus()
    calendar.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(block(calendar, "Ada")).to_be_focused()


def test_the_focus_comes_back_to_a_block_that_was_drawn_anew(calendar: Page, ada: Appointment) -> None:
    block(calendar, "Ada").focus()
    calendar.keyboard.press("Enter")
    expect(calendar.locator("#visit-panel").get_by_role("link", name=re.compile("Ada")).first).to_be_visible()
    calendar.get_by_role("button", name="Confirmed by the patient").focus()
    calendar.keyboard.press("Enter")
    expect(block(calendar, "Ada")).to_have_class(re.compile("block-confirmed"))
    expect(calendar.locator("#visit-panel").get_by_text("Take back: “Booked” again")).to_be_visible()
    calendar.keyboard.press("Escape")
    expect(calendar.locator("#visit-panel")).to_be_hidden()
    expect(block(calendar, "Ada")).to_be_focused()


def test_a_arrives_who_is_open(page: Page, live_server: Any, day: ClinicDay) -> None:
    visit = make.make_appointment(
        make.make_patient(day.site, given_name="Eve"), practitioner=day.doctor, room=day.room, service=day.consultation,
        starts_at=day.at("12:00", day.site.today()),
    )  # fmt: skip
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, day.desk)
    page.goto("/calendar/?view=day")
    block(page, "Eve").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#visit-panel").get_by_role("button", name="Arrived")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#visit-panel").get_by_text(re.compile("waiting"))).to_be_visible()
    visit.refresh_from_db()
    assert visit.status == "arrived"


def test_the_list_of_keys_closes_and_gives_the_focus_back(calendar: Page) -> None:
    new = calendar.get_by_role("link", name="New", exact=True).or_(calendar.get_by_role("button", name="New", exact=True))
    new.first.focus()
    calendar.keyboard.press("?")
    expect(calendar.locator("#key-help")).to_be_visible()
    for key in ("T", "D", "W", "L", "N", "/"):
        expect(calendar.locator("#key-help kbd", has_text=re.compile(f"^{re.escape(key)}$"))).to_be_visible()
    calendar.keyboard.press("Escape")
    expect(calendar.locator("#key-help")).to_be_hidden()
    expect(new.first).to_be_focused()


def test_a_slash_leads_to_the_search_and_is_not_typed_into_it(calendar: Page) -> None:
    calendar.keyboard.press("/")
    search = calendar.get_by_role("searchbox").first
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    calendar.keyboard.type("a/b")
    expect(search).to_have_value("a/b")


@pytest.mark.parametrize("form", ["who", "new", "move", "cancel", "series", "swap", "search", "several", "wait"])
def test_tab_walks_each_form_and_leaves_it(
    page: Page, live_server: Any, day: ClinicDay, on: dt.date, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    allow_screening(monkeypatch)
    patient = make.make_patient(day.site, given_name="Cleo")
    visit = day.book("10:00", day=on, patient=patient)
    day.book("12:00", day=on)
    if form == "series":
        course = make.make_course(patient, day.doctor, first_day=on, sessions=2)
        service = make.make_service(treatment_minutes=30)
        for planned in course.planned_sessions.order_by("number"):
            visit = day.book(
                "15:00", day=max(planned.ideal, on), patient=patient, service=service, course=course,
                planned_sessions=[planned],
            )  # fmt: skip
        visit = Appointment.objects.filter(course=course).first()
    elif form == "several":
        placing.add_closure(site=day.site, first_day=on, last_day=on, reason="Strike", by=SYSTEM)
    address = {
        "who": reverse("appointment-new"),
        "new": f"{reverse('appointment-new')}?patient={patient.public_id}&day={on}&time=15:00",
        "search": f"{reverse('slot-search')}?patient={patient.public_id}",
        "several": reverse("displaced-cancel"),
        "wait": reverse("wait-entry-edit", args=[wait(day).public_id]) if form == "wait" else "",
    }.get(form) or reverse(f"appointment-{form}", args=[visit.public_id])
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, day.desk)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200
    settled(page)
    reads_in_order(page)


def test_several_are_cancelled_without_a_mouse(page: Page, live_server: Any, day: ClinicDay, on: dt.date) -> None:
    first = day.book("10:00", day=on, patient=make.make_patient(day.site, given_name="Ida"))
    second = day.book("12:00", day=on, patient=make.make_patient(day.site, given_name="Udo"))
    placing.add_closure(site=day.site, first_day=on, last_day=on, reason="Strike", by=SYSTEM)
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, day.desk)
    page.goto(reverse("displaced"))
    page.get_by_role("link", name="Cancel several").focus()
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name=re.compile("Ida")).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name=re.compile("Udo"))).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Why are they cancelled?")).to_be_focused()
    page.keyboard.type("Strike")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 appointment cancelled.")).to_be_visible()
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status in {"cancelled", "late-cancelled"}
    assert second.status == "booked"
