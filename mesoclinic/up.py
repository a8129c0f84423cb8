"""bin/up: the whole clinic on one machine, as one foreground process tree that Ctrl-C ends.

PostgreSQL and Valkey unless DATABASE_URL and REDIS_URL lead elsewhere, a mail sink unless EMAIL_URL does, then
migrations, the demo clinic where the database is empty, the renderer, the web server, the Celery worker and beat.
"""
from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mesoclinic import probe, services
from mesoclinic.install import one_at_a_time
from mesoclinic.processes import Child, Family, Stopped, Trouble, say
from mesoclinic.services import BASE_DIR, Servers, answers_ping, check_server, connection, port_is_free

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit for a local socket is 107


class Clinic:
    """What bin/up starts, in the order it needs each other."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.home = services.local_home()
        self.home.mkdir(parents=True, exist_ok=True)
        self.servers = Servers(self.home)
        self.port = port_from_environment()
        self.env = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "mesoclinic.settings",
            "SECRET_KEY": os.environ.get("SECRET_KEY") or self.servers.memory.secret("secret_key"),
            "HTTPS": "0",
            "MESOCLINIC_DEMO": os.environ.get("MESOCLINIC_DEMO", "1"),
            "BASE_URL": os.environ.get("BASE_URL", f"http://localhost:{self.port}"),
            "LOG_FORMAT": os.environ.get("LOG_FORMAT", "text"),
            "RENDERER_SOCKET": self.renderer_socket(),
        }

    def run(self) -> None:
        lock = self.only_one()
        self.check_port()
        self.database()
        self.queue()
        self.mail()
        self.prepare()
        self.programs()
        self.welcome()
        self.family.watch()
        lock.close()

    # --- before anything starts
    def only_one(self) -> Any:
        lock = (self.home / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble("bin/up is already running in this directory: stop it there with Ctrl-C first.") from None
        return lock

    def check_port(self) -> None:
        if not port_is_free(self.port):
            raise Trouble(
                f"Port {self.port} is taken by another program: stop it, or choose another with `PORT=8001 bin/up`."
            )

    def renderer_socket(self) -> str:
        path = os.environ.get("RENDERER_SOCKET") or str(self.home / "renderer.sock")
        if len(path.encode()) <= LONGEST_SOCKET_PATH:
            return path
        mark = hashlib.sha256(path.encode()).hexdigest()[:12]
        private = Path(tempfile.gettempdir()) / f"mesoclinic-{os.getuid()}-{mark}"
        private.mkdir(mode=0o700, exist_ok=True)
        if private.stat().st_uid != os.getuid():
            raise Trouble(f"{private} belongs to somebody else: set RENDERER_SOCKET to a short path of your own.")
        return str(private / "renderer.sock")

    # --- services
    def database(self) -> None:
        if "DATABASE_URL" not in os.environ:
            self.family.start(self.servers.postgres())
            self.servers.prepare()
        self.env |= services.database_urls(self.servers)
        check_server(self.env["OWNER_DATABASE_URL"])

    def queue(self) -> None:
        if "REDIS_URL" not in os.environ:
            self.family.start(self.servers.valkey())
            self.env["REDIS_URL"] = self.servers.redis_url()
            return
        place = urlsplit(os.environ["REDIS_URL"])
        if not answers_ping(place.hostname or "localhost", place.port or 6379):
            raise Trouble(
                f"Redis at {place.hostname}:{place.port or 6379} does not answer: start it, correct REDIS_URL, "
                "or unset it and bin/up starts its own."
            )

    def mail(self) -> None:
        if "EMAIL_URL" in os.environ:
            return
        port = self.servers.memory.port("mail_port")
        command = [sys.executable, "-m", "mesoclinic.mailbox", str(port), str(self.mails)]
        self.family.start(Child("mail", command, self.env, stage=1, ready=lambda: answers(port)))
        self.env["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"

    @property
    def mails(self) -> Path:
        return self.home / "mail"

    # --- what the programs need
    def prepare(self) -> None:
        module = [sys.executable, "-m"]
        with one_at_a_time():
            self.must("packages", [*module, "mesoclinic.frontend"], "The front-end packages could not be set up")
            self.must("texts", [*module, "mesoclinic.translations"], "The translations could not be compiled")
        self.collect_static()
        say("up", "Bringing the database up to date ...")
        self.must("migrate", [*MANAGE, "setup_database"], "The database could not be brought up to date")
        if self.is_empty() and has_command("seed_demo"):
            say("up", "The database is empty: making the demo clinic ...")
            self.must("demo", [*MANAGE, "seed_demo"], "The demo clinic could not be made")

    def must(self, name: str, command: list[str], sentence: str) -> None:
        """Run to the end; its output shows only if it fails."""
        if self.family.run(name, command, self.env, quiet=True):
            raise Trouble(f"{sentence}: the lines above say why.")

    def collect_static(self) -> None:
        stamp = self.home / "static.txt"
        mark = self.static_fingerprint()
        if stamp.exists() and stamp.read_text() == mark:
            return
        collect = [*MANAGE, "collectstatic", "--noinput", "--clear", "-v0"]
        self.must("static", collect, "The static files could not be collected")
        stamp.write_text(mark)

    def static_fingerprint(self) -> str:
        files = [path for path in (BASE_DIR / "static").rglob("*") if path.is_file()]
        lines = sorted(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files)
        requirements = (BASE_DIR / "requirements.txt").read_text() + (BASE_DIR / "mesoclinic/storage.py").read_text()
        return hashlib.sha256("\n".join([*lines, requirements]).encode()).hexdigest()

    def is_empty(self) -> bool:
        with connection(self.env["OWNER_DATABASE_URL"]) as cursor:
            cursor.execute("SELECT NOT EXISTS (SELECT FROM clinic_user)")
            return cursor.fetchone()[0]

    # --- the programs
    def programs(self) -> None:
        """All at once: none of them needs another to start."""
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "--quiet", "-A", "mesoclinic.celery"]
        # On somebody's own machine being root is their affair.
        worker_env = {**self.env, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        ready = f"http://127.0.0.1:{self.port}/ready/"
        web = [*python, "gunicorn", "mesoclinic.wsgi", *self.web_options()]
        worker = [*celery, "worker", "-c", "2", "--without-gossip", "--without-mingle"]
        beat = [*celery, "beat", "-s", str(self.home / "beat-schedule"), "--pidfile="]
        children = [
            Child("web", web, self.env, ready=lambda: probe.answers(ready)),
            Child("worker", worker, worker_env),
            Child("beat", beat, self.env),
        ]
        if has_command("renderer"):
            children.append(Child("renderer", [*MANAGE, "renderer"], self.env))
        for child in children:
            child.start()
            self.family.children.append(child)
        self.family.wait_ready(children[0])

    def web_options(self) -> list[str]:
        options = ["-c", "python:mesoclinic.web", "--bind", f"127.0.0.1:{self.port}"]
        return [*options, "--bind", f"[::1]:{self.port}"] if has_ipv6() else options

    def welcome(self) -> None:
        say("up", "")
        say("up", f"Mesoclinic is open at {self.env['BASE_URL']}  (a demonstration, not for real patients)")
        for line in self.logins():
            say("up", f"  {line}")
        if "EMAIL_URL" not in os.environ:
            say("up", f"Mails land in {self.mails}")
        say("up", "Ctrl-C stops everything; the data stay.")
        say("up", "")

    def logins(self) -> list[str]:
        if not has_command("seed_demo"):
            return []
        shown = subprocess.run(
            [*MANAGE, "seed_demo", "--show-logins"], env=self.env, capture_output=True, text=True, check=False
        )
        return shown.stdout.strip().splitlines() if shown.returncode == 0 else []


def has_command(name: str) -> bool:
    return any(BASE_DIR.glob(f"*/management/commands/{name}.py"))


def port_from_environment() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Trouble(f"PORT is `{text}`: give a number between 1 and 65535.")
    return int(text)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def main() -> int:
    try:
        with Family() as family:
            Clinic(family).run()
            say("up", "Stopping ...")
        say("up", "Stopped; the data stay under .local.")
    except Stopped:
        say("up", "Stopped.")
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
