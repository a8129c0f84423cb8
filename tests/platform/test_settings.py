"""A missing setting is one sentence that says what to do; production settings pass Django's deployment check."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


def manage(*words: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
    # The browser tests of this very run set this one; production does not.
    for name in ("DJANGO_ALLOW_ASYNC_UNSAFE", *(name for name, value in changes.items() if value is None)):
        env.pop(name, None)
    return subprocess.run([*MANAGE, *words], env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL"])
def test_a_missing_setting_stops_with_a_sentence(name: str) -> None:
    done = manage("check", **{name: None})
    assert done.returncode
    assert f"{name} is not set: " in (done.stderr + done.stdout).strip().splitlines()[-1]


@pytest.mark.parametrize("url", ["mysql://somebody@somewhere/clinic", "clinic.sqlite3"])
def test_another_database_is_refused_with_a_sentence(url: str) -> None:
    done = manage("check", DATABASE_URL=url)
    assert done.returncode
    assert "DATABASE_URL must look like postgresql://" in (done.stderr + done.stdout).strip().splitlines()[-1]


def test_production_settings_pass_the_deployment_check() -> None:
    done = manage(
        "check", "--deploy", "--fail-level", "WARNING", HTTPS="1", MESOCLINIC_DEMO="0", REQUIRE_MFA="1",
        SECRET_KEY="k" * 25 + "".join(map(chr, range(65, 91))), BASE_URL="https://clinic.example.org",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_an_app_that_connects_as_owner_fails_the_deployment_check() -> None:
    done = manage(
        "check", "--deploy", "--fail-level", "WARNING", HTTPS="1", MESOCLINIC_DEMO="0",
        SECRET_KEY="k" * 25 + "".join(map(chr, range(65, 91))), DATABASE_URL=os.environ["OWNER_DATABASE_URL"],
    )  # fmt: skip
    assert done.returncode
    assert "clinic.E001" in done.stderr
