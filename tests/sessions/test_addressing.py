"""An address that comes late: what was not sent for want of one goes out, what is no longer true stays away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from patients.models import Patient
from sessions import addressing, booking, sending
from sessions.choices import MessageState as S
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day(email="")


def given_an_address(day: MailDay) -> None:
    Patient.objects.filter(pk=day.patient.pk).update(email="aisha@example.com")


def test_the_reminder_is_written_to_the_address_that_came_later(day: MailDay) -> None:
    day.book()
    assert addressing.write_anew() == 0, "there is no address yet"
    (old,) = day.messages("msg-24h")
    given_an_address(day)
    sending.sweep()
    old, new = day.messages("msg-24h")
    assert (old.state, old.reason) == (S.SUPPRESSED, addressing.WRITTEN_ANEW)
    assert (new.state, new.recipient, new.due_at) == (S.SCHEDULED, "aisha@example.com", old.due_at)
    sending.sweep()
    assert len(day.messages("msg-24h")) == 2, "once is enough"


def test_the_check_in_after_a_treatment_too(day: MailDay) -> None:
    day.treat()
    given_an_address(day)
    assert addressing.write_anew() == 1
    assert day.messages("msg-48h")[-1].state == S.SCHEDULED
    assert [one.state for one in day.messages("msg-after-0")] == [S.SUPPRESSED], "its time is over: the sheet was printed"


def test_a_cancelled_visit_is_not_brought_back(day: MailDay) -> None:
    visit = day.book()
    booking.cancel(appointment=visit, seen_version=visit.version, reason="She travels", by=day.by)
    given_an_address(day)
    assert addressing.write_anew() == 0
    assert {one.state for one in day.messages()} == {S.SUPPRESSED}


def test_only_the_time_that_holds_is_reminded_of(day: MailDay) -> None:
    visit = day.book("10:00")
    booking.move(
        appointment=visit, seen_version=visit.version, starts_at=visit.starts_at + timezone.timedelta(hours=2), by=day.by
    )
    given_an_address(day)
    addressing.write_anew()
    scheduled = [one for one in day.messages("msg-24h") if one.state == S.SCHEDULED]
    visit.refresh_from_db()
    assert [one.due_at for one in scheduled] == [visit.starts_at - timezone.timedelta(days=1)]
