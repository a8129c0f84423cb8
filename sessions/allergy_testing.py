"""Allergy tests: placed on the forearm, read after at least 24 hours; a positive one becomes an allergy on record."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from clinic.permissions import check_may
from patients.models import Allergy, Patient
from protocols import catalogue
from sessions import screenings
from sessions.models import AllergyTest, Course
from sessions.models.allergy_test import TestResult
from sessions.planned import replan


@transaction.atomic
def place(*, patient: Patient, site: Site, substance: str, placed_at: dt.datetime, by: Doer) -> AllergyTest:
    """0.02 to 0.05 ml into the forearm. `placed_at` may be earlier (another visit), never later than now."""
    user = _treats(by, site)
    if placed_at > timezone.now():
        raise Refused(_("This time lies in the future."), field="placed_at")
    if AllergyTest.objects.filter(patient=patient, substance=substance, read_at=None).exists():
        raise Refused(_("A test of this product is waiting to be read."))
    test = AllergyTest.objects.create(patient=patient, substance=substance, placed_at=placed_at, placed_by=user)
    audit.record(
        by=by, action="allergy-test-placed", sentence=f"placed an allergy test of {substance}", of=test,
        patient=patient, site=site,
    )  # fmt: skip
    _replan(patient)
    return test


@transaction.atomic
def read(*, test: AllergyTest, site: Site, read_at: dt.datetime, wheal_mm: int, rash: bool, by: Doer) -> AllergyTest:
    """Read once the hours of gate-test have passed: a wheal as large as it says, or a rash, is positive and
    becomes an allergy to that substance."""
    user, limits = _treats(by, site), catalogue.in_force().start_gates["gate-test"].limits
    locked = AllergyTest.objects.select_for_update(no_key=True).get(pk=test.pk)
    if locked.read_at is not None:
        raise Refused(_("This test has been read already."))
    if read_at > timezone.now():
        raise Refused(_("This time lies in the future."), field="read_at")
    if read_at - locked.placed_at < dt.timedelta(hours=limits["read_hours"]):
        words = _("It is read at least %(hours)s hours after it was placed.") % {"hours": limits["read_hours"]}
        raise Refused(words, field="read_at")
    locked.read_at, locked.read_by = read_at, user
    locked.wheal_mm, locked.rash = wheal_mm, rash
    locked.result = TestResult.POSITIVE if rash or wheal_mm >= limits["positive_mm"] else TestResult.NEGATIVE
    locked.save(update_fields=["read_at", "read_by", "wheal_mm", "rash", "result"])
    audit.record(
        by=by, action="allergy-test-read", sentence=f"read an allergy test of {locked.substance}: {locked.result}",
        of=locked, patient=locked.patient, site=site, detail={"wheal_mm": wheal_mm, "rash": rash},
    )  # fmt: skip
    if locked.result == TestResult.POSITIVE:
        Allergy.objects.get_or_create(
            patient=locked.patient, allergen=locked.substance, ended_at=None,
            defaults={"note": _("Positive allergy test"), "recorded_at": timezone.now(), "recorded_by": user},
        )  # fmt: skip
        screenings.rescreen(patient=locked.patient, by=by)
    _replan(locked.patient)
    return locked


def _replan(patient: Patient) -> None:
    """What is still asked for before a first session has changed."""
    to_begin = Course.objects.for_patient(patient).running()
    for course in to_begin.filter(planned_sessions__number=1, planned_sessions__done_on=None):
        replan(course)


def _treats(by: Doer, site: Site) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.TREAT, site)
    return by.user
