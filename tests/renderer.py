"""The real renderer process for tests: started once, on a socket of its own."""
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings


class RendererProcess:
    """`manage.py renderer` as a child of the test run."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.options = options
        self.socket = folder / "renderer.sock"
        self.log = (folder / "renderer.log").open("w+", encoding="utf-8")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environment = {**os.environ, "RENDERER_SOCKET": str(self.socket)}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "renderer", *self.options],
            cwd=django_settings.BASE_DIR, env=environment, stdout=self.log, stderr=subprocess.STDOUT, text=True,
        )
        deadline = time.monotonic() + 60
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"The renderer did not start:\n{self.lines()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None

    def lines(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text(encoding="utf-8")

    def memory_kb(self) -> int:
        """Resident memory of the parent, in kB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


@pytest.fixture(scope="session")
def renderer_process() -> Iterator[RendererProcess]:
    # A short path: the address of a unix socket holds about a hundred letters.
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        process = RendererProcess(Path(folder))
        process.start()
        yield process
        process.stop()
        process.log.close()


@pytest.fixture(scope="session")
def small_renderer_process() -> Iterator[RendererProcess]:
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        process = RendererProcess(Path(folder), "--cpu-seconds=2", "--memory-mb=160")
        process.start()
        yield process
        process.stop()
        process.log.close()


@pytest.fixture
def small_renderer(small_renderer_process: RendererProcess, settings: Any) -> RendererProcess:
    """A renderer with tight limits, so that tests reach them quickly; `bin/prove` uses the real ones."""
    settings.RENDERER_SOCKET = str(small_renderer_process.socket)
    return small_renderer_process


@pytest.fixture
def renderer(renderer_process: RendererProcess, settings: Any) -> RendererProcess:
    """The running renderer, and `settings.RENDERER_SOCKET` leading to it. A page waits longer for it than in the clinic: the
    machine may be busy with other tests."""
    settings.RENDERER_SOCKET = str(renderer_process.socket)
    settings.RENDER_WAIT_SECONDS = 30
    return renderer_process
