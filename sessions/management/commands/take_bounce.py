"""Take in one mail that came back, from standard input: for an alias of the mail server, or a mailbox fetcher."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from sessions import return_addresses, tracking


class Command(BaseCommand):
    help = "Read a returned mail from standard input and mark the message it is about as bounced."

    def handle(self, *args: Any, **options: Any) -> None:
        report = return_addresses.report_of(sys.stdin.buffer.read(return_addresses.LONGEST + 1))
        taken = report is not None and tracking.take_in(report)
        # Never an error: a mail server would send the bounce of a bounce.
        self.stdout.write("One message marked as bounced." if taken else "Nothing to mark.")
