"""Recording as deeds: who and when, what the end sets going, and that a signed record is frozen by the database."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from sessions import documents, recording
from sessions.choices import AppointmentStatus, CourseStatus, RecordStatus
from sessions.models import Addendum, Document, Lot, Message, StockMovement, TreatmentSession
from sessions.record_page import sheet_of
from tests import factories as make
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


# --- the end --------------------------------------------------------------------------------------------------------
def test_the_end_takes_the_lots_dates_the_session_and_sets_the_papers_going(day: CareDay, at: Any) -> None:
    lot = make.make_lot(day.site)
    record = day.begun(lot)
    at("2026-03-12T09:40:00+00:00")
    record = recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    record.appointment.refresh_from_db()
    lot.refresh_from_db()
    planned = record.course.planned_sessions.get(number=1)
    assert record.ended_at == timezone.now()
    assert record.appointment.status == AppointmentStatus.DONE
    assert lot.balance_ml == Decimal("98")
    assert StockMovement.objects.get(kind="used").change_ml == Decimal("-2")
    assert planned.done_on == dt.date(2026, 3, 12)
    assert Document.objects.filter(kind="aftercare", appointment=record.appointment).count() == 1
    assert {"msg-after-0", "msg-48h"} <= set(Message.objects.values_list("kind", flat=True))


def test_a_failing_end_leaves_nothing_behind(day: CareDay, monkeypatch: pytest.MonkeyPatch) -> None:
    lot = make.make_lot(day.site)
    record = day.begun(lot)

    def fail(**_: object) -> None:
        raise RuntimeError("no paper")

    monkeypatch.setattr(documents, "issue_aftercare", fail)
    with pytest.raises(RuntimeError):
        recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    fresh = TreatmentSession.objects.get(pk=record.pk)
    lot.refresh_from_db()
    assert (fresh.status, fresh.ended_at, lot.balance_ml) == (RecordStatus.BEGUN, None, Decimal(100))
    assert not StockMovement.objects.filter(kind="used").exists()
    assert not AuditEvent.objects.filter(action="treatment-ended").exists()
    assert not Message.objects.filter(kind="msg-after-0").exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [({"points": 0}, "amounts"), ({"waste": "0.2"}, "amounts"), ({"drawn": "1.9"}, "amounts")],
    ids=["no points", "waste too much", "drawn up too little"],
)
def test_figures_must_agree(day: CareDay, change: dict[str, Any], code: str) -> None:
    record = day.begun()
    if change.get("points") == 0:
        record.areas.all().delete()
    else:
        record = day.fill(record, **change)
    with pytest.raises(Refused) as refusal:
        recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    assert refusal.value.code == code


def test_a_lot_that_was_recalled_after_the_beginning_stops_the_end(day: CareDay) -> None:
    lot = make.make_lot(day.site)
    record = day.begun(lot)
    Lot.objects.filter(pk=lot.pk).update(held_back_reason="Recalled")
    with pytest.raises(Refused, match="held back"):
        recording.end_treatment(record=record, seen_version=record.version, by=day.by)


def test_more_than_a_limit_is_not_ended_quietly(day: CareDay) -> None:
    """8 ml agree among themselves, but exceed what the region may get."""
    record = day.fill(day.begun(), drawn="8.0", waste="0.1", points=158)
    with pytest.raises(Refused) as refusal:
        recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    assert refusal.value.code == "mixture"


def test_more_cannot_be_left_over_than_was_drawn_up(day: CareDay) -> None:
    record = day.open_record()
    with pytest.raises(Refused) as refusal:
        day.fill(record, waste="2.1")
    assert refusal.value.field == "wasted_ml"


def test_the_last_session_completes_the_course(day: CareDay) -> None:
    record = day.begun()
    record.course.planned_sessions.filter(number__gt=1).delete()
    recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    record.course.refresh_from_db()
    assert record.course.status == CourseStatus.COMPLETED


def test_a_corrected_end_supersedes_the_sheet(day: CareDay, at: Any) -> None:
    at("2026-03-12T08:30:00+00:00")
    record = day.begun()
    at("2026-03-12T09:30:00+00:00")
    record = recording.end_treatment(record=record, seen_version=record.version, by=day.by)
    earlier = dt.datetime(2026, 3, 12, 9, 0, tzinfo=dt.UTC)
    record = recording.correct_end(
        record=record, seen_version=record.version, ended_at=earlier, reason="pressed late", by=day.by
    )
    sheets = Document.objects.filter(kind="aftercare").order_by("requested_at", "id")
    assert record.ended_at == earlier
    assert sheets.count() == 2
    assert sheet_of(record) == sheets.last()


def test_a_signed_record_takes_no_correction_and_an_unsigned_no_addition(day: CareDay) -> None:
    ended = day.ended()
    with pytest.raises(Refused, match="unsigned"):
        recording.add_addendum(record=ended, text="x", by=day.by)
    signed = recording.sign(record=ended, seen_version=ended.version, password=make.PASSWORD, by=day.by)
    with pytest.raises(Refused):
        recording.correct_end(
            record=signed, seen_version=signed.version, ended_at=timezone.now(), reason="late", by=day.by
        )
    with pytest.raises(Refused):
        day.fill(signed)


# --- stale, who may -------------------------------------------------------------------------------------------------
def test_a_stale_save_changes_nothing(day: CareDay) -> None:
    record = day.open_record()
    day.fill(TreatmentSession.objects.get(pk=record.pk))
    with pytest.raises(Stale) as stale:
        day.fill(record, points=10, waste="1.5")
    assert stale.value.theirs
    assert TreatmentSession.objects.get(pk=record.pk).areas.get().points == 38


Deed = Callable[[TreatmentSession, Doer], object]
DEEDS: dict[str, Deed] = {
    "identity": lambda r, by: recording.check_identity(record=r, seen_version=r.version, identifiers="x", by=by),
    "history": lambda r, by: recording.confirm_history(record=r, seen_version=r.version, changes="", by=by),
    "begin": lambda r, by: recording.begin(record=r, seen_version=r.version, by=by),
    "end": lambda r, by: recording.end_treatment(record=r, seen_version=r.version, by=by),
    "sign": lambda r, by: recording.sign(record=r, seen_version=r.version, password=make.PASSWORD, by=by),
    "add": lambda r, by: recording.add_addendum(record=r, text="x", by=by),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinicians_record(day: CareDay, deed: str, role: str) -> None:
    record = day.open_record()
    with pytest.raises(NotPermitted):
        DEEDS[deed](record, Doer.staff(make.make_user(role), day.site))
    with pytest.raises(Refused):
        DEEDS[deed](record, SYSTEM)
    assert TreatmentSession.objects.get(pk=record.pk).version == record.version


def test_an_expired_licence_does_not_treat(day: CareDay) -> None:
    record = day.ready()
    day.doctor.licence_valid_until = dt.date(2026, 3, 11)
    day.doctor.save(update_fields=["licence_valid_until"])
    record.refresh_from_db()
    with pytest.raises(Refused) as refusal:
        recording.begin(record=record, seen_version=record.version, by=day.by)
    assert refusal.value.code == "gate-licence"


# --- frozen ---------------------------------------------------------------------------------------------------------
FROZEN = {
    "change": lambda r: TreatmentSession.objects.filter(pk=r.pk).update(note="changed"),
    "unsign": lambda r: TreatmentSession.objects.filter(pk=r.pk).update(status="ended"),
    "delete": lambda r: raw("DELETE FROM treatment_sessions_treatmentsession WHERE id = %s", r.pk),
    "change a product": lambda r: r.products.update(volume_ml=Decimal(9)),
    "delete a product": lambda r: raw("DELETE FROM treatment_sessions_usedproduct WHERE treatment_session_id = %s", r.pk),
    "add a product": lambda r: r.products.create(patient=r.patient, position=9, substance="sub-x", volume_ml=1),
    "change an area": lambda r: r.areas.update(points=1),
    "delete an area": lambda r: raw("DELETE FROM treatment_sessions_treatedarea WHERE treatment_session_id = %s", r.pk),
    "add an area": lambda r: r.areas.create(patient=r.patient, region="reg-neck", points=1, ml_per_point=1, depth_mm=1),
    "ignore the triggers": lambda r: raw(
        "SET LOCAL pgtrigger.ignore = '{treatment_sessions_treatmentsession:signed_record_frozen}'; "
        "UPDATE treatment_sessions_treatmentsession SET note = 'changed' WHERE id = %s", r.pk
    ),
}


def raw(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("act", FROZEN)
def test_a_signed_record_is_frozen_at_the_database(day: CareDay, act: str) -> None:
    record = day.signed()
    before = recording.content_of(TreatmentSession.objects.get(pk=record.pk))
    with pytest.raises(DatabaseError), transaction.atomic():
        FROZEN[act](record)
    assert recording.content_of(TreatmentSession.objects.get(pk=record.pk)) == before


@pytest.mark.parametrize(
    "statement", ["UPDATE treatment_sessions_addendum SET text = 'other'", "DELETE FROM treatment_sessions_addendum"]
)
def test_an_addition_is_frozen_too(day: CareDay, statement: str) -> None:
    recording.add_addendum(record=day.signed(), text="Mild redness.", by=day.by)
    with pytest.raises(DatabaseError), transaction.atomic():
        raw(statement)
    assert Addendum.objects.get().text == "Mild redness."


def test_the_digest_covers_what_was_signed(day: CareDay) -> None:
    import hashlib

    from clinic.audit import canonical

    record = TreatmentSession.objects.get(pk=day.signed().pk)
    assert record.content_digest == hashlib.sha256(canonical(recording.content_of(record))).hexdigest()


# --- where it waits for its signature ---------------------------------------------------------------------------------
def waits_at(record: TreatmentSession) -> object:
    return TreatmentSession.objects.get(pk=record.pk).unsigned_site


def test_an_ended_record_waits_at_its_site_until_it_is_signed(day: CareDay) -> None:
    begun = day.begun(make.make_lot(day.site))
    assert waits_at(begun) is None
    ended = recording.end_treatment(record=begun, seen_version=begun.version, by=day.by)
    assert waits_at(ended) == day.site
    ended.note, ended.unsigned_site = "from a page that was read earlier", None
    ended.save()
    assert waits_at(ended) == day.site, "the database says where, not who saves"
    raw("UPDATE treatment_sessions_treatmentsession SET unsigned_site_id = NULL WHERE id = %s", ended.pk)
    assert waits_at(ended) == day.site


def test_a_signed_record_waits_nowhere(day: CareDay) -> None:
    assert waits_at(day.signed()) is None


def test_where_it_waits_is_no_change_of_the_record(day: CareDay) -> None:
    """History has what people did: one row for the end, none for what the database worked out from it."""
    record = day.ended()
    rows = "SELECT count(*) FROM treatment_sessions_treatmentsessionevent WHERE pgh_obj_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(rows, [record.pk])
        (before,) = cursor.fetchone()
        cursor.execute("UPDATE treatment_sessions_treatmentsession SET unsigned_site_id = NULL WHERE id = %s", [record.pk])
        cursor.execute(rows, [record.pk])
        assert cursor.fetchone() == (before,)
