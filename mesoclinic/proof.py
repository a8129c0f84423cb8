"""What bin/prove has shown, appended to docs/proof.md: date, code, machine, and each proof with its figures.

A proof says its figures with pytest's `record_property("worst round, seconds", 0.9)`.
"""
from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

from mesoclinic.services import BASE_DIR

RECORD = BASE_DIR / "docs" / "proof.md"
HEAD = """# Proofs

Made by `bin/prove`: the long proofs at full figures, newest last. Seconds belong to the machine named; counts do not.
"""


def append(report: Path) -> None:
    """Add one section for pytest's XML report of a run."""
    written = RECORD.read_text() if RECORD.exists() else HEAD
    RECORD.write_text(written + section(ElementTree.parse(report)))  # noqa: S314 - pytest wrote it a moment ago


def section(report: ElementTree.ElementTree[ElementTree.Element]) -> str:
    lines = [
        f"\n## {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, code {code()}",
        "",
        f"{machine()}",
        "",
        "| proof | result | seconds | figures |",
        "|---|---|---|---|",
    ]
    for case in (one for one in report.iter("testcase") if one.get("name")):  # one that was cut off has none
        figures = "; ".join(f"{p.get('name')}: {p.get('value')}" for p in case.iter("property"))
        name = case.get("name", "").removeprefix("test_").replace("_", " ")
        lines.append(f"| {name} | {result(case)} | {float(case.get('time', 0)):.1f} | {figures} |")
    return "\n".join(lines) + "\n"


def result(case: ElementTree.Element) -> str:
    failed = case.find("failure") is not None or case.find("error") is not None
    return "**failed**" if failed else "not run" if case.find("skipped") is not None else "holds"


def code() -> str:
    words = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    shown = subprocess.run(words, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    return shown.stdout.strip() or "unknown"


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )
