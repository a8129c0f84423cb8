"""Two hundred visitors at one public time: one hold, and everybody gets a page."""
from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial

import pytest
from django.core import signing
from django.urls import reverse

from clinic.idempotency import new_token
from patients.models import Patient
from sessions.forms.public_booking import SALT
from sessions.models import Appointment, BookingRequest, PublicBooking
from sessions.waiting_page import stamp
from tests.figures import full_figures, scaled
from tests.sessions.clinicday import make_clinic_day
from tests.sessions.race.desks import Desk
from tests.sessions.race.test_one_slot import all_at_once, next_thursday, overlaps

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
CROWD = 200


def shown_before(seconds: int) -> str:
    """What a page made some time ago carries; nobody's clock has to be turned."""
    signer = signing.TimestampSigner(salt=SALT)
    moment = signing.b62_encode(int(dt.datetime.now(dt.UTC).timestamp()) - seconds)
    value = f"form{signer.sep}{moment}"
    return f"{value}{signer.sep}{signer.signature(value)}"


def test_two_hundred_visitors_at_one_time_are_one_hold():
    day = make_clinic_day()
    day.consultation.is_public = True
    day.consultation.save(update_fields=["is_public"])
    PublicBooking.objects.create(site=day.site, is_on=True)
    url = reverse("public-booking-details", args=[day.site.public_id])
    for number in range(10 if full_figures() else scaled(10)):
        start = day.at("10:00", next_thursday(day, 1 + number))
        visitors = [Desk(REMOTE_ADDR=f"203.0.{number}.{one}") for one in range(CROWD)]
        forms = [
            {
                "form_token": new_token(), "shown": shown_before(60), "service": day.consultation.public_id,
                "practitioner": day.doctor.public_id, "start": stamp(start), "given_name": "Ada", "family_name": "Visitor",
                "birth_date": "1990-05-17", "phone": "06 5555 0199", "email": f"{number}-{one}@example.org", "language": "en",
                "website": "",
            }
            for one in range(CROWD)
        ]  # fmt: skip
        answers = all_at_once([partial(visitor.post, url, form) for visitor, form in zip(visitors, forms, strict=True)])
        statuses = Counter(getattr(answer, "status_code", repr(answer)) for answer in answers)
        assert statuses == {302: 1, 409: CROWD - 1}, statuses
        assert Appointment.objects.filter(starts_at=start, status="held").count() == 1
        assert BookingRequest.objects.count() == number + 1
        assert Patient.everyone.count() == number + 1
    assert not Patient.objects.exists()
    assert overlaps() == 0
