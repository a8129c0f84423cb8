"""Celery only wakes; the database decides. Tasks carry ids, nothing is enqueued from a verb.

The schedule is plain intervals in UTC: what is due, and when, is a matter of rows.
"""
from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mesoclinic.settings")

app = Celery("mesoclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["sessions"])

# task name: seconds between two runs. `expires` keeps a queue that nobody emptied from repeating every missed tick.
EVERY = {
    "sessions.tasks.send_due_messages": 5,
    "sessions.tasks.sweep": 60,
    "sessions.tasks.rescreen": 5,
    "sessions.tasks.follow_message_rules": 10,
    "sessions.tasks.make_papers": 2,
    "sessions.tasks.sweep_files": 3600,
    "sessions.tasks.end_waiting": 600,
    "sessions.tasks.clear_holds": 60,
}
app.conf.beat_schedule = {
    task.rpartition(".")[2]: {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 30)}}
    for task, seconds in EVERY.items()
}


@setup_logging.connect
def _log_like_the_rest(**_: Any) -> None:
    from django.conf import settings

    from mesoclinic.logs import configure

    configure(settings.LOGGING)
