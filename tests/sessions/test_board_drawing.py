"""What stands on the cards of the board: acts by role, each its own token, hostile names as text, both languages."""
from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from clinic.choices import Permission
from protocols import catalogue
from sessions.choices import AppointmentStatus, RecordStatus
from sessions.models import Appointment, TreatmentSession
from sessions.views import board
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus
POLL = {"X-Poll": "1", "HX-Request": "true"}


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def visit_as(day: ClinicDay, time: str, status: str = STATUS.BOOKED, **stamps) -> Appointment:
    visit = day.book(time)
    Appointment.objects.filter(pk=visit.pk).update(status=status, **stamps)
    visit.refresh_from_db()
    return visit


def card_of(page: str, visit: Appointment) -> str:
    found = re.search(rf'<article [^>]*id="{visit.public_id}".*?</article>', page, re.DOTALL)
    assert found, page
    return found.group()


def links(card: str) -> set[str]:
    """Where its acts lead, but for the questions a new patient has not answered."""
    return {found for found in re.findall(r'(?:href|action)="([^"#]+)"', card) if not found.endswith("/intake/")}


def lanes(client) -> str:
    return client.get("/", {"practitioner": "all", "seen": "old"}, headers=POLL).content.decode()


def test_an_expected_card_has_its_form_and_its_menu_for_who_may_change(client, day):
    visit = visit_as(day, "10:00")
    names = ("appointment", "appointment-arrive", "appointment-move", "appointment-cancel")
    card = card_of(lanes(signed_in(client, day.desk)), visit)
    assert links(card) == {reverse(name, args=[visit.public_id]) for name in names}
    assert f'name="seen_version" value="{visit.version}"' in card
    assert 'name="csrfmiddlewaretoken"' in card
    assert "0" * 22 not in card, "what was drawn for any id was filled in"


def test_acts_follow_the_permissions(client, day, monkeypatch):
    """The same board read with fewer permissions: no form, no menu, no act of a clinician."""
    expected = visit_as(day, "10:00")
    patient = factories.make_patient(day.site)
    course = factories.make_course(patient, day.doctor, site=day.site)
    treated = factories.make_appointment(
        patient, practitioner=day.doctor, room=day.room, starts_at=day.at("08:00"), course=course, status=STATUS.IN_TREATMENT
    )
    TreatmentSession.objects.create(
        appointment=treated, patient=patient, course=course, catalogue=catalogue.current(), status=RecordStatus.OPEN,
        opened_at=timezone.now(), opened_by=day.doctor, practitioner=day.doctor, technique=course.technique,
        delivery=course.delivery,
    )  # fmt: skip
    ways = {
        "front-desk": ({"appointment-arrive", "appointment-move", "appointment-cancel"}, set()),
        "practitioner": ({"appointment-arrive", "appointment-move", "appointment-cancel"}, {"record"}),
    }
    for role, (on_expected, on_treated) in ways.items():
        page = lanes(signed_in(client.__class__(), factories.make_user(role)))
        for visit, names in ((expected, on_expected), (treated, on_treated)):
            wanted = {reverse(name, args=[visit.public_id]) for name in {"appointment", *names}}
            assert links(card_of(page, visit)) == wanted, (role, visit.status)
    monkeypatch.setattr(board, "permissions_of", lambda _request: frozenset({Permission.SEE_PERSON}))
    page = lanes(signed_in(client, day.desk))
    assert links(card_of(page, expected)) == {reverse("appointment", args=[expected.public_id])}
    assert "<form" not in page


def test_every_form_has_a_token_of_its_own(client, day):
    for hour in range(9, 13):
        visit_as(day, f"{hour:02}:00")
    tokens = re.findall(r'name="form_token" value="([^"]+)"', lanes(signed_in(client, day.desk)))
    assert len(tokens) == len(set(tokens)) == 4
    assert all(len(token) == 32 for token in tokens)


def test_names_rooms_and_words_are_text_wherever_a_card_shows_them(client, day):
    hostile = "<script>alert('1')</script>"
    expected, waiting = visit_as(day, "09:00"), visit_as(day, "10:00", STATUS.ARRIVED, arrived_at=timezone.now())
    treated, done = visit_as(day, "11:00", STATUS.IN_TREATMENT), visit_as(day, "12:00", STATUS.DONE)
    missed = visit_as(day, "13:00", STATUS.NO_SHOW)
    for visit in (expected, waiting, treated, done, missed):
        type(visit.patient).objects.filter(pk=visit.patient_id).update(given_name=hostile, family_name='"><b x')
    type(day.room).objects.filter(pk=day.room.pk).update(name=hostile)
    type(day.consultation).objects.filter(pk=day.consultation.pk).update(name=hostile)
    page = signed_in(client, day.desk).get("/").content.decode()
    assert "<script>alert" not in page
    assert '"><b x' not in page
    assert page.count("&lt;script&gt;alert") >= 14, "five names, four services, four rooms of cards, a room"


def test_a_done_card_offers_the_sheet_and_the_next_visit(client, day):
    visit = visit_as(day, "09:00", STATUS.DONE)
    desk = signed_in(client, day.desk)
    next_url = reverse("appointment-new") + "?patient=" + visit.patient.public_id
    assert next_url in links(card_of(lanes(desk), visit))
    day.book("10:30", day=dt.date(2026, 3, 19), patient=visit.patient)
    card = card_of(lanes(desk), visit)
    assert "Next: Thu 19 Mar 10:30" in card
    assert next_url not in links(card)


def test_the_first_who_is_expected_stands_in_the_head_of_the_lane(client, day):
    visit_as(day, "10:45")
    assert "next 10:45" in lanes(signed_in(client, day.desk))


def test_the_board_speaks_turkish(client, day):
    visit_as(day, "11:30")
    visit_as(day, "09:30", STATUS.ARRIVED, arrived_at=timezone.now() - dt.timedelta(minutes=20))
    day.desk.language = "tr"
    day.desk.save(update_fields=["language"])
    page = lanes(signed_in(client, day.desk))
    with translation.override("tr"):
        for words in ("Expected", "Arrived", "Move", "Nobody is being treated.", "What needs you, and the rooms"):
            assert translation.gettext(words) in page
            assert f">{words}<" not in page
        assert translation.gettext("longest %(n)s min") % {"n": 20} in page


def test_a_day_that_is_not_today_has_no_forms_and_no_rooms(client, day):
    day.book("10:00", day=THURSDAY + dt.timedelta(days=1))
    page = signed_in(client, day.desk).get("/", {"day": "2026-03-13"}, headers=POLL).content.decode()
    assert "<form" not in page
    assert 'class="rooms"' not in page
