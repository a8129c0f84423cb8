"""Finding patients: any part of anything, accents aside, within the limits of a role, in few queries."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.choices import AccessCategory, Role
from clinic.models import AccessEvent, Site
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return factories.make_site()


@pytest.fixture
def sukru(site: Site) -> Any:
    return factories.make_patient(
        site, given_name="Şükrü", family_name="IŞIK", phone="+905321112233", email="sukru.isik@example.org",
        birth_date=dt.date(1984, 8, 9), record_number="MC-20417",
    )  # fmt: skip


@pytest.fixture
def desk(site: Site, client: Client) -> Client:
    return factories.signed_in(client, factories.make_user(Role.FRONT_DESK))


@pytest.mark.parametrize(
    "typed",
    [
        "şükrü", "sukru", "ışık", "ISIK", "kru", "isik suk", "532 111", "+90 532", "2233", "sukru.isik@",
        "1984-08-09", "09.08.1984", "09/08/1984", "1984", "mc-20417", "20417",
    ],
)  # fmt: skip
def test_any_part_finds(desk: Client, sukru: Any, typed: str) -> None:
    factories.make_patient(given_name="Zoe", family_name="Kirk", birth_date=dt.date(1990, 1, 2), phone="+390655551")
    assert suggested(desk, typed) == [sukru.public_id]


def suggested(client: Client, typed: str) -> list[str]:
    return [one.public_id for one in client.get(reverse("patient-search"), {"q": typed}).context["found"]]


INSIDE = "one more letter also looks inside names"


@pytest.mark.parametrize("typed", ["şü", "SU", "ı", "is", "53", "09", "su is", "05"])
def test_one_or_two_letters_find_what_begins_with_them_and_say_so(desk: Client, sukru: Any, typed: str) -> None:
    factories.make_patient(given_name="Zoe", family_name="Kirk", birth_date=dt.date(1990, 1, 2), phone="+390655551")
    for page in ("patient-search", "patients"):
        answer = desk.get(reverse(page), {"q": typed})
        found = [one.public_id for one in answer.context["found" if page == "patient-search" else "page"]]
        assert found == ([] if typed in {"53", "05"} else [sukru.public_id]), "a phone begins with its country"
        assert INSIDE in answer.content.decode()


def test_a_third_letter_looks_inside_and_short_words_beside_a_long_one_do_too(desk: Client, sukru: Any) -> None:
    for typed, finds in (("kr", False), ("kru", True), ("kr isik", True), ("kr ik", False)):
        answer = desk.get(reverse("patient-search"), {"q": typed})
        assert [one.public_id for one in answer.context["found"]] == ([sukru.public_id] if finds else []), typed
        assert (INSIDE in answer.content.decode()) is (typed in {"kr", "kr ik"}), typed


def test_while_typing_only_the_fragment_is_sent(desk: Client, sukru: Any) -> None:
    suggested = desk.get(reverse("patient-search"), {"q": "suk"}, headers={"HX-Request": "true"}).content.decode()
    assert "Şükrü IŞIK" in suggested
    assert "<html" not in suggested
    headers = {"HX-Request": "true", "HX-Target": "patient-rows"}
    rows = desk.get(reverse("patients"), {"q": "suk"}, headers=headers).content.decode()
    assert "MC-20417" in rows
    assert "<html" not in rows


@pytest.mark.parametrize("typed", ["", "   ", "%", "_", "\x00", "' OR 1=1 --", "<b>", "x" * 5000, "\u202e", "+", "()"])
def test_nothing_typed_and_nonsense_find_nobody(desk: Client, sukru: Any, typed: str) -> None:
    answer = desk.get(reverse("patient-search"), {"q": typed})
    assert answer.status_code == 200
    assert list(answer.context["found"]) == []


def test_the_list_filters_sorts_and_pages(desk: Client, site: Site) -> None:
    other = factories.make_site()
    for number in range(30):
        factories.make_patient(site, language="tr" if number % 2 else "en")
    factories.make_patient(other, family_name="Aaaa")
    url = reverse("patients")
    assert len(desk.get(url).context["page"]) == 25
    assert desk.get(url).context["page"][0].family_name == "Aaaa"
    assert desk.get(url, {"language": "tr"}).context["page"].paginator.count == 15
    assert desk.get(url, {"where": "here"}).context["page"].paginator.count in {30, 1}
    assert desk.get(url, {"page": "2"}).context["page"].number == 2
    for nonsense in ({"page": "x"}, {"page": "-3"}, {"page": "9" * 40}, {"sort": "drop"}, {"language": "\x00"}):
        assert desk.get(url, nonsense).status_code == 200


def test_the_empty_list_offers_the_first_registration(desk: Client) -> None:
    html = desk.get(reverse("patients")).content.decode()
    assert "No patient yet" in html
    assert reverse("patient-new") in html
    assert "Nobody fits" in desk.get(reverse("patients"), {"q": "nobody"}).content.decode()


def test_a_manager_sees_but_is_not_offered_to_register(client: Client, site: Site) -> None:
    factories.signed_in(client, factories.make_user(Role.MANAGER))
    assert reverse("patient-new") not in client.get(reverse("patients")).content.decode()


def test_a_limited_role_sees_others_as_name_and_year_only(client: Client, sukru: Any) -> None:
    own = factories.make_site()
    mine = factories.make_patient(own, given_name="Şükran", family_name="Ak")
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK, site=own))
    answer = client.get(reverse("patient-search"), {"q": "şük"})
    assert [one.public_id for one in answer.context["found"]] == [mine.public_id]
    assert [(one.name, one.birth_year) for one in answer.context["elsewhere"]] == [("Şükrü IŞIK", 1984)]
    html = answer.content.decode()
    assert sukru.email not in html
    assert sukru.record_number not in html
    assert reverse("patient-open", args=[sukru.public_id]) in html


@pytest.mark.parametrize("typed", ["532", "sukru.isik@", "example", "08-09", "20417", "şü"])
def test_a_limited_role_cannot_feel_for_phone_or_mail_of_others(client: Client, sukru: Any, typed: str) -> None:
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK, site=factories.make_site()))
    answer = client.get(reverse("patients"), {"q": typed})
    assert answer.context["elsewhere"] == []
    assert "IŞIK" not in answer.content.decode()


def test_a_search_is_logged_without_what_was_typed(desk: Client, sukru: Any) -> None:
    desk.get(reverse("patient-search"), {"q": "şükrü"})
    row = AccessEvent.objects.get(category=AccessCategory.SEARCH)
    assert row.detail == {"found": 1, "letters": 5}


@pytest.mark.parametrize(("name", "count"), [("patients", 7), ("patient-search", 6)])
def test_queries_are_the_same_however_many_patients(desk: Client, site: Site, name: str, count: int) -> None:
    counts = []
    for _round in range(2):
        for _number in range(8):
            factories.make_patient(site)
        desk.get(reverse(name), {"q": "rahman"})
        with CaptureQueriesContext(connection) as queries:
            desk.get(reverse(name), {"q": "rahman"})
        counts.append(len(queries))
    assert counts == [count, count]
