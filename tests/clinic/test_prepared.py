"""Queries whose SQL is made once: the same rows as the queryset, one query each time, whatever the values."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import RequestFactory

from clinic import access_log
from clinic.choices import AccessCategory
from clinic.models import AccessEvent, Room, Site
from clinic.prepared import Prepared, PreparedWords, many, one
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_answers_as_the_queryset_does_with_other_values_each_time(django_assert_num_queries: Any) -> None:
    first, second = make.make_site(), make.make_site()
    rooms = [make.make_room(first), make.make_room(first), make.make_room(second)]
    ask = Prepared(lambda: Room.objects.filter(site=one("site"), pk__in=many("rooms")).order_by("pk").values_list("pk", "name"))
    for site in (first, second):
        for wanted in ([], [rooms[0].pk], [room.pk for room in rooms]):
            expected = list(Room.objects.filter(site=site, pk__in=wanted).order_by("pk").values_list("pk", "name"))
            with django_assert_num_queries(1):
                assert ask(site=site.pk, rooms=wanted) == expected


def test_what_was_typed_stays_a_value() -> None:
    site = make.make_site()
    ask = Prepared(lambda: Site.objects.filter(name=one("name", "text")).values_list("pk"))
    assert ask(name=site.name) == [(site.pk,)]
    assert ask(name="x' OR '1'='1") == []
    assert Site.objects.filter(pk=site.pk).exists()


def test_a_value_that_is_missing_is_an_error() -> None:
    ask = Prepared(lambda: Site.objects.filter(pk=one("site")).values_list("pk"))
    with pytest.raises(KeyError):
        ask(place=1)


def test_values_come_as_their_fields_give_them(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    access_log.note(request, AccessCategory.VIEW, detail={"found": [1, "two"]})
    rows = AccessEvent.objects.values_list("detail", "category", "at")
    assert Prepared(lambda: rows.all())() == list(rows)
    assert rows[0][0] == {"found": [1, "two"]}


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_understands_it_anew() -> None:
    site = make.make_site()
    ask = Prepared(lambda: Site.objects.filter(pk=one("site")).values_list("name"))
    assert ask(site=site.pk) == [(site.name,)]
    connection.close()
    assert ask(site=site.pk) == [(site.name,)]


@pytest.mark.django_db(transaction=True)
def test_it_is_still_understood_after_a_transaction_that_was_taken_back() -> None:
    ask = Prepared(lambda: Site.objects.filter(pk=one("site")).values_list("name"))
    transaction.set_autocommit(False)
    ask(site=0)
    transaction.rollback()
    transaction.set_autocommit(True)
    assert ask(site=0) == []


def test_words_of_our_own_are_asked_with_values_of_their_kind(django_assert_num_queries: Any) -> None:
    ask = PreparedWords(
        "SELECT %(name)s || '%%', 1 + (SELECT sum(k) FROM unnest(%(keys)s) k), %(nothing)s IS NULL, %(name)s", named="words",
        name="text", keys="bigint[]", nothing="timestamptz",
    )  # fmt: skip
    with django_assert_num_queries(1):
        assert ask(name="x' OR '1'='1", keys=[2, 3], nothing=None) == [("x' OR '1'='1%", 6, True, "x' OR '1'='1")]
    with pytest.raises(KeyError):
        ask(name="x")
