"""The session screen: autosave, lights that are mended, begin, end, correct, sign, add; bad input, stale, double."""
from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.models import AuditEvent
from sessions import recording
from sessions.choices import RecordStatus
from sessions.models import AllergyTest, Appointment, Message, TreatmentSession
from tests import factories as make
from tests.sessions.careday import HARMLESS_TEXT, HOSTILE_TEXT, MORNING, CareDay, make_care_day, press, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def page_of_tests(record: TreatmentSession) -> str:
    """Tests belong to the course: they are placed days before the session opens."""
    return reverse("allergy-tests", args=[record.course.public_id])


def url(name: str, record: TreatmentSession, *more: str) -> str:
    return reverse(name, args=[record.appointment.public_id, *more])


def figures(record: TreatmentSession, lot: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "seen_version": record.version, "ml_1": "2.0", "lot_1": lot.public_id if lot else "", "points_reg-face": "38",
        "perpoint_reg-face": "0.05", "depth_reg-face": "1.5", "wasted_ml": "0.1", "note": "", "reaction_note": "",
    } | changes  # fmt: skip


# --- opening --------------------------------------------------------------------------------------------------------
def test_start_session_opens_the_screen_once(client: Client, day: CareDay) -> None:
    appointment = day.arrived(day.course())
    address = reverse("record-open", args=[appointment.public_id])
    first, second = client.post(address), client.post(address)
    assert first.url == second.url == reverse("record", args=[appointment.public_id])
    assert TreatmentSession.objects.count() == 1
    page = client.get(first.url).content.decode()
    assert page.index("Identity") < page.index("Screening") < page.index("Photographs")
    assert "Identity: Ask for name and birth date." in page, "why Begin is closed, in view"


def test_before_arrival_no_screen_opens(client: Client, day: CareDay) -> None:
    appointment = day.arrived(day.course(), status="booked")
    answer = client.post(reverse("record-open", args=[appointment.public_id]))
    assert answer.status_code == 409
    assert "The patient has not arrived yet." in answer.content.decode()
    assert not TreatmentSession.objects.exists()


# --- autosave -------------------------------------------------------------------------------------------------------
def test_typing_saves_and_answers_with_figures_lights_and_version(client: Client, day: CareDay) -> None:
    record, lot = day.open_record(), make.make_lot(day.site)
    answer = client.post(url("record-save", record), figures(record, lot), headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Saved 09:50" in page, "in the site's zone"
    assert "Adds up" in page
    assert "In date and enough" in page
    assert f'value="{record.version + 1}"' in page
    record.refresh_from_db()
    assert (record.wasted_ml, record.areas.get().points, record.products.get().lot) == (Decimal("0.1"), 38, lot)


def test_figures_that_do_not_agree_are_saved_and_said(client: Client, day: CareDay) -> None:
    record = day.open_record()
    answer = client.post(url("record-save", record), figures(record, wasted_ml="0.2"), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Does not add up" in answer.content.decode()


def test_without_script_the_same_save_leads_back_to_the_screen(client: Client, day: CareDay) -> None:
    record = day.open_record()
    answer = client.post(url("record-save", record), figures(record))
    assert (answer.status_code, answer.url) == (302, url("record", record))


def test_a_second_tab_is_told_and_loses_nothing(client: Client, day: CareDay) -> None:
    """Both texts are shown; the next save is made knowingly from the newer version."""
    record = day.open_record()
    client.post(url("record-save", record), figures(record, note="first tab"))
    late = figures(record, note="second tab", wasted_ml="0.3")
    answer = client.post(url("record-save", record), late, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#amounts-form"
    assert "first tab" in page
    assert "second tab" in page
    record.refresh_from_db()
    assert record.note == "first tab"
    version = re.search(r'id="id_seen_version" value="(\d+)"', page)
    assert version is not None
    assert int(version[1]) == record.version
    again = client.post(url("record-save", record), late | {"seen_version": version[1]})
    assert again.status_code == 302
    record.refresh_from_db()
    assert (record.note, record.wasted_ml) == ("second tab", Decimal("0.3"))


BAD = [
    *[("ml_1", value) for value in ["-1", "0", "61", "1e9", "NaN", "two", "1.23456", "", "\x00", "9" * 300]],
    *[("wasted_ml", value) for value in ["-0.1", "3", "61", "inf", "", "<b>"]],
    *[("points_reg-face", value) for value in ["-1", "0", "2001", "1.5", "many", "'; DROP TABLE"]],
    *[("perpoint_reg-face", value) for value in ["-0.05", "0", "1.1", "0.00001", "x"]],
    *[("depth_reg-face", value) for value in ["-1", "21", "1.234", "deep", ""]],
    ("lot_1", "nobody"), ("lot_1", "\x00"), ("note", "a\x00b"), ("note", "a\u202eb"), ("note", "x" * 2001),
    ("reaction_note", "a\u2066b"), ("reaction_note", "x" * 2001),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_figures_are_refused_beside_their_field(client: Client, day: CareDay, field: str, value: str) -> None:
    record = day.open_record()
    answer = client.post(url("record-save", record), figures(record, note="kept") | {field: value})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {field}
    assert form[field].value() == value
    assert form["note"].value() == (value if field == "note" else "kept")
    saved = TreatmentSession.objects.get(pk=record.pk)
    assert (saved.version, saved.note, saved.areas.count()) == (record.version, "", 0)


def test_a_lot_of_another_site_or_substance_cannot_be_chosen(client: Client, day: CareDay) -> None:
    record = day.open_record()
    for lot in (make.make_lot(make.make_site()), make.make_lot(day.site, "sub-lidocaine"),
                make.make_lot(day.site, held_back_reason="Recalled")):  # fmt: skip
        answer = client.post(url("record-save", record), figures(record, lot))
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"lot_1"}


# --- mending lights -------------------------------------------------------------------------------------------------
def test_two_identifiers_are_asked(client: Client, day: CareDay) -> None:
    record = day.open_record()
    answer = send(client, url("record-identity", record), {"identifiers": ["name"]})
    assert answer.status_code == 422
    assert "Ask for at least two." in answer.content.decode()
    answer = send(client, url("record-identity", record), {"identifiers": ["name", "birth-date"]})
    assert answer.status_code == 302
    record.refresh_from_db()
    assert record.identity_checked == "Full name, Birth date"


@pytest.mark.parametrize("value", [["name", "shoe size"], ["\x00", "name"], [""]])
def test_invented_identifiers_are_refused(client: Client, day: CareDay, value: list[str]) -> None:
    record = day.open_record()
    assert send(client, url("record-identity", record), {"identifiers": value}).status_code == 422
    record.refresh_from_db()
    assert record.identity_checked == ""


def test_nothing_changed_is_one_tap(client: Client, day: CareDay) -> None:
    record = day.open_record()
    assert send(client, url("record-history", record), {"answer": "nothing", "changes": ""}).status_code == 302
    record.refresh_from_db()
    assert record.history_confirmed_by == day.doctor


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"answer": "", "changes": ""}, "answer"),
        ({"answer": "perhaps", "changes": ""}, "answer"),
        ({"answer": "changed", "changes": ""}, "changes"),
        ({"answer": "nothing", "changes": "new tablets"}, "answer"),
        ({"answer": "changed", "changes": "a\u202eb"}, "changes"),
        ({"answer": "changed", "changes": "x" * 401}, "changes"),
    ],
)
def test_a_half_answer_about_the_history_is_refused(
    client: Client, day: CareDay, values: dict[str, str], field: str
) -> None:
    record = day.open_record()
    answer = send(client, url("record-history", record), values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    record.refresh_from_db()
    assert record.history_confirmed_at is None


def test_a_change_is_written_where_the_rules_read(client: Client, day: CareDay, at: Any) -> None:
    """Free words alone are refused and lead to the questions; answered there, the rules know before the needle."""
    from sessions.asking_again import BEFORE_SESSION, round_of

    at("2026-03-12T08:55:00+00:00")
    record = day.open_record()
    at("2026-03-12T08:58:00+00:00")
    told = {"answer": "changed", "changes": "Pregnant since last week"}
    answer = send(client, url("record-history", record), told)
    assert answer.status_code == 422
    assert url("record-questions", record) in answer.content.decode()
    questions = round_of(record.course, BEFORE_SESSION)
    assert "q-pregnant" in questions.questions
    answers = dict(questions.known) | {"q-pregnant": "yes"}
    answer = send(client, url("record-questions", record), answers)
    assert (answer.status_code, answer.url) == (302, url("record-history", record))
    assert send(client, url("record-history", record), told).status_code == 302
    page = client.get(url("record", record)).content.decode()
    assert "Not possible with this plan: Pregnancy" in page
    with pytest.raises(recording.Refused):
        recording.begin(record=(again := TreatmentSession.objects.get(pk=record.pk)), seen_version=again.version, by=day.by)


@pytest.mark.parametrize(("why", "value"), HOSTILE_TEXT)
def test_a_light_is_passed_only_with_a_reason(client: Client, day: CareDay, why: str, value: str) -> None:
    record = day.open_record()
    answer = send(client, url("record-gate", record, "gate-photos"), {"reason": value})
    assert answer.status_code == 422, why
    assert set(answer.context["form"].errors) == {"reason"}
    record.refresh_from_db()
    assert record.gate_overrides == []


def test_a_light_that_nobody_may_pass_has_no_page(client: Client, day: CareDay) -> None:
    record = day.open_record()
    assert client.get(url("record-gate", record, "gate-screening")).status_code == 404


def test_a_test_is_placed_and_read(client: Client, day: CareDay) -> None:
    record = day.open_record()
    placed = send(client, page_of_tests(record), {"substance": "sub-ha-nc", "placed_at": "2026-03-11T09:00"})
    assert placed.status_code == 302
    test = AllergyTest.objects.get()
    address = reverse("allergy-test-read", args=[test.public_id])
    answer = send(client, address, {"read_at": "2026-03-12T09:30", "wheal_mm": "0", "rash": "no"})
    assert answer.status_code == 302
    test.refresh_from_db()
    assert test.result == "negative"
    assert answer["Location"] == page_of_tests(record), "back to where the session waits"
    assert url("record", record) in client.get(page_of_tests(record)).content.decode()


def test_a_test_is_placed_days_before_any_session_is_open(client: Client, day: CareDay) -> None:
    course = day.course()
    page = client.get(reverse("course", args=[course.public_id]))
    assert reverse("allergy-tests", args=[course.public_id]) in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("read_at", "2026-03-12T10:30"), ("read_at", "2026-03-11T20:00"), ("read_at", "soon"), ("read_at", "2026-02-30T10:00"),
     ("read_at", "0001-01-01T00:00"), ("wheal_mm", "-1"), ("wheal_mm", "101"), ("wheal_mm", "big"), ("wheal_mm", "\x00"),
     ("rash", "maybe"), ("rash", "")],
)  # fmt: skip
def test_a_test_is_not_read_with_nonsense(client: Client, day: CareDay, field: str, value: str) -> None:
    record = day.open_record()
    send(client, page_of_tests(record), {"substance": "sub-ha-nc", "placed_at": "2026-03-11T09:00"})
    test = AllergyTest.objects.get()
    good = {"read_at": "2026-03-12T09:30", "wheal_mm": "0", "rash": "no"}
    answer = send(client, reverse("allergy-test-read", args=[test.public_id]), good, **{field: value})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    test.refresh_from_db()
    assert test.read_at is None


@pytest.mark.parametrize("moment", ["2026-03-12T10:00", "2027-01-01T00:00", "yesterday", "", "2026-02-30T08:00"])
def test_a_test_is_not_placed_in_the_future_or_never(client: Client, day: CareDay, moment: str) -> None:
    record = day.open_record()
    answer = send(client, page_of_tests(record), {"substance": "sub-ha-nc", "placed_at": moment})
    assert answer.status_code == 422
    assert not AllergyTest.objects.exists()


# --- begin, end, correct, sign, add ---------------------------------------------------------------------------------
def test_begin_is_refused_while_a_light_is_open(client: Client, day: CareDay) -> None:
    record = day.open_record()
    answer = press(client, url("record", record), url("record-begin", record))
    assert answer.status_code == 422
    assert "Ask for name and birth date." in answer.content.decode()
    record.refresh_from_db()
    assert record.status == RecordStatus.OPEN


def test_from_begin_to_the_signature(client: Client, day: CareDay, at: Any) -> None:
    record = day.ready()
    assert press(client, url("record", record), url("record-begin", record)).status_code == 302
    at("2026-03-12T09:05:00+00:00")
    assert press(client, url("record", record), url("record-end", record)).status_code == 302
    page = client.get(url("record", record)).content.decode()
    assert "Thu 12 Mar, 10:05" in page
    wrong = send(client, url("record-sign", record), {"password": "guess"})
    assert wrong.status_code == 422
    assert "This password is not right." in wrong.content.decode()
    assert send(client, url("record-sign", record), {"password": make.PASSWORD}).status_code == 302
    record.refresh_from_db()
    assert (record.status, record.signed_by) == (RecordStatus.SIGNED, day.doctor)
    assert send(client, url("record-addendum", record), {"text": "Mild redness."}).status_code == 302
    assert "Mild redness." in client.get(url("record", record)).content.decode()


def test_a_double_click_ends_once(client: Client, day: CareDay) -> None:
    from tests.sessions.careday import hidden_of

    record = day.begun()
    values = hidden_of(client.get(url("record", record)).content.decode(), url("record-end", record))
    first, second = client.post(url("record-end", record), values), client.post(url("record-end", record), values)
    assert first.url == second.url
    assert AuditEvent.objects.filter(action="treatment-ended").count() == 1
    assert Message.objects.filter(kind="msg-after-0").count() == 1


def test_the_end_is_closed_while_figures_differ(client: Client, day: CareDay) -> None:
    record = day.fill(day.begun(), waste="0.2")
    page = client.get(url("record", record)).content.decode()
    assert "do not add up" in page
    answer = press(client, url("record", record), url("record-end", record))
    assert answer.status_code == 422
    record.refresh_from_db()
    assert record.status == RecordStatus.BEGUN


@pytest.mark.parametrize(
    ("moment", "reason", "field"),
    [("2026-03-12T09:49", "typo", "ended_at"), ("2026-03-12T23:00", "typo", "ended_at"), ("never", "typo", "ended_at"),
     ("2026-03-12T09:50", "", "reason"), ("2026-03-12T09:50", "a\x00b", "reason")],
)  # fmt: skip
def test_the_end_is_corrected_only_within_the_treatment(
    client: Client, day: CareDay, moment: str, reason: str, field: str
) -> None:
    record = day.ended()
    answer = send(client, url("record-correct-end", record), {"ended_at": moment, "reason": reason})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert TreatmentSession.objects.get(pk=record.pk).ended_at == record.ended_at


@pytest.mark.parametrize(("why", "value"), HOSTILE_TEXT)
def test_an_addition_is_text_that_can_be_read(client: Client, day: CareDay, why: str, value: str) -> None:
    record = day.signed()
    answer = send(client, url("record-addendum", record), {"text": value})
    assert answer.status_code == 422, why
    assert not record.addenda.exists()


@pytest.mark.parametrize("text", HARMLESS_TEXT)
def test_markup_in_an_addition_stays_text(client: Client, day: CareDay, text: str) -> None:
    record = day.signed()
    assert send(client, url("record-addendum", record), {"text": text}).status_code == 302
    assert record.addenda.get().text == text
    assert "<script>alert" not in client.get(url("record", record)).content.decode()


# --- who may --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinicians_open_the_screen(client: Client, day: CareDay, role: str) -> None:
    record = day.open_record()
    make.signed_in(client, make.make_user(role))
    for name in ("record", "record-identity", "record-history", "record-questions", "record-sign"):
        assert client.get(url(name, record)).status_code == 403, name
    assert client.get(page_of_tests(record)).status_code == 403
    for name in ("record-save", "record-begin", "record-end", "record-open"):
        assert client.post(url(name, record)).status_code == 403, name


def test_another_doctor_does_not_sign_for_her(client: Client, day: CareDay) -> None:
    record = day.ended()
    make.signed_in(client, make.make_user(Role.PRACTITIONER))
    answer = send(client, url("record-sign", record), {"password": make.PASSWORD})
    assert answer.status_code == 422
    assert "Dr Amina Haddad treated and signs this record." in answer.content.decode()
    assert Appointment.objects.get().treatment_session.status == RecordStatus.ENDED
