"""Messages a second beside a bare SMTP loop with the same mails; documents a second beside bare WeasyPrint, same HTML.

Both sides meet the same server in a process of its own. The outbox claims, locks, writes and records every mail; the
bare loop only hands over what is written already, so the ratio is the price of losing nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import Max
from django.utils import timezone

from clinic import pdf, rendering
from clinic.doer import Doer
from protocols import catalogue
from sessions import documents, outbox, papers
from sessions.models import Appointment, Message
from tests import database, factories
from tests.benchmarks.report import Report
from tests.renderer import RendererProcess
from tests.sessions.clinicday import make_clinic_day

NAME = "bench_throughput"
MAILS, WORKERS = 1000, 4
FIRST_MAILS = 40  # of each worker, before it is measured: a worker that sends all day reads its words and templates once
DOCUMENTS, AT_ONCE = 40, 2
ANSWER_SECONDS = 0.03  # how long a mail server elsewhere takes to accept one mail; 0 is a server on the same machine
WITHIN = 1.5


def run(report: Report) -> None:
    original = connections["owner"].settings_dict["NAME"]
    set_up(original)
    try:
        say_messages(report)
        say_documents(report)
    finally:
        database.drop(original)


def set_up(original: str) -> None:
    connections.close_all()
    connections["owner"].settings_dict["NAME"] = original
    for alias in ("owner", "default"):
        connections[alias].settings_dict.setdefault("TEST", {})["NAME"] = NAME
    database.make(keep=False)
    catalogue.ensure_reference_catalogue()


# --- messages -------------------------------------------------------------------------------------------------------
def say_messages(report: Report) -> None:
    day = make_clinic_day()
    for wait in (0.0, ANSWER_SECONDS):
        benchmark = f"messages, a server that answers {'at once' if not wait else f'after {wait * 1000:.0f} ms'}"
        with sink(wait) as server:
            for workers in (1, WORKERS):
                ours = measured(day, server, workers)
                mails = server.mails(MAILS)
                bare = bare_loop(server.port, mails, connections_at_once=workers)
                report.say(
                    benchmark, f"{workers} worker{'s' if workers > 1 else ''}, {MAILS} mails",
                    f"{MAILS / ours['seconds']:.0f} a second, {ours['cpu'] / MAILS * 1000:.1f} ms of CPU each; "
                    f"bare loop over as many connections {MAILS / bare:.0f}; {ours['seconds'] / bare:.2f} times "
                    f"({'within' if ours['seconds'] / bare <= WITHIN else 'over'} {WITHIN})",
                )  # fmt: skip


def write_many(day: Any, count: int) -> None:
    """Confirmations that are due, each of a visit and a patient of its own."""
    earlier = Message.objects.aggregate(last=Max("cause_revision"))["last"] or 0
    now = timezone.now()
    first = (now + dt.timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0)
    visits = list(Appointment.objects.select_related("patient")[:count])
    for number in range(len(visits), count):
        visits.append(
            factories.make_appointment(
                factories.make_patient(day.site), practitioner=day.doctor, room=day.room, service=day.consultation,
                starts_at=first + dt.timedelta(days=number),
            )
        )  # fmt: skip
    Message.objects.bulk_create(
        Message(
            kind="msg-confirm", patient=visit.patient, site=day.site, appointment=visit, cause_kind="appointment",
            cause_public_id=visit.public_id, cause_revision=earlier + 1, recipient=visit.patient.email, language="en", due_at=now,
            useful_until=visit.starts_at, rfc_message_id=outbox.new_rfc_message_id(),
        )
        for visit in visits
    )  # fmt: skip


def measured(day: Any, server: Server, workers: int) -> dict[str, float]:
    """Seconds from the first mail to the last, sent by so many processes at once. Each has sent a batch before, as a worker
    has that runs all day; the database has looked at its tables, as it does once a minute."""
    parts = connections["default"].settings_dict
    url = f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "EMAIL_URL": f"smtp://127.0.0.1:{server.port}", "LOG_LEVEL": "WARNING",
           "MESSAGE_ROUND_SECONDS": "600", "DJANGO_SETTINGS_MODULE": "mesoclinic.settings"}  # fmt: skip
    words = [sys.executable, "-m", "tests.benchmarks.sender"]
    running = [
        subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)
    ]
    for one in running:
        assert heard(one) == "ready"
    for one in running:
        write_many(day, FIRST_MAILS)
        say(one, "warm up")
        assert json.loads(heard(one))["sent"] == FIRST_MAILS
    write_many(day, MAILS)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    for one in running:
        say(one, "go")
    answers = [json.loads(heard(one)) for one in running]
    for one in running:
        one.communicate(timeout=60)
    sent = sum(one["sent"] for one in answers)
    if sent != MAILS:
        raise AssertionError(f"{sent} of {MAILS} mails were sent.")
    return {"seconds": max(one["seconds"] for one in answers), "cpu": sum(one["cpu"] for one in answers)}


def say(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{words}\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def bare_loop(port: int, mails: list[bytes], *, connections_at_once: int) -> float:
    """The same mails, nothing but SMTP: to whom each goes is read before."""

    def hand_over(share: list[tuple[str, bytes]]) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
            for recipient, raw in share:
                server.sendmail("clinic@example.org", [recipient], raw)

    addressed = [(str(message_from_bytes(raw)["To"]), raw) for raw in mails]
    shares = [addressed[number::connections_at_once] for number in range(connections_at_once)]
    begun = time.monotonic()
    with ThreadPoolExecutor(connections_at_once) as pool:
        list(pool.map(hand_over, shares))
    return time.monotonic() - begun


class Server:
    """The sink in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def mails(self, count: int) -> list[bytes]:
        """The last mails it got."""
        files = sorted(self.folder.glob("*.eml"), key=lambda one: int(one.stem))[-count:]
        return [one.read_bytes() for one in files]


@contextmanager
def sink(wait: float) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="mc-bench-") as folder:
        words = [sys.executable, "-m", "tests.benchmarks.mail_server", folder, str(wait)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            yield Server(process, Path(folder))
        finally:
            process.kill()
            process.wait()


# --- documents ------------------------------------------------------------------------------------------------------
def say_documents(report: Report) -> None:
    """The renderer, asked over its socket as the web does, beside WeasyPrint in one process with its fonts read."""
    pages = {language: page_of(language) for language in ("en", "ar")}
    engine = pdf.warm_up()
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        process = RendererProcess(Path(folder))
        process.start()
        settings.RENDERER_SOCKET = str(process.socket)
        try:
            for language, html in pages.items():
                copies = [html.replace("</title>", f" {number} {time.time()}</title>") for number in range(DOCUMENTS)]
                pdf.render(engine, copies[0])
                rendering.render(copies[0] + " ", wait_seconds=120)
                begun = time.monotonic()
                sizes = [len(pdf.render(engine, one).content) for one in copies]
                bare = time.monotonic() - begun
                for at_once in (1, AT_ONCE):
                    asked = [one.replace("</title>", f" {at_once}</title>") for one in copies]
                    seconds = asked_for(asked, at_once)
                    report.say(
                        f"documents, blank consent in {language}, {sum(sizes) // len(sizes) // 1000} kB",
                        f"{at_once} at once, {DOCUMENTS} of them",
                        f"{DOCUMENTS / seconds:.2f} a second; bare WeasyPrint {DOCUMENTS / bare:.2f}; "
                        f"{seconds / bare:.2f} times ({'within' if seconds / bare <= WITHIN else 'over'} {WITHIN}); "
                        f"renderer {process.memory_kb() // 1000} MB",
                    )  # fmt: skip
        finally:
            process.stop()


def asked_for(pages: list[str], at_once: int) -> float:
    begun = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda html: rendering.render(html, wait_seconds=120), pages))
    return time.monotonic() - begun


def page_of(language: str) -> str:
    """The HTML of a whole consent form, as the clinic prints it."""
    site = factories.make_site()
    document = documents.issue_blank_consent(site=site, by=Doer.staff(factories.make_user()), language=language)
    return papers.html_of(document.source, language=language)
