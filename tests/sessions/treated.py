"""An ended treatment, straight in the tables: what a sheet is made from, without the whole walk to it."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from clinic.models import Site
from protocols import catalogue
from sessions.models import Course, Lot, TreatedArea, TreatmentSession, UsedProduct
from tests import factories

ENDED = dt.datetime(2026, 3, 12, 10, 20, tzinfo=dt.UTC)  # Thursday, 11:20 in Rome, 13:20 in Istanbul


def make_ended_treatment(
    *, site: Site | None = None, ended_at: dt.datetime = ENDED, patient: dict[str, Any] | None = None,
    course: dict[str, Any] | None = None, substance: str = "sub-ha-nc", region: str = "reg-face",
) -> TreatmentSession:  # fmt: skip
    """Session 1 of 3, ended, with one product and its lot."""
    site = site or factories.make_site()
    doctor = factories.make_user(name="Dr Amina Haddad")
    person = factories.make_patient(site, **(patient or {}))
    begun = ended_at - dt.timedelta(minutes=30)
    planned: Course = factories.make_course(
        person, doctor, first_day=ended_at.astimezone(site.zone).date(), regions=[region], **(course or {})
    )
    appointment = factories.make_appointment(
        person, practitioner=doctor, room=factories.make_room(site), course=planned, starts_at=begun, status="done",
        planned_session=planned.planned_sessions.get(number=1),
    )  # fmt: skip
    record = TreatmentSession.objects.create(
        appointment=appointment, patient=person, course=planned, catalogue=catalogue.current(), status="ended",
        planned_session=planned.planned_sessions.get(number=1), opened_at=begun, opened_by=doctor, practitioner=doctor,
        history_confirmed_at=begun, begun_at=begun, ended_at=ended_at, technique="tq-papule", delivery="dv-manual",
        drawn_up_ml=Decimal(2), wasted_ml=Decimal("0.2"),
    )  # fmt: skip
    lot = Lot.objects.filter(site=site, lot_number="T7K198").first() or factories.make_lot(
        site, substance, lot_number="T7K198"
    )
    UsedProduct.objects.create(
        treatment_session=record, patient=person, position=1, substance=substance, strength=Decimal(10),
        strength_unit="mg/ml", volume_ml=Decimal(2), lot=lot, lot_label=str(lot),
    )  # fmt: skip
    TreatedArea.objects.create(
        treatment_session=record, patient=person, region=region, points=60, ml_per_point=Decimal("0.03"),
        depth_mm=Decimal("1.5"),
    )  # fmt: skip
    return record
