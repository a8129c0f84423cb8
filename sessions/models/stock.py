"""Lots and their movements. The balance is kept on the lot under a row lock and never goes below zero."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from clinic.models import PublicId, Site, User, Versioned
from sessions.choices import MovementKind


class LotQuerySet(models.QuerySet["Lot"]):
    def usable(self, site: Site, substance: str, on: dt.date) -> Self:
        """In date, not held back, something left; nearest expiry first."""
        return self.filter(
            site=site, substance=substance, expires_on__gte=on, held_back_reason="", balance_ml__gt=0
        ).order_by("expires_on", "lot_number")

    def matching(self, typed: str) -> Self:
        """The words stand somewhere in product, maker or lot number; all lots for no words."""
        if not typed:
            return self
        return self.filter(Q(product__icontains=typed) | Q(maker__icontains=typed) | Q(lot_number__icontains=typed))


@pghistory.track()
class Lot(PublicId, Versioned):
    """One lot of one product at one site. `strength` is per ml; amounts are counted in ml."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="lots")
    substance = models.CharField(max_length=60)
    product = models.CharField(max_length=120)
    maker = models.CharField(max_length=120)
    lot_number = models.CharField(max_length=40)
    strength = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    strength_unit = models.CharField(max_length=12, blank=True)
    preservative_free = models.BooleanField(default=False)
    expires_on = models.DateField()
    balance_ml = models.DecimalField(max_digits=9, decimal_places=3, default=0)
    held_back_reason = models.CharField(max_length=200, blank=True, help_text="Recalled or quarantined, and why")

    objects: ClassVar[Any] = LotQuerySet.as_manager()

    class Meta:
        ordering = ["substance", "expires_on"]
        constraints = [
            models.UniqueConstraint(fields=["site", "substance", "lot_number"], name="lot_number_once"),
            models.UniqueConstraint(fields=["id", "site"], name="lot_id_site"),
            models.CheckConstraint(condition=Q(balance_ml__gte=0), name="lot_never_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.lot_number}"


class StockMovement(models.Model):
    """A line of the ledger; the app role may only add lines. The balance of a lot is the sum of its lines."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=MovementKind)
    change_ml = models.DecimalField(max_digits=9, decimal_places=3)
    treatment_session_public_id = models.CharField(max_length=22, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(change_ml=0), name="movement_not_zero")]
        triggers = [pgtrigger.Protect(name="movement_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.kind} {self.change_ml} ml of {self.lot}"
