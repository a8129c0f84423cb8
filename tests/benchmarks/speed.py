"""Calendar, board and search on a million appointments, beside the floor; the search for free times by itself."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from sessions.load.people import ENDINGS, STEMS
from sessions.load.place import HOLIDAYS
from tests.benchmarks import serving
from tests.benchmarks.loading import Application, Figures, Page, in_turns
from tests.benchmarks.report import Report

FLOOR_DAYS, FLOOR_ROOMS = (dt.date(2025, 3, 1), 700), 20
ROUNDS, REQUESTS = 6, 25  # for one client; eight share as many
HTMX = {"HX-Request": "true"}


def run(report: Report) -> None:
    serving.prepare_floor()
    serving.prepare_ours()
    with serving.both() as (floor, ours):
        for clients in (1, 8):
            pages = pages_of(floor, ours)
            found = in_turns(pages, clients=clients, rounds=ROUNDS, requests=REQUESTS if clients == 1 else REQUESTS // 2)
            say(report, found, clients)
    say_slots(report)
    say_queries(report)


def pages_of(floor: Application, ours: Application) -> dict[str, Page]:
    """Every page draws days and names of its own, always the same ones."""
    dice = random.Random(3)
    today = dt.datetime.now(dt.UTC).date()

    def a_day() -> str:
        """A working day of ours in the last four years."""
        day = today - dt.timedelta(days=dice.randrange(4 * 365))
        return a_day() if day.isoweekday() == 7 or (day.month, day.day) in HOLIDAYS else day.isoformat()

    def floor_day() -> str:
        first, count = FLOOR_DAYS
        return f"/day?r={dice.randrange(1, FLOOR_ROOMS + 1)}&d={first + dt.timedelta(days=dice.randrange(count))}"

    def feed() -> str:
        day = a_day()
        return f"/calendar/feed/?first={day}&last={day}&by=practitioner"

    def name() -> str:
        return (dice.choice(STEMS) + dice.choice(ENDINGS)).lower()

    return {
        "the floor's day": Page(floor, floor_day, 9_000),
        "calendar day": Page(ours, feed, 20_000),
        "board": Page(ours, lambda: f"/?day={a_day()}", 20_000),
        "board today": Page(ours, lambda: "/", 9_000),
        "the floor's search": Page(floor, lambda: f"/search?q={name()}", 100),
        "patient search": Page(ours, lambda: f"/patients/search/?q={name()}", 200, HTMX),
    }


FLOOR_OF = {"calendar day": "the floor's day", "board": "the floor's day", "board today": "the floor's day",
            "patient search": "the floor's search"}  # fmt: skip


def say(report: Report, found: dict[str, Figures], clients: int) -> None:
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "unknown"
    benchmark = f"speed, {clients} client{'s' if clients > 1 else ''}"
    report.say(benchmark, "load of the machine", load)
    for name, figures in found.items():
        floor = found.get(FLOOR_OF.get(name, ""))
        ratio = f", {figures.p50 / floor.p50:.2f} times {FLOOR_OF[name]} (p95 {figures.p95 / floor.p95:.2f})" if floor else ""
        report.say(benchmark, name, f"{figures}{ratio}")


def say_slots(report: Report) -> None:
    for name, measured in _said_by("slots").items():
        for how, seconds in measured.items():
            report.say("speed, free times over three months", f"{name}, {how}", str(Figures.of(seconds)))


def say_queries(report: Report) -> None:
    for name, count in _said_by("queries").items():
        report.say("speed, queries", name, str(count))


def _said_by(module: str) -> dict[str, Any]:
    """In a process of its own, because this one has no database of the load clinic."""
    words = [sys.executable, "-m", f"tests.benchmarks.{module}"]
    shown = subprocess.run(words, env={**os.environ, **serving.our_environment()}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(shown.stdout.decode().rpartition("\n")[2])
    return found
