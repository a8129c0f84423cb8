"""What was drawn up, injected and left over: the four figures that must agree, and the plan they make together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sessions.models import Lot, TreatmentSession


@dataclass(frozen=True, slots=True)
class ProductLine:
    """One component as drawn up: the record's line by `position`, the volume in ml and the lot it came from."""

    position: int
    volume_ml: Decimal
    lot: Lot | None


@dataclass(frozen=True, slots=True)
class AreaLine:
    """Points in one region: `points` x `ml_per_point` at `depth_mm`."""

    region: str
    points: int
    ml_per_point: Decimal
    depth_mm: Decimal
    syringe: int = 1

    @property
    def ml(self) -> Decimal:
        return self.points * self.ml_per_point


@dataclass(frozen=True, slots=True)
class Amounts:
    """The four figures that must agree, in ml: injected + wasted = drawn up = taken from lots. `per_point_ml` is None
    while no point is entered or regions differ."""

    points: int
    injected_ml: Decimal
    wasted_ml: Decimal
    drawn_up_ml: Decimal
    lots_ml: Decimal
    per_point_ml: Decimal | None = None

    @property
    def difference_ml(self) -> Decimal:
        return self.drawn_up_ml - self.injected_ml - self.wasted_ml

    @property
    def agrees(self) -> bool:
        return self.points > 0 and self.difference_ml == 0 and self.lots_ml == self.drawn_up_ml


def amounts_of(record: TreatmentSession) -> Amounts:
    products = list(record.products.all())
    areas = list(record.areas.all())
    return Amounts(
        points=sum(area.points for area in areas),
        per_point_ml=areas[0].ml_per_point if len({area.ml_per_point for area in areas}) == 1 else None,
        injected_ml=sum((area.points * area.ml_per_point for area in areas), Decimal(0)),
        wasted_ml=record.wasted_ml or Decimal(0),
        drawn_up_ml=sum((product.volume_ml for product in products), Decimal(0)),
        lots_ml=sum((product.volume_ml for product in products if product.lot_id), Decimal(0)),
    )
