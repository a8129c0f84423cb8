"""Send what is due without Celery: for a cron entry while the queue is away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from sessions import sending


class Command(BaseCommand):
    help = "Send all messages that are due now, and settle those a killed worker left behind."

    def handle(self, *args: Any, **options: Any) -> None:
        sending.sweep()
        sent = sending.send_due()
        self.stdout.write(f"{sent} messages handed over.")
