"""Looks are written at once but not waited for; inside somebody's deed they are as durable as the deed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from clinic import access_log
from clinic.choices import AccessCategory
from clinic.models import AccessEvent

QUICKLY = "set_config('synchronous_commit', 'off', true)"


@pytest.fixture
def request_(rf: RequestFactory):
    request = rf.get("/")
    request.user = AnonymousUser()
    return request


def looked(request) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        access_log.note(request, AccessCategory.VIEW)
    assert AccessEvent.objects.count() == 1
    return [query["sql"] for query in asked]


@pytest.mark.django_db(transaction=True)
def test_a_look_does_not_wait_for_the_disk_and_nothing_after_it_is_hurried(request_) -> None:
    before = synchronous()
    (statement,) = looked(request_)  # and it is one, not four
    assert QUICKLY in statement
    assert synchronous() == before


def synchronous() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_deed_that_writes_a_look_is_not_hurried(request_) -> None:
    with transaction.atomic():
        assert not any(QUICKLY in statement for statement in looked(request_))
