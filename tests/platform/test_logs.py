"""Only listed keys leave: names, addresses with tokens, form bodies and error texts do not."""
from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client

from mesoclinic import logs

CANARY = "Canary-Yellowbird"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Everything the handler of production writes, as it leaves the process."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    out = io.StringIO()
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    logs.configure({"level": "DEBUG"})
    root.handlers[0].setStream(out)  # type: ignore[attr-defined]
    yield out.getvalue
    root.handlers, root.level = before, level


def raise_with_a_name() -> None:
    raise ValueError(f"Key (name)=({CANARY}) already exists")


def test_listed_keys_leave_and_others_do_not(lines: Any) -> None:
    structlog.get_logger("clinic").info("message sent", message="abc123", given_name=CANARY)
    line = json.loads(lines())
    assert (line["event"], line["message"], line["dropped"]) == ("message sent", "abc123", "given_name")
    assert CANARY not in lines()


def test_records_of_other_libraries_lose_their_values(lines: Any) -> None:
    logging.getLogger("django.request").error("Not Found: %s", f"/p/{CANARY}/", extra={"request": CANARY})
    logging.getLogger("celery").warning("Task %(name)s got %(args)s", {"name": "sweep", "args": CANARY})
    assert CANARY not in lines()
    assert "Not Found: …" in lines().replace("\\u2026", "…")
    assert '"name": "sweep"' in lines()


@pytest.mark.parametrize("name", ["clinic", "django.request", "some.library"])
def test_exceptions_leave_their_class_and_place_but_not_their_text(lines: Any, name: str) -> None:
    for logger in (logging.getLogger(name), structlog.get_logger(name)):
        try:
            raise_with_a_name()
        except ValueError:
            logger.exception("could not save")
    assert CANARY not in lines()
    for line in map(json.loads, lines().splitlines()):
        assert line["error"] == "builtins.ValueError"
        assert "platform/test_logs.py" in line["where"]


@pytest.mark.django_db
def test_a_request_is_logged_by_its_view_not_by_its_address(lines: Any, client: Client) -> None:
    client.get(f"/nowhere/{CANARY}/?q={CANARY}", HTTP_REFERER=f"http://testserver/{CANARY}", HTTP_USER_AGENT=CANARY)
    client.post("/accounts/login/", {"login": f"{CANARY}@example.org", "password": CANARY})
    assert CANARY not in lines()
    requests = [json.loads(line) for line in lines().splitlines() if '"mesoclinic.request"' in line]
    assert [line["method"] for line in requests] == ["GET", "POST"]
    assert requests[0]["status"] == 404
