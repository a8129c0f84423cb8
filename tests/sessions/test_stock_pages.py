"""The stock page: lots with their state in words, receiving, holding back; bad input, roles, double clicks."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.models import Site, User
from sessions.models import Lot, StockMovement
from tests import factories as make
from tests.sessions.careday import HARMLESS_TEXT, MORNING, THURSDAY, hidden_of, send

pytestmark = pytest.mark.django_db

GOOD = {
    "substance": "sub-ha-nc", "product": "Hydra HA", "maker": "Norvale", "lot_number": "H1", "expires_on": "2027-01-31",
    "strength": "10", "amount_ml": "20",
}  # fmt: skip


@pytest.fixture
def site(at: Any) -> Site:
    at(MORNING)
    return make.make_site(name="Marylebone")


@pytest.fixture
def desk(site: Site, client: Client) -> User:
    user = make.make_user(Role.FRONT_DESK)
    make.signed_in(client, user)
    return user


def test_an_empty_stock_offers_to_receive(client: Client, desk: User) -> None:
    page = client.get(reverse("stock")).content.decode()
    assert "No lot found" in page
    assert reverse("stock-receive") in page


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"expires_on": THURSDAY}, "Ends soon"),
        ({"expires_on": THURSDAY + dt.timedelta(days=30)}, "Ends soon"),
        ({"expires_on": THURSDAY + dt.timedelta(days=31)}, "In date"),
        ({"expires_on": THURSDAY - dt.timedelta(days=1)}, "Expired"),
        ({"balance_ml": 0}, "Used up"),
        ({"held_back_reason": "Recalled by the maker"}, "Held back"),
    ],
)
def test_a_lot_says_its_state_in_a_word(client: Client, site: Site, desk: User, fields: dict[str, Any], word: str) -> None:
    make.make_lot(site, **fields)
    assert word in client.get(reverse("stock")).content.decode()


def test_only_lots_of_this_site_are_listed_and_found(client: Client, site: Site, desk: User) -> None:
    here, there = make.make_lot(site), make.make_lot(make.make_site())
    page = client.get(reverse("stock")).content.decode()
    assert here.lot_number in page
    assert f">{there.lot_number}<" not in page
    assert here.lot_number in client.get(reverse("stock") + "?q=norv").content.decode()
    for nothing in ("zzz", "%00", "\u202e", "'; DROP TABLE", "x" * 5000):
        assert "No lot found" in client.get(reverse("stock"), {"q": nothing}).content.decode()
    assert client.get(reverse("stock-hold-back", args=[there.public_id])).status_code == 404


def test_a_lot_is_received_once_however_often_it_is_pressed(client: Client, desk: User) -> None:
    values = {**hidden_of(client.get(reverse("stock-receive")).content.decode()), **GOOD}
    first, second = (client.post(reverse("stock-receive"), values) for _ in range(2))
    assert first.url == second.url == reverse("stock")
    assert Lot.objects.get().balance_ml == Decimal(20)
    assert StockMovement.objects.count() == 1


BAD = [
    ("substance", ""), ("substance", "sub-invented"), ("substance", "\x00"), ("product", ""), ("product", "x" * 121),
    ("product", "a\x00b"), ("product", "a\u202eb"), ("maker", "  "), ("maker", "x" * 121), ("lot_number", ""),
    ("lot_number", "x" * 41), ("lot_number", "a\u2066b"), ("lot_number", "a\nb"), ("expires_on", ""),
    ("expires_on", "2027-02-30"), ("expires_on", "0000-01-01"), ("expires_on", "soon"), ("expires_on", "99999-01-01"),
    ("strength", ""), ("strength", "-1"), ("strength", "0"), ("strength", "strong"), ("strength", "NaN"),
    ("strength", "1e99"), ("amount_ml", ""), ("amount_ml", "0"), ("amount_ml", "-5"), ("amount_ml", "100001"),
    ("amount_ml", "1.2345"), ("amount_ml", "Infinity"), ("amount_ml", "a lot"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_is_refused_beside_its_field(client: Client, desk: User, field: str, value: str) -> None:
    answer = send(client, reverse("stock-receive"), GOOD, **{field: value})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert field in form.errors
    assert form[field].value() == value
    assert form["maker"].value() == (value if field == "maker" else "Norvale")
    assert not Lot.objects.exists()


@pytest.mark.parametrize("text", HARMLESS_TEXT)
def test_markup_on_a_box_stays_text(client: Client, desk: User, text: str) -> None:
    assert send(client, reverse("stock-receive"), GOOD, product=text).status_code == 302
    assert Lot.objects.get().product == text
    assert "<script>alert" not in client.get(reverse("stock")).content.decode()


def test_holding_back_and_releasing(client: Client, site: Site, desk: User) -> None:
    lot = make.make_lot(site)
    address = reverse("stock-hold-back", args=[lot.public_id])
    assert send(client, address, {"reason": "Cold chain broken"}).status_code == 302
    assert "Cold chain broken" in client.get(reverse("stock")).content.decode()
    assert send(client, address, {"reason": ""}).status_code == 302
    lot.refresh_from_db()
    assert lot.held_back_reason == ""


@pytest.mark.parametrize("value", ["x" * 201, "a\x00b", "a\u202eb"])
def test_a_reason_that_cannot_be_read_is_refused(client: Client, site: Site, desk: User, value: str) -> None:
    lot = make.make_lot(site)
    answer = send(client, reverse("stock-hold-back", args=[lot.public_id]), {"reason": value})
    assert answer.status_code == 422
    assert answer.context["form"]["reason"].value() == value
    lot.refresh_from_db()
    assert lot.held_back_reason == ""


def test_a_stale_release_shows_what_somebody_else_wrote(client: Client, site: Site, desk: User) -> None:
    lot = make.make_lot(site)
    address = reverse("stock-hold-back", args=[lot.public_id])
    values = hidden_of(client.get(address).content.decode())
    send(client, address, {"reason": "Recalled by the maker"})
    answer = client.post(address, values | {"reason": ""})
    assert answer.status_code == 409
    assert "Recalled by the maker" in answer.content.decode()
    lot.refresh_from_db()
    assert lot.held_back_reason == "Recalled by the maker"


def test_a_manager_sees_and_does_not_change(client: Client, site: Site) -> None:
    make.signed_in(client, make.make_user(Role.MANAGER))
    page = client.get(reverse("stock"))
    assert page.status_code == 200
    assert reverse("stock-receive") not in page.content.decode()
    assert client.get(reverse("stock-receive")).status_code == 403
    assert client.post(reverse("stock-receive"), GOOD).status_code == 403
