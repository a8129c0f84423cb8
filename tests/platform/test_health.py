"""/live/ and /ready/ say yes or no to anybody and nothing more."""
from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connections
from django.test import Client

from clinic.views import health


def test_live_answers_without_touching_the_database(client: Client) -> None:
    # No database mark: a query would fail this test.
    answer = client.get("/live/")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_ready_when_the_database_holds_every_migration(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    answer = client.get("/ready/")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connections["default"].cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")  # as if nothing had been migrated
        answer = client.get("/ready/")
    assert (answer.status_code, answer.content) == (503, b"not ready")


@pytest.mark.django_db
def test_not_ready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused by 10.0.0.5")

    monkeypatch.setattr(connections["default"], "cursor", refuse)
    answer = client.get("/ready/")
    assert (answer.status_code, answer.content) == (503, b"not ready")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/live/", "/ready/"])
def test_strangers_learn_no_versions_and_change_nothing(client: Client, path: str) -> None:
    answer = client.get(path)
    assert "Server" not in answer.headers
    assert not client.cookies
    assert client.post(path).status_code == 405
