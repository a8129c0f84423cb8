"""A course's stored rows as the pure `Plan` that screening, mixture check and aftercare understand, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any

from patients.models import Patient
from protocols.plan import Component, Plan, Syringe
from sessions.choices import OCCUPYING
from sessions.models import Appointment, Course, CourseItem, CourseSyringe, TreatmentSession, UsedProduct

A_DAY_AND_MORE = dt.timedelta(hours=38)  # a local day lies within this much of its noon in UTC, whatever the zone


def component_of(line: CourseItem | UsedProduct) -> Component:
    """One stored line, planned or given."""
    return Component(
        substance=line.substance,
        volume_ml=line.volume_ml,
        strength=line.strength,
        strength_unit=line.strength_unit or "mg/ml",
    )


def syringes_of(items: Iterable[CourseItem]) -> tuple[Syringe, ...]:
    """The syringes of a course in order, each with its lines."""
    ordered = sorted(items, key=lambda item: (item.syringe.number, item.position))
    found = []
    for syringe, lines in groupby(ordered, key=lambda item: item.syringe):
        found.append(
            Syringe(
                components=tuple(component_of(line) for line in lines),
                region=syringe.region or None,
                technique=syringe.technique or None,
                points=syringe.points,
                depth_mm=syringe.depth_mm,
                area_cm2=syringe.area_cm2,
            )
        )
    return tuple(found)


def plan_of(course: Course) -> Plan:
    """The plan as it is stored. One query, unless the items are prefetched: none."""
    return Plan(
        indication=course.indication,
        category=course.category,
        regions=tuple(course.regions),
        technique=course.technique,
        delivery=course.delivery,
        syringes=syringes_of(course.items.all()),
        numbing_cream_g=course.numbing_cream_g,
        numbing_area_cm2=course.numbing_area_cm2,
        antiseptic=course.antiseptic or None,
    )


def store_syringes(*, course: Course, syringes: Iterable[Syringe]) -> None:
    """Write what is drawn up for a course that has no syringes yet."""
    for number, syringe in enumerate(syringes, start=1):
        row = CourseSyringe.objects.create(
            course=course, patient_id=course.patient_id, number=number, region=syringe.region or "",
            technique=syringe.technique or "", points=syringe.points, depth_mm=syringe.depth_mm,
            area_cm2=syringe.area_cm2,
        )  # fmt: skip
        CourseItem.objects.bulk_create(
            CourseItem(
                course=course, syringe=row, position=position, substance=component.substance,
                strength=component.strength, strength_unit=component.strength_unit, volume_ml=component.volume_ml,
            )
            for position, component in enumerate(syringe.components, start=1)
        )  # fmt: skip


def plan_to_json(plan: Plan) -> dict[str, object]:
    """Plain values for storing beside a screening; Decimals become strings."""
    return {
        "indication": plan.indication,
        "category": plan.category,
        "regions": list(plan.regions),
        "technique": plan.technique,
        "delivery": plan.delivery,
        "antiseptic": plan.antiseptic,
        "numbing_cream_g": str(plan.numbing_cream_g) if plan.numbing_cream_g is not None else None,
        "numbing_area_cm2": str(plan.numbing_area_cm2) if plan.numbing_area_cm2 is not None else None,
        "syringes": [
            {
                "region": syringe.region,
                "technique": syringe.technique,
                "points": syringe.points,
                "depth_mm": str(syringe.depth_mm) if syringe.depth_mm is not None else None,
                "area_cm2": str(syringe.area_cm2) if syringe.area_cm2 is not None else None,
                "components": [
                    {
                        "substance": component.substance,
                        "strength": str(component.strength) if component.strength is not None else None,
                        "strength_unit": component.strength_unit,
                        "volume_ml": str(component.volume_ml),
                    }
                    for component in syringe.components
                ],
            }
            for syringe in plan.syringes
        ],
    }


def planned_syringe(record: TreatmentSession, number: int) -> Mapping[str, Any]:
    """What was planned for this syringe when the record was opened; empty where nothing was."""
    planned = record.planned.get("syringes", []) if record.planned else []
    return planned[number - 1] if 0 < number <= len(planned) else {}


def planned_places(record: TreatmentSession) -> tuple[tuple[int, str], ...]:
    """Which syringe may go into which region at this session: its own region, else every region of the course."""
    places: list[tuple[int, str]] = []
    for number in sorted({product.syringe for product in record.products.all()}) or [1]:
        own = planned_syringe(record, number).get("region")
        places += [(number, region) for region in ([own] if own else record.course.regions)]
    return tuple(places)


def given_plan(record: TreatmentSession) -> Plan:
    """What was really drawn up and where, as a plan: for the last mixture check and for the aftercare. A syringe that
    went into one region alone counts there; one that went into several stays without a region of its own."""
    course = record.course
    areas = list(record.areas.all())
    products = sorted(record.products.all(), key=lambda product: (product.syringe, product.position))
    syringes = []
    for number, lines in groupby(products, key=lambda product: product.syringe):
        own = [area for area in areas if area.syringe == number]
        regions = {area.region for area in own}
        planned = planned_syringe(record, number)
        syringes.append(
            Syringe(
                components=tuple(component_of(line) for line in lines),
                region=regions.pop() if len(regions) == 1 else planned.get("region") or None,
                technique=planned.get("technique") or None,
                points=sum(area.points for area in own) or None,
                depth_mm=max((area.depth_mm for area in own), default=None),
                area_cm2=Decimal(planned["area_cm2"]) if planned.get("area_cm2") else None,
            )
        )
    return Plan(
        indication=course.indication,
        category=course.category,
        regions=tuple(dict.fromkeys(area.region for area in areas)) or tuple(course.regions),
        technique=record.technique,
        delivery=record.delivery,
        syringes=tuple(syringes),
        numbing_cream_g=course.numbing_cream_g,
        numbing_area_cm2=course.numbing_area_cm2,
        antiseptic=course.antiseptic or None,
    )


def with_planned_needle(record: TreatmentSession) -> Plan:
    """What is drawn up, with the planned points and depth as long as none are recorded: it is prepared before."""
    plan = given_plan(record)
    syringes = []
    for number, syringe in enumerate(plan.syringes, start=1):
        planned = planned_syringe(record, number)
        depth = planned.get("depth_mm")
        syringes.append(
            replace(
                syringe,
                points=syringe.points or planned.get("points"),
                depth_mm=syringe.depth_mm if syringe.depth_mm is not None else Decimal(depth) if depth else None,
            )
        )
    return replace(plan, syringes=tuple(syringes))


def same_day_plans(
    *, patient: Patient, on: dt.date, except_course: Course | None = None, except_record: TreatmentSession | None = None
) -> list[Plan]:
    """Everything else this patient gets on that local day: the plans of the appointments that keep their time, and for
    a treatment that has begun what was really drawn up. Each appointment counts, once for each course it gives.

    `except_course`: a plan that is judged in place of this course's. `except_record`: of a session only its own plan is
    left out; another appointment of the same course on that day counts, so that no limit is passed by splitting a day."""
    plans = []
    seen: set[tuple[int, int]] = set()
    if except_record is not None:
        seen.add((except_record.appointment_id, except_record.course_id))
    for appointment, course, record in _treatments_of(patient, on):
        if (except_course is not None and course.pk == except_course.pk) or (appointment.pk, course.pk) in seen:
            continue
        seen.add((appointment.pk, course.pk))
        plans.append(given_plan(record) if record is not None and record.begun_at else plan_of(course))
    return plans


def _treatments_of(
    patient: Patient, on: dt.date
) -> Iterator[tuple[Appointment, Course, TreatmentSession | None]]:
    """Every course that an appointment of that day gives, with the record of its treatment if there is one."""
    noon = dt.datetime.combine(on, dt.time(12), dt.UTC)
    booked = (
        Appointment.objects.for_patient(patient)
        .filter(
            status__in=OCCUPYING, starts_at__gt=noon - A_DAY_AND_MORE, starts_at__lt=noon + A_DAY_AND_MORE
        )
        .select_related("site", "course", "treatment_session__course")
        .prefetch_related(
            "course__items", "fulfilments__planned_session__course__items", "treatment_session__products",
            "treatment_session__areas",
        )
        .order_by("starts_at", "pk")
    )  # fmt: skip
    for appointment in booked:
        if appointment.starts_at.astimezone(appointment.site.zone).date() != on:
            continue
        record = getattr(appointment, "treatment_session", None)
        if record is not None:
            yield appointment, record.course, record
        elif appointment.course is not None:
            yield appointment, appointment.course, None
        for fulfilment in appointment.fulfilments.all():
            if fulfilment.active:
                yield appointment, fulfilment.planned_session.course, None


