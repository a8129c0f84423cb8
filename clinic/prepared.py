"""Queries whose SQL is made once in a process and understood once by each connection. A page that asks twenty questions
spends more on building, parsing and planning them than PostgreSQL does on answering; these cost their round trip alone.

    names = Prepared(lambda: Room.objects.filter(pk__in=many("rooms")).values_list("pk", "name"))
    names(rooms=[1, 2, 3])

The builder names what changes with `one`, `many` and `stretch`; everything else is part of the SQL for good: give it
today and now, never let it ask. Rows come as `values_list` gives them.

`clinic.together` asks several of them with one statement, ahead of the code that wants to know.

They are PostgreSQL's own prepared statements, which belong to their connection: a pooler between us and the database must
keep a client on its server connection (session pooling).
"""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, Field, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler
from django.utils.functional import cached_property
from psycopg2.extensions import AsIs

from clinic.quick_rows import columns, made

AModel = TypeVar("AModel", bound=Model)
Rows = list[tuple[Any, ...]]
NUMBERS = count(1)
KNOWN: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # a connection -> the statements it has understood
# What was asked ahead: a question -> the values it was asked with and its rows, until somebody wants to know.
AHEAD: ContextVar[dict[Prepared, tuple[dict[str, Any], Rows]] | None] = ContextVar("asked ahead", default=None)


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


class Statement:
    """One prepared statement: its SQL, the names of its values in order, and what is sent once to each connection. `kinds` are
    the PostgreSQL types of the values where the SQL itself does not say them; `fixed` what goes into it for good."""

    def __init__(
        self, alias: str, about: str, asked: str, names: list[str], *, kinds: Sequence[str] = (),
        fixed: Sequence[Any] | None = None,
    ) -> None:  # fmt: skip
        self.alias, self.names, self.fixed = alias, names, fixed
        self.name = f"{about[:48]}_{next(NUMBERS)}"  # so that a log of statements says what was asked for
        typed = f" ({', '.join(kinds)})" if kinds else ""
        places = f"({', '.join(['%s'] * len(names))})" if names else ""
        self.prepare, self.execute = f"PREPARE {self.name}{typed} AS {asked}", f"EXECUTE {self.name}{places}"

    def answer(self, values: Mapping[str, Any]) -> Rows:
        return in_one_go([(self, values)])

    def understood(self) -> None:
        """Once for each connection, beside Django's own cursor: no question about data, so none that anybody counts."""
        wrapper = connections[self.alias]
        wrapper.ensure_connection()
        known = KNOWN.setdefault(wrapper.connection, set())
        if self.name in known:
            return
        with wrapper.wrap_database_errors, wrapper.connection.cursor() as cursor:
            cursor.execute(self.prepare, self.fixed)
        known.add(self.name)


Asked = tuple[Statement, Mapping[str, Any]]


def in_one_go(asked: Sequence[Asked], *, after: str = "") -> Rows:
    """The rows of the last of these statements, which make one journey together, one after the other. `after` is a word that
    goes before them, such as BEGIN."""
    first = asked[0][0]
    with connections[first.alias].cursor() as cursor:
        for statement, _values in asked:
            statement.understood()
        cursor.cursor.tzinfo_factory = dt.timezone  # Django's gives the same, but is Python and is asked for every time it reads
        words = "; ".join([*([after] if after else []), *(statement.execute for statement, _values in asked)])
        cursor.execute(words, [_given(values[name]) for statement, values in asked for name in statement.names])
        found: Rows = cursor.fetchall()
    return found


class Asking(Statement):
    """Django's SQL with places in it."""

    def __init__(self, alias: str, about: str, asked: str, parameters: Sequence[Any]) -> None:
        names = list(dict.fromkeys(one.name for one in parameters if isinstance(one, Slot)))
        places = [AsIs(f"${names.index(one.name) + 1}") if isinstance(one, Slot) else one for one in parameters]
        super().__init__(alias, about, asked, names, fixed=places)
        self.asked, self.parameters = asked, parameters


def _given(value: Any) -> Any:
    """A list of keys as one word: eighty numbers need not be understood one by one."""
    return f"{{{','.join(map(str, map(int, value)))}}}" if isinstance(value, list) else value


class Made(Asking):
    """The statement of one `Prepared`, and how its rows are read."""

    def __init__(self, compiler: SQLCompiler) -> None:
        super().__init__(compiler.connection.alias, compiler.query.get_meta().db_table, *compiler.as_sql())
        self.compiler, self.converters = compiler, compiler.get_converters([column for column, *_ in compiler.select])

    @property
    def width(self) -> int:
        return len(self.compiler.select)

    def read(self, found: Rows) -> Rows:
        return list(map(tuple, self.compiler.apply_converters(found, self.converters))) if self.converters else found


class Prepared:
    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build

    @cached_property
    def made(self) -> Made:
        rows = self.build()
        return Made(rows.query.get_compiler(rows.db))

    def __call__(self, **values: Any) -> Rows:
        """The rows for these values, in one query, or in none when they were asked ahead with these values."""
        ahead = AHEAD.get()
        if ahead and self in ahead:
            with_values, rows = ahead.pop(self)
            if with_values == {name: in_order(value) for name, value in values.items()}:
                return rows
        return self.made.read(self.made.answer(values))


def in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


class PreparedRecords(Generic[AModel]):
    """Records with those they point to, as `select_related` reads them; but what several point to is one record.

        visits = PreparedRecords(lambda: Visit.objects.filter(pk__in=many("keys")), "patient", "room__site", without={"note"})
        visits(keys=[5, 6])

    A path comes after those it begins with. What is left out (`without`) is asked for by itself should somebody want it.
    """

    def __init__(self, build: Callable[[], QuerySet[AModel, AModel]], *paths: str, without: Collection[str] = ()) -> None:
        self.build, self.paths, self.without = build, paths, without

    @cached_property
    def parts(self) -> list[Part]:
        found = {"": Part.of("", self.build().model, None, self.without)}
        for path in self.paths:
            above, _, name = path.rpartition("__")
            field = found[above].model._meta.get_field(name)
            found[path] = Part.of(path, field.related_model, field, self.without)
        return list(found.values())

    @cached_property
    def asked(self) -> Prepared:
        columns = [f"{part.path}__{name}" if part.path else name for part in self.parts for name in part.names]
        return Prepared(lambda: self.build().order_by().values_list(*columns))

    def __call__(self, **values: Any) -> list[AModel]:
        """In no order."""
        known: dict[tuple[str, Any], Any] = {}
        return [self._read(row, known) for row in self.asked(**values)]

    def _read(self, row: tuple[Any, ...], known: dict[tuple[str, Any], Any]) -> AModel:
        read: dict[str, Any] = {}
        start = 0
        for part in self.parts:
            own, start = row[start : start + len(part.names)], start + len(part.names)
            key = (part.path, own[part.key])
            if own[part.key] is not None and key not in known:
                known[key] = made(part.model, part.names, iter(own))
            read[part.path] = known.get(key)
            above = read.get(part.path.rpartition("__")[0])
            if part.field is not None and above is not None:
                part.field.set_cached_value(above, read[part.path])
        return cast(AModel, read[""])


@dataclass(frozen=True)
class Part:
    """The columns of one record in a row: `field` leads to it from the record above, `key` is the place of its primary key."""

    path: str
    model: Any
    names: list[str]
    key: int
    field: Any

    @classmethod
    def of(cls, path: str, model: Any, field: Any, without: Collection[str]) -> Part:
        before = f"{path}__" if path else ""
        names = columns(model, without={one.removeprefix(before) for one in without if one.startswith(before)})
        return cls(path, model, names, names.index(model._meta.pk.attname), field)


class PreparedRows:
    """New rows of one table, however many, with a statement that is the same for each number of them: what `bulk_create` builds
    and PostgreSQL parses for forty rows of fourteen columns is six hundred values. The rows do not learn their keys.

        new_rooms = PreparedRows(Room)
        new_rooms.insert([Room(name="1"), Room(name="2")])
    """

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    @cached_property
    def made(self) -> tuple[Statement, list[Field[Any, Any]]]:
        meta, wrapper = self.model._meta, connections[DEFAULT_DB_ALIAS]
        fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        # The types are the table's own: a value that is too long, or no such thing, is an error here as it is there.
        typed = ", ".join(f'"{field.column}" {field.db_type(wrapper)}' for field in fields)
        words = (
            f'INSERT INTO "{meta.db_table}" ({columns}) SELECT {columns} FROM json_to_recordset($1) AS r ({typed}) '  # noqa: S608
            f'RETURNING "{meta.pk.column}"'
        )
        return Statement(DEFAULT_DB_ALIAS, f"new_{meta.db_table}", words, ["rows"], kinds=["json"]), fields

    def insert(self, rows: Iterable[Model]) -> None:
        statement, fields = self.made
        given = [{field.column: field.pre_save(row, add=True) for field in fields} for row in rows]
        if given:
            statement.answer({"rows": json.dumps(given, default=_in_words)})


def _in_words(value: Any) -> str:
    """A value JSON has no word for, as PostgreSQL reads it."""
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not known here: say how PostgreSQL reads it.")


class PreparedWords(Statement):
    """A statement in words of our own, for what the ORM cannot say. `kinds`: the PostgreSQL type of each %(value)s in it.

        tomorrow = PreparedWords("SELECT %(today)s + 1", today="date")
        tomorrow(today=day)
    """

    def __init__(self, words: str, /, *, named: str, **kinds: str) -> None:
        places = {value: f"${number}" for number, value in enumerate(kinds, start=1)}
        super().__init__(DEFAULT_DB_ALIAS, named, words % places, list(kinds), kinds=list(kinds.values()))

    def __call__(self, **values: Any) -> Rows:
        """The rows for these values, in one round trip."""
        return self.answer(values)

    def of(self, **values: Any) -> Asked:
        """To be asked with others in one go."""
        return self, values
