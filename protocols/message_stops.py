"""Why an automatic mail is not sent (section 12), from what is known when it falls due.

Pure. Whether there is a moment to send it at all is computed by `protocols.message_times`.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from protocols.definitions import MessageDefinition
from protocols.message_times import AT_ONCE

GRADE_THAT_STOPS = 2


class Stop(StrEnum):
    """The reasons, the weightiest first."""

    CONSENT_WITHDRAWN = "consent-withdrawn"
    ADVERSE_EVENT = "adverse-event"
    BLOCKED = "blocked"
    NEXT_IS_BOOKED = "next-is-booked"
    NO_TEST_NEEDED = "no-test-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand with the patient. `blocked`: screening or a pregnancy blocks the course. `event_grade`: of the
    gravest event that is open, 0 for none. `test_needed`: a new product without a valid allergy test is planned."""

    consent_withdrawn: bool = False
    blocked: bool = False
    event_grade: int = 0
    next_is_booked: bool = False
    test_needed: bool = True


def stopped_by(kind: str, standing: Standing, messages: Mapping[str, MessageDefinition]) -> Stop | None:
    """The weightiest reason why a mail of this kind is not sent; None when nothing stops it.

    1. Withdrawn consent stops everything.
    2. An adverse event stops what comes by itself, for a clinician writes instead; what answers a deed of this moment
       (a booking, the end of a session) still goes out.
    3. A block stops the mails of the course; aftercare and late-lump mails of a session already given go on.
    """
    if standing.consent_withdrawn:
        return Stop.CONSENT_WITHDRAWN
    if standing.event_grade >= GRADE_THAT_STOPS and kind not in AT_ONCE:
        return Stop.ADVERSE_EVENT
    if standing.blocked and messages[kind].stopped_by_block:
        return Stop.BLOCKED
    if kind == "msg-next" and standing.next_is_booked:
        return Stop.NEXT_IS_BOOKED
    if kind == "msg-allergy-test" and not standing.test_needed:
        return Stop.NO_TEST_NEEDED
    return None
