"""Stock as deeds: received, held back, taken; the ledger only grows and no lot goes below zero, however many take."""
from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.models import Sum
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import Site, User
from protocols import catalogue
from sessions import stock
from sessions.models import Lot, StockMovement, TreatmentSession, UsedProduct
from tests import factories as make

BOX = {"substance": "sub-ha-nc", "product": "Hydra HA", "maker": "Norvale", "lot_number": "H1",
       "expires_on": dt.date(2099, 1, 1), "strength": Decimal(10), "strength_unit": "mg/ml"}  # fmt: skip


def staff(site: Site) -> Doer:
    return Doer.staff(make.make_user(Role.FRONT_DESK), site)


@pytest.mark.django_db
def test_a_second_delivery_of_a_lot_adds_to_it() -> None:
    site = make.make_site()
    by = staff(site)
    stock.receive(site=site, amount_ml=Decimal(20), by=by, **BOX)
    lot = stock.receive(site=site, amount_ml=Decimal("0.5"), by=by, **BOX)
    lot.refresh_from_db()
    assert lot.balance_ml == Decimal("20.5") == lot.movements.aggregate(sum=Sum("change_ml"))["sum"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"product": "Other"}, {"maker": "Other"}, {"expires_on": dt.date(2098, 1, 1)},
                                    {"strength": Decimal(20)}])  # fmt: skip
def test_the_same_number_on_another_box_is_refused(change: dict[str, Any]) -> None:
    site = make.make_site()
    by = staff(site)
    stock.receive(site=site, amount_ml=Decimal(20), by=by, **BOX)
    with pytest.raises(Refused) as refusal:
        stock.receive(site=site, amount_ml=Decimal(5), by=by, **BOX | change)
    assert refusal.value.field == "lot_number"
    assert Lot.objects.get().balance_ml == Decimal(20)


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [Decimal(0), Decimal("-1")])
def test_nothing_is_not_a_delivery(amount: Decimal) -> None:
    site = make.make_site()
    with pytest.raises(Refused):
        stock.receive(site=site, amount_ml=amount, by=staff(site), **BOX)
    assert not Lot.objects.exists()


@pytest.mark.django_db
def test_a_manager_and_nobody_do_not_change_stock() -> None:
    site = make.make_site()
    with pytest.raises(NotPermitted):
        stock.receive(site=site, amount_ml=Decimal(1), by=Doer.staff(make.make_user(Role.MANAGER), site), **BOX)
    with pytest.raises(Refused):
        stock.receive(site=site, amount_ml=Decimal(1), by=SYSTEM, **BOX)


@pytest.mark.django_db
def test_holding_back_hides_a_lot_from_the_choice_and_a_stale_release_is_told() -> None:
    site = make.make_site()
    by, lot = staff(site), make.make_lot(site)
    stale = Lot.objects.get(pk=lot.pk)
    stock.hold_back(lot=lot, seen_version=lot.version, reason="Recalled by the maker", by=by)
    assert not Lot.objects.usable(site, lot.substance, site.today()).exists()
    with pytest.raises(Stale) as told:
        stock.hold_back(lot=stale, seen_version=stale.version, reason="", by=by)
    assert told.value.theirs[0][1] == "Recalled by the maker"
    assert Lot.objects.get().held_back_reason == "Recalled by the maker"


@pytest.mark.django_db
def test_the_database_itself_refuses_a_negative_balance_and_a_changed_ledger() -> None:
    site = make.make_site()
    lot = stock.receive(site=site, amount_ml=Decimal(2), by=staff(site), **BOX)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.filter(pk=lot.pk).update(balance_ml=Decimal("-0.001"))
    for statement in (
        "UPDATE treatment_sessions_stockmovement SET change_ml = 9",
        "DELETE FROM treatment_sessions_stockmovement",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert StockMovement.objects.get().change_ml == Decimal(2)


def open_record_with(lot: Lot, doctor: User) -> TreatmentSession:
    """A record that drew 1 ml from the lot, straight in the tables."""
    patient = make.make_patient(lot.site)
    course = make.make_course(patient, doctor)
    appointment = make.make_appointment(
        patient, practitioner=make.make_user(), room=make.make_room(lot.site), course=course
    )
    record = TreatmentSession.objects.create(
        appointment=appointment, patient=patient, course=course, catalogue=catalogue.current(), opened_at=timezone.now(),
        opened_by=doctor, practitioner=doctor, technique="tq-papule", delivery="dv-manual",
    )  # fmt: skip
    UsedProduct.objects.create(
        treatment_session=record, patient=patient, position=1, substance=lot.substance, volume_ml=Decimal(1), lot=lot
    )
    return record


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_ten_take_from_one_lot_at_once_and_it_never_goes_below_zero() -> None:
    """4 ml for ten people who want 1 ml each: four get it, six read why not."""
    site = make.make_site()
    doctor, lot = make.make_user(), make.make_lot(site, balance_ml=Decimal(4))
    records = [open_record_with(lot, doctor) for _ in range(10)]
    start, taken, refused = threading.Barrier(10), [], []

    def take(record: TreatmentSession) -> None:
        try:
            start.wait(timeout=20)
            with transaction.atomic():
                stock.take(record=record, by=doctor)
            taken.append(record.pk)
        except Refused as refusal:
            refused.append(refusal.sentence)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=[record]) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    lot.refresh_from_db()
    assert (len(taken), len(refused)) == (4, 6)
    assert lot.balance_ml == 0
    assert set(refused) == {f"Lot {lot.lot_number} holds only 0.000 ml."}
    assert StockMovement.objects.filter(kind="used").count() == 4
