"""Adverse events: on record, assessed, closed, opened again; what they do to screening, bookings and messages."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from protocols.findings import Outcome, Severity
from protocols.screening import Stage
from sessions import messaging, reactions, screenings
from sessions.choices import Causality, MessageState, ReactionOutcome
from sessions.gathering import facts_of
from sessions.models import AdverseEvent, Appointment, Message
from sessions.reactions import Report
from tests import factories as make
from tests.healthy import answered
from tests.sessions.careday import HARMLESS_TEXT, HOSTILE_TEXT, MORNING, CareDay, make_care_day, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def reported(day: CareDay, **fields: Any) -> AdverseEvent:
    event = Report(**{"grade": 2, "reaction": "ae-haematoma"} | fields)
    return reactions.report(patient=day.patient, site=day.site, event=event, by=day.by)


def assessed(day: CareDay, event: AdverseEvent, *, causality: str = "possible", grade: int | None = None) -> AdverseEvent:
    return reactions.assess(
        event=event, seen_version=event.version, causality=causality, grade=grade or event.grade, action="advice", by=day.by
    )


def closed(day: CareDay, event: AdverseEvent, outcome: str = "recovered", **more: Any) -> AdverseEvent:
    event = assessed(day, event, **more)
    return reactions.close(event=event, seen_version=event.version, outcome=outcome, closing="healed", by=day.by)


def prior_reaction(day: CareDay, course: Any = None) -> tuple[Severity, bool] | None:
    found = screenings.evaluate(patient=day.patient, stage=Stage.BOOKING, on=day.site.today(), course=course)
    hit = next((one for one in found.findings if one.code == "scr-prior-reaction"), None)
    return (hit.severity, hit.open_ended) if hit else None


# --- the deeds --------------------------------------------------------------------------------------------------------
def test_a_report_takes_substances_and_lots_from_the_session(day: CareDay) -> None:
    record = day.ended()
    event = reported(day, treatment_session=record, elsewhere="ignored", substances=["sub-biotin"])
    assert (event.substances, event.elsewhere, event.term) == (["sub-ha-nc"], "", "haematoma")
    assert event.lots == [product.lot_label for product in record.products.all()]
    assert event.causality == Causality.NOT_ASSESSED
    assert AuditEvent.objects.filter(action="event-reported").count() == 1


@pytest.mark.parametrize(("fields", "field"), [
    ({"grade": 0}, "grade"), ({"grade": 6}, "grade"), ({"reaction": "rf-call-now"}, "reaction"),
    ({"reaction": "ae-nothing"}, "reaction"), ({"reaction": "", "term": " "}, "term"),
    ({"onset_on": dt.date(2026, 3, 13)}, "onset_on"), ({"onset_on": dt.date(1984, 8, 8)}, "onset_on"),
    ({"substances": ["sub-unheard"]}, "substances"), ({"action": "prayer"}, "action"),
])
def test_nonsense_is_refused_and_nothing_saved(day: CareDay, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        reported(day, **fields)
    assert refused.value.field == field
    assert not AdverseEvent.objects.exists()
    assert not AuditEvent.objects.filter(action="event-reported").exists()


def test_an_onset_before_the_session_is_refused(day: CareDay) -> None:
    with pytest.raises(Refused, match="before the session"):
        reported(day, treatment_session=day.ended(), onset_on=dt.date(2026, 3, 11))


def test_the_session_of_another_patient_is_refused(day: CareDay) -> None:
    record = day.ended()
    other = make.make_patient(day.site)
    with pytest.raises(Refused, match="another patient"):
        reactions.report(patient=other, site=day.site, by=day.by,
                         event=Report(grade=1, reaction="exp-bruise", treatment_session=record))  # fmt: skip


def test_only_what_was_assessed_can_be_closed(day: CareDay) -> None:
    event = reported(day)
    with pytest.raises(Refused, match="Assess it first"):
        reactions.close(event=event, seen_version=event.version, outcome="recovered", closing="", by=day.by)
    event = closed(day, event)
    with pytest.raises(Refused, match="closed already"):
        reactions.close(event=event, seen_version=event.version, outcome="recovered", closing="", by=day.by)


def test_opening_again_needs_a_reason_and_keeps_the_history(day: CareDay) -> None:
    event = closed(day, reported(day))
    with pytest.raises(Refused) as refused:
        reactions.reopen(event=event, seen_version=event.version, reason=" ", by=day.by)
    assert refused.value.field == "reason"
    event = reactions.reopen(event=event, seen_version=event.version, reason="came back", by=day.by)
    assert event.is_open
    assert event.causality == "possible", "what was assessed stays assessed"
    assert event.events.filter(outcome=ReactionOutcome.RECOVERED).exists(), "row history keeps how it was closed"


def test_a_stale_assessment_is_refused(day: CareDay) -> None:
    event = reported(day)
    mine, theirs = AdverseEvent.objects.get(pk=event.pk), AdverseEvent.objects.get(pk=event.pk)
    assessed(day, theirs)
    with pytest.raises(Stale):
        assessed(day, mine)


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinical_roles_report_and_assess(day: CareDay, role: str) -> None:
    event, by = reported(day), Doer.staff(make.make_user(role), day.site)
    with pytest.raises(NotPermitted):
        reactions.report(patient=day.patient, site=day.site, event=Report(grade=1, reaction="exp-bruise"), by=by)
    with pytest.raises(NotPermitted):
        reactions.assess(event=event, seen_version=event.version, causality="possible", grade=1, action="none", by=by)
    assert AdverseEvent.objects.get() == event


# --- screening --------------------------------------------------------------------------------------------------------
def test_an_open_event_waits_open_ended_and_flags_the_bookings(day: CareDay) -> None:
    course = day.course()
    later = make.make_appointment(
        day.patient, practitioner=day.doctor, room=day.room, service=day.service, course=course,
        planned_session=course.planned_sessions.get(number=2), starts_at=dt.datetime(2026, 4, 9, 9, tzinfo=dt.UTC),
    )  # fmt: skip
    event = reported(day, grade=1, reaction="exp-bruise")
    assert prior_reaction(day, course) == (Severity.TEMPORARY, True)
    assert "Reaction after an earlier session" in Appointment.objects.get(pk=later.pk).flagged
    closed(day, event)
    assert prior_reaction(day, course) is None
    assert Appointment.objects.get(pk=later.pk).flagged == ""


@pytest.mark.parametrize(("fields", "causality", "expected"), [
    ({"grade": 1}, "possible", None),
    ({"grade": 2}, "possible", Severity.RELATIVE),
    ({"grade": 2}, "unrelated", Severity.RELATIVE),
    ({"grade": 3, "substances": ["sub-ha-nc"]}, "certain", Severity.ABSOLUTE),
    ({"grade": 3, "substances": ["sub-biotin"]}, "certain", Severity.RELATIVE),
    ({"grade": 3, "substances": []}, "unlikely", Severity.ABSOLUTE),
    ({"grade": 3, "substances": ["sub-ha-nc"]}, "unrelated", Severity.RELATIVE),
])
def test_a_closed_event_counts_by_grade_cause_and_product(
    day: CareDay, fields: dict[str, Any], causality: str, expected: Severity | None
) -> None:
    course = day.course()
    closed(day, reported(day, **fields), causality=causality)
    found = prior_reaction(day, course)
    assert (found[0] if found else None) == expected


def test_a_patients_word_waits_until_an_event_is_assessed_and_closed_and_is_not_asked_again(day: CareDay, at: Any) -> None:
    answered(day.patient, q_reaction="yes")
    assert prior_reaction(day) == (Severity.TEMPORARY, True)
    event = reported(day, grade=1, reaction="exp-bruise", elsewhere="Clinic abroad")
    assert prior_reaction(day) == (Severity.TEMPORARY, True), "recorded, not yet assessed"
    closed(day, event)
    assert prior_reaction(day) is None, "nobody has to ask again"
    at("2026-04-09T08:50:00+00:00")
    answered(day.patient, q_reaction="yes")
    assert prior_reaction(day) == (Severity.TEMPORARY, True), "a new report is a new question"
    event.refresh_from_db()
    assessed(day, event)
    assert prior_reaction(day) is None, "a clinician said that it is the known one"


def test_unsure_about_a_reaction_is_a_report_too(day: CareDay, at: Any) -> None:
    closed(day, reported(day, grade=1, reaction="exp-bruise"))
    at("2026-03-13T08:50:00+00:00")
    answered(day.patient, q_reaction="unsure")
    assert prior_reaction(day) == (Severity.TEMPORARY, True)
    at("2026-03-14T08:50:00+00:00")
    answered(day.patient, q_reaction="no")
    assert prior_reaction(day) is None


def test_facts_carry_every_event(day: CareDay) -> None:
    closed(day, reported(day, grade=3, onset_on=dt.date(2026, 3, 1), substances=["sub-pn"]))
    (event,) = facts_of(day.patient).events
    assert (event.term, event.grade, event.status, event.causality, event.substances, event.on) == (
        "ae-haematoma", 3, "closed", "possible", ("sub-pn",), dt.date(2026, 3, 1))  # fmt: skip


def test_a_blocked_product_stops_the_course_that_brings_it(day: CareDay) -> None:
    course = day.course()
    closed(day, reported(day, grade=3, substances=["sub-ha-nc"]))
    result = screenings.evaluate(patient=day.patient, stage=Stage.START, on=day.site.today(), course=course)
    assert result.outcome is Outcome.BLOCKED
    finding = next(one for one in result.findings if one.code == "scr-prior-reaction")
    assert set(finding.source) == {"E17", "E20"}


# --- suspected mycobacteria -------------------------------------------------------------------------------------------
def test_a_suspected_mycobacterial_infection_holds_the_lots_back(day: CareDay, at: Any) -> None:
    record = day.ended()
    lot = record.products.get().lot
    at("2026-06-10T08:50:00+00:00")  # 90 days on
    reported(day, reaction="ae-infection-ntm", grade=3, treatment_session=record)
    lot.refresh_from_db()
    assert "mycobacterial" in lot.held_back_reason
    assert AuditEvent.objects.filter(action="lot-held-back").count() == 1


def test_lots_of_longer_ago_and_lots_of_other_events_stay_free(day: CareDay, at: Any) -> None:
    record = day.ended()
    reported(day, reaction="ae-haematoma", treatment_session=record)
    at("2026-06-11T08:50:00+00:00")  # 91 days on
    reported(day, reaction="ae-infection-ntm", grade=3, treatment_session=record)
    assert record.products.get().lot.held_back_reason == ""


@pytest.mark.parametrize(("days", "causality", "expected"), [(90, "", True), (91, "", False), (5, "unrelated", False)])
def test_a_second_case_at_the_site_asks_for_an_outbreak_report(
    client: Client, day: CareDay, at: Any, days: int, causality: str, expected: bool
) -> None:
    other = make.make_patient(day.site)
    first = reactions.report(
        patient=other, site=day.site, event=Report(grade=3, reaction="ae-infection-ntm", elsewhere="x"), by=day.by
    )
    if causality:
        assessed(day, first, causality=causality)
    at((dt.datetime.fromisoformat(MORNING) + dt.timedelta(days=days)).isoformat())
    make.signed_in(client, day.doctor)
    event = reported(day, reaction="ae-infection-ntm", grade=3)
    assert reactions.is_outbreak(event) is expected
    page = client.get(reverse("patient-reactions", args=[day.patient.public_id])).content.decode()
    assert ("outbreak report" in page) is expected


# --- messages ---------------------------------------------------------------------------------------------------------
def booked(day: CareDay) -> Appointment:
    course = day.course()
    visit = make.make_appointment(
        day.patient, practitioner=day.doctor, room=day.room, service=day.service, course=course,
        planned_session=course.planned_sessions.get(number=2), starts_at=dt.datetime(2026, 4, 9, 9, tzinfo=dt.UTC),
    )  # fmt: skip
    messaging.appointment_booked(appointment=visit, by=day.by)
    return visit


def state_of(visit: Appointment, kind: str) -> str:
    return str(Message.objects.get(appointment=visit, kind=kind).state)


def test_grade_two_quiets_the_timed_mails_until_it_is_closed(day: CareDay) -> None:
    visit = booked(day)
    event = reported(day, grade=2)
    assert state_of(visit, "msg-24h") == MessageState.SUPPRESSED
    assert Message.objects.get(appointment=visit, kind="msg-24h").reason == messaging.EVENT_OPEN
    assert state_of(visit, "msg-confirm") == MessageState.SCHEDULED
    closed(day, event)
    assert state_of(visit, "msg-24h") == MessageState.SCHEDULED


def test_grade_one_quiets_nothing(day: CareDay) -> None:
    visit = booked(day)
    reported(day, grade=1, reaction="exp-bruise")
    assert state_of(visit, "msg-24h") == MessageState.SCHEDULED


def test_a_booking_made_while_an_event_is_open_is_not_reminded_of(day: CareDay) -> None:
    reported(day, grade=2)
    assert state_of(booked(day), "msg-24h") == MessageState.SUPPRESSED


# --- pages ------------------------------------------------------------------------------------------------------------
def values(**changes: Any) -> dict[str, Any]:
    return {
        "session": "elsewhere", "elsewhere": "Clinic abroad", "reaction": "ae-haematoma", "term": "", "onset_on": "",
        "grade": "2", "action": "advice", "description": "A large bruise",
    } | changes  # fmt: skip


def test_from_the_report_to_the_end_through_the_pages(client: Client, day: CareDay) -> None:
    record = day.ended()
    listed = reverse("patient-reactions", args=[day.patient.public_id])
    assert "No adverse event on record" in client.get(listed).content.decode()
    new = reverse("reaction-new", args=[day.patient.public_id]) + f"?session={record.appointment.public_id}"
    assert f'value="{record.appointment.public_id}" selected' in client.get(new).content.decode()
    answer = send(client, new, values(session=record.appointment.public_id, elsewhere=""))
    assert answer.url == listed
    event = AdverseEvent.objects.get()
    assert event.treatment_session == record
    assert "Assess it first" in client.get(listed).content.decode()
    answer = send(client, reverse("reaction-assess", args=[event.public_id]),
                  {"causality": "possible", "grade": "2", "action": "local-treatment"})  # fmt: skip
    assert answer.url == listed
    answer = send(client, reverse("reaction-close", args=[event.public_id]), {"outcome": "recovered", "closing": "Gone"})
    assert answer.url == listed
    assert "Each plan needs a clearance." in client.get(listed).content.decode()
    answer = send(client, reverse("reaction-reopen", args=[event.public_id]), {"reason": "Came back"})
    assert answer.url == listed
    event.refresh_from_db()
    assert event.is_open


@pytest.mark.parametrize(("changes", "field"), [
    ({"grade": "6"}, "grade"), ({"grade": None}, "grade"), ({"reaction": "ae-x"}, "reaction"),
    ({"reaction": ""}, "term"), ({"onset_on": "2026-02-30"}, "onset_on"), ({"onset_on": "2027-01-01"}, "onset_on"),
    ({"substances": ["sub-x"]}, "substances"), ({"session": "nowhere"}, "session"), ({"action": ""}, "action"),
    *[({"term": typed}, "term") for _why, typed in HOSTILE_TEXT[2:]],
])
def test_a_wrong_report_comes_back_beside_its_field(
    client: Client, day: CareDay, changes: dict[str, Any], field: str
) -> None:
    answer = send(client, reverse("reaction-new", args=[day.patient.public_id]), values(**changes))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "A large bruise" in answer.content.decode(), "what was typed stays"
    assert not AdverseEvent.objects.exists()


@pytest.mark.parametrize("words", HARMLESS_TEXT)
def test_words_come_back_as_words(client: Client, day: CareDay, words: str) -> None:
    send(client, reverse("reaction-new", args=[day.patient.public_id]), values(reaction="", term=words))
    page = client.get(reverse("patient-reactions", args=[day.patient.public_id])).content.decode()
    assert AdverseEvent.objects.get().term == words
    assert "<script>alert" not in page


def test_products_are_said_only_for_elsewhere(client: Client, day: CareDay) -> None:
    record = day.ended()
    answer = send(client, reverse("reaction-new", args=[day.patient.public_id]),
                  values(session=record.appointment.public_id, elsewhere="", substances=["sub-pn"]))  # fmt: skip
    assert answer.status_code == 422
    assert "substances" in answer.context["form"].errors


def test_an_unheard_report_of_the_patient_stands_on_the_page(client: Client, day: CareDay) -> None:
    listed = reverse("patient-reactions", args=[day.patient.public_id])
    assert "nobody has looked at" not in client.get(listed).content.decode()
    answered(day.patient, q_reaction="yes")
    assert "nobody has looked at" in client.get(listed).content.decode()
    reported(day, grade=1)
    assert "nobody has looked at" not in client.get(listed).content.decode()


@pytest.mark.parametrize("count", [1, 8])
def test_the_number_of_queries_does_not_grow_with_the_events(
    client: Client, day: CareDay, count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        reported(day)
    address = reverse("patient-reactions", args=[day.patient.public_id])
    client.get(address)
    with django_assert_num_queries(9):
        client.get(address)


@pytest.mark.parametrize(("language", "words"), [
    ("en", "After an earlier session: Haematoma"), ("tr", "Hematom")])
def test_a_finding_says_the_event_in_words(client: Client, day: CareDay, language: str, words: str) -> None:
    course = day.course()
    closed(day, reported(day, grade=2))
    day.doctor.language = language
    day.doctor.save(update_fields=["language"])
    page = client.get(reverse("course", args=[course.public_id])).content.decode()
    assert words in page
    assert "events." not in page
