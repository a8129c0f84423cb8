"""A local SMTP sink for bin/up: every mail the clinic sends lands as one .eml file, nothing leaves the machine."""
from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Writes each mail under a name that sorts by time and says to whom it went."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.numbers = count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        to = re.sub(r"[^A-Za-z0-9@.+-]", "_", ",".join(envelope.rcpt_tos))[:80]
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{next(self.numbers):04d}-{to}.eml"
        draft = self.directory / f".{name}"
        draft.write_bytes(envelope.original_content or b"")
        draft.rename(self.directory / name)
        return "250 kept"


async def serve(port: int, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    mailbox = Mailbox(directory)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
