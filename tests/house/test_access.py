"""Every URL x method x identity, generated from the URL resolver. A view that declares no access fails the test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from clinic.models import AccessEvent
from clinic.permissions import POLICY
from tests import factories as make
from tests.house.world import address, every_url, is_ours, make_world

pytestmark = pytest.mark.django_db

# What an unknown visitor may open of allauth's own pages.
OPEN_TO_ANYBODY = {
    "account_login", "account_signup", "account_logout", "account_inactive", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_email_verification_sent", "account_confirm_email", "account_confirm_login_code", "mfa_authenticate",
    "mfa_login_webauthn", "mfa_signup_webauthn", "account_signup_by_passkey", "account_request_login_code",
    "account_confirm_password_reset_code", "account_complete_password_reset", "account_verify_phone",
    "account_change_phone", "account_email_verification_code", "mfa_trust",
}  # fmt: skip
METHODS = ("get", "post")
# Every member of staff may see these, wherever they work: no patient stands in them.
OF_THE_ORGANISATION = {"staff", "protocols", "sites", "rooms", "devices", "services", "mail-rules"}


@pytest.fixture
def world() -> SimpleNamespace:
    return make_world()


def test_every_view_declares_its_access():
    undeclared = [
        f"{pattern.name} ({pattern.callback.__module__})"
        for pattern in every_url()
        if is_ours(pattern) and not hasattr(pattern.callback, "access")
    ]
    assert undeclared == []


def test_every_url_has_the_name_of_its_view():
    names = [pattern.name for pattern in every_url() if is_ours(pattern)]
    assert all(names)
    assert len(names) == len(set(names))


def test_nobody_unknown_gets_past_the_door(world):
    """Without signing in a staff page answers with the sign-in page, whatever the method; nothing else is shown."""
    tried = 0
    for pattern in every_url():
        if is_ours(pattern):
            if pattern.callback.access[0] != "staff":
                continue
            url = address(pattern, world)
        else:
            if pattern.name in OPEN_TO_ANYBODY:
                continue
            try:
                url = reverse(str(pattern.name))
            except NoReverseMatch:  # its prefix holds the number of a security key
                url = reverse(str(pattern.name), kwargs={"pk": 1})
        for method in METHODS:
            response = getattr(Client(), method)(url)
            tried += 1
            assert response.status_code == 302, f"{method} {pattern.name}: {response.status_code}"
            assert response["Location"].startswith(reverse("account_login")), f"{method} {pattern.name}"
    assert tried > 60


@pytest.mark.parametrize("who", ["front-desk", "practitioner", "medical-lead", "manager"])
def test_roles_reach_what_the_policy_gives_them_and_nothing_else(world, who):
    user = world.people[who]
    client = make.signed_in(Client(raise_request_exception=True), user)
    held = POLICY[who]
    for pattern in every_url():
        if not is_ours(pattern) or pattern.callback.access[0] != "staff":
            continue
        needed = set(pattern.callback.access[1])
        for method in METHODS:
            make.signed_in(client, user)
            response = getattr(client, method)(address(pattern, world))
            said = f"{who} {method} {pattern.name}: {response.status_code}"
            if needed <= held:
                # 403 may still come from the verb itself: a finer rule than the page's
                assert response.status_code < 500, said
                if method == "get":
                    assert response.status_code != 403, said
            else:
                assert response.status_code == 403, said
    assert AccessEvent.objects.filter(category="denied", doer_public_id=user.public_id).exists() == (
        any(not set(p.callback.access[1]) <= held for p in every_url() if is_ours(p) and p.callback.access[0] == "staff")
    )


@pytest.mark.parametrize("who", ["front-desk elsewhere", "practitioner elsewhere"])
def test_a_role_limited_to_another_site_sees_nothing_of_this_one(world, who):
    """Another site's object answers like one that does not exist."""
    client = make.signed_in(Client(), world.people[who])
    held = POLICY[who.split()[0]]
    tried = 0
    for pattern in every_url():
        if not is_ours(pattern) or pattern.callback.access[0] != "staff" or "public_id" not in pattern.pattern.converters:
            continue
        noun = str(pattern.pattern).split("/")[0]
        if noun in OF_THE_ORGANISATION or pattern.name in {"patient-open", "switch-site"}:
            continue  # of the organisation; or the logged way to ask for another site's patient
        if not set(pattern.callback.access[1]) <= held:
            continue
        for method in METHODS:
            response = getattr(client, method)(address(pattern, world))
            tried += 1
            assert response.status_code in {404, 405}, f"{who} {method} {pattern.name}: {response.status_code}"
            assert world.patient.family_name not in response.content.decode()
    assert tried > 20


def test_a_revoked_role_ends_with_the_next_request(world):
    user = world.people["front-desk"]
    client = make.signed_in(Client(), user)
    assert client.get(reverse("patients")).status_code == 200
    user.roles.all().delete()
    assert client.get(reverse("patients")).status_code == 403
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert client.get(reverse("patients")).status_code == 302
