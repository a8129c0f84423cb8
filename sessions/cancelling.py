"""Several appointments cancelled in one act, for one reason: all of them or none, each from the version that was seen."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused, Stale
from sessions import booking_rules as rules
from sessions.availability import parents_of
from sessions.booking_steps import unchanged
from sessions.locking import Parents, lock, once_more
from sessions.models import Appointment
from sessions.statuses import cancel_locked, reason_given


@dataclass(frozen=True, slots=True)
class Called:
    """One appointment, as it was seen."""

    appointment: Appointment
    seen_version: int


class CancelClash(Refused):
    """Nothing was cancelled. `against` says for each appointment that stood against it (by id) what it was."""

    status = 409

    def __init__(self, against: dict[int, str], asked: int) -> None:
        words = _("%(count)s of %(all)s changed meanwhile or cannot be cancelled; nothing was cancelled.")
        super().__init__(words % {"count": len(against), "all": asked}, code="cancel-clash")
        self.against = against


def cancel_all(*, calls: Sequence[Called], reason: str, by: Doer) -> list[Appointment]:
    """1. lock everything they are about, in one order; 2. look at each: is it what was seen, may it be cancelled; 3. cancel
    each as a single one is cancelled, messages and audit row with it. Raises `CancelClash`, `Refused`, `NotPermitted`."""
    reason = reason_given(reason)
    if not calls:
        raise Refused(_("Tick at least one of them."))
    parents = Parents()
    for call in calls:
        rules.check_own_or_desk(by, call.appointment)
        parents |= parents_of(call.appointment)

    def deed() -> list[Appointment]:
        lock(parents)
        against: dict[int, str] = {}
        current: list[Appointment] = []
        for call in sorted(calls, key=lambda call: call.appointment.pk):
            try:
                now = unchanged(call.appointment, call.seen_version)
                rules.check_move(now, rules.cancelled_status(now))
            except Stale as stale:
                is_now = ", ".join(value for _name, value in stale.theirs)
                against[call.appointment.pk] = _("Changed meanwhile. Now: %(values)s.") % {"values": is_now}
            except Refused as refusal:
                against[call.appointment.pk] = refusal.sentence
            else:
                current.append(now)
        if against:
            raise CancelClash(against, len(calls))
        return [cancel_locked(appointment, reason=reason, by=by) for appointment in current]

    return once_more(deed)
