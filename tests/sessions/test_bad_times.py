"""Each bad time to each form that takes one: a sentence beside its field, what was typed stays, nothing is changed."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.doer import SYSTEM
from clinic.idempotency import new_token
from sessions.models import Appointment
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.displacedday import displaced_two
from tests.sessions.publicday import FRIDAY, hold, open_to_all

pytestmark = pytest.mark.django_db
GAP, OVERLAP = {"day": "2026-03-29", "time": "02:30"}, {"day": "2026-10-25", "time": "02:30"}
Fields = dict[str, str]
Form = tuple[str, Fields, str]  # the address, what a browser would send, what stands behind a field's name


@pytest.fixture
def day(at: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> ClinicDay:
    at(MORNING)
    allow_screening(monkeypatch)
    return make_clinic_day()


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


def typed(day: ClinicDay, **more: str) -> Fields:
    """Friday at three with the same practitioner, which is free."""
    return {
        "form_token": new_token(), "day": FRIDAY.isoformat(), "time": "15:00", "practitioner": day.doctor.public_id,
        "room": "", "minutes": "", "fold": "", "overbook_reason": "",
    } | more  # fmt: skip


def rows_of(desk: Client, url: str) -> Fields:
    form = desk.get(url).context["form"]
    return {field.html_name: str(field.value() if field.value() is not None else "") for field in form}


# --- the forms --------------------------------------------------------------------------------------------------------
def new(desk: Client, day: ClinicDay) -> Form:
    patient = make.make_patient(day.site)
    return reverse("appointment-new"), typed(
        day, patient=patient.public_id, service=day.consultation.public_id, planned_session="", note="Kept"
    ), ""  # fmt: skip


def slot(desk: Client, day: ClinicDay) -> Form:
    patient = make.make_patient(day.site)
    return reverse("calendar-slot"), typed(
        day, patient=patient.public_id, service=day.consultation.public_id, planned_session=""
    ), ""  # fmt: skip


def move(desk: Client, day: ClinicDay) -> Form:
    visit = day.book("10:00")
    return reverse("appointment-move", args=[visit.public_id]), typed(day, seen_version="1", tell="on"), ""


def held(desk: Client, day: ClinicDay) -> Form:
    open_to_all(day)
    visit = hold(day).appointment
    return reverse("appointment-move", args=[visit.public_id]), typed(day, seen_version="1"), ""


def course_of(day: ClinicDay) -> Any:
    return make.make_course(make.make_patient(day.site), day.doctor, first_day=THURSDAY + dt.timedelta(days=7))


def series(desk: Client, day: ClinicDay) -> Form:
    course, service = course_of(day), make.make_service()
    visits = [
        day.book("10:00", day=one.ideal, patient=course.patient, course=course, service=service, planned_sessions=[one])
        for one in course.planned_sessions.order_by("number")
    ]
    url = reverse("appointment-series", args=[visits[0].public_id])
    return url, rows_of(desk, f"{url}?days=7") | {"tell": "on"}, "_1"


def course(desk: Client, day: ClinicDay) -> Form:
    make.make_service()
    url = reverse("course-book", args=[course_of(day).public_id])
    return url, rows_of(desk, url), "_1"


def displaced(desk: Client, day: ClinicDay) -> Form:
    visits = displaced_two(day, SYSTEM)
    url = reverse("displaced-move")
    return url, rows_of(desk, url) | {"tell": "on"}, f"_{visits[0].public_id}"


FORMS = [new, slot, move, held, series, course, displaced]
WITH_LENGTH = [new, slot, move, held]


def everything() -> list[Any]:
    return list(
        Appointment.objects.order_by("pk").values_list("pk", "starts_at", "ends_at", "room", "status", "version", "displaced")
    )


def sent(desk: Client, form: Form, wrong: Fields) -> tuple[int, Any, str]:
    url, values, behind = form
    answer = desk.post(url, values | {f"{name}{behind}": value for name, value in wrong.items()}, headers={"HX-Request": "true"})
    return answer.status_code, answer.context["form"] if answer.context else None, unescape(answer.content.decode())


def errors_of(shown: Any, name: str) -> str:
    return " ".join(shown.errors.get(name, []))


@pytest.mark.parametrize("which", FORMS)
def test_a_good_form_is_taken(desk: Client, day: ClinicDay, which: Any) -> None:
    """Or the refusals below would prove nothing."""
    form = which(desk, day)
    before = everything()
    status, _shown, page = sent(desk, form, {})
    assert status == 302, page
    assert everything() != before


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize(("wrong", "sentence"), [(GAP, "does not exist"), (OVERLAP, "comes twice")])
def test_a_start_in_the_gap_or_the_overlap_of_a_clock_change(
    desk: Client, day: ClinicDay, which: Any, wrong: Fields, sentence: str
) -> None:
    form = which(desk, day)
    before = everything()
    status, shown, page = sent(desk, form, wrong)
    assert status == 422
    assert sentence in errors_of(shown, f"time{form[2]}")
    assert sentence in page
    assert re.search(rf'name="day{form[2]}"[^>]*value="{wrong["day"]}"|value="{wrong["day"]}"[^>]*name="day{form[2]}"', page)
    assert everything() == before


@pytest.mark.parametrize("which", FORMS)
def test_the_overlap_is_answered_by_saying_which(desk: Client, day: ClinicDay, which: Any) -> None:
    form = which(desk, day)
    before = everything()
    status, shown, page = sent(desk, form, OVERLAP | {"fold": "1"})
    assert status in {409, 422}, "the site is closed on that Sunday; the clock is no question any more"
    assert "comes twice" not in errors_of(shown, f"time{form[2]}")
    assert "does not open on" in page
    assert everything() == before


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize("place", ["foreign", "unknown", "nul"])
def test_a_room_that_is_unknown_or_another_sites(desk: Client, day: ClinicDay, which: Any, place: str) -> None:
    form = which(desk, day)
    rooms = {"foreign": make.make_room(make.make_site()).public_id, "unknown": "x" * 22, "nul": "\x00"}
    before = everything()
    status, shown, _page = sent(desk, form, {"room": rooms[place]})
    assert status == 422
    assert errors_of(shown, f"room{form[2]}")
    assert everything() == before


@pytest.mark.parametrize("which", WITH_LENGTH)
@pytest.mark.parametrize(("minutes", "sentence"), [("0", "greater than or equal to 5"), ("1440", "less than or equal to 480"),
                                                   ("-45", "greater than or equal to 5")])  # fmt: skip
def test_an_end_before_the_start_a_length_of_nothing_and_of_a_day(
    desk: Client, day: ClinicDay, which: Any, minutes: str, sentence: str
) -> None:
    form = which(desk, day)
    before = everything()
    status, shown, page = sent(desk, form, {"minutes": minutes})
    assert status == 422
    assert sentence in errors_of(shown, "minutes")
    assert f'value="{minutes}"' in page
    assert everything() == before


@pytest.mark.parametrize("which", [move, held, series, displaced])
def test_a_form_from_before_somebody_elses_move(desk: Client, day: ClinicDay, which: Any) -> None:
    form = which(desk, day)
    Appointment.objects.update(version=7)
    before = everything()
    status, _shown, page = sent(desk, form, {})
    assert status == 409
    assert "meanwhile" in page
    assert everything() == before
