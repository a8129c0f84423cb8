"""When mails go out, by the figures in force (clinical reference, section 12)."""

from __future__ import annotations

from clinic.once import once
from protocols import catalogue
from protocols.message_times import MailHours


def mail_hours() -> MailHours:
    return once("mail hours", lambda: MailHours.of(catalogue.in_force()))
