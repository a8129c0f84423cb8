"""Everybody again after a rule change, by the job that publishing starts: speed, memory, and being killed in the middle."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from django.db import connections
from django.db.models import Count
from django.utils import timezone

from clinic.audit import canonical
from protocols import catalogue
from protocols.models import CatalogueEntry, CatalogueVersion
from sessions.models import RescreenChange, RescreenRun, Screening
from sessions.models.rescreening import RunPurpose
from tests import database
from tests.benchmarks import crowd
from tests.benchmarks.report import Report

PROTOTYPES = 400
SMALL, LARGE = 10_000, 100_000
NAME = "bench_rescreening"


def run(report: Report, sizes: tuple[int, ...] = (SMALL, LARGE)) -> None:
    original = connections["owner"].settings_dict["NAME"]
    for number, size in enumerate(sizes):
        set_up(size, original)
        tighten_a_rule()
        killed = number == len(sizes) - 1
        say(report, size, measured(killed=killed), killed=killed)
        check_nobody_twice(report, size)
    database.drop(original)


def set_up(size: int, original: str) -> None:
    """A fresh database, as tests make theirs, with so many screened patients."""
    connections.close_all()
    connections["owner"].settings_dict["NAME"] = original
    for alias in ("owner", "default"):
        connections[alias].settings_dict.setdefault("TEST", {})["NAME"] = NAME
    database.make(keep=False)
    catalogue.ensure_reference_catalogue()
    crowd.make_prototypes(PROTOTYPES)
    with database.owner_cursor() as cursor:
        crowd.multiply(cursor, PROTOTYPES, size)
    print(f"{crowd.count():,} patients are there", flush=True)


def tighten_a_rule() -> None:
    """The next version blocks where thick scars needed a clearance; in force at once, as publishing leaves it."""
    entries: list[tuple[str, str, int, dict[str, Any]]] = []
    for row in CatalogueEntry.objects.filter(version=catalogue.current()).order_by("position"):
        body = dict(row.body)
        if row.code == "scr-keloid":
            body["clauses"] = [dict(one) | {"severity": "absolute"} for one in body["clauses"]]
        entries.append((row.kind, row.code, row.position, body))
    digest = hashlib.sha256(canonical([(kind, code, body) for kind, code, _place, body in entries])).hexdigest()
    version = CatalogueVersion.objects.create(number=2, label="Tighter", digest=digest)
    CatalogueEntry.objects.bulk_create(
        CatalogueEntry(version=version, kind=kind, code=code, position=position, body=body)
        for kind, code, position, body in entries
    )
    now = timezone.now()
    CatalogueVersion.objects.in_force().update(state="retired", retired_at=now)
    CatalogueVersion.objects.filter(pk=version.pk).update(state="published", published_at=now)


def measured(*, killed: bool) -> dict[str, float]:
    """Let a worker work to the end; with `killed` a first one is killed without warning after a quarter."""
    lost: dict[str, float] = {}
    if killed:
        first = worker()
        while (done := progress()) is None or done[0] < done[1] // 4:
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
        first.wait()
        at_kill = progress() or (0, 0)
        lost = {"killed_at": at_kill[0]}
    last = worker()
    words, _nothing = last.communicate()
    assert last.returncode == 0
    return {**lost, **json.loads(words)}


def worker() -> subprocess.Popen[bytes]:
    urls = {"DATABASE_URL": at(os.environ["DATABASE_URL"]), "OWNER_DATABASE_URL": at(os.environ["OWNER_DATABASE_URL"])}
    return subprocess.Popen([sys.executable, "-m", "tests.benchmarks.worker"], env={**os.environ, **urls}, stdout=subprocess.PIPE)


def at(url: str) -> str:
    return f"{url.rpartition('/')[0]}/{NAME}"


def progress() -> tuple[int, int] | None:
    found: Any = RescreenRun.objects.filter(purpose=RunPurpose.APPLY).values_list("done", "total").first()
    return found


def say(report: Report, size: int, figures: dict[str, float], *, killed: bool) -> None:
    name = f"re-screening {size:,} patients"
    run = RescreenRun.objects.get(purpose=RunPurpose.APPLY)
    report.say(name, "ended", f"{run.state}, {run.done:,} of {run.total:,}")
    speed, each = figures["patients"] / figures["seconds"], figures["cpu"] * 1000 / figures["patients"]
    report.say(name, "one worker", f"{speed:.0f} patients/s, {each:.2f} ms of CPU each, {figures['seconds']:.0f} s")
    report.say(name, "peak memory of the worker", f"{figures['peak_mb']:.0f} MB")
    changed = RescreenChange.objects.aggregate(patients=Count("patient", distinct=True), rows=Count("pk"))
    stored = Screening.objects.filter(catalogue__number=2).count()
    report.say(name, "patients changed, changes, new screenings",
               f"{changed['patients']:,}, {changed['rows']:,}, {stored:,}")  # fmt: skip
    if killed:
        report.say(name, "killed with SIGKILL after", f"{figures['killed_at']:,.0f}; another worker did the other"
                   f" {figures['patients']:,.0f}")  # fmt: skip


def check_nobody_twice(report: Report, size: int) -> None:
    rows = RescreenChange.objects.order_by().values("patient", "course", "appointment")
    twice = rows.annotate(n=Count("pk")).filter(n__gt=1).count()
    expected = Screening.objects.filter(catalogue__number=1, findings__code="scr-keloid", course=None).count()
    newly = Screening.objects.filter(catalogue__number=2, outcome="blocked", course=None).count()
    report.say(f"re-screening {size:,} patients", "twice, left out", f"{twice}, {expected - newly}")
