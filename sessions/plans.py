"""A course's stored rows as the pure `Plan` that screening, mixture check and aftercare understand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from protocols.plan import Component, Plan, Syringe
from sessions.models import Course, CourseItem, TreatmentSession


def syringes_of(items: Iterable[CourseItem], *, points: int | None, depth_mm: Decimal | None) -> tuple[Syringe, ...]:
    ordered = sorted(items, key=lambda item: (item.syringe, item.position))
    return tuple(
        Syringe(
            components=tuple(
                Component(
                    substance=item.substance,
                    volume_ml=item.volume_ml,
                    strength=item.strength,
                    strength_unit=item.strength_unit or "mg/ml",
                )
                for item in lines
            ),
            points=points,
            depth_mm=depth_mm,
        )
        for _number, lines in groupby(ordered, key=lambda item: item.syringe)
    )


def plan_of(course: Course) -> Plan:
    """The plan as approved. Two queries unless the items are prefetched: none."""
    return Plan(
        indication=course.indication,
        category=course.category,
        regions=tuple(course.regions),
        technique=course.technique,
        delivery=course.delivery,
        syringes=syringes_of(course.items.all(), points=course.points, depth_mm=course.depth_mm),
        numbing_cream_g=course.numbing_cream_g,
        antiseptic=course.antiseptic or None,
    )


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
        "syringes": [
            {
                "points": syringe.points,
                "depth_mm": str(syringe.depth_mm) if syringe.depth_mm is not None else None,
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


def given_plan(record: TreatmentSession) -> Plan:
    """What was really drawn up and where, as a plan: for the last mixture check and for the aftercare."""
    course = record.course
    areas = list(record.areas.all())
    products = sorted(record.products.all(), key=lambda product: (product.syringe, product.position))
    syringes = []
    for number, lines in groupby(products, key=lambda product: product.syringe):
        own = [area for area in areas if area.syringe == number]
        syringes.append(
            Syringe(
                components=tuple(
                    Component(
                        substance=line.substance,
                        volume_ml=line.volume_ml,
                        strength=line.strength,
                        strength_unit=line.strength_unit or "mg/ml",
                    )
                    for line in lines
                ),
                points=sum(area.points for area in own) or None,
                depth_mm=max((area.depth_mm for area in own), default=None),
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
        antiseptic=course.antiseptic or None,
    )
