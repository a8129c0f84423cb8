"""Several questions in one statement: the same rows as one by one, once each, and a mark that changes with any of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory
from psycopg2.extras import DateTimeTZRange

from clinic import access_log
from clinic.choices import AccessCategory
from clinic.models import Absence, AccessEvent, Room, Site, User
from clinic.prepared import Prepared, many, one
from clinic.quick_rows import whole
from clinic.together import together
from sessions.models import CheckIn
from tests import factories as make

pytestmark = pytest.mark.django_db
ROOMS = Prepared(lambda: Room.objects.filter(site=one("site")).order_by("-name", "pk").values_list("pk", "name", "in_service"))
SITES = Prepared(lambda: Site.objects.filter(pk__in=many("sites")).order_by("pk").values_list(*whole(Site).read))
PEOPLE = Prepared(lambda: User.objects.order_by("pk").values_list(*whole(User).read))
AWAY = Prepared(lambda: Absence.objects.order_by("pk").values_list(*whole(Absence).read))
LOOKS = Prepared(lambda: AccessEvent.objects.order_by("pk").values_list("detail", "category", "at", "digest"))
ALL = (ROOMS, SITES, PEOPLE, AWAY, LOOKS)


@pytest.fixture
def site(rf: RequestFactory) -> Site:
    site = make.make_site()
    for name in ("Room 2", 'Room "1", {a}', "Rôom \\ 3", ""):
        make.make_room(site, name=name)
    start = dt.datetime(2026, 3, 12, 8, tzinfo=dt.UTC)
    Absence.objects.create(user=make.make_user(), span=DateTimeTZRange(start, start + dt.timedelta(days=1)), reason="x, y")
    request = rf.get("/")
    request.user = AnonymousUser()
    access_log.note(request, AccessCategory.VIEW, detail={"found": [1, "two"], "none": None})
    return site


def test_every_question_has_the_rows_it_has_by_itself(site: Site, django_assert_num_queries: Any) -> None:
    """Text with quotes and braces, nothing at all, flags, moments, spans, days, bytes and jsonb, in their order."""
    for sites in ([site.pk], []):
        values = {"site": site.pk, "sites": sites}
        alone = {question: question(**{name: values[name] for name in question.made.names}) for question in ALL}
        with django_assert_num_queries(1):
            found = together(*ALL).of(**values).answers()
        assert {question: rows for question, (_mark, rows) in found.items()} == alone
    assert alone[SITES] == []
    assert len(alone[ROOMS]) == 4


def test_what_was_asked_ahead_is_answered_once(site: Site, django_assert_num_queries: Any) -> None:
    asked = together(ROOMS, SITES).of(site=site.pk, sites=[site.pk, 0])
    with asked.ahead():
        with django_assert_num_queries(0):
            assert len(ROOMS(site=site.pk)) == 4
            assert len(SITES(sites=[0, site.pk])) == 1, "the order of keys is no difference"
        make.make_room(site, name="built meanwhile")
        with django_assert_num_queries(1):
            assert len(ROOMS(site=site.pk)) == 5
    with django_assert_num_queries(1):
        assert len(SITES(sites=[site.pk, 0])) == 1, "nothing outlives the block"


def test_other_values_are_asked_for(site: Site, django_assert_num_queries: Any) -> None:
    with together(ROOMS, SITES).of(site=site.pk, sites=[]).ahead(), django_assert_num_queries(2):
        assert ROOMS(site=0) == []
        assert len(SITES(sites=[site.pk])) == 1


def test_nothing_is_known_after_an_error(site: Site, django_assert_num_queries: Any) -> None:
    with pytest.raises(ZeroDivisionError), together(ROOMS).of(site=site.pk).ahead():
        raise ZeroDivisionError
    with django_assert_num_queries(1):
        assert len(ROOMS(site=site.pk)) == 4


def test_a_mark_changes_with_any_row(site: Site, django_assert_num_queries: Any) -> None:
    asked = together(ROOMS, SITES).of(site=site.pk, sites=[site.pk])
    with django_assert_num_queries(1):
        before = asked.mark()
    with asked.ahead(PEOPLE) as mark:
        assert mark == before == asked.mark(), "the same with rows and without, whatever else is asked beside them"
    marks = {before}
    for change in (
        lambda: Room.objects.filter(name="").update(in_service=False),
        lambda: Room.objects.filter(name="").delete(),
        lambda: make.make_room(site, name="new"),
        lambda: Site.objects.filter(pk=site.pk).update(address="Elsewhere"),
    ):
        change()
        assert asked.mark() not in marks
        marks.add(asked.mark())
    Room.objects.exclude(site=site).update(name="of another site")
    assert asked.mark() in marks


def test_a_value_that_is_missing_is_an_error(site: Site) -> None:
    with pytest.raises(KeyError):
        together(ROOMS, SITES).of(site=site.pk).answers()


def test_one_inside_another_knows_both(site: Site, django_assert_num_queries: Any) -> None:
    with together(ROOMS).of(site=site.pk).ahead(), together(SITES).of(sites=[site.pk]).ahead(), django_assert_num_queries(0):
        assert len(ROOMS(site=site.pk)) == 4
        assert len(SITES(sites=[site.pk])) == 1


def test_what_was_used_up_inside_is_asked_again_outside(site: Site, django_assert_num_queries: Any) -> None:
    with together(ROOMS, SITES).of(site=site.pk, sites=[site.pk]).ahead():
        with together(PEOPLE).of().ahead():
            assert len(ROOMS(site=site.pk)) == 4
            make.make_room(site, name="built meanwhile")
        with django_assert_num_queries(1):
            assert len(ROOMS(site=site.pk)) == 5
        with together(SITES).of(sites=[site.pk]).ahead():
            Site.objects.filter(pk=site.pk).update(address="Elsewhere")
        with django_assert_num_queries(1):
            assert "Elsewhere" in SITES(sites=[site.pk])[0]


def test_a_question_that_reads_lists_is_refused(site: Site) -> None:
    """Two rows with lists of different length make no array: better an error for every row than for some."""
    lists = Prepared(lambda: CheckIn.objects.values_list("pk", "codes"))
    with pytest.raises(TypeError, match="by itself"):
        together(ROOMS, lists).of(site=site.pk).answers()


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_understands_it_anew(site: Site) -> None:
    asked = together(ROOMS, SITES).of(site=site.pk, sites=[site.pk])
    before = asked.mark()
    connection.close()
    assert asked.mark() == before
    assert len(asked.answers()[ROOMS][1]) == 4
