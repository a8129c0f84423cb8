"""What beat wakes. Three lines each, no arguments but ids: the rows say what is to be done."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from sessions import paper_batches, public_booking, rescreening, rule_following, sending, uploading, waiting


@shared_task(name="sessions.tasks.send_due_messages")
def send_due_messages() -> int:
    return sending.send_due()


@shared_task(name="sessions.tasks.sweep")
def sweep() -> None:
    sending.sweep()


@shared_task(name="sessions.tasks.rescreen")
def rescreen() -> int:
    return rescreening.work()


@shared_task(name="sessions.tasks.follow_message_rules")
def follow_message_rules() -> int:
    return rule_following.work()


@shared_task(name="sessions.tasks.sweep_files")
def sweep_files() -> int:
    return uploading.sweep_strays()


@shared_task(name="sessions.tasks.end_waiting")
def end_waiting() -> int:
    return waiting.expire()


@shared_task(name="sessions.tasks.make_papers")
def make_papers() -> int:
    return paper_batches.work()


@shared_task(name="sessions.tasks.clear_holds")
def clear_holds() -> int:
    return public_booking.sweep()


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """A restarted worker looks at once for what its predecessor left behind."""
    sweep.apply_async(expires=60)
