"""Today's board: lanes, marks, what each role sees, the poll, and a number of queries that does not grow."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from clinic.choices import Permission, Role
from clinic.idempotency import new_token
from clinic.models import AccessEvent, Room, User
from patients.models import QuestionnaireResponse, QuestionnaireVersion
from protocols import catalogue
from protocols.models import Service
from sessions import booking, consenting
from sessions.choices import AppointmentStatus, MessageState
from sessions.day_rows import Known, known_between
from sessions.models import Appointment, CheckIn, Consent, Finding, Message, Screening, TreatmentSession
from sessions.today import Board, asked_of, board_of
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus
EVERYTHING = frozenset(Permission)
POLL = {"X-Poll": "1", "HX-Request": "true"}


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client, day):
    return signed_in(client, day.desk)


def visits_of(site) -> list[Known]:
    return known_between(site, *site.day_bounds(THURSDAY))


def board_at(site) -> Board:
    return board_of(
        site=site, day=THURSDAY, visits=visits_of(site), rules=catalogue.in_force(), permissions={"see-headline"},
        now=timezone.now(),
    )  # fmt: skip


def mark_of(site) -> tuple:
    visits = visits_of(site)
    return (visits, asked_of(site=site, visits=visits, permissions=EVERYTHING, now=timezone.now()).mark())


def put(visit: Appointment, status: str, **stamps) -> Appointment:
    Appointment.objects.filter(pk=visit.pk).update(status=status, version=visit.version + 1, **stamps)
    visit.refresh_from_db()
    return visit


def screened(patient, outcome: str, course=None, **finding) -> Screening:
    made = Screening.objects.create(
        patient=patient, course=course, stage="plan", outcome=outcome, on_date=THURSDAY, facts={},
        catalogue=catalogue.current(), evaluated_at=timezone.now(), evaluated_by_label="test",
    )  # fmt: skip
    if finding:
        Finding.objects.create(screening=made, position=1, rule_version="1", **finding)
    return made


def test_four_lanes_by_what_must_be_done_next(desk, day):
    names = ("Exa", "Wai", "Tre", "Don", "Mis", "Can")
    people = {name: factories.make_patient(day.site, given_name=name) for name in names}
    visits = {
        name: day.book(f"{9 + number:02}:00", patient=patient) for number, (name, patient) in enumerate(people.items())
    }
    put(visits["Wai"], STATUS.ARRIVED, arrived_at=timezone.now() - dt.timedelta(minutes=17))
    put(visits["Tre"], STATUS.IN_TREATMENT)
    put(visits["Don"], STATUS.DONE)
    put(visits["Mis"], STATUS.NO_SHOW)
    booking.cancel(appointment=visits["Can"], seen_version=1, reason="x", by=day.by)
    answer = desk.get("/")
    board = answer.context["board"]
    names = {
        lane: [card.appointment.patient.given_name for card in getattr(board, lane)]
        for lane in ("expected", "waiting", "treated", "done", "missed")
    }
    assert names == {"expected": ["Exa"], "waiting": ["Wai"], "treated": ["Tre"], "done": ["Don"], "missed": ["Mis"]}
    page = answer.content.decode()
    assert "longest 17 min" in page
    assert "Thursday 12 March" in page
    assert "Can" not in page.split("</main>")[0].replace("Cancel", "")


def test_a_day_of_the_site_not_of_the_server(desk, day, at):
    day.book("09:00")
    at("2026-03-11T23:30+00:00")
    assert signed_in(desk, day.desk).get("/").context["board"].count == 1, "half past midnight in Rome"


def test_other_days_and_crooked_dates(desk, day):
    day.book("09:00", day=dt.date(2026, 3, 13))
    assert desk.get("/", {"day": "2026-03-13"}).context["board"].count == 1
    for crooked in ("2026-02-30", "x", "\x00", "9999-12-31", "2026-13-01", "-1"):
        answer = desk.get("/", {"day": crooked, "practitioner": "\x00" + "y" * 300, "lane": "<b>"})
        assert answer.status_code == 200
        assert answer.context["day"] == THURSDAY


def test_one_practitioner_or_everyone(client, day):
    day.book("09:00")
    day.book("09:00", practitioner=day.other_doctor, room=day.other_room)
    desk = signed_in(client, day.desk)
    assert desk.get("/").context["board"].count == 2
    assert desk.get("/", {"practitioner": day.other_doctor.public_id}).context["board"].count == 1
    doctor = signed_in(client, day.doctor)
    assert doctor.get("/").context["board"].count == 1, "who treats begins with their own day"
    idle = signed_in(client.__class__(), factories.make_user("medical-lead"))
    assert idle.get("/").context["board"].count == 2, "and with everybody's while their own is empty"
    assert doctor.get("/", {"practitioner": "all"}).context["board"].count == 2


def test_marks_say_first_visit_papers_course_and_reminder(day):
    patient = factories.make_patient(day.site)
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    visit = day.book("10:00", patient=patient, service=factories.make_service(), course=course,
                     planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip

    def marks() -> list[str]:
        return board_at(day.site).cards[0].marks

    assert {"first-visit", "intake-missing", "consent-missing", "course"} <= set(marks())
    QuestionnaireResponse.objects.create(
        patient=patient, questionnaire=QuestionnaireVersion.objects.first(), language="en", submitted_at=timezone.now(),
        submitted_kind="patient", signed_name="N R",
    )  # fmt: skip
    Message.objects.filter(appointment=visit, kind="msg-24h").update(
        state=MessageState.BOUNCED, reason="no such mailbox"
    )
    assert "intake-missing" not in marks()
    assert "reminder-failed" in marks()


@pytest.mark.parametrize(("signed_on", "withdrawn", "missing"), [
    (dt.date(2025, 3, 12), False, False), (dt.date(2025, 3, 11), False, True),  # twelve calendar months, their last day counts
    (dt.date(2026, 3, 1), False, False), (dt.date(2026, 3, 1), True, True),
])  # fmt: skip
def test_the_board_asks_for_a_consent_when_the_ready_strip_does(day, signed_on, withdrawn, missing):
    patient = factories.make_patient(day.site)
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    day.book("10:00", patient=patient, service=factories.make_service(), course=course,
             planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip
    signed_at = dt.datetime.combine(signed_on, dt.time(12), day.site.zone)
    signed = {"patient": patient, "course": course, "plan_version": course.plan_version, "language": "en",
              "informed_by": day.doctor, "recorded_by": day.doctor, "method": "paper", "photos_record": True,
              "photos_teaching": False, "photos_publicity": False}  # fmt: skip
    Consent.objects.create(informed_at=signed_at - dt.timedelta(days=400), signed_at=signed_at - dt.timedelta(days=399), **signed)
    Consent.objects.create(
        informed_at=signed_at, signed_at=signed_at, withdrawn_at=timezone.now() if withdrawn else None, **signed
    )
    assert board_at(day.site).cards[0].consent_missing is missing
    assert consenting.state_of(course).holds is not missing


def test_the_desk_reads_headlines_and_no_findings(client, day):
    patient = factories.make_patient(day.site)
    day.book("10:00", patient=patient)
    screened(patient, "blocked", code="ci-fish", severity="absolute", title={"en": "Fish allergy"})
    desk_page = signed_in(client, day.desk).get("/").content.decode()
    assert "Blocked" in desk_page
    assert "Fish allergy" not in desk_page
    assert "Fish allergy: blocked" in signed_in(client, day.doctor).get("/").content.decode()
    manager_page = signed_in(client, factories.make_user(Role.MANAGER)).get("/").content.decode()
    assert "Blocked" not in manager_page
    assert "Intake" not in manager_page


def test_what_needs_somebody(desk, day):
    visit = day.book("10:00")
    Message.objects.filter(appointment=visit).update(
        state=MessageState.FAILED, due_at=timezone.now(), reason="mailbox full"
    )
    factories.make_lot(day.site, lot_number="T7K198", expires_on=dt.date(2026, 3, 15), balance_ml=Decimal(4))
    factories.make_lot(factories.make_site(), lot_number="ELSEWHERE", expires_on=dt.date(2026, 3, 15))
    page = desk.get("/").content.decode()
    assert "did not arrive" in page
    assert "T7K198 ends Sun 15 Mar" in page
    assert "ELSEWHERE" not in page


def test_arriving_from_the_board(desk, day):
    visit = day.book("10:00")
    page = desk.get("/").content.decode()
    assert f"/appointments/{visit.public_id}/arrive/" in page
    form = {"form_token": new_token(), "seen_version": "1", "from": "board"}
    assert desk.post(f"/appointments/{visit.public_id}/arrive/", form, follow=True).context["board"].waiting


def test_another_day_offers_no_arrival(desk, day):
    visit = day.book("10:00", day=dt.date(2026, 3, 13))
    assert f"/appointments/{visit.public_id}/arrive/" not in desk.get("/", {"day": "2026-03-13"}).content.decode()


def test_the_poll_answers_nothing_until_something_changes(desk, day, at):
    visit = day.book("10:00")
    seen = desk.get("/").context["revision"]
    looks = AccessEvent.objects.count()
    assert desk.get("/", {"seen": seen}, headers=POLL).status_code == 204
    booking.change_status(appointment=visit, to=STATUS.ARRIVED, seen_version=1, by=day.by)
    answer = desk.get("/", {"seen": seen}, headers=POLL)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in page
    assert 'id="lanes"' in page
    assert AccessEvent.objects.count() == looks, "a poll is nobody looking"


@pytest.mark.parametrize("change", ["book", "message", "screening", "lot", "cancel"])
def test_every_change_the_board_shows_changes_its_revision(day, change):
    visit = day.book("10:00")
    before = mark_of(day.site)
    assert mark_of(day.site) == before
    if change == "book":
        day.book("14:00")
    elif change == "message":
        Message.objects.filter(appointment=visit, kind="msg-confirm").update(
            state=MessageState.FAILED, reason="mailbox full"
        )
    elif change == "screening":
        screened(visit.patient, "blocked")
    elif change == "lot":
        factories.make_lot(day.site, expires_on=THURSDAY)
    else:
        booking.cancel(appointment=visit, seen_version=1, reason="x", by=day.by)
    assert mark_of(day.site) != before


def test_nothing_is_drawn_that_the_mark_does_not_cover(day, django_assert_num_queries):
    """A warning that a poll cannot see would come too late."""
    course = factories.make_course(factories.make_patient(day.site), day.doctor, first_day=THURSDAY)
    visit = day.book("10:00", patient=course.patient, service=factories.make_service(), course=course,
                     planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip
    screened(visit.patient, "blocked", course, code="scr-keloid", severity="absolute", title={"en": "Keloid"})
    factories.make_lot(day.site, expires_on=THURSDAY)
    visits, now = visits_of(day.site), timezone.now()
    asked = asked_of(site=day.site, visits=visits, permissions=EVERYTHING, now=now)
    with asked.ahead() as mark, django_assert_num_queries(0):
        shown = board_of(
            site=day.site, day=THURSDAY, visits=visits, rules=catalogue.in_force(), permissions=EVERYTHING, now=now
        )
    assert shown.expected[0].alert_words == "Keloid"
    assert mark == asked.mark(), "ahead of a page and for a poll it is the same"


def test_two_answers_that_met_a_different_number_of_entries_both_show(desk, day):
    for codes in ([], ["ci-pus"], ["ci-pus", "ci-pain"]):
        patient, now = factories.make_patient(day.site), timezone.now()
        course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
        record = TreatmentSession.objects.create(
            appointment=day.book(f"{9 + len(codes):02}:00", patient=patient, course=course, service=factories.make_service()),
            patient=patient, course=course, catalogue=catalogue.current(), opened_at=now, opened_by=day.doctor,
            practitioner=day.doctor, technique="tq-papule", delivery="dv-manual",
        )  # fmt: skip
        CheckIn.objects.create(
            patient=patient, site=day.site, treatment_session=record, answered_at=now, answers={}, pain=9, codes=codes,
            urgency="same-day",
        )  # fmt: skip
    assert len(desk.get("/").context["board"].needs.check_ins) == 3


@pytest.mark.parametrize("change", ["language", "zone", "role"])
def test_a_poll_sees_who_reads_and_where(desk, day, change):
    day.book("10:00")
    seen = desk.get("/").context["revision"]
    assert desk.get("/", {"seen": seen}, headers=POLL).status_code == 204
    if change == "language":
        User.objects.filter(pk=day.desk.pk).update(language="tr")
    elif change == "zone":
        type(day.site).objects.filter(pk=day.site.pk).update(time_zone="Europe/Berlin")
    else:
        day.desk.roles.update(role=Role.MANAGER)
    assert desk.get("/", {"seen": seen}, headers=POLL).status_code == 200


def test_a_colleague_who_signs_in_redraws_nothing(day):
    day.book("10:00")
    before = mark_of(day.site)
    User.objects.filter(pk=day.doctor.pk).update(last_login=timezone.now(), password="another")
    assert mark_of(day.site) == before


@pytest.mark.parametrize("change", ["room", "practitioner", "service", "screened", "lot"])
def test_nothing_that_is_only_named_on_a_card_changes_unseen(day, change):
    visit = day.book("10:00", service=factories.make_service())
    screened(visit.patient, "blocked", code="scr-keloid", severity="absolute", title={"en": "Keloid"})
    before = mark_of(day.site)
    if change == "room":
        Room.objects.filter(pk=visit.room_id).update(name="Blue room")
    elif change == "practitioner":
        User.objects.filter(pk=visit.practitioner_id).update(name="Dr New Name")
    elif change == "service":
        Service.objects.filter(pk=visit.service_id).update(name="Another name")
    elif change == "screened":
        screened(visit.patient, "blocked", code="scr-keloid", severity="absolute", title={"en": "Keloid, seen again"})
    else:
        factories.make_lot(day.site, expires_on=THURSDAY)
    assert mark_of(day.site) != before


@pytest.mark.parametrize("count", [1, 12])
def test_the_number_of_queries_does_not_grow_with_the_day(desk, day, count, django_assert_num_queries):
    for number in range(count):
        hour, doctor, room = 9 + number // 2, *(
            ((day.doctor, day.room), (day.other_doctor, day.other_room))[number % 2]
        )
        patient = factories.make_patient(day.site)
        course = factories.make_course(patient, doctor, first_day=THURSDAY)
        visit = day.book(
            f"{hour:02}:00", patient=patient, practitioner=doctor, room=room, course=course,
            service=factories.make_service(), planned_sessions=[course.planned_sessions.get(number=1)],
        )  # fmt: skip
        put(visit, [STATUS.BOOKED, STATUS.ARRIVED, STATUS.DONE][number % 3], arrived_at=timezone.now())
    desk.get("/")
    with django_assert_num_queries(5):
        shown = desk.get("/")
    revision = shown.context["revision"]
    with django_assert_num_queries(4):
        assert desk.get("/", {"seen": revision}, headers=POLL).status_code == 204


def test_an_anonymous_poll_is_told_to_reload(client, day):
    assert client.get("/").status_code == 302
    assert client.get("/", headers=POLL).headers["HX-Refresh"] == "true"
