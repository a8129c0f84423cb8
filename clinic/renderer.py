"""The renderer process: WeasyPrint and the fonts loaded once, one fenced child per document.

The parent only listens, forks and keeps finished PDFs for a moment; it never parses a page itself. A child lives for
one document, under limits of CPU time and memory and without network where the kernel grants it; whatever becomes of
it, the parent stays and says why. Needs no database.
"""
from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from clinic import pdf
from clinic.fencing import Limits, fence
from clinic.pdf import CannotRender, Reason
from clinic.rendering import LARGEST_PDF, LARGEST_QUESTION, LENGTH, State

WALL_SECONDS = 60  # a child that sleeps uses no CPU time
AT_ONCE = 2 * (os.cpu_count() or 2)  # so that one endless page does not hold up the desk
LONGEST_QUEUE = 200
KEEP_SECONDS = 180.0
KEEP_BYTES = 64 << 20
LONGEST_WAIT = 30.0


@dataclass
class Outcome:
    """What became of one page: bytes, or the reason why not."""

    content: bytes = b""
    pages: int = 0
    reason: Reason | None = None
    finished_at: float = field(default_factory=time.monotonic)


@dataclass
class Renderer:
    """One listening socket and its jobs, each known by the hash of its HTML."""

    socket_path: Path
    engine: pdf.Engine
    limits: Limits = field(default_factory=Limits)
    say: Callable[[str], None] = print
    jobs: OrderedDict[str, asyncio.Task[Outcome]] = field(default_factory=OrderedDict)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    children: set[int] = field(default_factory=set)

    async def serve(self, until: asyncio.Event) -> None:
        """Listen until told to stop. Only this user (or group, by umask of the service) may connect."""
        self.socket_path.parent.mkdir(parents=True, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self.answer, path=str(self.socket_path), backlog=128)
        self.socket_path.chmod(0o660)
        self.say("ready")
        try:
            await until.wait()
        finally:
            server.close()
            self.socket_path.unlink(missing_ok=True)
            for child in self.children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one question, one answer. A caller who leaves early does not stop the job."""
        with suppress(OSError, EOFError, ValueError, TypeError, KeyError):  # gone, silent, or not talking our language
            (length,) = LENGTH.unpack(await asyncio.wait_for(reader.readexactly(LENGTH.size), 10))
            if length > LARGEST_QUESTION:
                self.reply(writer, State.FAILED, Outcome(reason=Reason.TOO_LARGE))
            else:
                question = json.loads(await asyncio.wait_for(reader.readexactly(length), 30))
                state, outcome = await self.outcome_of(str(question["html"]), float(question["wait"]))
                self.reply(writer, state, outcome)
            await writer.drain()
        writer.close()

    def reply(self, writer: asyncio.StreamWriter, state: State, outcome: Outcome) -> None:
        head = json.dumps({"state": state, "reason": outcome.reason, "pages": outcome.pages}).encode()
        writer.write(LENGTH.pack(len(head)) + head + LENGTH.pack(len(outcome.content)) + outcome.content)

    async def outcome_of(self, html: str, wait: float) -> tuple[State, Outcome]:
        """Start the job or join it, and wait for it a while."""
        self.forget_old()
        key = hashlib.sha256(html.encode(errors="replace")).hexdigest()
        job = self.jobs.get(key)
        if job is None:
            if sum(not other.done() for other in self.jobs.values()) >= LONGEST_QUEUE:
                return State.WORKING, Outcome()
            job = self.jobs[key] = asyncio.create_task(self.work(html))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(job), min(wait, LONGEST_WAIT))
        if not job.done():
            return State.WORKING, Outcome()
        outcome = job.result()
        if outcome.reason is not None:
            # Told once; a new attempt starts afresh.
            self.jobs.pop(key, None)
            return State.FAILED, outcome
        return State.DONE, outcome

    def forget_old(self) -> None:
        """Keep finished PDFs for a moment only, and never more than a fixed amount of them."""
        kept, now = 0, time.monotonic()
        for key, job in reversed(list(self.jobs.items())):
            if job.done():
                outcome = job.result()
                kept += len(outcome.content)
                if kept > KEEP_BYTES or now - outcome.finished_at > KEEP_SECONDS:
                    del self.jobs[key]

    async def work(self, html: str) -> Outcome:
        """Fork a child for one page, collect what it writes, see how it ended."""
        async with self.places:
            started = time.monotonic()
            read_end, write_end = os.pipe()
            child = os.fork()
            if child == 0:
                be_the_child(self.engine, html, write_end, self.limits)
            os.close(write_end)
            self.children.add(child)
            try:
                answer = await asyncio.wait_for(read_all(read_end), WALL_SECONDS)
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                answer = b""
            finally:
                os.close(read_end)
            outcome = judge(answer, await ended(child))
            self.children.discard(child)
            seconds = time.monotonic() - started
            # Sizes and times only: what stands in the page is nobody's business here.
            self.say(f"{outcome.reason or 'made'} pages={outcome.pages} bytes={len(outcome.content)} {seconds:.2f}s")
            return outcome


def judge(answer: bytes, exit_code: int) -> Outcome:
    """The child's own word if it finished, else what its death tells."""
    if exit_code == 0 and len(answer) >= LENGTH.size:
        (pages,) = LENGTH.unpack(answer[: LENGTH.size])
        return Outcome(content=answer[LENGTH.size :], pages=pages)
    if exit_code == 3 and answer.decode(errors="replace") in set(Reason):
        return Outcome(reason=Reason(answer.decode()))
    if exit_code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return Outcome(reason=Reason.TOO_SLOW)
    return Outcome(reason=Reason.BROKEN)


async def read_all(descriptor: int) -> bytes:
    """Everything until the other end closes. More than the largest PDF counts as nothing."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    answer = bytearray()
    done: asyncio.Future[None] = loop.create_future()

    def take() -> None:
        part = os.read(descriptor, 1 << 20)
        answer.extend(part)
        if (not part or len(answer) > LARGEST_PDF) and not done.done():
            done.set_result(None)

    loop.add_reader(descriptor, take)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)
    return bytes(answer) if len(answer) <= LARGEST_PDF else b""


async def ended(child: int) -> int:
    """The exit code, negative for a signal. A child that has closed its pipe but lingers is ended."""
    for _ in range(200):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# --------------------------------------------------------------------------------------------------------- in the child
def be_the_child(engine: pdf.Engine, html: str, write_end: int, limits: Limits) -> NoReturn:
    """Render one page and leave without any clean-up that belongs to the parent."""
    code = 1
    try:
        answer = b""
        with suppress(OSError):
            fence(limits, keep={write_end})
        try:
            made = pdf.render(engine, html)
            answer, code = LENGTH.pack(made.pages) + made.content, 0
        except CannotRender as problem:
            answer, code = problem.reason.value.encode(), 3
        except MemoryError:
            answer, code = Reason.TOO_MUCH_MEMORY.value.encode(), 3
        except Exception as error:
            sys.stderr.write(f"a page could not be rendered: {type(error).__name__}\n")
            answer, code = Reason.BROKEN.value.encode(), 3
        view = memoryview(answer)
        while view:
            view = view[os.write(write_end, view) :]
    finally:
        os._exit(code)


def run(socket_path: Path, *, limits: Limits, say: Callable[[str], None]) -> None:
    """Load everything, then serve until SIGTERM or Ctrl-C."""
    engine = pdf.warm_up()
    gc.collect()
    gc.freeze()  # children share these pages untouched

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await Renderer(socket_path, engine, limits, say).serve(stop)

    asyncio.run(main())
