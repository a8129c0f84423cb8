"""The test database: made and migrated as owner, used as the app role, emptied as owner.

Reference rows that set-up leaves (the catalogue, the questionnaire, content types) are copied to a schema of their own and
put back after every test that really commits.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connections
from psycopg2 import sql

KEPT = "kept_by_tests"


@contextmanager
def owner_cursor() -> Iterator[Any]:
    """A plain connection of the owner to the test database, each statement on its own."""
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


def make(*, keep: bool, verbosity: int) -> None:
    """Create and migrate as owner, then let `default` (the app role) work in the same database."""
    owner, app = connections["owner"], connections["default"]
    name = owner.creation.create_test_db(verbosity=verbosity, autoclobber=True, serialize=False, keepdb=keep)
    owner.close()
    app.close()
    app.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    # Django would treat `default` as a replica that follows `owner` and never open a transaction on it.
    app.settings_dict["TEST"]["MIRROR"] = None


def drop(original_name: str, *, verbosity: int) -> None:
    connections.close_all()
    connections["owner"].creation.destroy_test_db(original_name, verbosity=verbosity)


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
    """Every table as set-up left it. Triggers rest meanwhile: putting a row back is not history."""
    with owner_cursor() as cursor:
        every = tables(cursor)
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [KEPT])
        kept = {name for (name,) in cursor.fetchall()}
        cursor.execute("BEGIN")
        for table in every:
            cursor.execute(sql.SQL("ALTER TABLE public.{} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(sql.Identifier("public", name) for name in every)))
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in sorted(kept):
            columns = sql.SQL(", ").join(map(sql.Identifier, stored_columns(cursor, table)))
            cursor.execute(
                sql.SQL("INSERT INTO public.{table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {kept}.{table}")
                .format(table=sql.Identifier(table), columns=columns, kept=sql.Identifier(KEPT))
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in every:
            cursor.execute(sql.SQL("ALTER TABLE public.{} ENABLE TRIGGER USER").format(sql.Identifier(table)))
        cursor.execute("COMMIT")


def stored_columns(cursor: Any, table: str) -> list[str]:
    """All but the columns PostgreSQL computes itself."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = format('public.%%I', %s::text)::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]
