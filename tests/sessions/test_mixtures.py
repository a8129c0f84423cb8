"""Change the mixture of a course, and what else a patient gets that day: deeds, refusals, pages, bad input."""
from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from protocols.plan import Component, Plan, Syringe
from sessions import building, consenting, coursework, gates, mixtures, recording
from sessions.models import Course, CourseSyringe, Screening
from sessions.plans import given_plan, plan_of, plan_to_json, same_day_plans
from tests import factories as make
from tests.healthy import answered
from tests.sessions.careday import MORNING, THURSDAY, CareDay, hidden_of, make_care_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def richer(course: Course, **changes: Any) -> Plan:
    """Two syringes in two places, with cream."""
    plan = replace(
        plan_of(course),
        regions=("reg-face", "reg-neck"),
        syringes=(
            Syringe((Component("sub-ha-nc", Decimal(2), Decimal(10)),), region="reg-face", points=60, depth_mm=Decimal("1.5")),
            Syringe((Component("sub-biotin", Decimal(1), Decimal(5)),), region="reg-neck", technique="tq-nappage"),
        ),
        numbing_cream_g=Decimal(5),
    )
    return replace(plan, **changes)


# ------------------------------------------------------------------------------------------------------------ the deed
def test_a_proposed_course_gets_another_mixture(day: CareDay) -> None:
    course = day.course(approved=False)
    wished = richer(course)
    changed = mixtures.change_mixture(course=course, plan=wished, seen_version=course.version, by=day.by)
    stored = Course.objects.get()
    assert plan_of(stored) == wished
    assert (stored.plan_version, stored.version, changed.version) == (2, 2, 2)
    assert [one.number for one in stored.syringes.all()] == [1, 2]
    event = AuditEvent.objects.get(action="mixture-changed")
    assert event.detail["after"] == plan_to_json(wished)
    screened = Screening.objects.filter(course=stored).latest("id")
    assert screened.plan["regions"] == ["reg-face", "reg-neck"], "screened again, with what is planned now"


def test_what_was_planned_stays_in_the_history(day: CareDay) -> None:
    course = day.course(approved=False)
    mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)
    history = apps.get_model("treatment_sessions", "CourseItemEvent").objects.order_by("pgh_id")
    assert list(history.values_list("substance", flat=True)) == ["sub-ha-nc", "sub-ha-nc", "sub-biotin"]


@pytest.mark.parametrize(("plan", "said"), [
    (lambda c: richer(c, syringes=(Syringe((Component("sub-ha-nc", Decimal(6), Decimal(10)),)),)), "at most 5 ml"),
    (lambda c: richer(c, syringes=(Syringe((Component("sub-caffeine", Decimal(1), Decimal(50)),
                                            Component("sub-pentoxifylline", Decimal(1), Decimal(20)))),)), "xanthine"),
    (lambda c: richer(c, syringes=(Syringe((Component("sub-dmae", Decimal(1), Decimal(30)),)),)), "not released"),
    (lambda c: richer(c, syringes=(Syringe((Component("sub-invented", Decimal(1)),)),)), "not in this catalogue"),
    (lambda c: richer(c, syringes=(Syringe((Component("sub-ha-nc", Decimal(-1)),)),)), "not a possible figure"),
])  # fmt: skip
def test_what_can_never_be_given_is_refused_and_nothing_changes(day: CareDay, plan: Any, said: str) -> None:
    course = day.course(approved=False)
    before = (plan_of(course), course.version, AuditEvent.objects.count())
    with pytest.raises(Refused, match=said):
        mixtures.change_mixture(course=course, plan=plan(course), seen_version=course.version, by=day.by)
    stored = Course.objects.get()
    assert (plan_of(stored), stored.version, AuditEvent.objects.count()) == before


def test_blocked_by_the_screening_is_refused(day: CareDay) -> None:
    course = day.course(approved=False)
    answered(day.patient, q_allergy=["fish"])
    fish = richer(course, syringes=(Syringe((Component("sub-pn", Decimal(1), Decimal("7.5")),)),))
    with pytest.raises(Refused, match="Allergy"):
        mixtures.change_mixture(course=course, plan=fish, seen_version=course.version, by=day.by)


def test_a_running_course_gets_another_mixture_as_a_new_version_of_its_plan(day: CareDay) -> None:
    course = day.course()
    day.consent(course)
    appointment = day.arrived(course)
    assert consenting.state_of(course).holds
    changed = mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)
    assert (changed.status, changed.plan_version, changed.approved_by, changed.approved_at) == ("proposed", 2, None, None)
    assert not consenting.state_of(changed).holds
    with pytest.raises(Refused, match="Approve the plan first"):
        recording.open_record(appointment=appointment, by=day.by)
    approved = coursework.approve(course=changed, seen_version=changed.version, by=day.by)
    assert (approved.status, plan_of(approved)) == ("approved", richer(course))
    event = AuditEvent.objects.get(action="mixture-changed")
    assert (event.detail["was_running"], event.detail["plan_version"]) == (True, 2)
    assert event.detail["before"] != event.detail["after"]


def test_what_was_given_before_stays_as_it_was(day: CareDay) -> None:
    course = day.course()
    given = course.planned_sessions.get(number=1)
    type(given).objects.filter(pk=given.pk).update(done_on=day.site.today() - dt.timedelta(days=14))
    mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)
    given.refresh_from_db()
    assert given.done_on == day.site.today() - dt.timedelta(days=14)


def test_a_running_course_with_an_open_session_keeps_its_mixture(day: CareDay) -> None:
    record = day.open_record()
    course = record.course
    with pytest.raises(Refused, match="A session of this course is open"):
        mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)
    course.refresh_from_db()
    assert (course.status, course.plan_version) == ("approved", 1)


def test_a_stopped_course_keeps_its_mixture(day: CareDay) -> None:
    course = day.course()
    course = coursework.stop(course=course, seen_version=course.version, reason="Moved away", by=day.by)
    with pytest.raises(Refused, match="stopped"):
        mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)


def test_a_stale_change_saves_nothing(day: CareDay) -> None:
    course = day.course(approved=False)
    with pytest.raises(Stale):
        mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version + 1, by=day.by)
    assert CourseSyringe.objects.count() == 1


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_who_may_not_treat_may_not_change_it(day: CareDay, role: str) -> None:
    course = day.course(approved=False)
    with pytest.raises(NotPermitted):
        mixtures.change_mixture(
            course=course, plan=richer(course), seen_version=course.version,
            by=Doer.staff(make.make_user(role), day.site),
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the same day
def test_everything_else_of_the_day_counts_once(day: CareDay) -> None:
    course, other = day.course(), day.course()
    day.arrived(course)
    later = dt.datetime(2026, 3, 12, 15, tzinfo=dt.UTC)
    day.arrived(other, starts_at=later, status="booked")
    plans = same_day_plans(patient=day.patient, on=THURSDAY, except_course=course)
    assert plans == [plan_of(other)]
    assert len(same_day_plans(patient=day.patient, on=THURSDAY)) == 2
    assert same_day_plans(patient=day.patient, on=THURSDAY + dt.timedelta(days=1)) == []
    assert same_day_plans(patient=make.make_patient(day.site), on=THURSDAY) == []


@pytest.mark.parametrize(("status", "counts"), [("booked", True), ("done", True), ("cancelled", False), ("no-show", False)])
def test_only_what_keeps_its_time_counts(day: CareDay, status: str, counts: bool) -> None:
    course = day.course()
    fields = {"cancelled_at": dt.datetime(2026, 3, 12, 8, tzinfo=dt.UTC), "cancel_reason": "ill"} if status == "cancelled" else {}
    day.arrived(course, status=status, **fields)
    assert bool(same_day_plans(patient=day.patient, on=THURSDAY)) is counts


def test_the_day_is_the_local_one(day: CareDay) -> None:
    """23:30 in UTC is already tomorrow in Rome."""
    course = day.course()
    day.arrived(course, starts_at=dt.datetime(2026, 3, 12, 23, 30, tzinfo=dt.UTC), status="booked")
    assert same_day_plans(patient=day.patient, on=THURSDAY) == []
    assert len(same_day_plans(patient=day.patient, on=dt.date(2026, 3, 13))) == 1


def test_what_was_drawn_up_counts_once_it_has_begun(day: CareDay) -> None:
    record = day.begun()
    record.products.update(volume_ml=Decimal("1.5"))
    assert same_day_plans(patient=day.patient, on=THURSDAY) == [given_plan(record)]


def test_another_plan_of_the_day_is_summed_and_refused(day: CareDay) -> None:
    """4 ml of hyaluronic acid this morning leave 1 ml for the afternoon."""
    first = day.course(approved=False)
    four = replace(plan_of(first), syringes=(Syringe((Component("sub-ha-nc", Decimal(4), Decimal(10)),)),))
    first = mixtures.change_mixture(course=first, plan=four, seen_version=first.version, by=day.by)
    coursework.approve(course=first, seen_version=first.version, by=day.by)
    day.arrived(first, starts_at=dt.datetime(2026, 3, 12, 14, tzinfo=dt.UTC), status="booked")
    with pytest.raises(Refused, match="at most 5 ml"):
        day.course(approved=False)


# -------------------------------------------------------------------------------------------------------- syringe by syringe
def test_a_session_records_each_syringe_in_its_own_place(day: CareDay) -> None:
    course = day.course(approved=False)
    course = mixtures.change_mixture(course=course, plan=richer(course), seen_version=course.version, by=day.by)
    course = coursework.approve(course=course, seen_version=course.version, by=day.by)
    record = day.open_record(course)
    from protocols import catalogue
    from sessions.forms.record import AmountsForm

    form = AmountsForm(record=record, products=list(record.products.all()), lots={}, rules=catalogue.in_force())
    assert [row[0] for row in form.area_rows()] == ["Syringe 1, Face", "Syringe 2, Neck"]
    assert form["depth_1_reg-face"].value() == "1.5"
    for syringe, region in ((1, "reg-face"), (2, "reg-neck")):
        record.areas.create(
            patient=record.patient, region=region, syringe=syringe, points=20, ml_per_point=Decimal("0.05"), depth_mm=1
        )
    given = given_plan(record)
    assert [(one.region, one.technique, one.points) for one in given.syringes] == [
        ("reg-face", "tq-papule", 20) if given.syringes[0].technique else ("reg-face", None, 20),
        ("reg-neck", "tq-nappage", 20),
    ]


# ------------------------------------------------------------------------------------------------------------- the pages
def fields_of(day: CareDay, plan: Plan | None = None, **changes: Any) -> dict[str, Any]:
    """The form as the page offers it for a plan, with changes; None leaves a field out."""
    from protocols import catalogue

    plan = plan or plan_of(Course.objects.get())
    fields: dict[str, Any] = {
        "regions": list(plan.regions), "technique": plan.technique, "delivery": plan.delivery, "antiseptic": "iodine",
        "numbing_cream_g": "", **building.written(building.typed_of(plan.syringes, catalogue.in_force())),
    } | changes  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def url_of(course: Course) -> str:
    return reverse("course-mixture", args=[course.public_id])


def save(client: Client, course: Course, fields: dict[str, Any]) -> Any:
    page = client.get(url_of(course))
    return client.post(url_of(course), hidden_of(page.content.decode()) | fields)


def test_the_page_saves_and_a_double_click_has_one_effect(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    values = hidden_of(client.get(url_of(course)).content.decode()) | fields_of(day, **{"s1-l1-ml": "1,5"})
    first, second = client.post(url_of(course), values), client.post(url_of(course), values)
    assert first.url == second.url == reverse("course", args=[course.public_id])
    course.refresh_from_db()
    assert (course.items.get().volume_ml, course.plan_version) == (Decimal("1.500"), 2)


BAD = [
    *[("s1-l1-ml", value) for value in ["", "0", "-1", "61", "1e9", "NaN", "two", "1.2345", "\x00", "a\u202eb", "9" * 400]],
    *[("s1-l1-strength", value) for value in ["0", "-1", "x", "1e3", "999999.9", "\x00"]],
    ("regions", ["reg-moon"]), ("regions", []), ("technique", "tq-x"), ("delivery", "'; DROP"), ("antiseptic", "bleach"),
    ("numbing_cream_g", "-1"), ("numbing_cream_g", "1000"), ("numbing_cream_g", "a lot"), ("s1-points", "0"),
    ("s1-points", "1.5"), ("s1-points", "99999"), ("s1-depth_mm", "-1"), ("s1-depth_mm", "21"), ("s1-depth_mm", "deep"),
    ("s1-region", "reg-moon"), ("s1-region", "reg-neck"), ("s1-technique", "tq-x"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_is_refused_beside_its_field(client: Client, day: CareDay, field: str, value: Any) -> None:
    course = day.course(approved=False)
    answer = save(client, course, fields_of(day, **{field: value}))
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {field}
    if isinstance(value, str) and field != "regions":
        assert form[field].value() == value
    course.refresh_from_db()
    assert (course.plan_version, course.items.get().volume_ml) == (1, Decimal("2.000"))


def test_an_empty_mixture_is_refused(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    answer = save(client, course, fields_of(day, shape="0"))
    assert answer.status_code == 422
    assert "s1-add" in answer.context["form"].errors


def test_an_unknown_substance_falls_away_and_nothing_is_saved(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    answer = save(client, course, fields_of(day, **{"s1-l1-substance": "sub-invented"}))
    assert answer.status_code == 422
    course.refresh_from_db()
    assert course.items.get().substance == "sub-ha-nc"


def test_over_a_limit_the_page_says_which_and_saves_nothing(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    answer = save(client, course, fields_of(day, **{"s1-l1-ml": "6"}))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "at most 5 ml" in page
    assert answer.context["word"] == "Over-limit"
    course.refresh_from_db()
    assert course.plan_version == 1


def test_a_stale_save_is_told_with_what_was_typed(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    values = hidden_of(client.get(url_of(course)).content.decode()) | fields_of(day, **{"s1-l1-ml": "1.5"})
    course.save_if_unchanged(seen=1, fields=["price_per_session"])
    answer = client.post(url_of(course), values)
    assert answer.status_code == 409
    assert answer.context["form"]["s1-l1-ml"].value() == "1.5"
    assert answer.context["form"]["seen_version"].value() == "2"


@pytest.mark.parametrize("act", ["check", "adapt", "take", "line-1", "syringe", "drop-1-1", "empty-1", "\x00", "x" * 500])
def test_no_act_but_saving_saves(client: Client, day: CareDay, act: str) -> None:
    course = day.course(approved=False)
    before = AuditEvent.objects.count()
    answer = client.post(url_of(course), fields_of(day, **{"act": act, "s1-l1-ml": "6", "s1-add": "sub-biotin"}))
    assert answer.status_code == 200
    course.refresh_from_db()
    assert (course.plan_version, course.items.get().volume_ml, AuditEvent.objects.count()) == (1, Decimal(2), before)


def test_the_fragments_of_a_check_hold_no_whole_page(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    fields = fields_of(day, **{"act": "check", "s1-l1-ml": "6"})
    page = client.post(url_of(course), fields, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert 'id="verdict"' in page
    assert 'id="s1-l1-result" hx-swap-oob="true"' in page


def test_the_proposal_is_taken_over_into_the_fields(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    fields = hidden_of(client.get(url_of(course)).content.decode()) | fields_of(day, **{"s1-l1-ml": "6"})
    shown = client.post(url_of(course), fields | {"act": "adapt"})
    assert shown.context["proposal"]["changes"][0]["text"] == "Non-cross-linked hyaluronic acid: 5 ml instead of 6 ml"
    assert shown.context["form"]["s1-l1-ml"].value() == "6"
    taken = client.post(url_of(course), fields | {"act": "take"})
    assert taken.context["form"]["s1-l1-ml"].value() == "5"
    assert taken.context["word"] == "Warning"


def test_a_new_course_is_proposed_from_the_builder(client: Client, day: CareDay) -> None:
    """Also for an indication without any example mixture."""
    url = f"{reverse('mixture-new', args=[day.patient.public_id])}?indication=ind-eyebrow"
    page = client.get(url)
    assert page.context["word"] == "Incomplete"
    form = page.context["form"]
    fields = {
        one.name: one.value() for one in form if one.value() is not None and not one.name.startswith("s1-")
    } | {
        "shape": "1", "s1-l1-substance": "sub-biotin", "s1-l1-strength": "5", "s1-l1-ml": "0.4", "s1-region": "",
        "s1-technique": "", "s1-points": "", "s1-depth_mm": "",
    }  # fmt: skip
    answer = client.post(url, fields)
    assert answer.status_code == 302, answer.context["form"].errors
    course = Course.objects.get()
    assert (course.indication, course.mixture, course.items.get().substance) == ("ind-eyebrow", "", "sub-biotin")


@pytest.mark.parametrize("query", ["", "?indication=ind-moon", "?indication=%00", "?indication=ind-hydration&mixture=ck-x"])
def test_a_choice_that_means_nothing_leads_back_to_choosing(client: Client, day: CareDay, query: str) -> None:
    answer = client.get(reverse("mixture-new", args=[day.patient.public_id]) + query)
    assert answer.status_code == (200 if "hydration" in query else 302)


def test_the_builder_of_a_running_course_says_what_saving_means(client: Client, day: CareDay) -> None:
    answer = client.get(url_of(day.course()))
    assert answer.status_code == 200
    assert "nothing starts until it is approved again" in answer.content.decode()


def test_a_stopped_course_has_no_builder(client: Client, day: CareDay) -> None:
    course = day.course()
    coursework.stop(course=course, seen_version=course.version, reason="Moved away", by=day.by)
    assert client.get(url_of(course)).status_code == 409


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinicians_build(client: Client, day: CareDay, role: str) -> None:
    course = day.course(approved=False)
    make.signed_in(client, make.make_user(role))
    for url in (url_of(course), reverse("mixture-new", args=[day.patient.public_id])):
        assert client.get(url).status_code == client.post(url).status_code == 403


def test_the_queries_of_the_builder_stay_as_they_are(client: Client, day: CareDay, django_assert_num_queries: Any) -> None:
    course = day.course(approved=False)
    client.get(url_of(course))
    with django_assert_num_queries(19):
        page = client.get(url_of(course))
    fields = hidden_of(page.content.decode()) | fields_of(day, act="check")
    with django_assert_num_queries(18):
        client.post(url_of(course), fields)


# --- a day is never split to pass a limit ---------------------------------------------------------------------------
def test_another_visit_of_the_same_course_on_that_day_counts(day: CareDay) -> None:
    course = day.course()
    later = {"starts_at": timezone.now() + dt.timedelta(hours=3), "status": "booked"}
    record = day.open_record(course)
    day.arrived(course, number=2, **later)
    assert same_day_plans(patient=day.patient, on=THURSDAY, except_course=course) == []
    assert same_day_plans(patient=day.patient, on=THURSDAY, except_record=record) == [plan_of(course)]
    assert len(gates.case_of(record).same_day) == 1


def test_two_visits_of_one_day_together_stay_within_the_limit(day: CareDay) -> None:
    """Three millilitres each are fine for the face alone; six on one day are not."""
    course = day.course(approved=False)
    three = replace(plan_of(course), syringes=(Syringe((Component("sub-ha-nc", Decimal(3), Decimal(10)),)),))
    course = mixtures.change_mixture(course=course, plan=three, seen_version=course.version, by=day.by)
    course = coursework.approve(course=course, seen_version=course.version, by=day.by)
    record = day.open_record(course)
    alone = [gate for gate in gates.gates_of(record) if gate.code == "gate-plan"]
    day.arrived(course, number=2, starts_at=timezone.now() + dt.timedelta(hours=3), status="booked")
    both = [gate.state for gate in gates.gates_of(record) if gate.code == "gate-plan"]
    assert (alone, both) == ([], [gates.BLOCKED])


def test_a_second_session_of_a_course_waits_for_the_first_to_end(day: CareDay) -> None:
    begun = day.begun()
    other = day.arrived(begun.course, number=2, starts_at=timezone.now() + dt.timedelta(hours=3))
    record = recording.open_record(appointment=other, by=day.by)
    gate = next(one for one in gates.gates_of(record) if one.code == "gate-interval")
    assert (gate.state, "not ended yet" in gate.detail) == (gates.BLOCKED, True)
