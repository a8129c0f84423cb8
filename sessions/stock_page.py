"""What the stock page shows: each lot with its name, its state in one word, and what is left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from protocols.definitions import Catalogue
from sessions.explaining import name_of
from sessions.models import Lot
from sessions.models.stock import LotQuerySet

SOON_DAYS = 30
MOST_ROWS = 300


@dataclass(frozen=True, slots=True)
class ShownLot:
    lot: Lot
    name: str
    pill: str
    word: str


def shown_lots(lots: LotQuerySet, rules: Catalogue, today: dt.date) -> list[ShownLot]:
    """At most 300 rows; the search finds the rest."""
    return [ShownLot(lot, name_of(lot.substance, rules.substances), *state_of(lot, today)) for lot in lots[:MOST_ROWS]]


def state_of(lot: Lot, today: dt.date) -> tuple[str, str]:
    """Pill kind and word. What must not reach a patient is red."""
    if lot.held_back_reason:
        return "danger", _("Held back")
    if lot.expires_on < today:
        return "danger", _("Expired")
    if lot.balance_ml == 0:
        return "neutral", _("Used up")
    if lot.expires_on <= today + dt.timedelta(days=SOON_DAYS):
        return "caution", _("Ends soon")
    return "ok", _("In date")
