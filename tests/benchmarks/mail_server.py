"""A mail server in a process of its own: keeps each mail as a file, answers after `wait` seconds. Prints its port."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.sinks import running_sink

if __name__ == "__main__":
    folder, wait = Path(sys.argv[1]), float(sys.argv[2])
    with running_sink() as sink:
        if wait:
            sink.say(wait=wait)
        sink.on_received = lambda count: (folder / f"{count}.eml").write_bytes(sink.received[-1].raw) and None
        print(sink.port, flush=True)
        while True:
            time.sleep(3600)
