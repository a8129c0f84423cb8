"""Queries whose SQL is made once in a process. A page that asks twenty questions spends more on building them than
PostgreSQL does on answering; these cost their round trip alone.

    names = Prepared(lambda: Room.objects.filter(pk__in=many("rooms")).values_list("pk", "name"))
    names(rooms=[1, 2, 3])

The builder names what changes with `one` and `many`; everything else is part of the SQL for good: give it today and now,
never let it ask. Rows come as `values_list` gives them.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler


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


class Prepared:
    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build
        self._made: tuple[SQLCompiler, str, list[Any], Any] | None = None

    def __call__(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, in one query."""
        if self._made is None:
            self._made = self._compiled()
        compiler, statement, parameters, converters = self._made
        with connections[compiler.connection.alias].cursor() as cursor:
            cursor.execute(statement, [values[one.name] if isinstance(one, Slot) else one for one in parameters])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return list(map(tuple, compiler.apply_converters(found, converters))) if converters else found

    def _compiled(self) -> tuple[SQLCompiler, str, list[Any], Any]:
        rows = self.build()
        compiler = rows.query.get_compiler(rows.db)
        statement, parameters = compiler.as_sql()
        return compiler, statement, list(parameters), compiler.get_converters(column for column, *_ in compiler.select)
