"""The test database: made and migrated as owner, used as the app role, emptied as owner.

Reference rows that set-up leaves (the catalogue, the questionnaire, content types) are copied to a schema of their own
and put back after every test that really commits.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
import psycopg2.errors
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from psycopg2 import sql

from clinic import grants
from clinic.grants import apply_grants

KEPT = "kept_by_tests"
T = TypeVar("T")


@contextmanager
def owner_cursor() -> Iterator[Any]:
    """A plain connection of the owner, each statement on its own."""
    parts = connections["owner"].settings_dict
    connection = psycopg2.connect(
        dbname=parts["NAME"], user=parts["USER"], password=parts["PASSWORD"], host=parts["HOST"], port=parts["PORT"],
        connect_timeout=5, options="-c lock_timeout=20s",
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def make(*, keep: bool) -> None:
    """A migrated database owned by the owner role; then `default` (the app role) works in it."""
    owner, app = connections["owner"], connections["default"]
    name = owner.settings_dict["TEST"]["NAME"]
    with owner_cursor() as cursor:
        reused = keep and made_from(cursor, name) == fingerprint()
        if not reused:
            template = migrated_template(cursor)
            copy_database(cursor, template, name)
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            cursor.execute(comment.format(sql.Identifier(name), sql.Literal(fingerprint())))
    for connection in (owner, app):
        connection.close()
        connection.settings_dict["NAME"] = settings.DATABASES[connection.alias]["NAME"] = name
    # Django would treat `default` as a replica that follows `owner` and never open a transaction on it.
    app.settings_dict["TEST"]["MIRROR"] = None
    if reused:
        empty()  # what a run that was killed left behind
    apply_grants(owner)
    owner.close()


def migrated_template(cursor: Any) -> str:
    """All migrations take half a minute; a copy of a database that has them takes a fraction of one.

    The name carries a hash of every migration file, so a changed one makes a new template. Several runs may come at
    once: the first makes it, the others wait.
    """
    owner = connections["owner"]
    name = f"migrated_{fingerprint()}"
    cursor.execute("SET lock_timeout = '5min'")  # the first run takes a while; the others wait for it
    cursor.execute("SELECT pg_advisory_lock(hashtext('migrated template'))")
    if not exists(cursor, name):
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'migrated\\_%'")
        for (older,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(older)))
        draft = f"{name}_draft"
        copy_database(cursor, "template0", draft)
        original = owner.settings_dict["NAME"]
        owner.close()
        owner.settings_dict["NAME"] = draft
        call_command("migrate", database="owner", verbosity=0, interactive=False)
        owner.close()
        owner.settings_dict["NAME"] = original
        cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))
    cursor.execute("SELECT pg_advisory_unlock(hashtext('migrated template'))")
    return name


def fingerprint() -> str:
    files = [Path(grants.__file__)]
    for app in apps.get_app_configs():
        files += sorted(Path(app.path, "migrations").glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def made_from(cursor: Any, name: str) -> str | None:
    """The fingerprint of the migrations a database was made from, if it is there."""
    cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
    row = cursor.fetchone()
    return row and row[0]


def exists(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    return cursor.fetchone() is not None


def copy_database(cursor: Any, template: str, name: str) -> None:
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def drop(original_name: str) -> None:
    connections.close_all()
    owner = connections["owner"]
    name, owner.settings_dict["NAME"] = owner.settings_dict["NAME"], original_name
    with owner_cursor() as cursor:
        for patience in range(15):
            try:
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                return
            except psycopg2.errors.InsufficientPrivilege:
                # PostgreSQL is vacuuming there, which the owner may not end; mostly it is over in a moment. The next run
                # makes the database anew, so one that stays harms nobody: not worth the minute that a worker once waited.
                time.sleep(min(1, patience / 10))


@contextmanager
def kept(blocker: Any, build: Callable[[], T]) -> Iterator[T]:
    """What `build` makes stays for all tests of a module and is taken back at its end; each test is a savepoint within.

    For tests that take themselves back (not `transaction=True`). Give each a copy (`copy.deepcopy`), or a changed attribute
    of an object goes on into the next test."""
    block = transaction.atomic()
    with blocker.unblock():
        block.__enter__()
        try:
            made = build()
        except BaseException:
            block.__exit__(*sys.exc_info())
            raise
    yield made
    with blocker.unblock():
        transaction.set_rollback(True)
        block.__exit__(None, None, None)


def tables(cursor: Any) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations'")
    return sorted(name for (name,) in cursor.fetchall())


def snapshot() -> None:
    """Remember every row that set-up has made."""
    with owner_cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}").format(sql.Identifier(KEPT)))
        for table in tables(cursor):
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM public.{})").format(sql.Identifier(table)))
            if cursor.fetchone()[0]:
                cursor.execute(
                    sql.SQL("CREATE TABLE {}.{} AS TABLE public.{}").format(
                        sql.Identifier(KEPT), sql.Identifier(table), sql.Identifier(table)
                    )
                )


def empty() -> None:
    """Every table as set-up left it. Triggers rest meanwhile: putting a row back is not history.

    Deletes from the tables that have something to delete: truncating all of them takes ten times as long. All in one
    statement, because some foreign keys are checked at the end of each.
    """
    with owner_cursor() as cursor:
        kept = kept_tables(cursor)
        if not kept:
            return  # set-up itself was killed before it was done; it does it again
        changed = [table for table in tables(cursor) if is_changed(cursor, table, table in kept)]
        if not changed:
            return
        cursor.execute("BEGIN")
        for table in changed:
            cursor.execute(sql.SQL("ALTER TABLE public.{} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        together(cursor, [sql.SQL("DELETE FROM public.{}").format(sql.Identifier(table)) for table in changed])
        together(cursor, [restoration(cursor, table) for table in changed if table in kept])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in changed:
            cursor.execute(sql.SQL("ALTER TABLE public.{} ENABLE TRIGGER USER").format(sql.Identifier(table)))
        cursor.execute("COMMIT")


def kept_tables(cursor: Any) -> set[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [KEPT])
    return {name for (name,) in cursor.fetchall()}


def is_changed(cursor: Any, table: str, kept: bool) -> bool:
    here, there = sql.Identifier("public", table), sql.Identifier(KEPT, table)
    question = sql.SQL("SELECT EXISTS (SELECT FROM {here})")
    if kept:
        question = sql.SQL(
            "SELECT EXISTS ((TABLE {here} EXCEPT TABLE {there}) UNION ALL (TABLE {there} EXCEPT TABLE {here}))"
        )
    cursor.execute(question.format(here=here, there=there))
    return bool(cursor.fetchone()[0])


def restoration(cursor: Any, table: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, stored_columns(cursor, table)))
    statement = sql.SQL("INSERT INTO public.{0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2}.{0}")
    return statement.format(sql.Identifier(table), columns, sql.Identifier(KEPT))


def together(cursor: Any, statements: list[sql.Composed]) -> None:
    """Several changes as one statement, so that foreign keys are looked at when all of them are done."""
    if statements:
        parts = [sql.SQL("{} AS ({})").format(sql.Identifier(f"s{n}"), one) for n, one in enumerate(statements)]
        cursor.execute(sql.SQL("WITH {} SELECT").format(sql.SQL(", ").join(parts)))


def stored_columns(cursor: Any, table: str) -> list[str]:
    """All but the columns PostgreSQL computes itself."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = format('public.%%I', %s::text)::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]
