"""Where things stand on the dose bar and on the meters, as percentages of their width. Pure.

The hard limit is drawn at 86 % of the dose bar, so that an amount above it still has room to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

LIMIT_AT = Decimal(86)
TRACK_END = Decimal(98)  # the ring of an amount far above the limit stays inside the picture


@dataclass(frozen=True, slots=True)
class DoseBar:
    """Places in per cent of the width; None where the figure is not known."""

    state: str
    value_at: Decimal | None
    limit_at: Decimal | None
    low_at: Decimal | None
    high_at: Decimal | None


def dose_bar(
    *, value: Decimal | None, limit: Decimal | None, typical_low: Decimal | None, typical_high: Decimal | None
) -> DoseBar:
    """All four in one unit. The state is `unknown` when there is no amount, or nothing to judge it by."""
    largest = max((figure for figure in (value, typical_high) if figure is not None), default=Decimal(1)) or Decimal(1)
    whole = limit * 100 / LIMIT_AT if limit else largest * Decimal("1.25")

    def place(figure: Decimal | None) -> Decimal | None:
        if figure is None:
            return None
        return min(max(figure, Decimal(0)) * 100 / whole, TRACK_END).quantize(Decimal("0.01"))

    if value is None or (limit is None and typical_high is None):
        state = "unknown"
    elif limit is not None and value > limit:
        state = "over-limit"
    elif typical_high is not None and value > typical_high:
        state = "above-typical"
    else:
        state = "in-range"
    low = typical_low if typical_low is not None or typical_high is None else Decimal(0)
    return DoseBar(
        state=state,
        value_at=place(value),
        limit_at=place(limit) if limit else None,
        low_at=place(low),
        high_at=place(typical_high),
    )


def meter(*, value: Decimal | None, limit: Decimal | None, warn_from: Decimal | None) -> tuple[str, Decimal]:
    """State and filled part in per cent of a bar that ends at the limit."""
    if value is None or not limit:
        return "unknown", Decimal(0)
    filled = min(max(value, Decimal(0)) * 100 / limit, Decimal(100)).quantize(Decimal("0.01"))
    if value > limit:
        return "over-limit", filled
    if warn_from is not None and value > warn_from:
        return "above-typical", filled
    return "in-range", filled
