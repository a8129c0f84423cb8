"""bin/up as a newcomer meets it: a real process, on directories of its own."""
from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import psycopg2
import pytest
from django.conf import settings

UP = settings.BASE_DIR / "bin" / "up"
OURS = ("SECRET_KEY", "DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "EMAIL_URL", "REQUIRE_MFA", "STATIC_ROOT")
FIRST_START_SECONDS = 600  # all migrations and the demo clinic, on a machine that is busy testing
NEXT_START_SECONDS = 120


def environment(home: Path, **changes: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**clean, "MESOCLINIC_LOCAL": str(home), **changes}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refusal(home: Path, **changes: str) -> str:
    """What bin/up says when it refuses to start: exit 1 and one line of standard error."""
    done = subprocess.run(
        [UP], env=environment(home, **changes), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1, done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return lines[0]


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refusal(tmp_path, PORT=str(port)).startswith(f"Port {port} is taken by another program: ")
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, port: str) -> None:
    assert refusal(tmp_path, PORT=port) == f"PORT is `{port}`: give a number between 1 and 65535."


def test_an_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    sentence = refusal(tmp_path, PORT=str(free_port()), DATABASE_URL=f"postgresql://a:b@127.0.0.1:{port}/clinic")
    assert sentence.startswith(f"The database at 127.0.0.1:{port} cannot be reached: start it or correct DATABASE_URL")


def test_a_wrong_password_is_one_sentence(tmp_path: Path) -> None:
    wrong = re.sub(r"//(\w+):[^@]*@", r"//\1:wrong@", os.environ["OWNER_DATABASE_URL"])
    sentence = refusal(tmp_path, PORT=str(free_port()), DATABASE_URL=wrong)
    assert "cannot be reached: start it or correct DATABASE_URL" in sentence
    assert "password authentication failed" in sentence


def test_an_owner_who_may_make_no_roles_is_told_so(tmp_path: Path) -> None:
    # The owner of the tests may make databases but no roles, as a hosted PostgreSQL often has it.
    sentence = refusal(tmp_path, PORT=str(free_port()), DATABASE_URL=os.environ["OWNER_DATABASE_URL"])
    assert "give it CREATEROLE" in sentence
    assert "OWNER_DATABASE_URL" in sentence


def test_an_unreachable_redis_is_one_sentence(tmp_path: Path) -> None:
    addresses = {name: os.environ[name] for name in ("DATABASE_URL", "OWNER_DATABASE_URL")}
    port = free_port()
    sentence = refusal(tmp_path, PORT=str(free_port()), REDIS_URL=f"redis://127.0.0.1:{port}/0", **addresses)
    assert sentence.startswith(f"Redis at 127.0.0.1:{port} does not answer: ")


class Running:
    """bin/up in a process of its own, its output kept in a file."""

    def __init__(self, home: Path, said: Path) -> None:
        self.home, self.said, self.port = home, said, free_port()
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                [UP], env=environment(home, PORT=str(self.port)), stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def wait_until_open(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said.read_text()
            if "Ctrl-C stops everything" in self.said.read_text() and self.page("/ready/"):
                return
            time.sleep(0.3)
        raise AssertionError(self.said.read_text())

    def page(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.read().decode()
        except (URLError, OSError):
            return ""

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(90)

    def left_behind(self) -> list[str]:
        """Processes that still name this home in their command line or environment."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.home).encode() in words and int(entry.name) != os.getpid():
                found.append(words.split(b"\0")[0].decode())
        return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "local"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Running]]:
    """Start bin/up on the same data as before; whatever the test leaves running is stopped."""
    started: list[Running] = []

    def start_one() -> Running:
        started.append(Running(home, home.parent / f"said-{len(started)}.txt"))
        return started[-1]

    yield start_one
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def as_owner(home: Path, statement: str) -> list[tuple[object, ...]]:
    memory = json.loads((home / "services.json").read_text())
    connection = psycopg2.connect(
        dbname="mesoclinic", user="mesoclinic_owner", password=memory["mesoclinic_owner_password"],
        host="127.0.0.1", port=memory["postgres_port"],
    )  # fmt: skip
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_it_starts_serves_stops_and_starts_again_with_its_data(home: Path, start: Callable[[], Running]) -> None:
    first = start()
    first.wait_until_open(FIRST_START_SECONDS)
    assert 'type="password"' in first.page("/account/login/")
    said = first.said.read_text()
    assert f"http://localhost:{first.port}" in said
    assert f"Mails land in {home / 'mail'}" in said
    assert "desk@halden.example" in said
    as_owner(home, "CREATE TABLE kept AS SELECT 'still here' AS word")
    assert first.stop(signal.SIGINT) == 0
    assert first.left_behind() == []
    assert "Traceback" not in first.said.read_text()

    second = start()
    second.wait_until_open(NEXT_START_SECONDS)
    assert as_owner(home, "SELECT word FROM kept") == [("still here",)]
    killed = web_process(second)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: "web | ended (exit -9); starting it again." in second.said.read_text())
    wait_for(lambda: bool(second.page("/ready/")))
    assert second.stop(signal.SIGTERM) == 0
    assert second.left_behind() == []


def web_process(running: Running) -> int:
    """The gunicorn that bin/up itself started."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, status = (entry / "cmdline").read_bytes(), (entry / "status").read_text()
        except OSError:
            continue
        if b"gunicorn" in words and f"PPid:\t{running.process.pid}\n" in status:
            return int(entry.name)
    raise AssertionError("no web process")


def wait_for(condition: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)
