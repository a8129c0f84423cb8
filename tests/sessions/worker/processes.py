"""Real worker, beat and queue processes on the test database, to be killed."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from django.db import connections

from mesoclinic.services import BASE_DIR, free_port, valkey_bin
from tests.sinks import Sink

CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "mesoclinic.celery"]
# Minutes become moments, so that what takes a quarter of an hour in a clinic takes seconds here.
QUICK = {
    "MESSAGE_CLAIM_SECONDS": "4", "MESSAGE_SETTLE_SECONDS": "5", "MESSAGE_MINUTE_SECONDS": "0.5",
    "MESSAGE_ROUND_SECONDS": "10",
}  # fmt: skip


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for it, looking ten times a second."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        answer = true()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} seconds: {what}")


def database_url() -> str:
    parts = connections["default"].settings_dict
    return f"postgresql://{quote(parts['USER'])}:{quote(parts['PASSWORD'])}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


@dataclass
class Queue:
    """A Valkey of this test alone, which it may flush and kill."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        here = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", ""]
        self.process = subprocess.Popen(
            [str(valkey_bin()), *here], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until(self.answers, 10, "Valkey answers")

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.exceptions.RedisError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=2)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Workshop:
    """Starts and kills workers and beats that send to `sink`."""

    sink: Sink
    queue: Queue
    directory: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def env(self) -> dict[str, str]:
        return {
            **os.environ, **QUICK, "DATABASE_URL": database_url(), "REDIS_URL": self.queue.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.sink.port}", "DJANGO_SETTINGS_MODULE": "mesoclinic.settings",
            "LOG_LEVEL": "WARNING", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip

    def worker(self, processes: int = 1) -> subprocess.Popen[bytes]:
        words = ["worker", "-c", str(processes), "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self.run([*CELERY, *words, "-n", f"w{len(self.running)}@test"], f"worker{len(self.running)}")

    def beat(self) -> subprocess.Popen[bytes]:
        name = f"beat{len(self.running)}"
        return self.run([*CELERY, "beat", "-s", str(self.directory / name), "--pidfile="], name)

    def run(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=BASE_DIR, env=self.env(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.running.append(process)
        return process

    def wake(self, task: str = "send_due_messages") -> None:
        """What beat would do, at once."""
        from celery import Celery

        with contextlib.suppress(Exception), Celery(broker=self.queue.url) as ticker:
            ticker.send_task(f"sessions.tasks.{task}", expires=30, retry=False)

    def logs(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()[-2000:]}" for path in sorted(self.directory.glob("*.log")))

    def close(self) -> None:
        for process in self.running:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of the process and its children, as when the machine takes the memory away."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def workshop(sink: Sink, directory: Path) -> Iterator[Workshop]:
    queue = Queue(directory)
    queue.start()
    shop = Workshop(sink, queue, directory)
    try:
        yield shop
    finally:
        shop.close()
        queue.kill()
