"""Queries whose SQL is made once in a process and understood once by each connection. A page that asks twenty questions
spends more on building, parsing and planning them than PostgreSQL does on answering; these cost their round trip alone.

    names = Prepared(lambda: Room.objects.filter(pk__in=many("rooms")).values_list("pk", "name"))
    names(rooms=[1, 2, 3])

The builder names what changes with `one`, `many` and `stretch`; everything else is part of the SQL for good: give it
today and now, never let it ask. Rows come as `values_list` gives them.

They are PostgreSQL's own prepared statements, which belong to their connection: a pooler between us and the database must
keep a client on its server connection (session pooling).
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler
from psycopg2.extensions import AsIs

NUMBERS = count(1)
KNOWN: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # a connection -> the statements it has understood


class Slot:
    """Where a value goes."""

    def __init__(self, name: str) -> None:
        self.name = name


def one(name: str, kind: str = "bigint") -> RawSQL:
    """A single value of this PostgreSQL type."""
    return RawSQL(f"%s::{kind}", [Slot(name)])  # noqa: S611 - the type is the programmer's


def many(name: str) -> RawSQL:
    """For `__in`: a list of keys, however long, without another statement for each length."""
    return RawSQL("SELECT unnest(%s::bigint[])", [Slot(name)])


def stretch(start: str, end: str) -> RawSQL:
    """A stretch of time between two values, for `__overlap`."""
    return RawSQL("tstzrange(%s::timestamptz, %s::timestamptz)", [Slot(start), Slot(end)], DateTimeRangeField())


class Made:
    """The SQL of one `Prepared`: what is asked, the names of its values in order, and how rows are read."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self.alias = compiler.connection.alias
        self.asked, self.parameters = compiler.as_sql()
        self.names = list(dict.fromkeys(one.name for one in self.parameters if isinstance(one, Slot)))
        self.compiler, self.converters = compiler, compiler.get_converters([column for column, *_ in compiler.select])
        table = compiler.query.get_meta().db_table
        self.name = f"{table[:48]}_{next(NUMBERS)}"  # so that a log of statements says what was asked for
        places = f"({', '.join(['%s'] * len(self.names))})" if self.names else ""
        self.execute = f"EXECUTE {self.name}{places}"

    def understood(self) -> None:
        """Once for each connection, beside Django's own cursor: no question about data, so none that anybody counts."""
        wrapper = connections[self.alias]
        wrapper.ensure_connection()
        names = KNOWN.setdefault(wrapper.connection, set())
        if self.name in names:
            return
        places = [AsIs(f"${self.names.index(one.name) + 1}") if isinstance(one, Slot) else one for one in self.parameters]
        with wrapper.wrap_database_errors, wrapper.connection.cursor() as cursor:
            cursor.execute(f"PREPARE {self.name} AS {self.asked}", places)
        names.add(self.name)


class Prepared:
    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build
        self._made: Made | None = None

    def __call__(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, in one query."""
        if self._made is None:
            rows = self.build()
            self._made = Made(rows.query.get_compiler(rows.db))
        made = self._made
        with connections[made.alias].cursor() as cursor:
            made.understood()
            cursor.execute(made.execute, [values[name] for name in made.names])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return list(map(tuple, made.compiler.apply_converters(found, made.converters))) if made.converters else found
