"""Reads what an aftercare sheet is made from: the record as it stands, the patient, the site, the next session."""
from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from protocols.aftercare import aftercare
from protocols.definitions import Catalogue
from sessions.choices import UPCOMING
from sessions.gathering import facts_of
from sessions.models import TreatmentSession, UsedProduct
from sessions.plans import given_plan
from sessions.sheet import GivenProduct, NextSession, SheetFacts


def sheet_facts(record: TreatmentSession, *, catalogue: Catalogue, language: str) -> SheetFacts:
    """Everything the sheet says, as it stood when the treatment ended. The record must have ended."""
    if record.ended_at is None:
        raise ValueError("the treatment has not ended")
    patient, course, site = record.patient, record.course, record.appointment.site
    zone: ZoneInfo = site.zone
    plan = given_plan(record)
    number = record.planned_session.number if record.planned_session else None
    return SheetFacts(
        patient=patient.name,
        birth_date=patient.birth_date,
        indication=catalogue.indications[course.indication].name_in(language),
        session_number=number,
        sessions_total=course.planned_sessions.count() if number else None,
        ended_at=record.ended_at,
        zone=zone,
        elsewhere=bool(patient.country) and patient.country != site.country,
        phone=site.phone,
        emergency_number=site.emergency_number,
        instructions=aftercare(
            ended_at=record.ended_at, plan=plan, facts=facts_of(patient), catalogue=catalogue, on_site_zone=zone
        ),
        plan=plan,
        products=tuple(
            given_product(product, catalogue, language)
            for product in record.products.select_related("lot").order_by("syringe", "position")
        ),
        next_session=next_session(record),
    )


def given_product(product: UsedProduct, catalogue: Catalogue, language: str) -> GivenProduct:
    known = catalogue.substances.get(product.substance)
    return GivenProduct(
        name=known.name_in(language) if known else product.substance,
        strength=product.strength,
        strength_unit=product.strength_unit,
        volume_ml=Decimal(product.volume_ml),
        lot=product.lot.lot_number if product.lot else product.lot_label,
    )


def next_session(record: TreatmentSession) -> NextSession:
    """The next planned session of the course that is neither done nor skipped: its booked start, or its window."""
    number = record.planned_session.number if record.planned_session else 0
    planned = (
        record.course.planned_sessions.filter(number__gt=number, done_on=None, skipped_reason="")
        .order_by("number")
        .first()
    )
    if planned is None:
        return NextSession()
    booked = (
        planned.fulfilments.filter(
            active=True, appointment__status__in=UPCOMING, appointment__starts_at__gt=timezone.now()
        )
        .select_related("appointment")
        .first()
    )
    if booked is not None:
        return NextSession(booked=booked.appointment.starts_at)
    return NextSession(earliest=planned.earliest, latest=planned.latest)
