"""Waiting in vain for a row that somebody else is saving ends with a sentence, whatever the page's shape."""

from __future__ import annotations

import psycopg2.errors
import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from clinic.middleware import RefusalMiddleware
from tests import factories


def raised(cause: type[psycopg2.Error]) -> OperationalError:
    error = OperationalError("the database says so")
    error.__cause__ = cause()
    return error


@pytest.mark.django_db
def test_a_page_that_waited_in_vain_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.make_site()
    desk = factories.signed_in(Client(), factories.make_user("front-desk"))

    def wait_in_vain(*_args: object, **_more: object) -> None:
        error = OperationalError("canceling statement due to lock timeout")
        error.__cause__ = LockTimeout()
        raise error

    monkeypatch.setattr("sessions.views.board.board_of", wait_in_vain)
    answer = desk.get("/")
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.content.decode()


class LockTimeout(psycopg2.errors.LockNotAvailable):
    pgcode = "55P03"


def test_another_trouble_of_the_database_is_not_taken_for_it() -> None:
    middleware = RefusalMiddleware(lambda request: None)
    assert middleware.process_exception(RequestFactory().get("/"), raised(psycopg2.errors.DiskFull)) is None
