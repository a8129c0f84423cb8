"""What is known has changed: the screenings that pages show must not be older than the facts."""
from __future__ import annotations

import structlog

from clinic.doer import Doer
from clinic.errors import Refused
from patients.models import Patient
from sessions import screenings

log = structlog.get_logger(__name__)


def screen_again(patient: Patient, by: Doer) -> None:
    """Screen the patient and every running course once more after a change of facts, inside the transaction of the deed
    that changed them. A refusal (no catalogue) leaves the change standing: acts screen again by themselves."""
    try:
        screenings.rescreen(patient=patient, by=by)
    except Refused:
        log.warning("no screening after a change of facts")
