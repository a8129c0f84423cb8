"""What is known has changed: the screening that pages show must not be older than the facts."""
from __future__ import annotations

import logging

from clinic.doer import Doer
from clinic.errors import Refused
from patients.models import Patient
from protocols.findings import Stage
from sessions.screenings import screen_now

log = logging.getLogger(__name__)


def screen_again(patient: Patient, by: Doer) -> None:
    """Screen the patient once more after a change of facts. A refusal (no catalogue) leaves the change standing:
    acts screen again by themselves before they happen."""
    try:
        screen_now(patient=patient, stage=Stage.INTAKE, by=by)
    except Refused:
        log.warning("no screening after a change of facts")
