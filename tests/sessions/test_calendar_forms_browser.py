"""Every form and page around the calendar at every size, in English and in Turkish: it fits, it is still, axe finds nothing."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from clinic import day_plans, out_of_service, placing, shifts
from clinic.choices import Role
from clinic.doer import SYSTEM
from clinic.models import User
from sessions import public_booking
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, PublicBooking, TreatmentSession
from tests import factories as make
from tests.browser import check_accessibility, settled
from tests.screens import enter, fits
from tests.sessions.clinicday import ClinicDay, allow_screening, make_clinic_day
from tests.sessions.mailday import make_mail_day
from tests.sessions.publicday import person
from tests.sessions.waitday import wait

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Picture = Callable[[Page, str], Any]
SIZES = ((1280, 800), (820, 1180), (390, 844))
PATIENCE = 30_000
LANGUAGES = [pytest.param("en", marks=pytest.mark.prove_only), "tr"]  # Turkish words are the longer ones
Pages = dict[str, str]


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


def workday(day: ClinicDay, ahead: int) -> dt.date:
    """A working day, however many days ahead; never a Sunday."""
    on = day.site.today() + dt.timedelta(days=ahead)
    return on + dt.timedelta(days=on.weekday() == 6)


def of_appointments(day: ClinicDay, monkeypatch: pytest.MonkeyPatch) -> Pages:
    """The forms of a single visit, of a course, and what stands beside them."""
    allow_screening(monkeypatch)
    on = workday(day, 7)
    patient = make.make_patient(day.site, given_name="Nadia", family_name="Rahman")
    course = make.make_course(patient, day.doctor, first_day=on, sessions=3)
    treatment = make.make_service(treatment_minutes=30, preparation_minutes=5, cleanup_minutes=10)
    visits = [
        day.book("10:00", day=max(one.ideal, on), patient=patient, service=treatment, course=course, planned_sessions=[one])
        for one in course.planned_sessions.order_by("number")[:2]
    ]
    other = day.book("12:00", day=on)
    day.book("14:00", day=on, practitioner=day.other_doctor, room=day.other_room)
    cancelled = day.book("16:00", day=on)
    wait(day)
    later = day.book("17:00", day=workday(day, 9), patient=make.make_patient(day.site, given_name="Ömer"))
    Appointment.objects.filter(pk=cancelled.pk).update(
        status=AppointmentStatus.CANCELLED, cancelled_at=timezone.now(), cancel_reason="Ill"
    )
    del later
    first, asked = visits[0].public_id, f"?day={on}&time=15:00&practitioner={day.doctor.public_id}"
    drop = f"{reverse('appointment-drop', args=[other.public_id])}?seen={other.version}&start={on}T"
    return {
        "new-who": reverse("appointment-new"),
        "new": f"{reverse('appointment-new')}{asked}&patient={patient.public_id}",
        "move": reverse("appointment-move", args=[first]),
        "cancel": reverse("appointment-cancel", args=[first]),
        "series": reverse("appointment-series", args=[first]),
        "swap": reverse("appointment-swap", args=[first]),
        "freed": reverse("appointment-freed", args=[cancelled.public_id]),
        "course": reverse("course-book", args=[course.public_id]),
        "search": f"{reverse('slot-search')}?patient={patient.public_id}",
        "visit": reverse("appointment", args=[first]),
        "drop-fits": f"calendar:{drop}15:00",
        "drop-clash": f"calendar:{drop}10:00",
        "slot": f"slot:{reverse('calendar-slot')}{asked}",
        "panel": f"panel:{other.public_id}",
    }  # fmt: skip


@pytest.fixture
def pages(day: ClinicDay, monkeypatch: pytest.MonkeyPatch) -> Pages:
    return of_appointments(day, monkeypatch)


def show(page: Page, address: str, on: dt.date) -> None:
    """A page, or what the calendar opens beside or over itself."""
    kind, _colon, rest = address.partition(":")
    if kind not in {"calendar", "slot", "panel"}:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        settled(page)
        return
    query = f"day={on}&view=day" + (f"&open={rest}" if kind == "panel" else "")
    page.goto(f"/calendar/?{query}")
    page.locator(".ec-event.block").first.wait_for()
    if kind == "calendar":
        page.evaluate(
            "address => htmx.ajax('GET', address, {target: '#drop-dialog-body', swap: 'innerHTML'})"
            ".then(() => document.getElementById('drop-dialog').showModal())", rest,
        )  # fmt: skip
        page.locator("#drop-dialog .drop").wait_for()
    elif kind == "slot":
        page.evaluate(
            "address => htmx.ajax('GET', address, {target: '#slot-panel-body', swap: 'innerHTML'})", rest
        )
        page.locator("#slot-panel-body form").first.wait_for()
    else:
        page.locator("#visit-panel-body .panel-foot").wait_for()


def walk(page: Page, pages: Pages, on: dt.date, language: str, picture: Picture) -> None:
    for name, address in pages.items():
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        show(page, address, on)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            settled(page)
            fits(page)
            if width == (1280 if language == "en" else 390):
                check_accessibility(page)
            picture(page, f"form-{name}-{width}-{language}")


def speaks(user: User, language: str) -> User:
    user.language = language
    user.save(update_fields=["language"])
    return user


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_forms_of_a_visit(
    page: Page, live_server: Any, day: ClinicDay, pages: Pages, language: str, picture: Picture
) -> None:
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, speaks(day.desk, language))
    walk(page, pages, workday(day, 7), language, picture)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_of_the_desk(
    page: Page, live_server: Any, day: ClinicDay, language: str, picture: Picture
) -> None:
    page.set_default_timeout(PATIENCE)
    on = workday(day, 7)
    entry = wait(day, urgency="urgent", weekdays="135", from_time=dt.time(9), until_time=dt.time(12), note="Flies out")
    wait(day, practitioner=day.doctor)
    for time in ("10:00", "11:30"):
        day.book(time, day=on)
    placing.add_closure(site=day.site, first_day=on, last_day=on, reason="Strike", by=SYSTEM)
    late = make.make_course(make.make_patient(day.site), day.doctor, first_day=day.site.today() - dt.timedelta(days=12))
    planned = late.planned_sessions.get(number=1)
    PublicBooking.objects.create(site=day.site, is_on=True)
    day.consultation.is_public = True
    day.consultation.save(update_fields=["is_public"])
    held = public_booking.hold(
        site=day.site, service=day.consultation, practitioner=None, starts_at=day.at("11:00", workday(day, 8)), source="a",
        person=person(),
    )  # fmt: skip
    log = f"{reverse('call-log', args=[late.patient.public_id])}?reason=late&subject=session:{planned.public_id}"
    enter(page, live_server.url, speaks(day.desk, language))
    walk(
        page,
        {
            "wait-list": reverse("wait-list"), "wait-entry": reverse("wait-entry-edit", args=[entry.public_id]),
            "call-list": reverse("call-list"), "call-log": log, "displaced": reverse("displaced"),
            "displaced-move": reverse("displaced-move"), "displaced-cancel": reverse("displaced-cancel"),
            "held-move": reverse("appointment-move", args=[held.appointment.public_id]),
            "held-cancel": reverse("appointment-cancel", args=[held.appointment.public_id]),
            "held": reverse("appointment", args=[held.appointment.public_id]),
        },
        on, language, picture,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_taken_back_and_who_did_not_come(page: Page, live_server: Any, language: str, picture: Picture) -> None:
    page.set_default_timeout(PATIENCE)
    made = make_mail_day()
    day, now = made.clinic, timezone.now()
    ended = made.record(now - dt.timedelta(hours=2), now - dt.timedelta(hours=1))
    begun = made.record(now - dt.timedelta(minutes=30), now)
    TreatmentSession.objects.filter(pk=begun.pk).update(status="begun", ended_at=None)
    Appointment.objects.filter(pk=begun.appointment.pk).update(status=AppointmentStatus.IN_TREATMENT)
    missed = make.make_appointment(
        make.make_patient(day.site), practitioner=day.other_doctor, room=day.other_room, service=day.consultation,
        starts_at=now - dt.timedelta(hours=1),
    )  # fmt: skip
    enter(page, live_server.url, speaks(day.doctor, language))
    taken_back = {
        "begin-back": reverse("record-take-back", args=[begun.appointment.public_id]),
        "end-back": reverse("record-take-back", args=[ended.appointment.public_id]),
    }
    walk(page, taken_back, day.site.today(), language, picture)
    page.context.clear_cookies()
    enter(page, live_server.url, speaks(day.desk, language))
    no_show = {"no-show": reverse("appointment-no-show", args=[missed.public_id])}
    walk(page, no_show, day.site.today(), language, picture)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_hours_people_and_rooms(
    page: Page, live_server: Any, day: ClinicDay, language: str, picture: Picture
) -> None:
    page.set_default_timeout(PATIENCE)
    on = workday(day, 7)
    device = make.make_device(day.site, name="Gun 1")
    start = day.at("08:00", on)
    out_of_service.take_out(
        thing=day.room, starts_at=start, ends_at=start + dt.timedelta(hours=5), reason="New lamp", by=SYSTEM
    )
    day_plans.set_special_hours(
        site=day.site, day=on, spans=[(dt.time(9), dt.time(12)), (dt.time(13), dt.time(15))], reason="Fair", by=SYSTEM
    )
    placing.add_closure(site=day.site, first_day=workday(day, 20), last_day=workday(day, 20), reason="Holiday", by=SYSTEM)
    shifts.add_absence(user=day.doctor, starts_at=start, ends_at=start + dt.timedelta(days=2), by=SYSTEM)
    day_plans.set_day_shift(
        user=day.doctor, site=day.site, day=workday(day, 12), spans=[(dt.time(10), dt.time(14))], reason="", by=SYSTEM
    )
    site, doctor = day.site.public_id, day.doctor.public_id
    enter(page, live_server.url, speaks(make.make_user(Role.MANAGER), language))
    walk(
        page,
        {
            "site": reverse("site", args=[site]), "hours": reverse("site-hours", args=[site]),
            "closure": reverse("closure-new", args=[site]), "special-hours": reverse("special-hours-new", args=[site]),
            "room-out": reverse("room-out", args=[day.room.public_id]),
            "device-out": reverse("device-out", args=[device.public_id]),
            "shifts": reverse("shifts", args=[doctor]), "shifts-change": reverse("shifts-change", args=[doctor, site]),
            "day-shift": reverse("day-shift-new", args=[doctor, site]),
            "absence": reverse("absence-new", args=[doctor]), "services": reverse("services"),
            "service": reverse("service-edit", args=[day.consultation.public_id]),
            "service-people": reverse("service-people", args=[day.consultation.public_id]),
            "public-booking": reverse("site-public-booking", args=[site]),
        },
        on, language, picture,
    )  # fmt: skip
