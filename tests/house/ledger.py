"""What a request changed in the database, seen from outside the code: PostgreSQL's own counters, then the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# What a look, a sign-in or a counted guess may write, whatever the answer is.
NOT_THE_RECORD = frozenset(
    {"clinic_accessevent", "django_session", "clinic_cache", "usersessions_usersession", "patients_linkattempt"}
)


class Ledger:
    """Remembers every table as it was; `changed()` names the tables whose rows differ now.

    PostgreSQL counts each row that a transaction wrote, rolled back or not; only those tables are looked at."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            self.tables = sorted(name for (name,) in cursor.fetchall())
        self.digests = {table: digest_of(table) for table in self.tables}
        self.began, self.counters = counters()

    def touched(self) -> set[str]:
        began, now = counters()
        before = self.counters if began == self.began else {}  # a new transaction counts from nought
        self.began, self.counters = began, now
        return {table for table, count in now.items() if count != before.get(table)}

    def changed(self, *, besides: frozenset[str] = NOT_THE_RECORD) -> list[str]:
        return sorted(t for t in self.touched() - besides if digest_of(t) != self.digests.get(t))


def counters() -> tuple[dt.datetime, dict[str, int]]:
    """When this transaction began, and how many rows it has written in each table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_timestamp()")
        (began,) = cursor.fetchone()
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE schemaname = 'public' AND n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return began, dict(cursor.fetchall())


def digest_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{table}\" t")  # noqa: S608 - a name from pg_tables
        return str(cursor.fetchone()[0])


def holds(table: str, words: str) -> bool:
    """Whether these words stand anywhere in the table. No row can hold a null byte."""
    if "\x00" in words:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" t WHERE strpos(t::text, %s) > 0)', [words])  # noqa: S608
        return bool(cursor.fetchone()[0])


def check_deferred() -> str:
    """The constraints that wait for the commit, asked now; the error or nothing."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except Exception as error:  # whatever the database says is the finding
        return f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def undone() -> Iterator[None]:
    """Everything inside is taken back, also after an error that spoilt the transaction.

    Within a test's transaction to a savepoint; a transaction grows slower with each of them, so thousands of tries stand in a
    test without one, and each is a transaction of its own."""
    if not connection.in_atomic_block:
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)
        return
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
        connection.needs_rollback = False
