"""bin/test: every check there is, on a PostgreSQL and a Valkey of its own. Options go to pytest.

Lint, types, floors, migrations, Django's deployment check, then the tests. Everything runs even when something before
it failed; the exit code is zero only if all was well, and pytest has the last word. `--prove` (bin/prove) runs tests
marked `prove` alone, at full figures, and writes down what they showed; `--bench` (bin/bench) the benchmarks.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

from mesoclinic import proof, services
from mesoclinic.install import VENV, one_at_a_time
from mesoclinic.processes import Family, Stopped, Trouble
from mesoclinic.services import BASE_DIR, Servers, answers_ping

PYTHON = sys.executable
MANAGE = [PYTHON, str(BASE_DIR / "manage.py")]
APPS = ["mesoclinic", "clinic", "patients", "protocols", "sessions"]
CHECKS: dict[str, list[str]] = {
    "lint (ruff)": [PYTHON, "-m", "ruff", "check", "--quiet", "."],
    "types (mypy)": [PYTHON, "-m", "mypy", "--no-error-summary", *APPS],
    "floors (import-linter)": [str(VENV / "bin" / "lint-imports")],
    "migrations complete": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "deployment check": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
}
SLOWEST = ["--durations=30", "--durations-min=5"]  # what to look at first when the whole takes too long


def main(options: list[str]) -> int:
    servers = Servers(services.local_home() / "test", durable=False)
    try:
        with Family() as family:
            env = environment(family, servers)
            prepare(family, env)
            if "--prove" in options:
                return prove(family, [word for word in options if word != "--prove"], env)
            if "--bench" in options:
                return run(family, [PYTHON, "-m", "tests.benchmarks", *(w for w in options if w != "--bench")], env)
            failed = [name for name, command in CHECKS.items() if not passes(family, name, command, env)]
            if failed:
                print(f"\nNot in order: {', '.join(failed)} (see above).\n", flush=True)
            code = run(family, [PYTHON, "-m", "pytest", *on_every_core(options), *SLOWEST, *options], env)
            return code or (1 if failed else 0)
    except Stopped:
        return 130
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1


def on_every_core(options: list[str]) -> list[str]:
    """A pytest worker for each core, a file at a time, unless the options say how many themselves."""
    said = any(word.startswith(("-n", "--numprocesses", "--dist", "--pdb")) for word in options)
    return [] if said else ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]


def prove(family: Family, options: list[str], env: dict[str, str]) -> int:
    report = services.local_home() / "test" / "proof.xml"
    proofs = ["-m", "prove or prove_only or race"]
    words = [PYTHON, "-m", "pytest", *proofs, f"--junitxml={report}", "-o", "junit_family=xunit1", *options]
    code = run(family, words, {**env, "PROVE": "1"})
    if report.exists():
        proof.append(report)
    return code


def environment(family: Family, servers: Servers) -> dict[str, str]:
    """Start what the environment does not provide, and say where everything is."""
    if "DATABASE_URL" not in os.environ:
        family.start(servers.postgres())
        servers.prepare()
    if "REDIS_URL" not in os.environ:
        family.start(servers.valkey())
    redis = os.environ.get("REDIS_URL") or servers.redis_url()
    address = urlsplit(redis)
    if not answers_ping(address.hostname or "localhost", address.port or 6379):
        place = f"{address.hostname}:{address.port or 6379}"
        raise Trouble(f"Redis at {place} does not answer: start it or unset REDIS_URL.")
    return {
        **os.environ,
        **services.database_urls(servers),
        "REDIS_URL": redis,
        "SECRET_KEY": servers.memory.secret("secret_key"),
        "DJANGO_SETTINGS_MODULE": "mesoclinic.settings",
        "MESOCLINIC_LOCAL": str(servers.home),
        "HTTPS": "0",
        "REQUIRE_MFA": "0",  # tests of the second factor switch it on
        "PYTHONDONTWRITEBYTECODE": "",  # a hundred processes start in the tests: not each compiles everything again
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
    }


def prepare(family: Family, env: dict[str, str]) -> None:
    with one_at_a_time():
        for module in ("mesoclinic.frontend", "mesoclinic.translations"):
            if family.run(module.rpartition(".")[2], [PYTHON, "-m", module], env, quiet=True):
                raise Trouble(f"{module} failed: the lines above say why.")


def passes(family: Family, name: str, command: list[str], env: dict[str, str]) -> bool:
    print(f"--- {name}", flush=True)
    # The deployment check and the migrations are looked at as production would run them.
    return run(family, command, {**env, "HTTPS": "1", "REQUIRE_MFA": "1", "MESOCLINIC_DEMO": "0"}) == 0


def run(family: Family, command: list[str], env: dict[str, str]) -> int:
    """In the foreground, on our own terminal."""
    if family.stopping:
        raise Stopped
    process = subprocess.Popen(command, env=env, cwd=BASE_DIR)
    while process.poll() is None:
        if family.stopping:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            raise Stopped
        time.sleep(0.05)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
