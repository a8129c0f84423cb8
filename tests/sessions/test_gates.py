"""The ready strip: every light red below its boundary and green on it. Figures: clinical reference, section 9."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clinic.errors import Refused
from clinic.models import User
from patients.models import Measurement, Patient
from sessions import consenting, gates, recording
from sessions.models import Consent, Course, CourseItem, Lot, PlannedSession, TreatmentSession
from tests import factories as make
from tests.healthy import answered, measured
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day

pytestmark = pytest.mark.django_db

ORDER = ["gate-identity", "gate-history", "gate-screening", "gate-consent", "gate-thinking", "gate-test", "gate-labs",
         "gate-weight", "gate-interval", "gate-lots", "gate-licence", "gate-photos"]  # fmt: skip


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def gate(record: TreatmentSession, code: str) -> gates.Gate:
    record = TreatmentSession.objects.get(pk=record.pk)
    return next(one for one in gates.gates_of(record) if one.code == code)


def test_the_lights_keep_their_order(day: CareDay) -> None:
    fresh = day.open_record()
    assert [one.code for one in gates.gates_of(fresh)] == ORDER
    assert gates.open_gates(fresh)


def test_when_all_are_green_the_needle_may_start(day: CareDay) -> None:
    record = day.ready()
    assert [one.code for one in gates.gates_of(record)] == ORDER
    assert gates.open_gates(record) == []


def test_each_open_light_keeps_begin_closed(day: CareDay) -> None:
    record = day.ready()
    TreatmentSession.objects.filter(pk=record.pk).update(identity_checked="")
    record.refresh_from_db()
    with pytest.raises(Refused) as refusal:
        recording.begin(record=record, seen_version=record.version, by=day.by)
    assert refusal.value.code == "gate-identity"
    record.refresh_from_db()
    assert record.status == "open"


@pytest.mark.parametrize(("hours", "met"), [(24, True), (23.99, False)])
def test_time_to_think_is_24_hours(day: CareDay, hours: float, met: bool) -> None:
    course = day.course()
    consenting.give_text(
        course=course, informed_at=timezone.now() - dt.timedelta(hours=hours), language="en", by=day.by
    )
    assert gate(day.open_record(course), "gate-thinking").is_met is met


def test_without_a_text_nobody_has_thought(day: CareDay) -> None:
    record = day.open_record()
    assert gate(record, "gate-thinking").state == gates.BLOCKED
    assert gate(record, "gate-consent").state == gates.MEND


def test_time_to_think_counts_elapsed_hours_over_a_clock_change(day: CareDay, at: Any) -> None:
    """29 March 2026: 02:00 becomes 03:00 in Rome. 24 hours by the clock are 23 hours."""
    at("2026-03-28T09:00:00+00:00")
    course = day.course()
    day.consent(course, informed_hours_ago=0)
    at("2026-03-29T08:00:00+00:00")  # 10:00 in Rome both days
    assert not consenting.thought_long_enough(course)
    at("2026-03-29T09:00:00+00:00")
    assert consenting.thought_long_enough(course)


@pytest.mark.parametrize(
    ("signed", "holds"),
    [("2025-03-12T10:00:00+00:00", True), ("2025-03-11T10:00:00+00:00", False), ("2025-03-11T23:30:00+00:00", True)],
)
def test_a_consent_holds_12_months_by_the_sites_calendar(day: CareDay, signed: str, holds: bool) -> None:
    """Not older than 12 months: it holds on the day itself. Signed 23:30 UTC on 11 March is 12 March in Rome, and 12 March
    2026 is the day that is asked about."""
    course, moment = day.course(), dt.datetime.fromisoformat(signed)
    Consent.objects.create(
        patient=course.patient, course=course, plan_version=course.plan_version, language="en", informed_at=moment,
        informed_by=day.doctor, signed_at=moment, method="paper", recorded_by=day.doctor, photos_record=True,
        photos_teaching=False, photos_publicity=False,
    )  # fmt: skip
    assert consenting.state_of(course).holds is holds
    assert gate(day.open_record(course), "gate-consent").is_met is holds


def test_a_consent_of_another_plan_or_a_withdrawn_one_does_not_hold(day: CareDay) -> None:
    course = day.course()
    consent = day.consent(course)
    record = day.open_record(course)
    assert gate(record, "gate-consent").is_met
    Course.objects.filter(pk=course.pk).update(plan_version=2)
    assert not gate(record, "gate-consent").is_met
    Course.objects.filter(pk=course.pk).update(plan_version=1)
    consenting.withdraw(consent=consent, reason="Told us by phone", by=day.by)
    assert gate(record, "gate-consent").detail == "The patient withdrew the consent."


@pytest.mark.parametrize(
    ("hours_ago", "met"), [(24, True), (30 * 24, True), (31 * 24, False)], ids=["24 hours", "30 days", "31 days"]
)
def test_a_negative_test_counts_from_24_hours_to_30_days(day: CareDay, hours_ago: int, met: bool) -> None:
    record = day.open_record()
    day.tested(day.patient, hours_ago=hours_ago)
    assert gate(record, "gate-test").is_met is met


def test_a_test_that_is_not_read_or_positive_does_not_count(day: CareDay) -> None:
    from sessions import allergy_testing

    record = day.open_record()
    placed = timezone.now() - dt.timedelta(hours=25)
    test = allergy_testing.place(patient=day.patient, site=day.site, substance="sub-ha-nc", placed_at=placed, by=day.by)
    assert not gate(record, "gate-test").is_met
    allergy_testing.read(test=test, site=day.site, read_at=timezone.now(), wheal_mm=5, rash=False, by=day.by)
    assert not gate(record, "gate-test").is_met
    assert gate(record, "gate-screening").state == gates.BLOCKED, "a positive test is an allergy to the plan"


def weigh(patient: Patient, doctor: User, days_ago: int, kg: str = "65") -> None:
    Measurement.objects.filter(patient=patient, code="m-weight").update(withdrawn_at=timezone.now())
    Measurement.objects.create(
        patient=patient, code="m-weight", value=Decimal(kg), taken_on=THURSDAY - dt.timedelta(days=days_ago),
        recorded_at=timezone.now(), recorded_by=doctor,
    )  # fmt: skip


@pytest.mark.parametrize(("days_ago", "met"), [(90, True), (91, False)])
def test_a_weight_holds_90_days_where_a_limit_depends_on_it(day: CareDay, days_ago: int, met: bool) -> None:
    course = day.course()
    record = day.open_record(course)
    assert gate(record, "gate-weight").detail == "Not needed for this plan"
    CourseItem.objects.create(
        course=course, syringe=course.syringes.get(), position=2, substance="sub-lidocaine", strength=Decimal(10),
        strength_unit="mg/ml",
        volume_ml=Decimal("0.2"),
    )  # fmt: skip
    weigh(day.patient, day.doctor, days_ago)
    assert gate(record, "gate-weight").is_met is met


def test_a_weight_taken_later_than_today_is_not_known_yet(day: CareDay) -> None:
    course = day.course()
    record = day.open_record(course)
    CourseItem.objects.create(
        course=course, syringe=course.syringes.get(), position=2, substance="sub-lidocaine", strength=Decimal(10),
        strength_unit="mg/ml",
        volume_ml=Decimal("0.2"),
    )  # fmt: skip
    weigh(day.patient, day.doctor, -1)
    assert not gate(record, "gate-weight").is_met


def test_of_two_readings_of_one_day_the_later_one_counts(day: CareDay) -> None:
    for minute, systolic in enumerate(["185", "128"]):
        Measurement.objects.create(
            patient=day.patient, code="m-bp", value=Decimal(systolic), second=Decimal(80), taken_on=THURSDAY,
            recorded_at=timezone.now() + dt.timedelta(minutes=minute), recorded_by=day.doctor,
        )  # fmt: skip
    from sessions.gathering import facts_of

    last = [one for one in facts_of(day.patient).measurements if one.code == "m-bp"][-1]
    assert last.value == Decimal("128")


@pytest.mark.parametrize(("code", "days_ago", "met"), [("m-cbc", 90, True), ("m-cbc", 91, False)])
def test_laboratory_tests_hold_90_days(day: CareDay, code: str, days_ago: int, met: bool) -> None:
    Measurement.objects.filter(patient=day.patient, code=code).update(taken_on=THURSDAY - dt.timedelta(days=days_ago))
    record = day.open_record()
    found = gate(record, "gate-labs")
    assert found.is_met is met
    if not met:
        recording.pass_gate(record=record, seen_version=record.version, gate="gate-labs", reason="no rule", by=day.by)
        assert gate(record, "gate-labs").detail == "Waived with a reason"


@pytest.mark.parametrize("answer", ["yes", "unsure"])
def test_diabetes_asks_for_its_own_value(day: CareDay, answer: str) -> None:
    from protocols import catalogue

    record = day.open_record()
    value = catalogue.in_force().questions["q-diabetes"].options[-1].value if answer == "yes" else "unsure"
    answered(day.patient, q_diabetes=value)
    assert "HbA1c" in gate(record, "gate-labs").detail


def test_whoever_is_unsure_about_a_pregnancy_needs_a_test_and_nobody_waives_it(day: CareDay) -> None:
    record = day.open_record()
    answered(day.patient, q_pregnant="unsure")
    found = gate(record, "gate-labs")
    assert "Pregnancy test" in found.detail
    assert found.mend == "measure"
    record.refresh_from_db()
    recording.pass_gate(record=record, seen_version=record.version, gate="gate-labs", reason="try", by=day.by)
    assert not gate(record, "gate-labs").is_met


def second_session(day: CareDay, at: Any, moment: str) -> TreatmentSession:
    first = day.ended()
    at(moment)
    measured(day.patient, day.doctor)
    appointment = day.arrived(first.course, number=2)
    return recording.open_record(appointment=appointment, by=day.by)


@pytest.mark.parametrize(
    ("moment", "state"),
    [("2026-03-13T09:00:00+00:00", gates.BLOCKED), ("2026-04-09T08:00:00+00:00", gates.READY),
     ("2026-09-09T08:00:00+00:00", gates.MEND)],
    ids=["the next day", "four weeks", "half a year"],
)  # fmt: skip
def test_the_interval_is_never_too_short_and_late_needs_a_reason(day: CareDay, at: Any, moment: str, state: str) -> None:
    record = second_session(day, at, moment)
    assert gate(record, "gate-interval").state == state
    if state == gates.MEND:
        recording.pass_gate(
            record=record, seen_version=record.version, gate="gate-interval", reason="was abroad", by=day.by
        )
        assert gate(record, "gate-interval").is_met


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"expires_on": THURSDAY}, gates.READY),
        ({"expires_on": THURSDAY - dt.timedelta(days=1)}, gates.BLOCKED),
        ({"held_back_reason": "Recalled"}, gates.BLOCKED),
        ({"balance_ml": Decimal("2.000")}, gates.READY),
        ({"balance_ml": Decimal("1.999")}, gates.MEND),
    ],
    ids=["last day", "expired", "recalled", "just enough", "too little"],
)
def test_a_lot_is_in_date_free_and_enough(day: CareDay, change: dict[str, Any], state: str) -> None:
    lot = make.make_lot(day.site)
    record = day.fill(day.open_record(), lot)
    Lot.objects.filter(pk=lot.pk).update(**change)
    assert gate(record, "gate-lots").state == state


@pytest.mark.parametrize(("until", "met"), [(THURSDAY, True), (THURSDAY - dt.timedelta(days=1), False), (None, False)])
def test_the_licence_is_valid_today(day: CareDay, until: dt.date | None, met: bool) -> None:
    record = day.open_record()
    User.objects.filter(pk=day.doctor.pk).update(licence_valid_until=until)
    assert gate(record, "gate-licence").is_met is met


@pytest.mark.parametrize(("number", "due"), [(1, True), (2, False), (3, True)])
def test_photographs_are_due_at_the_first_and_every_third_session(day: CareDay, number: int, due: bool) -> None:
    record = day.open_record()
    planned = PlannedSession.objects.get(course=record.course, number=number)
    TreatmentSession.objects.filter(pk=record.pk).update(planned_session=planned)
    assert gate(record, "gate-photos").is_met is not due


@pytest.mark.parametrize("code", [one for one in ORDER if one not in gates.OVERRIDABLE] + ["gate-invented"])
def test_only_three_lights_may_be_passed(day: CareDay, code: str) -> None:
    record = day.open_record()
    with pytest.raises(Refused, match="cannot be passed"):
        recording.pass_gate(record=record, seen_version=record.version, gate=code, reason="please", by=day.by)
    record.refresh_from_db()
    assert record.gate_overrides == []


def test_a_reported_reaction_is_an_open_wait_that_says_how_it_ends(day: CareDay) -> None:
    from protocols import catalogue
    from protocols.screening import Stage
    from sessions import screenings
    from sessions.explaining import shown_findings

    record = day.open_record()
    answered(day.patient, q_reaction="yes")
    result = screenings.evaluate(patient=day.patient, stage=Stage.START, on=THURSDAY, course=record.course)
    found = next(one for one in shown_findings(result, catalogue.in_force()) if one.code == "scr-prior-reaction")
    assert (found.outcome, found.until) == ("wait", "open, until healed or clarified")
    assert "the answer is changed" in found.lifts
    assert found.trigger.endswith("Yes")
    assert not gate(record, "gate-screening").is_met
