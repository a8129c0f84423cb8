"""Course pages: choose, judge, propose, approve, ask, clear, stop; bad input, wrong roles, stale and double sends."""
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.models import AuditEvent
from patients.models import QuestionnaireResponse
from sessions.choices import CourseStatus
from sessions.models import Clearance, Course, Screening
from tests import factories as make
from tests.healthy import answered, make_healthy, measured
from tests.sessions.careday import HARMLESS_TEXT, HOSTILE_TEXT, MORNING, CareDay, hidden_of, make_care_day, press, send

pytestmark = pytest.mark.django_db

GOOD = {
    "ml_sub-ha-nc": "2", "regions": "reg-face", "technique": "tq-papule", "delivery": "dv-manual", "points": "",
    "depth_mm": "", "numbing_cream_g": "", "antiseptic": "chlorhexidine", "sessions": "3", "first_day": "2026-03-13",
    "wall_time": "10:00", "price_per_session": "", "currency": "EUR",
}  # fmt: skip


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def new_url(day: CareDay, patient: Any = None, indication: str = "ind-hydration", mixture: str = "ck-face-hydra") -> str:
    address = reverse("course-new", args=[(patient or day.patient).public_id])
    return f"{address}?indication={indication}&mixture={mixture}"


def good(day: CareDay, **changes: Any) -> dict[str, Any]:
    return GOOD | {"practitioner": day.doctor.public_id} | changes


# --- propose --------------------------------------------------------------------------------------------------------
def test_a_course_is_proposed_with_its_dates(client: Client, day: CareDay) -> None:
    answer = send(client, new_url(day), good(day))
    course = Course.objects.get()
    assert (answer.status_code, answer.url) == (302, reverse("course", args=[course.public_id]))
    page = client.get(answer.url).content.decode()
    assert "Fri 13 Mar 2026" in page
    assert "Default limits, not yet approved by your medical lead." in page
    assert "Non-cross-linked hyaluronic acid" in page


def test_a_double_click_proposes_once(client: Client, day: CareDay) -> None:
    values = {**hidden_of(client.get(new_url(day)).content.decode()), **good(day)}
    first, second = client.post(new_url(day), values), client.post(new_url(day), values)
    assert first.url == second.url
    assert Course.objects.count() == 1


BAD = [
    *[("ml_sub-ha-nc", value) for value in ["-1", "0", "61", "1e9", "NaN", "two", "1.23456", "\x00", "", "9" * 400]],
    ("regions", "reg-moon"), ("regions", "<b>"), ("regions", None), ("technique", "tq-x"), ("technique", ""),
    ("delivery", "'; DROP TABLE"), ("points", "-3"), ("points", "0"), ("points", "99999"), ("points", "1.5"),
    ("depth_mm", "-0.1"), ("depth_mm", "21"), ("depth_mm", "deep"), ("numbing_cream_g", "-1"),
    ("numbing_cream_g", "1000"), ("antiseptic", "bleach"), ("practitioner", "nobody"), ("practitioner", "\x00"),
    ("practitioner", ""), ("sessions", "0"), ("sessions", "31"), ("sessions", "many"), ("first_day", "2026-02-30"),
    ("first_day", "2026-03-11"), ("first_day", "2030-01-01"), ("first_day", "0000-00-00"), ("first_day", "soon"),
    ("wall_time", "25:00"), ("wall_time", "noon"), ("price_per_session", "-1"), ("price_per_session", "1e12"),
    ("currency", "XXX"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_is_refused_beside_its_field(client: Client, day: CareDay, field: str, value: str | None) -> None:
    answer = send(client, new_url(day), good(day), **{field: value})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {field}
    assert form["first_day"].value() == (value if field == "first_day" else GOOD["first_day"])
    if value is not None and field != "regions":
        assert form[field].value() == value
    assert not Course.objects.exists()


def test_the_live_check_answers_with_the_judgement_and_saves_nothing(client: Client, day: CareDay) -> None:
    answer = client.post(new_url(day), good(day) | {"check": "1"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Proposed days" in page
    assert "Fri 13 Mar 2026" in page
    assert not Course.objects.exists()


def test_the_live_check_names_what_is_wrong(client: Client, day: CareDay) -> None:
    page = client.post(new_url(day), good(day, first_day="2026-02-30") | {"check": "1"}).content.decode()
    assert "First session from" in page
    assert "Enter a valid date." in page


def test_blocked_closes_propose_with_its_sentence(client: Client, day: CareDay) -> None:
    patient = make.make_patient(day.site)
    answered(patient, q_allergy=["fish"])
    url = new_url(day, patient, "ind-under-eye", "ck-eye-pn")
    values = good(day, regions="reg-periocular") | {"ml_sub-pn": "1"}
    live = client.post(url, values | {"check": "1"}).content.decode()
    assert "Not possible with this plan: Allergy" in live
    assert "Fish (salmon, trout)" in live
    answer = send(client, url, values)
    assert answer.status_code == 422
    assert "Not possible with this plan: Allergy" in answer.content.decode()
    assert not Course.objects.exists()


def test_a_dose_over_its_limit_cannot_be_proposed(client: Client, day: CareDay) -> None:
    answer = send(client, new_url(day), good(day), **{"ml_sub-ha-nc": "40"})
    assert answer.status_code == 422
    assert not Course.objects.exists()
    assert answer.context["judgement"]["why_not"]


# --- approve --------------------------------------------------------------------------------------------------------
def test_approve_and_double_click(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    url, act = reverse("course", args=[course.public_id]), reverse("course-approve", args=[course.public_id])
    values = hidden_of(client.get(url).content.decode(), act)
    first, second = client.post(act, values), client.post(act, values)
    assert first.url == second.url == url
    course.refresh_from_db()
    assert (course.status, course.approved_by) == (CourseStatus.APPROVED, day.doctor)
    assert AuditEvent.objects.filter(action="course-approved").count() == 1


def test_approve_is_closed_with_the_verbs_own_sentence(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    answered(day.patient, q_pregnant="yes")
    page = client.get(reverse("course", args=[course.public_id])).content.decode()
    assert "Not possible with this plan: Pregnancy" in page
    answer = press(
        client, reverse("course", args=[course.public_id]), reverse("course-approve", args=[course.public_id])
    )
    assert answer.status_code == 422
    course.refresh_from_db()
    assert course.status == CourseStatus.PROPOSED


def test_a_stale_approval_is_told(client: Client, day: CareDay) -> None:
    course = day.course(approved=False)
    act = reverse("course-approve", args=[course.public_id])
    values = hidden_of(client.get(reverse("course", args=[course.public_id])).content.decode(), act)
    Course.objects.get(pk=course.pk).save_if_unchanged(seen=course.version, fields=["price_per_session"])
    answer = client.post(act, values)
    assert answer.status_code == 409
    assert "Somebody changed this course meanwhile" in answer.content.decode()
    course.refresh_from_db()
    assert course.status == CourseStatus.PROPOSED


@pytest.mark.parametrize("token", ["", "x" * 65, "a\x00b"])
def test_a_lost_token_has_no_effect(client: Client, day: CareDay, token: str) -> None:
    course = day.course(approved=False)
    act = reverse("course-approve", args=[course.public_id])
    answer = press(client, reverse("course", args=[course.public_id]), act, form_token=token)
    assert answer.status_code == 422
    course.refresh_from_db()
    assert course.status == CourseStatus.PROPOSED


# --- stop, clear ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("why", "value"), HOSTILE_TEXT)
@pytest.mark.parametrize("page", ["course-stop", "clearance-new", "clearance-end"])
def test_reasons_refuse_what_cannot_be_read(client: Client, day: CareDay, page: str, why: str, value: str) -> None:
    answered(day.patient, q_keloid="yes")
    course = day.course(approved=False)
    if page == "clearance-new":
        url = reverse(page, args=[course.public_id, "scr-keloid"])
    elif page == "clearance-end":
        send(client, reverse("clearance-new", args=[course.public_id, "scr-keloid"]), {"reason": "Seen.", "evidence": ""})
        url = reverse(page, args=[Clearance.objects.get().public_id])
    else:
        url = reverse(page, args=[course.public_id])
    before = (Course.objects.get().status, Clearance.objects.count(), Clearance.objects.filter(ended_at=None).count())
    answer = send(client, url, {"reason": value, "evidence": ""})
    assert answer.status_code == 422, why
    assert set(answer.context["form"].errors) == {"reason"}
    assert answer.context["form"]["reason"].value() == value
    assert before == (
        Course.objects.get().status, Clearance.objects.count(), Clearance.objects.filter(ended_at=None).count()
    )  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS_TEXT)
def test_markup_in_a_reason_stays_text(client: Client, day: CareDay, text: str) -> None:
    course = day.course(approved=False)
    answer = send(client, reverse("course-stop", args=[course.public_id]), {"reason": text})
    assert answer.status_code == 302
    course.refresh_from_db()
    assert course.stopped_reason == text
    assert "<script>alert" not in client.get(answer.url).content.decode()


def test_a_clearance_lifts_the_finding_and_ends_again(client: Client, day: CareDay) -> None:
    answered(day.patient, q_keloid="yes")
    course = day.course(approved=False)
    url = reverse("course", args=[course.public_id])
    assert "Needs clearance" in client.get(url).content.decode()
    answer = send(client, reverse("clearance-new", args=[course.public_id, "scr-keloid"]), {"reason": "Seen.", "evidence": ""})
    assert (answer.status_code, answer.url) == (302, url)
    assert "Cleared by Dr Amina Haddad." in client.get(url).content.decode()
    send(client, reverse("clearance-end", args=[Clearance.objects.get().public_id]), {"reason": "New scar."})
    assert "Cleared by Dr Amina Haddad." not in client.get(url).content.decode()


# --- questions of a plan --------------------------------------------------------------------------------------------
@pytest.fixture
def unasked(day: CareDay) -> Course:
    """A plan whose own questions were never asked: the intake was healthy, the plan is for cellulite."""
    from patients.questionnaire import visible
    from protocols import catalogue
    from tests.healthy import healthy_answers

    patient = make.make_patient(day.site)
    asked = visible(catalogue.questions_of(catalogue.current_questionnaire()), {}, sex=patient.sex)
    keys = {question.key for question in asked}
    response = answered(make.make_patient(day.site))
    QuestionnaireResponse.objects.create(
        patient=patient, questionnaire=response.questionnaire, language="en", submitted_kind="patient",
        answers={key: value for key, value in healthy_answers(patient.sex).items() if key in keys},
        submitted_at=response.submitted_at, signed_name="x",
    )  # fmt: skip
    measured(patient, day.doctor)
    return make.make_course(
        patient, day.doctor, approved=False, indication="ind-cellulite", category="body", regions=["reg-thigh"]
    )


def own_questions(course: Course) -> dict[str, Any]:
    from sessions.asking_again import FOR_PLAN, round_of

    return dict(round_of(course, FOR_PLAN).questions)


def test_the_questions_of_a_plan_are_asked_and_count(client: Client, day: CareDay, unasked: Course) -> None:
    questions = own_questions(unasked)
    assert questions, "a body plan asks more than the intake"
    url = reverse("course-questions", args=[unasked.public_id])
    page = client.get(reverse("course", args=[unasked.public_id])).content.decode()
    assert url in page
    values = {key: question.healthy for key, question in questions.items()}
    answer = send(client, url, values)
    assert (answer.status_code, answer.url) == (302, reverse("course", args=[unasked.public_id]))
    stored = QuestionnaireResponse.objects.filter(patient=unasked.patient).latest("submitted_at", "id")
    assert (stored.purpose, stored.submitted_kind, stored.submitted_by) == ("plan", "staff", day.doctor)
    assert set(stored.answers) == set(questions)
    assert Screening.objects.filter(course=unasked).latest("evaluated_at").missing == []
    assert url not in client.get(reverse("course", args=[unasked.public_id])).content.decode()


def test_a_missing_answer_is_said_beside_its_question(client: Client, day: CareDay, unasked: Course) -> None:
    key, *rest = own_questions(unasked)
    values = {one: own_questions(unasked)[one].healthy for one in rest}
    answer = send(client, reverse("course-questions", args=[unasked.public_id]), values)
    assert answer.status_code == 422
    assert set(answer.context["errors"]) == {key}
    assert f'id="{key}-error"' in answer.content.decode()
    assert QuestionnaireResponse.objects.filter(patient=unasked.patient).count() == 1


@pytest.mark.parametrize("value", ["perhaps", "\x00", "a\u202eb", "<script>", "x" * 5000])
def test_an_impossible_answer_is_refused(client: Client, day: CareDay, unasked: Course, value: str) -> None:
    questions = own_questions(unasked)
    key = next(iter(questions))
    values = {one: question.healthy for one, question in questions.items()} | {key: value}
    answer = send(client, reverse("course-questions", args=[unasked.public_id]), values)
    assert answer.status_code == 422
    assert key in answer.context["errors"]
    assert QuestionnaireResponse.objects.filter(patient=unasked.patient).count() == 1


@pytest.mark.parametrize("strange", ["q-invented", "q-pregnant", "q-" + "x" * 300])
def test_an_answer_to_what_is_not_asked_is_refused_not_dropped(
    client: Client, day: CareDay, unasked: Course, strange: str
) -> None:
    values = {key: question.healthy for key, question in own_questions(unasked).items()} | {strange: "yes"}
    answer = send(client, reverse("course-questions", args=[unasked.public_id]), values)
    assert answer.status_code == 422
    assert answer.context["elsewhere"]
    assert QuestionnaireResponse.objects.filter(patient=unasked.patient).count() == 1


# --- who may --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinicians_see_and_plan(client: Client, day: CareDay, role: str) -> None:
    course = day.course(approved=False)
    make.signed_in(client, make.make_user(role))
    for name, args in [("course", [course.public_id]), ("course-new", [day.patient.public_id]),
                       ("course-stop", [course.public_id]), ("course-questions", [course.public_id])]:  # fmt: skip
        assert client.get(reverse(name, args=args)).status_code == 403, name
    assert client.post(reverse("course-approve", args=[course.public_id])).status_code == 403
    course.refresh_from_db()
    assert course.status == CourseStatus.PROPOSED


def test_a_healthy_patients_course_is_clear(client: Client, day: CareDay) -> None:
    other = make_healthy(make.make_patient(day.site), day.doctor)
    page = client.get(reverse("course", args=[day.course(other, approved=False).public_id])).content.decode()
    assert "Nothing found." in page
    assert "Cleared" in page
