"""What is meant to be given: the input of screening, mixture check, planner and aftercare.

Pure: values in, values out, no Django. Codes are those of the catalogue (`ind-`, `reg-`, `tq-`, `dv-`, `sub-`).
Amounts are `Decimal` with the unit in the name.
"""
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Component:
    """One substance in one syringe. `strength` is per ml in `strength_unit` ("mg/ml", "U/ml", "IU/ml"); None for
    ready products and diluents that are dosed in ml."""

    substance: str
    volume_ml: Decimal
    strength: Decimal | None = None
    strength_unit: str = "mg/ml"
    preservative_free: bool = False


@dataclass(frozen=True, slots=True)
class Syringe:
    """One mix drawn up together. `region` is None while the plan has a single region list; `points`, `depth_mm` and
    `area_cm2`, the skin it is spread over, stay None until they are known and are not judged before. `stated_total_ml` is
    what somebody wrote as the total."""

    components: tuple[Component, ...]
    region: str | None = None
    technique: str | None = None
    points: int | None = None
    depth_mm: Decimal | None = None
    area_cm2: Decimal | None = None
    stated_total_ml: Decimal | None = None

    @property
    def volume_ml(self) -> Decimal:
        return sum((component.volume_ml for component in self.components), Decimal(0))


@dataclass(frozen=True, slots=True)
class Plan:
    """Indication with its category, regions, technique, delivery, syringes, numbing cream, antiseptic."""

    indication: str
    category: str
    regions: tuple[str, ...]
    technique: str
    delivery: str = "dv-manual"
    syringes: tuple[Syringe, ...] = ()
    numbing_cream_g: Decimal | None = None
    numbing_area_cm2: Decimal | None = None
    antiseptic: str | None = None

    @property
    def substances(self) -> frozenset[str]:
        found = {component.substance for syringe in self.syringes for component in syringe.components}
        if self.numbing_cream_g:
            found.add("sub-la-cream")
        return frozenset(found)
