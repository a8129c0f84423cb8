"""Queries whose SQL is made once: the same rows as the queryset, one query each time, whatever the values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DataError, IntegrityError, connection, transaction
from django.test import RequestFactory

from clinic import access_log
from clinic.choices import AccessCategory
from clinic.doer import SYSTEM, Doer
from clinic.models import AccessEvent, AuditEvent, Room, Site
from clinic.prepared import Prepared, PreparedRecords, PreparedRows, PreparedWords, many, one
from patients import links
from patients.labels import LinkPurpose
from patients.models import PatientLink
from sessions.models import Appointment
from tests import factories as make
from tests.sessions.clinicday import make_clinic_day

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


class TestRecords:
    ASK = PreparedRecords(
        lambda: Appointment.objects.filter(pk__in=many("keys")), "patient", "site", "course", "service", "device",
        without={"patient__phone", "note"},
    )  # fmt: skip
    PATHS = ("patient", "site", "course", "service", "device")

    def test_are_those_that_select_related_reads(self, django_assert_num_queries: Any) -> None:
        day = make_clinic_day()
        course = make.make_course(make.make_patient(day.site), day.doctor, site=day.site)
        visits = [
            make.make_appointment(
                course.patient if number else make.make_patient(day.site), practitioner=day.doctor, room=day.room,
                service=day.consultation, starts_at=dt.datetime(2026, 3, 12 + number, 9, tzinfo=dt.UTC),
                **({"course": course} if number else {}),
            )
            for number in range(3)
        ]  # fmt: skip
        theirs = Appointment.objects.select_related(*self.PATHS).in_bulk([visit.pk for visit in visits])
        with django_assert_num_queries(1):
            ours = {visit.pk: visit for visit in self.ASK(keys=[visit.pk for visit in visits])}
            for key, visit in theirs.items():
                assert self.values(ours[key], {"note"}) == self.values(visit, {"note"})
                for path in self.PATHS:
                    assert self.values(getattr(ours[key], path), {"phone"}) == self.values(getattr(visit, path), {"phone"})
        assert ours[visits[1].pk].course is ours[visits[2].pk].course
        assert len({id(visit.site) for visit in ours.values()}) == 1
        for key, visit in theirs.items():  # what was left out is asked for when it is wanted
            assert (ours[key].note, ours[key].patient.phone) == (visit.note, visit.patient.phone)

    def values(self, record: Any, without: set[str]) -> dict[str, Any] | None:
        if record is None:
            return None
        return {one.attname: getattr(record, one.attname) for one in record._meta.concrete_fields if one.attname not in without}

    def test_none_for_none(self) -> None:
        assert self.ASK(keys=[]) == []


class TestRows:
    """New rows written with one statement are those that are written one by one."""

    def test_are_the_rows_that_a_save_writes(self, django_assert_num_queries: Any, at: Any) -> None:
        at("2026-03-12T09:00:00.123456+00:00")
        site = make.make_site()
        patient, until = make.make_patient(site), dt.datetime(2026, 10, 25, 2, 30, tzinfo=dt.UTC)
        common: dict[str, Any] = {"patient": patient, "site": site, "expires_at": until}
        staff = Doer.staff(make.make_user())
        for by in (SYSTEM, staff):
            links.issue(**common, purpose=LinkPurpose.PRIVACY, by=by, subject=patient)
        with links.collected() as issued:
            for by in (SYSTEM, staff):
                links.issue(**common, purpose=LinkPurpose.PRIVACY, by=by, subject=patient)
        with django_assert_num_queries(4):  # two statements, and the savepoint around them
            links.write(issued)
        new = {"id", "public_id", "token_hash"}
        for model, apart in ((PatientLink, new), (AuditEvent, {"id", "object_public_id", "digest"})):
            rows = [{name: value for name, value in row.items() if name not in apart} for row in self.all_of(model)]
            assert rows[2:] == rows[:2]
        ids = {one.link.public_id for one in issued}
        assert ids == set(PatientLink.objects.order_by("-pk").values_list("public_id", flat=True)[:2])
        assert {bytes(one.link.token_hash) for one in issued} == {
            bytes(token) for token in PatientLink.objects.filter(public_id__in=ids).values_list("token_hash", flat=True)
        }

    def all_of(self, model: Any) -> list[dict[str, Any]]:
        return list(model.objects.filter(**self.linked(model)).order_by("pk").values())

    def linked(self, model: Any) -> dict[str, Any]:
        return {"action": "link-issued"} if model is AuditEvent else {}

    def test_none_is_no_statement(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            PreparedRows(Room).insert([])

    def test_what_the_table_refuses_is_refused(self) -> None:
        site = make.make_site()
        room = make.make_room(site)
        rows = PreparedRows(Room)
        with pytest.raises(DataError), transaction.atomic():
            rows.insert([Room(site=site, name="x" * 500)])
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.insert([Room(name="nowhere")])
        assert list(Room.objects.all()) == [room]

    def test_hostile_words_stay_words(self) -> None:
        site, hostile = make.make_site(), "'); DROP TABLE x; -- \\ \" %s {\u2028}"
        PreparedRows(Room).insert([Room(site=site, name=hostile)])
        assert Room.objects.get(site=site).name == hostile

    def test_a_value_of_a_kind_it_does_not_know_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="say how"):
            PreparedRows(Room).insert([Room(site=make.make_site(), name=object())])  # type: ignore[misc]
