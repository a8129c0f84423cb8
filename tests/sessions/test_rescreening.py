"""Re-screening everybody: what a draft would change, what publishing changed, in batches that survive being killed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.audit import canonical
from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients.models import Patient
from protocols import catalogue
from protocols.models import CatalogueEntry, CatalogueVersion
from protocols.screening import Stage
from sessions import rescreening, rescreening_batch, screenings
from sessions.gathering import facts_of, facts_of_many
from sessions.models import Appointment, Course, RescreenChange, RescreenRun, Screening
from sessions.models.rescreening import RunPurpose, RunState
from tests import factories as make
from tests.healthy import answered, make_healthy
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db
PAST_KELOID = {"q_keloid": "yes"}


@pytest.fixture
def day(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.fixture
def lead(day: CareDay) -> Doer:
    return Doer.staff(make.make_user(Role.MEDICAL_LEAD), day.site)


def edited_copy(edit: Callable[[str, str, dict[str, Any]], dict[str, Any] | None]) -> CatalogueVersion:
    """A draft made of the published version; `edit` changes a body, or drops the entry by answering None."""
    import hashlib

    entries = []
    for row in CatalogueEntry.objects.filter(version=catalogue.current()).order_by("position"):
        body = edit(row.kind, row.code, dict(row.body))
        if body is not None:
            entries.append((row.kind, row.code, row.position, body))
    digest = hashlib.sha256(canonical([(kind, code, body) for kind, code, _position, body in entries])).hexdigest()
    number = CatalogueVersion.objects.order_by("-number").values_list("number", flat=True)[0] + 1
    version = CatalogueVersion.objects.create(number=number, label="Ours", digest=digest)
    CatalogueEntry.objects.bulk_create(
        CatalogueEntry(version=version, kind=kind, code=code, position=position, body=body)
        for kind, code, position, body in entries
    )
    return version


def without_keloid(kind: str, code: str, body: dict[str, Any]) -> dict[str, Any] | None:
    return None if code == "scr-keloid" else body


def keloid_blocks(kind: str, code: str, body: dict[str, Any]) -> dict[str, Any]:
    if code != "scr-keloid":
        return body
    clauses = [{key: value for key, value in one.items() if key != "labs"} | {"severity": "absolute"} for one in body["clauses"]]
    return body | {"clauses": clauses, "version": 2}


def put_in_force(version: CatalogueVersion) -> None:
    """As publishing leaves it; how a version gets there is tested with the versions."""
    now = timezone.now()
    CatalogueVersion.objects.in_force().update(state="retired", retired_at=now)
    CatalogueVersion.objects.filter(pk=version.pk).update(
        state="published", published_at=now, approved_at=now, approved_by=make.make_user(Role.MEDICAL_LEAD)
    )


def with_keloid(day: CareDay) -> Patient:
    patient = make_healthy(make.make_patient(day.site), day.doctor)
    answered(patient, **PAST_KELOID)
    screenings.rescreen(patient=patient, by=SYSTEM)
    return patient


def finished(run: RescreenRun, batch: int = 250) -> RescreenRun:
    while rescreening.work_one_batch(batch) is not None:
        pass
    return RescreenRun.objects.get(pk=run.pk)


# --- the facts of many --------------------------------------------------------------------------------------------------
def test_the_facts_of_many_are_those_of_each(day: CareDay) -> None:
    """A patient with everything, a healthy one, and one of whom nothing is known."""
    from patients.models import Allergy, Medicine

    full = day.ended().patient
    answered(full, q_skin=["rash"])
    Medicine.objects.create(patient=full, name="Warfarin", recorded_at=timezone.now())
    Allergy.objects.create(patient=full, allergen="sub-ha-nc", recorded_at=timezone.now(), recorded_by=day.doctor)
    people = [full, with_keloid(day), make.make_patient(day.site)]
    together = facts_of_many(people)
    assert {one.pk: facts_of(one) for one in people} == together
    assert together[full.pk].sessions
    assert together[full.pk].medicines
    assert "sub-ha-nc" in together[full.pk].answers["q-allergy"]


def test_a_thousand_facts_take_as_many_queries_as_one(day: CareDay) -> None:
    people = [day.patient, *(with_keloid(day) for _number in range(4))]
    with CaptureQueriesContext(connection) as one:
        facts_of_many(people[:1])
    with CaptureQueriesContext(connection) as five:
        facts_of_many(people)
    assert len(one) == len(five) <= 7


def test_a_batch_takes_as_many_queries_however_many_patients_it_has(day: CareDay, lead: Doer) -> None:
    for _number in range(5):
        patient = with_keloid(day)
        course = make.make_course(patient, day.doctor)
        make.make_appointment(
            patient, practitioner=day.doctor, room=make.make_room(day.site), service=day.service, course=course,
            starts_at=timezone.now() + dt.timedelta(days=2 + _number),
        )  # fmt: skip
    rescreening.start_preview(version=edited_copy(without_keloid), by=lead)
    rescreening.work_one_batch(1)
    with CaptureQueriesContext(connection) as one:
        rescreening.work_one_batch(1)
    with CaptureQueriesContext(connection) as four:
        assert rescreening.work_one_batch(4) == 4
    assert len(one) == len(four)


# --- preview ------------------------------------------------------------------------------------------------------------
def test_a_preview_says_whom_a_draft_would_change_and_changes_nobody(day: CareDay, lead: Doer) -> None:
    patient = with_keloid(day)
    course = make.make_course(patient, day.doctor)
    booking = make.make_appointment(
        patient, practitioner=day.doctor, room=day.room, service=day.service, course=course,
        starts_at=timezone.now() + dt.timedelta(days=3),
    )  # fmt: skip
    stored = Screening.objects.count()
    run = finished(rescreening.start_preview(version=edited_copy(keloid_blocks), by=lead))
    assert (run.state, run.total, run.done, run.changed, run.percent) == (RunState.DONE, 2, 2, 1, 100)
    changes = {(one.course_id, one.appointment_id): one for one in run.changes.all()}
    assert set(changes) == {(None, None), (course.pk, None), (None, booking.pk)}
    for change in changes.values():
        assert (change.patient, change.before_outcome, change.after_outcome) == (patient, "needs-clearance", "blocked")
        assert change.reasons[0] | {"title": ""} == {
            "kind": "severity", "code": "scr-keloid", "title": "", "before": "relative", "after": "absolute",
            "fate": "changed",
        }  # fmt: skip
    assert (changes[None, booking.pk].may_before, changes[None, booking.pk].may_after) == ("marked", "no")
    assert Screening.objects.count() == stored
    assert Appointment.objects.get(pk=booking.pk).flagged == booking.flagged


def test_a_rule_that_is_taken_out_is_named_as_gone(day: CareDay, lead: Doer) -> None:
    patient = with_keloid(day)
    run = finished(rescreening.start_preview(version=edited_copy(without_keloid), by=lead))
    change = run.changes.get()
    assert (change.patient, change.before_outcome, change.after_outcome) == (patient, "needs-clearance", "cleared")
    assert [(one["kind"], one["code"], one["fate"]) for one in change.reasons] == [("gone", "scr-keloid", "removed")]
    assert (change.before_codes, change.after_codes) == (["scr-keloid"], [])


def test_a_draft_edited_meanwhile_makes_the_preview_outdated(day: CareDay, lead: Doer) -> None:
    draft = edited_copy(without_keloid)
    run = rescreening.start_preview(version=draft, by=lead)
    CatalogueVersion.objects.filter(pk=draft.pk).update(digest="f" * 64)
    assert finished(run).state == RunState.OUTDATED
    with pytest.raises(Refused, match="not finished"):
        rescreening.see_impact(run=RescreenRun.objects.get(pk=run.pk), by=lead)


def test_a_draft_that_was_given_up_is_not_previewed_any_further(day: CareDay, lead: Doer) -> None:
    draft = edited_copy(without_keloid)
    run = rescreening.start_preview(version=draft, by=lead)
    CatalogueVersion.objects.filter(pk=draft.pk).update(state="retired")
    assert finished(run).state == RunState.OUTDATED
    assert not RescreenChange.objects.exists()


def test_a_finished_preview_that_was_looked_at_lets_the_version_be_published(day: CareDay, lead: Doer) -> None:
    draft = edited_copy(without_keloid)
    run = rescreening.start_preview(version=draft, by=lead)
    with pytest.raises(Refused, match="not finished"):
        rescreening.see_impact(run=run, by=lead)
    rescreening.see_impact(run=finished(run), by=lead)
    assert CatalogueVersion.objects.get(pk=draft.pk).impact_is_seen


def test_a_preview_being_made_is_joined_and_not_made_twice(day: CareDay, lead: Doer) -> None:
    draft = edited_copy(without_keloid)
    assert rescreening.start_preview(version=draft, by=lead) == rescreening.start_preview(version=draft, by=lead)
    assert RescreenRun.objects.count() == 1


def test_only_the_medical_lead_asks_for_a_preview_and_only_of_what_is_to_be_published(day: CareDay, lead: Doer) -> None:
    with pytest.raises(NotPermitted):
        rescreening.start_preview(version=edited_copy(without_keloid), by=day.by)
    with pytest.raises(Refused, match="still to be published"):
        rescreening.start_preview(version=catalogue.current(), by=lead)
    assert not RescreenRun.objects.exists()


# --- apply --------------------------------------------------------------------------------------------------------------
def test_publishing_screens_everybody_again_and_marks_their_bookings(day: CareDay) -> None:
    patient, healthy = with_keloid(day), day.patient
    screenings.rescreen(patient=healthy, by=SYSTEM)
    course = make.make_course(patient, day.doctor)
    booking = make.make_appointment(
        patient, practitioner=day.doctor, room=day.room, service=day.service, course=course,
        starts_at=timezone.now() + dt.timedelta(days=3),
    )  # fmt: skip
    screenings.rescreen(patient=patient, by=SYSTEM)
    before = screenings.latest(patient)
    version = edited_copy(keloid_blocks)
    put_in_force(version)
    rescreening.work()
    run = RescreenRun.objects.get()
    assert (run.purpose, run.state, run.changed) == (RunPurpose.APPLY, RunState.DONE, 1)
    for of_course in (None, course):
        newest = Screening.objects.filter(patient=patient, course=of_course).first()
        assert newest is not None
        assert (newest.outcome, newest.catalogue, newest.evaluated_by_label) == ("blocked", version, "Mesoclinic")
        assert newest.since is not None
        assert newest.changes[0]["kind"] == "severity"
    assert before is not None
    assert Screening.objects.get(pk=before.pk).catalogue != version, "what was decided keeps its version"
    assert "Not possible" in Appointment.objects.get(pk=booking.pk).flagged
    assert Screening.objects.filter(patient=healthy).count() == 1, "nothing new about a patient nothing changed for"
    assert AuditEvent.objects.filter(action="screened", patient_public_id=patient.public_id, doer_kind="system").exists()


def test_a_second_wake_finds_nothing_to_do(day: CareDay) -> None:
    with_keloid(day)
    put_in_force(edited_copy(keloid_blocks))
    assert rescreening.work() == 2
    stored = Screening.objects.count()
    assert rescreening.work() == 0
    assert (Screening.objects.count(), RescreenRun.objects.count()) == (stored, 1)


def test_a_first_catalogue_replaced_nothing_so_nobody_is_screened(day: CareDay) -> None:
    CatalogueVersion.objects.exclude(pk=catalogue.current().pk).delete()
    assert rescreening.work() == 0
    assert not RescreenRun.objects.exists()


def test_a_rule_that_no_longer_fires_unmarks_the_booking(day: CareDay) -> None:
    patient = with_keloid(day)
    booking = make.make_appointment(
        patient, practitioner=day.doctor, room=day.room, service=day.service, course=make.make_course(patient, day.doctor),
        starts_at=timezone.now() + dt.timedelta(days=3),
    )  # fmt: skip
    screenings.flag_bookings(patient=patient)
    assert "clearance" in Appointment.objects.get(pk=booking.pk).flagged
    put_in_force(edited_copy(without_keloid))
    rescreening.work()
    assert Appointment.objects.get(pk=booking.pk).flagged == ""


def test_what_time_did_is_not_laid_to_the_rules(day: CareDay, at: Callable[[Any], Any]) -> None:
    """A wait that ran out since the last screening is stored anew, but the catalogue did not do it."""
    patient = make_healthy(make.make_patient(day.site), day.doctor)
    answered(patient, q_vaccine="yes", q_vaccine_date="2026-03-10")
    screenings.rescreen(patient=patient, by=SYSTEM)
    at("2026-03-26T08:50:00+00:00")
    put_in_force(edited_copy(without_keloid))
    rescreening.work()
    change = RescreenChange.objects.get()
    assert (change.before_outcome, change.after_outcome, change.by_rules) == ("wait", "cleared", False)
    assert [(one["kind"], one["code"], one["fate"]) for one in change.reasons] == [("gone", "scr-vaccine", "same")]


# --- batches ------------------------------------------------------------------------------------------------------------
def test_a_batch_that_breaks_off_leaves_the_cursor_where_it_was(
    day: CareDay, lead: Doer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patients = sorted([day.patient.pk, *(with_keloid(day).pk for _number in range(3))])
    run = rescreening.start_preview(version=edited_copy(without_keloid), by=lead)
    assert rescreening.work_one_batch(2) == 2
    real = rescreening_batch.change_of

    def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("killed in the middle")

    monkeypatch.setattr(rescreening_batch, "change_of", broken)
    assert rescreening.work_one_batch(2) is None
    run.refresh_from_db()
    assert (run.last_patient, run.done, run.failures, run.state) == (patients[1], 2, 1, RunState.RUNNING)
    monkeypatch.setattr(rescreening_batch, "change_of", real)
    assert rescreening.work_one_batch(2) == 2
    run = finished(run)
    assert (run.state, run.done, run.changed, run.failures) == (RunState.DONE, 4, 3, 0)
    assert RescreenChange.objects.count() == 3, "nobody twice, nobody left out"


def test_a_run_that_keeps_breaking_stops_and_goes_on_when_told(
    day: CareDay, lead: Doer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keloid(day)
    run = rescreening.start_preview(version=edited_copy(without_keloid), by=lead)
    with monkeypatch.context() as patch:
        patch.setattr(rescreening_batch, "work_off", lambda *_, **__: 1 / 0)
        for _number in range(rescreening.GIVE_UP_AFTER):
            assert rescreening.work_one_batch() is None
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.finished_at is not None
    rescreening.start_again(run=run, by=lead)
    assert finished(run).state == RunState.DONE


def test_a_run_that_another_worker_holds_is_skipped(day: CareDay, lead: Doer) -> None:
    rescreening.start_preview(version=edited_copy(without_keloid), by=lead)
    with CaptureQueriesContext(connection) as asked:
        rescreening.work_one_batch()
    assert any("SKIP LOCKED" in query["sql"] for query in asked)


def test_a_newer_version_ends_what_the_older_one_had_begun(day: CareDay) -> None:
    with_keloid(day)
    put_in_force(edited_copy(keloid_blocks))
    first = rescreening.apply_what_is_published()
    assert first is not None
    put_in_force(edited_copy(without_keloid))
    rescreening.work()
    states = dict(RescreenRun.objects.values_list("catalogue__number", "state"))
    assert sorted(states.values()) == [RunState.DONE, RunState.OUTDATED]


def test_stages_of_courses_and_patients_are_those_of_everyday(day: CareDay) -> None:
    patient = with_keloid(day)
    course: Course = make.make_course(patient, day.doctor)
    stages = {(subject.course, subject.stage) for subject in rescreening_batch.subjects_of([patient])}
    assert stages == {(None, Stage.INTAKE), (course, Stage.PLAN)}
