"""What every answer carries, whoever asks and whatever the answer is; what stays behind after signing out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests import factories as make
from tests.browser import settled
from tests.house.test_hostile_urls import widest
from tests.house.world import address, behind_link, every_url, is_ours, make_world, our_urls

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
# The mail in its own frame, the stored PDF and a letter to download have policies of their own; none allows a script.
OWN_POLICY = {
    "message-mail": "sandbox", "mail-rule-mail": "sandbox", "mail-rule-preview": "sandbox", "upload-file": "sandbox",
    "document-pdf": "object-src 'self'",
}  # fmt: skip

# Refused before any page is asked for; there is nothing to frame or to keep, and frame-ancestors holds all the same.
TURNED_AWAY = {"bad host", "no token"}


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";") if part.strip()]
    return {part[0]: part[1:] for part in parts}


def answers(world: Any):
    anybody = Client(raise_request_exception=False)
    for pattern in every_url():
        if not is_ours(pattern):
            try:
                url = reverse(str(pattern.name))
            except NoReverseMatch:
                continue
            yield str(pattern.name), anybody.get(url)
            yield str(pattern.name), make.signed_in(Client(raise_request_exception=False), world.doctor).get(url)
        elif pattern.callback.access[0] == "staff":
            client = widest(world, pattern)
            yield str(pattern.name), client.get(address(pattern, world))
            yield str(pattern.name), client.post(address(pattern, world))
            yield str(pattern.name), anybody.get(address(pattern, world))
        else:
            yield str(pattern.name), anybody.get(address(pattern, world))
    for purpose in ("intake", "appointment", "consent"):
        client = behind_link(world, purpose)
        for pattern in our_urls("patient-link"):
            yield str(pattern.name), client.get(address(pattern, world))
    yield "absent", anybody.get("/no-such-page/")
    yield "bad host", anybody.get("/", headers={"Host": "evil.example"})
    yield "no token", Client(enforce_csrf_checks=True).post(reverse("account_login"), {})
    yield "broken address", anybody.get("/patients/%ff%00/")


def test_every_answer_carries_the_whole_armour():
    world = make_world()
    seen = 0
    for name, answer in answers(world):
        said = f"{name} {answer.status_code}"
        seen += 1
        policy = policy_of(answer)
        assert policy["default-src"] == ["'none'"], said
        if name in OWN_POLICY and answer.status_code == 200:
            assert OWN_POLICY[name] in answer.headers["Content-Security-Policy"], said
            assert "script-src" not in policy, said
        elif name not in OWN_POLICY:
            assert "unsafe" not in answer.headers["Content-Security-Policy"], said
            assert policy["frame-ancestors"] == ["'none'"], said
            assert policy["base-uri"] == ["'none'"], said
            for directive in ("form-action", "script-src", "style-src", "connect-src"):
                assert policy[directive] == ["'self'"], said
            if name not in TURNED_AWAY:
                assert answer.headers["X-Frame-Options"] == "DENY", said
        assert answer.headers["X-Content-Type-Options"] == "nosniff", said
        assert answer.headers["Referrer-Policy"] == "same-origin", said
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", said
        if name not in TURNED_AWAY:
            assert "no-store" in answer.headers["Cache-Control"], said
        assert not {"Server", "X-Powered-By"} & set(answer.headers), said
        for cookie in answer.cookies.values():
            if not cookie.value:
                continue  # a cookie that is taken away
            assert cookie["samesite"] == "Lax", f"{said} {cookie.key}"
            assert cookie["httponly"] or cookie.key == "language", f"{said} {cookie.key}"
    assert seen > 150


def test_signing_out_clears_what_the_browser_kept():
    client = make.signed_in(Client(), make_world().doctor)
    answer = client.post(reverse("account_logout"))
    assert answer.status_code == 302
    assert '"cache"' in answer.headers["Clear-Site-Data"]
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    assert client.get(reverse("board")).status_code == 302


def test_health_says_nothing_about_the_machine():
    for name in ("live", "ready"):
        words = Client().get(reverse(name)).content.decode().lower()
        assert len(words) < 400
        for secret in ("django", "python", "postgres", "gunicorn", "version", "/", "halden"):
            assert secret not in words, f"{name} names {secret}"


SETTINGS = """
import django
from django.conf import settings
django.setup()
s = settings
assert s.SESSION_COOKIE_NAME == "__Host-session" and s.CSRF_COOKIE_NAME == "__Host-csrf"
assert s.SESSION_COOKIE_SECURE and s.CSRF_COOKIE_SECURE and s.SESSION_COOKIE_HTTPONLY
assert s.SESSION_COOKIE_DOMAIN is None and s.SESSION_COOKIE_PATH == "/" and s.CSRF_COOKIE_DOMAIN is None
assert s.SECURE_SSL_REDIRECT and s.SECURE_HSTS_SECONDS >= 31_536_000 and s.SECURE_HSTS_INCLUDE_SUBDOMAINS
assert s.REQUIRE_MFA and not s.DEBUG and not s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN
assert s.SECURE_PROXY_SSL_HEADER is None, "no proxy, no trust in its header"
from patients.views.opened import COOKIE
assert COOKIE.startswith("__Host-")
from django.test import Client
import django.test.utils
answer = Client(headers={"Host": "localhost"}, secure=False).get("/account/login/")
assert answer.status_code == 301 and answer["Location"].startswith("https://"), answer
print("settings hold")
"""


def test_with_https_every_cookie_is_bound_to_this_host_and_to_https():
    environment = {**os.environ, "HTTPS": "1", "MESOCLINIC_DEMO": "0", "TRUSTED_PROXIES": "0"}
    environment.pop("REQUIRE_MFA", None)
    environment["DJANGO_SETTINGS_MODULE"] = "mesoclinic.settings"
    environment["BASE_URL"] = "https://clinic.example"
    script = SETTINGS.replace('Client(headers={"Host": "localhost"}, secure=False)', 'Client(headers={"Host": "localhost"})')
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "settings hold" in ran.stdout, ran.stderr[-2_000:]


@pytest.mark.django_db(transaction=True)
@pytest.mark.browser
def test_the_back_button_after_signing_out_shows_nothing(page: Any, live_server: Any, settings: Any):
    site = make.make_site()
    patient = make.make_patient(site, family_name="Quexbury")
    client = make.signed_in(Client(), make.make_user("front-desk", site=site))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
    page.goto(reverse("patient", args=[patient.public_id]))
    assert "Quexbury" in page.content()
    page.goto(reverse("account_logout"))
    page.locator("form[action*=logout] button[type=submit], form button[type=submit]").last.click()
    settled(page)
    for _step in range(3):
        page.go_back()
        settled(page)
        assert "Quexbury" not in page.content()
