"""A shared computer signs out by itself: idle, and after twelve hours; a poll does not count as activity."""

from __future__ import annotations

import pytest
from django.urls import reverse

from clinic.choices import Role
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, at):
    at("2026-03-12T08:00:00+00:00")
    make.make_site()
    client = make.signed_in(client, make.make_user(Role.FRONT_DESK))
    assert client.get(reverse("patients")).status_code == 200
    return client


def test_idle_signs_out_and_says_why(desk, at, settings):
    settings.IDLE_TIMEOUT_SECONDS = 900
    at("2026-03-12T08:15:00+00:00")
    assert desk.get(reverse("patients")).status_code == 200
    at("2026-03-12T08:30:01+00:00")
    response = desk.get(reverse("patients"), follow=True)
    assert response.redirect_chain[-1][0] == reverse("account_login")
    assert "nothing happened" in response.content.decode()


def test_a_poll_is_not_activity(desk, at, settings):
    settings.IDLE_TIMEOUT_SECONDS = 900
    at("2026-03-12T08:14:00+00:00")
    desk.get(reverse("board"), headers={"X-Poll": "1"})
    at("2026-03-12T08:16:00+00:00")
    assert desk.get(reverse("patients")).status_code == 302


def test_twelve_hours_end_the_busiest_session(desk, at, settings):
    settings.IDLE_TIMEOUT_SECONDS = 3600
    for hour in range(9, 20):
        at(f"2026-03-12T{hour:02d}:00:00+00:00")
        assert desk.get(reverse("patients")).status_code == 200
    at("2026-03-12T20:00:01+00:00")
    assert desk.get(reverse("patients")).status_code == 302
