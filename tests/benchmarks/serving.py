"""The two applications of the speed benchmark, each on its own filled database, under gunicorn as bin/up runs ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

from mesoclinic.processes import say
from mesoclinic.services import BASE_DIR, connection, free_port, local_home
from sessions.demo import PASSWORD
from tests.benchmarks.loading import Application

OURS, FLOOR = "bench_load", "bench_floor"
PATIENTS, APPOINTMENTS = 100_000, 1_000_000
DESK = "desk@load.example"
STARTS_WITHIN = 60  # seconds
MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
FLOOR_APP = [sys.executable, "-m", "tests.benchmarks.floor.app"]


def at(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def our_environment() -> dict[str, str]:
    """As bin/up sets it."""
    return {
        **os.environ,
        "DATABASE_URL": at(os.environ["DATABASE_URL"], OURS),
        "OWNER_DATABASE_URL": at(os.environ["OWNER_DATABASE_URL"], OURS),
        "DJANGO_SETTINGS_MODULE": "mesoclinic.settings", "HTTPS": "0", "MESOCLINIC_DEMO": "1", "REQUIRE_MFA": "0",
        "LOG_FORMAT": "text", "STATIC_ROOT": str(local_home() / "bench-static"),
    }  # fmt: skip


def floor_environment() -> dict[str, str]:
    return {**os.environ, "FLOOR_DATABASE_URL": at(os.environ["OWNER_DATABASE_URL"], FLOOR)}


def prepare_ours() -> None:
    """The load clinic, made once and kept; new migrations are applied to it."""
    is_new = _make_database(OURS)
    env = our_environment()
    _must([*MANAGE, "collectstatic", "--noinput", "-v0"], env)
    _must([*MANAGE, "setup_database"], env)
    if is_new:
        say("bench", f"making {PATIENTS:,} patients and {APPOINTMENTS:,} appointments: some minutes, once")
        _must([*MANAGE, "seed_load", "--patients", str(PATIENTS), "--appointments", str(APPOINTMENTS)], env)


def prepare_floor() -> None:
    if not _make_database(FLOOR):
        return
    say("bench", "making the floor's tables: a minute, once")
    env = floor_environment()
    _must([*FLOOR_APP, "migrate", "-v0"], env)
    _must([*FLOOR_APP, "user"], env)
    with connection(env["FLOOR_DATABASE_URL"]) as cursor:
        cursor.execute((BASE_DIR / "tests/benchmarks/floor/tables.sql").read_text())


def _make_database(name: str) -> bool:
    """False: it is there already."""
    with connection(os.environ["OWNER_DATABASE_URL"]) as cursor:
        try:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg2.errors.DuplicateDatabase:
            return False
    return True


def _must(command: list[str], env: Mapping[str, str]) -> None:
    subprocess.run(command, env=env, cwd=BASE_DIR, check=True)


# --- running --------------------------------------------------------------------------------------------------------
@contextmanager
def both() -> Iterator[tuple[Application, Application]]:
    """The floor and ours, both signed in."""
    with (
        (local_home() / "bench.log").open("w") as log,
        _served("mesoclinic.wsgi", our_environment(), log) as ours,
        _served("tests.benchmarks.floor.app:application", floor_environment(), log) as floor,
    ):
        _sign_in_to_floor(floor)
        _sign_in(ours)
        yield floor, ours


@contextmanager
def _served(what: str, env: Mapping[str, str], log: object) -> Iterator[Application]:
    port = free_port()
    options = ["-c", "python:mesoclinic.web", "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *options, what]
    process = subprocess.Popen(command, env=env, cwd=Path(BASE_DIR), stdout=log, stderr=log)  # type: ignore[arg-type]
    try:
        application = Application(port)
        _wait_for(application)
        yield application
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(application: Application) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            application.ask(application.connection(), "/")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _sign_in_to_floor(floor: Application) -> None:
    status, _body = floor.ask(floor.connection(), "/sign-in")
    assert status == 200


def _sign_in(ours: Application) -> None:
    """Like anybody: the form, its token, the password."""
    line = ours.connection()
    _status, body = ours.ask(line, "/account/login/")
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', body)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1].decode(), "login": DESK, "password": PASSWORD}
    status, _body = ours.ask(line, "/account/login/", form=form, headers={"Referer": f"http://127.0.0.1:{ours.port}/"})
    assert status == 302, status
