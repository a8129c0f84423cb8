"""What stands in a block and in the list: every status, the bar of the category, the bell, the pencil, the legend, no name
where names are hidden; and the calendar of whichever site was chosen, on its clock."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clinic.components.small import MARKS
from patients.models import Allergy
from sessions.choices import APPOINTMENT_MOVES, AppointmentStatus, MessageState, RecordStatus
from sessions.models import Appointment, Message, TreatmentSession
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.publicday import FRIDAY, hold, open_to_all
from tests.sessions.treated import make_ended_treatment

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus
FEED = "/calendar/feed/"
TODAY = {"first": THURSDAY.isoformat(), "last": THURSDAY.isoformat()}


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


def blocks(client: Client, **more: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in client.get(FEED, TODAY | more).json()["blocks"]}


def said(html: str) -> str:
    """What is read out: the text without its tags, one space between words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


# --- status -----------------------------------------------------------------------------------------------------------
def every_status(day: ClinicDay) -> dict[str, Appointment]:
    made = {}
    for number, status in enumerate(STATUS):
        people = ((day.doctor, day.room), (day.other_doctor, day.other_room))[number % 2]
        visit = day.book(f"{9 + number // 2:02}:00", practitioner=people[0], room=people[1])
        stamps: dict[str, Any] = {"status": status}
        if "cancelled" in status:
            stamps |= {"cancelled_at": timezone.now(), "cancel_reason": "Ill"}
        elif status == STATUS.HELD:
            stamps |= {"hold_ends_at": timezone.now() + dt.timedelta(minutes=10)}
        Appointment.objects.filter(pk=visit.pk).update(**stamps)
        made[status] = visit
    return made


@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_status_has_its_word_in_the_day_the_list_and_the_filter(
    day: ClinicDay, client: Client, language: str
) -> None:
    made = every_status(day)
    assert set(made) == set(APPOINTMENT_MOVES)
    day.desk.language = language
    day.desk.save(update_fields=["language"])
    desk = make.signed_in(client, day.desk)
    drawn = blocks(desk)
    rows = desk.get("/calendar/", {"view": "list"}).content.decode().split("<tr>")
    filters = desk.get("/calendar/", {"view": "day"}).content.decode()
    for status, visit in made.items():
        with translation.override(language):
            word = str(STATUS(status).label)
        assert drawn[visit.public_id]["status"] == status
        assert f", {word}" in said(drawn[visit.public_id]["html"])
        (row,) = [one for one in rows if visit.public_id in one]
        assert f">{word}<" in re.sub(r"\s*([<>])\s*", r"\1", row)
        assert f'name="status" value="{status}"' in filters
        assert list(blocks(desk, status=status)) == [visit.public_id]


# --- what a block says --------------------------------------------------------------------------------------------------
def test_a_block_says_when_who_what_which_session_where_and_its_category(
    day: ClinicDay, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_screening(monkeypatch)
    patient = make.make_patient(day.site, given_name="Nadia", family_name="Rahman")
    course = make.make_course(patient, day.doctor, first_day=THURSDAY)
    visit = day.book("10:00", patient=patient, service=make.make_service(name="Hydration"), course=course,
                     planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip
    block = blocks(desk)[visit.public_id]
    assert block["category"] == "face"
    words = said(block["html"])
    assert re.match(r"10:00 Nadia Rahman ?, Face: ?Hydration.*1/3 ?, Room 1 ?, Booked", words), words
    assert "Part of a course" in block["html"]
    others = {"ind-aga": "hair", "ind-cellulite": "body"}
    for number, (indication, category) in enumerate(others.items()):
        service = make.make_service(indication=indication)
        other = make.make_appointment(
            make.make_patient(day.site), practitioner=day.other_doctor, room=day.other_room, service=service,
            starts_at=day.at(f"{12 + number}:00"),
        )  # fmt: skip
        assert blocks(desk)[other.public_id]["category"] == category


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        (MessageState.SCHEDULED, "Reminder planned"), (MessageState.SENT, "Reminder sent"),
        (MessageState.DELIVERED, "Reminder sent"), (MessageState.FAILED, "Reminder not delivered"),
        (MessageState.BOUNCED, "Reminder not delivered"), (MessageState.MISSED, "Reminder not delivered"),
    ],
)  # fmt: skip
def test_the_bell_says_what_became_of_the_reminder(day: ClinicDay, desk: Client, state: str, mark: str) -> None:
    on = THURSDAY + dt.timedelta(days=5)
    visit = day.book("10:00", day=on)
    reminder = Message.objects.filter(appointment=visit, kind="msg-24h")
    stamps: dict[str, Any] = {"state": state, "reason": "mailbox full"}
    if state in {MessageState.SENT, MessageState.DELIVERED, MessageState.BOUNCED}:
        stamps |= {"claimed_at": timezone.now(), "sent_at": timezone.now(), "told_start": visit.agreed_start}
    assert reminder.update(**stamps) == 1
    (block,) = desk.get(FEED, {"first": on.isoformat(), "last": on.isoformat()}).json()["blocks"]
    bells = [str(label) for name, (_icon, _tone, label) in MARKS.items() if name.startswith("reminder")]
    assert [one for one in bells if one in block["html"]] == [mark]


def test_the_pencil_stays_until_the_record_is_signed(day: ClinicDay, desk: Client) -> None:
    record = make_ended_treatment(site=day.site, ended_at=day.at("09:30"))
    visit = record.appointment
    assert "Record not signed" in blocks(desk)[visit.public_id]["html"]
    board = desk.get("/", {"practitioner": "all"})
    assert board.context["board"].unsigned == 1
    assert "1 record not signed" in board.content.decode()
    assert f"{record.practitioner.name.split()[0]} {record.practitioner.name.split()[-1]} 1" in said(board.content.decode())
    TreatmentSession.objects.filter(pk=record.pk).update(
        status=RecordStatus.SIGNED, signed_at=timezone.now(), signed_by=record.practitioner, signed_meaning="x",
        content_digest="0" * 64,
    )  # fmt: skip
    assert "Record not signed" not in blocks(desk)[visit.public_id]["html"]
    board = desk.get("/", {"practitioner": "all"})
    assert board.context["board"].unsigned == 0
    assert "not signed" not in board.content.decode()


def test_a_severe_allergy_is_a_triangle_and_no_word(day: ClinicDay, desk: Client) -> None:
    visit, plain = day.book("10:00"), day.book("12:00")
    Allergy.objects.create(patient=visit.patient, allergen="Lidocaine", severe=True, recorded_at=timezone.now())
    drawn = blocks(desk)
    assert "Safety alert" in drawn[visit.public_id]["html"]
    assert "Lidocaine" not in drawn[visit.public_id]["html"]
    assert "Safety alert" not in drawn[plain.public_id]["html"]


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_legend_names_every_mark_as_the_mark_names_itself(day: ClinicDay, client: Client, language: str) -> None:
    day.desk.language = language
    day.desk.save(update_fields=["language"])
    page = make.signed_in(client, day.desk).get("/calendar/", {"view": "day"}).content.decode()
    legend = page.partition('class="mark-list"')[2].partition("</ul>")[0]
    with translation.override(language):
        labels = [str(label) for _icon, _tone, label in MARKS.values()]
    lines = [said(one) for one in legend.split("</li>")]
    for label in labels:
        assert [one for one in lines if one.endswith(label)], (label, lines)


@pytest.mark.parametrize(("language", "letters"), [("en", "Mo Tu We Th Fr Sa Su"), ("tr", "Pt Sa Ça Pe Cu Ct Pz")])
def test_no_two_weekdays_of_the_small_month_look_alike(day: ClinicDay, client: Client, language: str, letters: str) -> None:
    day.desk.language = language
    day.desk.save(update_fields=["language"])
    page = make.signed_in(client, day.desk).get("/calendar/", {"view": "day"}).content.decode()
    assert re.findall(r"<abbr title=[^>]+>([^<]+)</abbr>", page) == letters.split()


# --- names ------------------------------------------------------------------------------------------------------------
def test_where_names_are_hidden_none_is_left_in_sight(day: ClinicDay, desk: Client) -> None:
    """The switch hides what stands in `.private`; so a name must stand nowhere else."""
    visit = day.book("10:00", patient=make.make_patient(day.site, given_name="Nadia", family_name="Rahman"))
    desk.cookies["hide_names"] = "1"
    page = desk.get("/calendar/", {"view": "list"}).content.decode()
    panel = desk.get(reverse("appointment-panel", args=[visit.public_id])).content.decode()
    assert re.search(r'<html[^>]*class="hide-names"', page)
    for html in (page, blocks(desk)[visit.public_id]["html"], panel):
        assert "Rahman" in html
        seen = re.sub(r'<span class="private" data-initials="[^"]*"><span>[^<]*</span></span>', "", html)
        assert "Rahman" not in re.sub(r'(?:aria-label|title|data-[\w-]+|value|href)="[^"]*"', "", seen), seen


# --- several sites ----------------------------------------------------------------------------------------------------
def test_the_calendar_follows_the_chosen_site_and_its_clock(day: ClinicDay, desk: Client) -> None:
    """London is an hour behind Rome: the practitioner who sits here at ten is drawn there at nine."""
    london = make.make_site(name="London", time_zone="Europe/London")
    make.make_shift(day.doctor, london, "4", starts=dt.time(8), ends=dt.time(12))
    here = day.book("14:00")
    there = make.make_appointment(
        make.make_patient(london), practitioner=day.doctor, room=make.make_room(london, name="Thames"),
        service=day.consultation, starts_at=day.at("10:00"),
    )  # fmt: skip
    assert desk.post(reverse("switch-site"), {"site": london.public_id, "next": "/calendar/"}).status_code == 302
    drawn = blocks(desk)
    assert list(drawn) == [there.public_id]
    assert drawn[there.public_id]["start"] == "2026-03-12T09:00:00"
    assert "Thames" in drawn[there.public_id]["html"]
    assert desk.post(reverse("switch-site"), {"site": day.site.public_id, "next": "/calendar/"}).status_code == 302
    drawn = blocks(desk)
    assert list(drawn) == [here.public_id]
    assert drawn[here.public_id]["start"] == "2026-03-12T14:00:00"


def test_a_held_time_of_the_public_page_is_drawn_as_held(day: ClinicDay, desk: Client) -> None:
    open_to_all(day)
    request = hold(day)
    (block,) = desk.get(FEED, {"first": FRIDAY.isoformat(), "last": FRIDAY.isoformat()}).json()["blocks"]
    assert (block["id"], block["status"], block["movable"]) == (request.appointment.public_id, "held", True)
    assert said(block["html"]).startswith("10:00 Online request")
