"""A small family of child processes: started in order, watched, stopped in the opposite order.

Used by bin/up and bin/test. Standard library only, because it must also explain what is missing.
Every child leads its own process group, so that Ctrl-C reaches us alone and we decide the order; a child
whose parent is killed outright is told to stop by the kernel.
"""
from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """What stops us, as one sentence that says what to do. Shown without a traceback."""


class Stopped(Exception):
    """Somebody asked us to stop while something was still starting."""


def say(name: str, line: str) -> None:
    """One line of output, named after the process it comes from."""
    sys.stdout.write(f"{name:>9} | {line}\n")
    sys.stdout.flush()


@dataclass
class Child:
    """One process of the tree. `stage` orders the stopping: higher stages first, 0 (the database) last."""

    name: str
    command: Sequence[str]
    env: dict[str, str] | None = None
    stage: int = 2
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60
    quiet: bool = False
    process: subprocess.Popen[str] | None = None
    deaths: list[float] = field(default_factory=list)
    last_lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    def start(self) -> None:
        stop_signal = self.stop_signal

        def leave_with_parent() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, stop_signal)

        self.process = subprocess.Popen(
            list(self.command),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=leave_with_parent,  # a single system call, no locks
        )
        self.reader = threading.Thread(target=self._pass_on, args=(self.process.stdout,), daemon=True)
        self.reader.start()

    def _pass_on(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self.last_lines = [*self.last_lines[-9:], line.rstrip()]
                if not self.quiet:
                    say(self.name, line.rstrip())

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process and self.alive:
            self.process.send_signal(self.stop_signal)

    def wait(self) -> None:
        """Wait for the end, then remove whatever of its process group is left."""
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            say(self.name, f"did not stop within {self.stop_seconds:.0f} seconds; ending it.")
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.reader:
            self.reader.join(2)  # its last lines, now that nobody holds the other end


class Family:
    """All children of this process. `with Family() as family:` stops them whatever happens."""

    # A child that dies this often within a minute is not started again.
    MAX_DEATHS = 4
    WITHIN_SECONDS = 60

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False

    def __enter__(self) -> Family:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def start(self, child: Child) -> Child:
        """Start a child and wait until it is ready."""
        self._check()
        child.start()
        self.children.append(child)
        self.wait_ready(child)
        return child

    def wait_ready(self, child: Child) -> None:
        deadline = time.monotonic() + child.ready_seconds
        while child.ready is not None:
            self._check()
            if not child.alive:
                child.wait()
                raise Trouble(f"{child.name} stopped while starting: {' '.join(child.last_lines[-3:]) or 'no output'}")
            if child.ready():
                return
            if time.monotonic() > deadline:
                raise Trouble(f"{child.name} was not ready within {child.ready_seconds:.0f} seconds.")
            time.sleep(0.1)

    def run(self, name: str, command: Sequence[str], env: dict[str, str], *, quiet: bool = False) -> int:
        """A command that ends by itself, stoppable like the rest. Returns its exit code."""
        self._check()
        child = Child(name, command, env, quiet=quiet, stop_seconds=5)
        child.start()
        while child.alive:
            if self.stopping:
                child.ask_to_stop()
                child.wait()
                raise Stopped
            time.sleep(0.05)
        child.wait()
        if quiet and child.process and child.process.returncode:
            for line in child.last_lines:
                say(name, line)
        return child.process.returncode if child.process else 1

    def watch(self) -> None:
        """Until asked to stop: a child that ends is started again, one that keeps ending stops everything."""
        while not self.stopping:
            for child in self.children:
                if not child.alive and not self.stopping:
                    self._revive(child)
            time.sleep(0.2)

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        child.deaths = [at for at in child.deaths if now - at < self.WITHIN_SECONDS] + [now]
        code = child.process.returncode if child.process else None
        child.wait()
        if len(child.deaths) >= self.MAX_DEATHS:
            raise Trouble(f"{child.name} ended {len(child.deaths)} times within a minute: its lines above say why.")
        say(child.name, f"ended (exit {code}); starting it again.")
        time.sleep(min(2.0, 0.5 * len(child.deaths)))
        child.start()
        self.wait_ready(child)

    def stop(self) -> None:
        for stage in sorted({child.stage for child in self.children}, reverse=True):
            together = [child for child in reversed(self.children) if child.stage == stage]
            for child in together:
                child.ask_to_stop()
            for child in together:
                child.wait()
        self.children.clear()

    def _check(self) -> None:
        if self.stopping:
            raise Stopped
