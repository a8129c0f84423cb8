"""What every test stands on: two database roles, no network but this machine, fast passwords, a real browser."""
from __future__ import annotations

import datetime as dt
import gc
import importlib.util
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation

from tests import database
from tests.figures import full_figures

pytest_plugins = ["tests.browser", "tests.renderer"]


def pytest_configure(config: pytest.Config) -> None:
    Path(django_settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # whitenoise warns about a missing one
    # Plain names: hashed ones need a collectstatic before every run.
    django_settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    kept = tempfile.TemporaryDirectory(prefix="private-")
    config.add_cleanup(kept.cleanup)
    django_settings.STORAGES["private"]["OPTIONS"]["location"] = kept.name
    django_settings.SEAL_DIRECTORY = str(Path(kept.name) / "seal")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What opens a page in Chromium is a browser test, marked or not. Some proofs run in bin/prove alone. Files with long tests
    come first, so that no worker is left alone with one at the end."""
    if not full_figures():
        left_out = [item for item in items if item.get_closest_marker("prove_only")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in ("browser", "prove", "race"))}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Modules and nine thousand tests stay to the end: looking through them for garbage again and again took a twelfth of the
    time. What the tests leave is still collected, only in larger heaps."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True, scope="module")
def own_garbage() -> Iterator[None]:
    """What a file leaves open is found in its own last test, under its own filters of warnings."""
    yield
    gc.collect()


# --- database -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """Made as owner; from here on the connection `default` is the app role. Each pytest worker has a database of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        connections["owner"].settings_dict["TEST"]["NAME"] += f"_{worker}"
    original = connections["owner"].settings_dict["NAME"]
    keep = request.config.getoption("reuse_db") and not request.config.getoption("create_db")
    with django_db_blocker.unblock():
        database.make(keep=keep)
        if importlib.util.find_spec("protocols.catalogue"):
            from protocols.catalogue import ensure_reference_catalogue

            ensure_reference_catalogue()
        connections.close_all()
        database.snapshot()
    yield
    if not keep:
        with django_db_blocker.unblock():
            database.drop(original)


# The app role may not truncate, so Django's own flush would be refused.
TransactionTestCase._fixture_teardown = lambda self: database.empty()  # type: ignore[method-assign]


@pytest.fixture
def owner(db: None) -> Iterator[Any]:
    """A cursor of the owner role, outside the test's transaction: it sees committed rows only."""
    with database.owner_cursor() as cursor:
        yield cursor


@pytest.fixture(autouse=True)
def one_language() -> Iterator[None]:
    """A page in Turkish leaves its language to the thread; the next test starts in English again."""
    translation.activate("en")
    yield
    translation.deactivate()


# --- passwords, time, network ---------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def fast_passwords(request: pytest.FixtureRequest, settings: Any) -> None:
    """Argon2 takes a sixth of a second by design. Mark a test `real_passwords` where that is what it tests."""
    if request.node.get_closest_marker("real_passwords") is None:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def at() -> Iterator[Callable[[str | dt.datetime], time_machine.Coordinates]]:
    """Freeze time: `at("2026-03-29T00:30+00:00")`, again to move on. The zone must be said."""
    travellers: list[time_machine.travel] = []

    def freeze(moment: str | dt.datetime) -> time_machine.Coordinates:
        moment = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        if moment.tzinfo is None:
            raise ValueError("Say the time zone of a frozen moment.")
        while travellers:
            travellers.pop().stop()
        travellers.append(time_machine.travel(moment, tick=False))
        return travellers[-1].start()

    yield freeze
    while travellers:
        travellers.pop().stop()


_connect = socket.socket.connect
HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared, not bound


def _connect_here(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in allowed_hosts():
        raise AssertionError(f"A test tried to reach {address[0]}: tests stay on this machine.")
    _connect(self, address)


def allowed_hosts() -> set[str]:
    """This machine, and where DATABASE_URL and REDIS_URL were set to lead."""
    return {*HERE, *(parts["HOST"] for parts in django_settings.DATABASES.values())}


socket.socket.connect = _connect_here  # type: ignore[method-assign]
