"""The door: guessing is slowed, half a sign-in opens nothing, idle and revoked people are out with the next request."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from clinic.models import AccessEvent
from tests import factories as make
from tests.figures import scaled
from tests.house.world import address, every_url, is_ours, make_world

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def no_counts_from_before():
    cache.clear()


def try_login(client: Client, email: str, password: str, **headers: str):
    return client.post(LOGIN, {"login": email, "password": password}, **headers)


def watch_hasher(monkeypatch) -> list[str]:
    """Every password that reaches the hasher."""
    reached: list[str] = []
    encode = MD5PasswordHasher.encode

    def encode_and_note(self, password, salt):
        reached.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode_and_note)
    return reached


@pytest.mark.prove
def test_guessing_is_slowed_whatever_the_guesser_claims(monkeypatch, at):
    """1,000 wrong tries within one minute, each with another forged X-Forwarded-For: ten or fewer reach the hasher."""
    at("2026-03-12T07:00:05+00:00")
    user = make.make_user(name="Ada")
    reached = watch_hasher(monkeypatch)
    for number in range(scaled(1_000)):
        answer = try_login(
            Client(), user.email, f"wrong-{number}", headers={"X-Forwarded-For": f"10.{number % 250}.1.{number // 250}"}
        )
        assert answer.status_code in {200, 422, 429}
    assert 0 < len({one for one in reached if one.startswith("wrong-")}) <= 10


@pytest.mark.prove
def test_guessing_many_logins_from_one_place_is_slowed(monkeypatch, at):
    at("2026-03-12T07:00:05+00:00")
    reached = watch_hasher(monkeypatch)
    users = [make.make_user() for _ in range(8)]
    reached.clear()
    for number in range(scaled(1_000)):
        try_login(Client(), users[number % 8].email, f"wrong-{number}")
    assert len({one for one in reached if one.startswith("wrong-")}) <= 10


def test_a_stranger_cannot_lock_the_owner_out(at):
    at("2026-03-12T07:00:05+00:00")
    user = make.make_user()
    for number in range(30):
        try_login(Client(REMOTE_ADDR="203.0.113.9"), user.email, f"wrong-{number}")
    answer = try_login(Client(REMOTE_ADDR="198.51.100.7"), user.email, make.PASSWORD)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("board")


def test_an_unknown_address_gets_the_same_answer():
    user = make.make_user()
    known = try_login(Client(), user.email, "wrong")
    unknown = try_login(Client(), "nobody@halden.example", "wrong")
    assert known.status_code == unknown.status_code
    words = [
        answer.content.decode().replace(user.email, "@").replace("nobody@halden.example", "@") for answer in (known, unknown)
    ]
    words = [re.sub(r'(csrfmiddlewaretoken" value|csrf-token" content)="[^"]+"', "", one) for one in words]
    assert words[0] == words[1]
    resets = [Client().post(reverse("account_reset_password"), {"email": one}) for one in (user.email, "x@halden.example")]
    assert [one.status_code for one in resets] == [302, 302]
    assert resets[0]["Location"] == resets[1]["Location"]


def test_an_unknown_address_costs_as_much_work(monkeypatch):
    """A fast answer would tell who works here."""
    user = make.make_user()
    reached = watch_hasher(monkeypatch)
    try_login(Client(), user.email, "wrong-known")
    try_login(Client(), "nobody@halden.example", "wrong-unknown")
    assert reached.count("wrong-known") == reached.count("wrong-unknown") == 1


def test_somebody_who_left_cannot_sign_in():
    user = make.make_user(is_active=False)
    client = Client()
    try_login(client, user.email, make.PASSWORD)
    assert client.get(reverse("board")).status_code == 302
    assert "_auth_user_id" not in client.session


# --- second factor ---------------------------------------------------------------------------------------------------
def staff_pages(world):
    for pattern in every_url():
        if is_ours(pattern) and pattern.callback.access[0] == "staff":
            yield str(pattern.name), address(pattern, world)


def give_second_factor(user) -> None:
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)


def test_half_a_sign_in_opens_nothing():
    """Password right, code not yet given: every page still leads to the door."""
    world = make_world()
    give_second_factor(world.doctor)
    EmailAddress.objects.create(user=world.doctor, email=world.doctor.email, verified=True, primary=True)
    client = Client()
    answer = try_login(client, world.doctor.email, make.PASSWORD)
    assert answer.status_code == 302
    assert reverse("mfa_authenticate") in answer["Location"]
    tried = 0
    for name, url in staff_pages(world):
        for method in ("get", "post"):
            answer = getattr(client, method)(url)
            tried += 1
            assert answer.status_code == 302, f"{method} {name}"
            assert answer["Location"].startswith(reverse("account_login")), f"{method} {name}"
    assert tried > 80
    for name in ("mfa_index", "mfa_view_recovery_codes", "mfa_deactivate_totp", "account_change_password"):
        assert client.get(reverse(name)).status_code == 302, name


def test_where_a_second_factor_is_required_nothing_opens_without(settings):
    settings.REQUIRE_MFA = True
    world = make_world()
    client = make.signed_in(Client(), world.people["medical-lead"])
    tried = 0
    for name, url in staff_pages(world):
        for method in ("get", "post", "head"):
            answer = getattr(client, method)(url)
            tried += 1
            assert (answer.status_code, answer.get("Location")) == (302, reverse("mfa_index")), f"{method} {name}"
            assert world.patient.family_name not in answer.content.decode()
    assert tried > 120
    for pattern in every_url():
        if is_ours(pattern) or str(pattern.name).startswith(("mfa_", "account_logout", "account_reauth", "None")):
            continue
        try:
            url = reverse(str(pattern.name))
        except NoReverseMatch:
            continue
        answer = client.get(url)
        assert answer.status_code in {302, 404}, pattern.name
    give_second_factor(world.people["medical-lead"])
    assert client.get(reverse("board")).status_code == 200


def test_second_factors_are_stored_encrypted():
    user, secret = make.make_user(), generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator WHERE user_id = %s", [user.pk])
        stored = " ".join(row for (row,) in cursor.fetchall())
    assert secret not in stored
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    assert codes.generate_codes()
    assert not any(code in stored for code in codes.generate_codes())
    seed = Authenticator.objects.get(user=user, type="recovery_codes").data["seed"]
    assert get_adapter().decrypt(seed)
    assert get_adapter().decrypt(seed) not in stored


# --- time, roles, passwords ---------------------------------------------------------------------------------------------
def test_idle_people_are_signed_out_and_polls_do_not_count(at, settings):
    settings.IDLE_TIMEOUT_SECONDS = 15 * 60
    site = make.make_site()
    begun = dt.datetime(2026, 3, 12, 7, tzinfo=dt.UTC)
    user = make.make_user("front-desk", site=site)
    at(begun)
    client = make.signed_in(Client(), user)
    assert client.get(reverse("board")).status_code == 200
    for minutes in range(2, 15, 2):
        at(begun + dt.timedelta(minutes=minutes))
        assert client.get(reverse("board"), headers={"X-Poll": "1"}).status_code == 200
    at(begun + dt.timedelta(minutes=15, seconds=2))
    answer = client.get(reverse("board"))
    assert answer.status_code == 302
    assert reverse("account_login") in answer["Location"]
    assert "_auth_user_id" not in client.session


def test_a_poll_cannot_outlive_the_idle_time(at, settings):
    settings.IDLE_TIMEOUT_SECONDS = 15 * 60
    site = make.make_site()
    at("2026-03-12T07:00+00:00")
    client = make.signed_in(Client(), make.make_user("front-desk", site=site))
    client.get(reverse("board"))
    at("2026-03-12T07:16+00:00")
    answer = client.get(reverse("board"), headers={"X-Poll": "1", "HX-Request": "true"})
    assert answer.status_code in {302, 401}
    assert "_auth_user_id" not in client.session


def test_a_working_day_ends_after_twelve_hours(at, settings):
    site = make.make_site()
    begun = dt.datetime(2026, 3, 12, 7, tzinfo=dt.UTC)
    at(begun)
    client = make.signed_in(Client(), make.make_user("front-desk", site=site))
    for minutes in range(0, 12 * 60, 10):
        at(begun + dt.timedelta(minutes=minutes))
        assert client.get(reverse("board")).status_code == 200, minutes
    at(begun + dt.timedelta(hours=12, minutes=1))
    assert client.get(reverse("board")).status_code == 302


@pytest.mark.prove
def test_every_way_of_losing_access_holds_from_the_next_request():
    """100 open sessions, each ended another way; all are refused at once."""
    site = make.make_site()
    refused = 0
    for number in range(scaled(100)):
        user = make.make_user("front-desk", site=site)
        client = make.signed_in(Client(), user)
        assert client.get(reverse("patients")).status_code == 200
        if number % 3 == 0:
            user.roles.all().delete()
        elif number % 3 == 1:
            type(user).objects.filter(pk=user.pk).update(is_active=False)
        else:
            user.set_password("another-mild-otter-99")
            user.save(update_fields=["password"])
        answer = client.get(reverse("patients"))
        refused += answer.status_code in {302, 403}
    assert refused == scaled(100)


def test_signing_in_makes_a_new_session():
    """A session that somebody planted before is worth nothing afterwards (fixation)."""
    user, client = make.make_user(), Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["session"] = session.session_key
    before = session.session_key
    assert try_login(client, user.email, make.PASSWORD).status_code == 302
    assert client.session.session_key != before
    assert Client(headers={"Cookie": f"session={before}"}).get(reverse("board")).status_code != 200


@pytest.mark.real_passwords
def test_passwords_are_kept_with_argon2():
    user = make.make_user()
    assert user.password.startswith("argon2$argon2id$")
    assert make.PASSWORD not in user.password


def test_passwords_that_everybody_uses_are_refused():
    user = make.make_user()
    client = make.signed_in(Client(), user)
    for weak in ("password1234", "123456789012", "short", user.email):
        answer = client.post(
            reverse("account_change_password"), {"oldpassword": make.PASSWORD, "password1": weak, "password2": weak}
        )
        assert answer.status_code in {200, 422}, weak
        user.refresh_from_db()
        assert user.check_password(make.PASSWORD)


def test_leaving_for_another_place_is_not_possible():
    """`next` never leads off the site, at the door and at the switches."""
    user = make.make_user()
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example"):
        client = Client()
        answer = client.post(f"{LOGIN}?next={evil}", {"login": user.email, "password": make.PASSWORD, "next": evil})
        assert answer.status_code == 302
        assert "evil" not in answer["Location"]
        assert "javascript" not in answer["Location"]
        for name in ("switch-site", "set_language"):
            answer = client.post(reverse(name), {"site": "x" * 22, "language": "tr", "next": evil}, headers={"Referer": evil})
            assert "evil" not in answer.get("Location", "")
            assert "javascript" not in answer.get("Location", "")


def test_wrong_tries_are_not_looks():
    """The access log holds what people saw, never what they typed at the door."""
    try_login(Client(), "nadia@example.org", "my-secret-words")
    assert not [row for row in AccessEvent.objects.values_list("detail", flat=True) if "secret" in str(row)]


@pytest.mark.django_db
@pytest.mark.parametrize("credential", ["1" * 5_000, "[" * 15_000, '{"id": ' + "9" * 4_400 + "}", "{" * 200_000, "\x00"])
def test_a_hostile_passkey_is_refused_like_any_wrong_one(credential):
    answer = Client().post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert answer.status_code in {200, 302, 400}
    assert "_auth_user_id" not in answer.client.session
