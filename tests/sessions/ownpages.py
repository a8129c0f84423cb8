"""A patient with a visit tomorrow, and what the tests of their own pages do again and again."""
from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from types import SimpleNamespace

import psycopg2.errors
from django.db import OperationalError
from django.utils import timezone

from clinic.doer import Doer
from patients.models import Patient
from sessions import giving_papers, listed_papers
from sessions.models import Document
from tests import factories
from tests.house.world import make_world, set_fields


def make_own_world() -> SimpleNamespace:
    """Call it with the clock frozen at MORNING."""
    world = make_world(given_name="Nadia", family_name="Rahman", email="nadia@halden.example")
    starts = timezone.now() + dt.timedelta(days=1)
    set_fields(world.appointment, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), displaced="")
    set_fields(world.message, recipient=world.patient.email)
    return world


def token() -> str:
    return f"form-{secrets.token_hex(12)}"


def patient_doer(patient: Patient) -> Doer:
    return Doer.patient(patient.public_id, "patient by link")


def issued(world: SimpleNamespace, document: Document, content: bytes = b"%PDF-1.7 own") -> Document:
    set_fields(document, state="issued", pdf=content, sha256=hashlib.sha256(content).hexdigest(), issued_at=timezone.now(),
               pages=1)  # fmt: skip
    return document


def plan_paper(world: SimpleNamespace, patient: Patient | None = None) -> Document:
    course = world.course if patient is None else factories.make_course(patient, world.doctor)
    return issued(world, listed_papers.issue_plan(course=course, by=Doer.staff(world.doctor, world.site), language="en"))


def given(world: SimpleNamespace, *papers: Document) -> None:
    by = Doer.staff(world.doctor, world.site)
    chosen = [one.public_id for one in papers]
    among = giving_papers.papers_to_give(world.patient, {"see-clinical"})
    giving_papers.give(patient=world.patient, chosen=chosen, among=among, by=by)


class LockTimeout(psycopg2.errors.LockNotAvailable):
    pgcode = "55P03"


def wait_in_vain(*_args: object, **_more: object) -> None:
    """In place of a verb: the database gave up waiting for what somebody else holds."""
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = LockTimeout()
    raise error
