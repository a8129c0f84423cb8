"""Stock: receive lots, hold them back, take what a treatment used. The ledger only grows; no lot goes below zero."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site, User
from clinic.permissions import check_may
from sessions.choices import MovementKind
from sessions.models import Lot, StockMovement, TreatmentSession


@transaction.atomic
def receive(
    *, site: Site, substance: str, product: str, maker: str, lot_number: str, expires_on: dt.date, amount_ml: Decimal,
    by: Doer, strength: Decimal | None = None, strength_unit: str = "", preservative_free: bool = False,
) -> Lot:  # fmt: skip
    """A delivery: a new lot, or more of a known one (then product, maker and expiry must be the same)."""
    user = _staff(by, site)
    if amount_ml <= 0:
        raise Refused(_("The amount must be above zero."), field="amount_ml")
    lot = Lot.objects.select_for_update().filter(site=site, substance=substance, lot_number=lot_number).first()
    if lot is None:
        lot = Lot.objects.create(
            site=site, substance=substance, product=product, maker=maker, lot_number=lot_number, expires_on=expires_on,
            strength=strength, strength_unit=strength_unit, preservative_free=preservative_free,
        )  # fmt: skip
    elif (lot.product, lot.maker, lot.expires_on, lot.strength) != (product, maker, expires_on, strength):
        raise Refused(_("This lot is known with another product, maker, strength or expiry."), field="lot_number")
    _move(lot=lot, kind=MovementKind.RECEIVED, change_ml=amount_ml, user=user)
    audit.record(by=by, action="lot-received", sentence=f"received lot {lot_number}", of=lot, site=site,
                 detail={"ml": amount_ml})  # fmt: skip
    return lot


@transaction.atomic
def hold_back(*, lot: Lot, seen_version: int, reason: str, by: Doer) -> Lot:
    """Recall or quarantine: nobody can choose this lot any more. An empty reason releases it."""
    _staff(by, lot.site)
    lot.held_back_reason = reason.strip()[:200]
    if not lot.save_if_unchanged(seen=seen_version, fields=["held_back_reason"]):
        raise Stale(
            _("This lot was changed meanwhile. Look at it again."),
            theirs=[(_("Why is it held back?"), Lot.objects.only("held_back_reason").get(pk=lot.pk).held_back_reason)],
        )
    action, sentence = ("lot-held-back", "held back") if lot.held_back_reason else ("lot-released", "released")
    audit.record(by=by, action=action, sentence=f"{sentence} lot {lot.lot_number}", of=lot, site=lot.site,
                 detail={"reason": lot.held_back_reason})  # fmt: skip
    return lot


def take(*, record: TreatmentSession, by: User) -> None:
    """Take what the record drew up from its lots, in the caller's transaction. Lots are locked in one fixed order.

    Raises `Refused` when a lot has run out, expired or was held back meanwhile."""
    products = [(product, product.lot_id) for product in record.products.all() if product.lot_id is not None]
    lots = {lot.pk: lot for lot in Lot.objects.select_for_update().filter(
        pk__in=[lot_id for _product, lot_id in products]).order_by("pk")}  # fmt: skip
    today = record.appointment.site.today()
    for product, lot_id in products:
        lot = lots[lot_id]
        if lot.expires_on < today:
            raise Refused(_("Lot %(lot)s has expired.") % {"lot": lot.lot_number})
        if lot.held_back_reason:
            raise Refused(_("Lot %(lot)s is held back: %(why)s") % {"lot": lot.lot_number, "why": lot.held_back_reason})
        if lot.balance_ml < product.volume_ml:
            raise Refused(_("Lot %(lot)s holds only %(ml)s ml.") % {"lot": lot.lot_number, "ml": f"{lot.balance_ml:f}"})
        _move(lot=lot, kind=MovementKind.USED, change_ml=-product.volume_ml, user=by, record=record)
        lot.balance_ml -= product.volume_ml


def give_back(*, record: TreatmentSession, by: User, reason: str) -> None:
    """What the record took goes back to its lots, in the caller's transaction. The ledger keeps both lines."""
    taken: dict[int, Decimal] = {}
    lines = StockMovement.objects.filter(treatment_session_public_id=record.public_id)
    for lot_id, change_ml in lines.values_list("lot", "change_ml"):
        taken[lot_id] = taken.get(lot_id, Decimal(0)) - change_ml
    for lot in Lot.objects.select_for_update().filter(pk__in=taken).order_by("pk"):
        if taken[lot.pk]:
            _move(
                lot=lot, kind=MovementKind.CORRECTED, change_ml=taken[lot.pk], user=by, record=record, reason=reason[:200]
            )


def _move(
    *,
    lot: Lot,
    kind: str,
    change_ml: Decimal,
    user: User | None,
    record: TreatmentSession | None = None,
    reason: str = "",
) -> None:
    StockMovement.objects.create(
        lot=lot, kind=kind, change_ml=change_ml, at=timezone.now(), by=user, reason=reason,
        treatment_session_public_id=record.public_id if record else "",
    )  # fmt: skip
    Lot.objects.filter(pk=lot.pk).update(balance_ml=F("balance_ml") + change_ml, version=F("version") + 1)


def _staff(by: Doer, site: Site) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.CHANGE_STOCK, site)
    return by.user
