"""Queries whose SQL is made once in a process. A page that asks twenty questions spends more on building them than
PostgreSQL does on answering; these cost their round trip alone.

    names = Prepared(lambda: Room.objects.filter(pk__in=many("rooms")).values_list("pk", "name"))
    names(rooms=[1, 2, 3])

The builder names what changes with `one` and `many`; everything else is part of the SQL for good. Rows come as the driver
gives them: numbers, texts, times and arrays; JSON comes as text.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL


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
        self._made: tuple[str, str, list[Any]] | None = None

    def __call__(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values, in one query."""
        if self._made is None:
            rows = self.build()
            self._made = (rows.db, *self._compiled(rows))
        alias, statement, parameters = self._made
        with connections[alias].cursor() as cursor:
            cursor.execute(statement, [values[one.name] if isinstance(one, Slot) else one for one in parameters])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    @staticmethod
    def _compiled(rows: QuerySet[Any, Any]) -> tuple[str, list[Any]]:
        statement, parameters = rows.query.get_compiler(rows.db).as_sql()
        return statement, list(parameters)
