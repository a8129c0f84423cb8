"""Print figures as they come, and keep them in docs/bench.md with date, code and machine."""

from __future__ import annotations

import time
from pathlib import Path

from mesoclinic.proof import code, machine
from mesoclinic.services import BASE_DIR

RECORD = BASE_DIR / "docs" / "bench.md"
HEAD = """# Benchmarks

Made by `bin/bench`, newest last: printed, not asserted. Seconds belong to the machine named, which shares its cores with
whatever else runs; the load says how much that was.
"""


class Report:
    """Rows of (what, figure), printed at once; `write` appends them to the record."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def say(self, benchmark: str, what: str, figure: str) -> None:
        print(f"{benchmark}: {what}: {figure}", flush=True)
        self.rows.append((benchmark, what, figure))

    def write(self, record: Path = RECORD) -> None:
        written = record.read_text() if record.exists() else HEAD
        load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "unknown"
        lines = [
            f"\n## {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, code {code()}",
            "",
            f"{machine()}, load {load}",
            "",
            "| benchmark | what | figure |",
            "|---|---|---|",
            *(f"| {benchmark} | {what} | {figure} |" for benchmark, what, figure in self.rows),
        ]
        record.write_text(written + "\n".join(lines) + "\n")
