"""What is offered to who books from outside, what is refused of what they send, and how little a machine can hold."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.idempotency import new_token
from patients.models import Patient
from protocols.models import Service
from sessions import public_booking
from sessions.models import Appointment, BookingRequest, PublicBooking
from sessions.offers_outside import offers
from sessions.public_booking import Gone, TooMany
from sessions.waiting_page import stamp
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay
from tests.sessions.publicday import FRIDAY, At, details, fields, hold, later, make_public_day, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: At) -> ClinicDay:
    at(MORNING)
    return make_public_day()


# --- what is offered ------------------------------------------------------------------------------------------------
def test_a_site_that_is_not_switched_on_has_no_page(day: ClinicDay, client: Client) -> None:
    other = make.make_site()
    PublicBooking.objects.create(site=other)
    for site in (other, make.make_site()):
        assert client.get(reverse("public-booking", args=[site.public_id])).status_code == 404
        assert client.post(reverse("public-booking-details", args=[site.public_id]), fields(day)).status_code == 404
    assert client.get(reverse("public-booking-sites")).url == reverse("public-booking", args=[day.site.public_id])
    PublicBooking.objects.update(is_on=False)
    assert client.get(reverse("public-booking-sites")).status_code == 404


def test_only_true_free_times_within_reach_are_offered(day: ClinicDay) -> None:
    day.book("10:00", day=FRIDAY)
    make.make_closure(day.site, FRIDAY + dt.timedelta(days=1))
    setting = PublicBooking.objects.get()
    found = list(
        offers(
            site=day.site, service=day.consultation, practitioner=day.doctor, first_day=THURSDAY,
            last_day=THURSDAY + dt.timedelta(days=3), setting=setting,
        )
    )  # fmt: skip
    starts = [one.local_start for one in found]
    assert {one.date() for one in starts} == {FRIDAY}  # today is nearer than twelve hours, Saturday is closed, then Sunday
    assert not [one for one in starts if dt.time(9, 15) < one.time() < dt.time(10, 45)]


def test_one_practitioner_is_asked_for_or_anybody(day: ClinicDay, client: Client, at: At) -> None:
    day.book("10:00", day=FRIDAY, practitioner=day.doctor)
    url = reverse("public-booking", args=[day.site.public_id])

    def offered(practitioner: str) -> bool:
        query = {"service": day.consultation.public_id, "practitioner": practitioner}
        page = client.get(url, query).content.decode()
        return re.search(rf"start={re.escape(stamp(day.at('10:00', FRIDAY)).replace(':', '%3A'))}", page) is not None

    assert [offered(one) for one in (day.doctor.public_id, day.other_doctor.public_id, "")] == [False, True, True]
    theirs = {"practitioner": day.doctor.public_id}
    wishes = [fields(day, **theirs), fields(day, "12:00", **theirs), fields(day)]
    later(at, seconds=20)
    answers = [client.post(details(day), one | {"email": f"{number}@example.org"}) for number, one in enumerate(wishes)]
    assert [one.status_code for one in answers] == [409, 302, 302]
    held = Appointment.objects.filter(status="held").order_by("starts_at")
    assert [(one.starts_at, one.practitioner) for one in held] == [
        (day.at("10:00", FRIDAY), day.other_doctor), (day.at("12:00", FRIDAY), day.doctor)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"start": "2026-03-12T09:00Z"}, 409), ({"start": "2020-01-01T09:00Z"}, 409), ({"start": "2026-03-13T09:07Z"}, 409),
        ({"start": "2026-03-13T03:00Z"}, 409), ({"start": "2027-03-12T09:00Z"}, 409), ({"start": "tomorrow"}, 302),
        ({"service": "x"}, 409), ({"practitioner": "x" * 22}, 302), ({"given_name": "<b>"}, 422), ({"given_name": ""}, 422),
        ({"birth_date": "2099-01-01"}, 422), ({"birth_date": "2015-01-01"}, 422), ({"phone": "12"}, 422),
        ({"email": "nobody"}, 422), ({"email": "a@b.example\nBcc: c@d.example"}, 422), ({"language": "xx"}, 422),
        ({"shown": ""}, 422), ({"shown": "form:1:forged"}, 422), ({"family_name": "\u202eevil"}, 422), ({"form_token": ""}, 422),
    ],
)  # fmt: skip
def test_bad_input_is_answered_and_changes_nothing(
    day: ClinicDay, client: Client, at: At, more: dict[str, Any], status: int
) -> None:
    typed = fields(day) | more
    later(at, seconds=20)
    answer = client.post(details(day), typed)
    if more.get("service") or more.get("practitioner"):
        # What is not offered counts as unsaid: the only public service, anybody.
        assert answer.status_code in {302, 409}
        return
    assert answer.status_code == status
    assert not BookingRequest.objects.exists()
    assert not Appointment.objects.exists()
    assert not Patient.everyone.exists()
    if status == 422 and "given_name" not in more:
        assert "Ayşe" in answer.content.decode()


def test_a_service_that_is_not_public_cannot_be_held(day: ClinicDay) -> None:
    hidden = make.make_service("review", treatment_minutes=45)
    treatment = make.make_service(is_public=True)
    for service in (hidden, treatment):
        with pytest.raises(Gone):
            public_booking.hold(
                site=day.site, service=service, practitioner=None, starts_at=day.at("10:00", FRIDAY), source="a", person=person()
            )
    Service.objects.filter(pk=day.consultation.pk).update(is_active=False)
    with pytest.raises(Gone):
        hold(day)
    assert not BookingRequest.objects.exists()


def test_a_time_that_was_taken_meanwhile_offers_others_and_keeps_what_was_typed(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day, practitioner=day.doctor.public_id)
    day.book("10:00", day=FRIDAY)
    later(at, seconds=20)
    answer = client.post(details(day), typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "no longer free" in page
    assert "ayse@example.org" in page
    assert page.count('name="start"') >= 3


# --- machines -------------------------------------------------------------------------------------------------------
def test_a_machine_is_told_what_everybody_is_told(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day, website="https://buy.example")
    later(at, seconds=20)
    assert client.post(details(day), typed).url == reverse("public-booking-sent", args=[day.site.public_id])
    assert not BookingRequest.objects.exists()


def test_faster_than_anybody_types_is_asked_once_more(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day)
    answer = client.post(details(day), typed)
    assert answer.status_code == 422
    assert "very quick" in answer.content.decode()
    later(at, seconds=20)
    assert client.post(details(day), typed | {"form_token": new_token()}).status_code == 302


def test_a_page_left_open_for_hours_is_asked_once_more(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day)
    later(at, hours=5)
    answer = client.post(details(day), typed)
    assert answer.status_code == 422
    again = re.search(r'name="shown" value="([^"]+)"', answer.content.decode())[1]
    later(at, seconds=20)
    assert client.post(details(day), typed | {"shown": again, "form_token": new_token()}).status_code == 302


def test_holds_are_few_by_address_mail_and_site(day: ClinicDay, monkeypatch: Any) -> None:
    for number, time in enumerate(("09:00", "11:00", "13:00")):
        hold(day, time, source="one", email=f"{number}@example.org")
    with pytest.raises(TooMany):
        hold(day, "15:00", source="one", email="x@example.org")
    hold(day, "15:00", source="two", email="same@example.org")
    hold(day, "16:00", source="three", email="SAME@example.org ")
    with pytest.raises(TooMany):
        hold(day, "17:00", source="four", email="same@example.org")
    monkeypatch.setitem(public_booking.MOST_OPEN, "site", 5)
    with pytest.raises(TooMany):
        hold(day, "17:00", source="five", email="y@example.org")
    assert Appointment.objects.count() == 5


def test_a_mailbox_is_not_flooded(day: ClinicDay) -> None:
    for number in range(public_booking.MOST_A_DAY["email_hash"]):
        public_booking.withdraw(request=hold(day, source=str(number)))
    with pytest.raises(TooMany):
        hold(day, source="other")
    assert not Appointment.objects.exists()


def test_thousands_of_requests_change_nothing_more(day: ClinicDay, at: At) -> None:
    """From one address the door closes; from many the site's own limit does. Every answer is one of ours."""
    typed = fields(day)
    later(at, seconds=20)
    seen: set[int] = set()
    for number in range(120):
        client = Client(REMOTE_ADDR="203.0.113.7", raise_request_exception=False)
        time = f"{9 + number % 8:02}:{15 * (number % 4):02}"
        values = typed | {"form_token": new_token(), "start": stamp(day.at(time, FRIDAY)), "email": f"{number}@example.org"}
        seen.add(client.post(details(day), values).status_code)
    assert seen <= {302, 409, 429}
    assert 429 in seen
    assert BookingRequest.objects.count() == public_booking.MOST_OPEN["source"]


# --- languages ------------------------------------------------------------------------------------------------------
def test_the_page_speaks_the_language_of_the_browser(day: ClinicDay) -> None:
    url = reverse("public-booking", args=[day.site.public_id])
    page = Client(headers={"Accept-Language": "tr"}).get(url).content.decode()
    assert 'lang="tr"' in page
    assert "13 Mart" in page
    assert 'content="noindex' in page


def test_a_hold_over_the_hour_that_comes_twice(day: ClinicDay, at: At) -> None:
    """Sunday 25 October 2026: 02:30 comes twice; the page offers moments, so that both stay apart."""
    at("2026-10-23T08:00+00:00")
    sunday = dt.date(2026, 10, 25)
    make.make_shift(day.doctor, day.site, "7", starts=dt.time(1), ends=dt.time(5))
    day.site.opening_hours.create(weekday="7", opens=dt.time(1), closes=dt.time(5))
    setting = PublicBooking.objects.get()
    found = list(
        offers(
            site=day.site, service=day.consultation, practitioner=day.doctor, first_day=sunday, last_day=sunday,
            setting=setting,
        )
    )
    twice = [one.starts_at for one in found if f"{one.local_start:%H:%M}" == "02:30"]
    assert len(twice) == 2
    request = public_booking.hold(
        site=day.site, service=day.consultation, practitioner=day.doctor, starts_at=twice[1], source="a", person=person()
    )
    assert request.appointment.starts_at == twice[1]
