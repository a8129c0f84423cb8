"""Millions of rows in minutes, by the owner: what checks row by row is laid aside, then put back and checked at once.

Keys, exclusion constraints, indexes and row triggers of the tables are laid aside inside one transaction and put back as
they were before it ends; PostgreSQL then checks every row against them, as after a restore. So nothing gets in
that the application could not have written, and a failure leaves the database as it was. Row history is written by one
statement for each table: one "insert" row for each row, as its trigger would have.
"""
from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models
from psycopg2 import sql

ROWS_AT_ONCE = 20_000
NOTHING = r"\N"
CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE (contype IN ('p', 'u', 'x', 'f') AND conrelid = ANY(%(tables)s::regclass[]))
   OR (contype = 'f' AND confrelid = ANY(%(tables)s::regclass[]))
ORDER BY position(contype IN 'puxf'), conrelid, conname"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid"""


@contextmanager
def laid_aside(cursor: Any, tables: Sequence[str]) -> Iterator[None]:
    """Inside a transaction of the owner. The statements come from PostgreSQL's own catalogue."""
    named = {"tables": [f"public.{table}" for table in tables]}
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(CONSTRAINTS, named)
    constraints = cursor.fetchall()  # keys first, what leads to them last
    cursor.execute(INDEXES, named)
    indexes = cursor.fetchall()
    for table in tables:
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    for table, name, _definition in reversed(constraints):
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _name, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in constraints:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for table in tables:
        cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))


class Sheet:
    """Rows of one table on their way in by COPY. What a row does not say is the model's default, or what `always` says."""

    def __init__(self, cursor: Any, model: type[models.Model], **always: Any) -> None:
        self.cursor = cursor
        self.table = model._meta.db_table
        known = {name: cell(value) for name, value in always.items()}
        self.blank = {field.column: known.get(field.column, _default(field)) for field in columns_of(model)}
        self.count = 0
        self._lines: list[str] = []

    def add(self, **values: Any) -> None:
        """`values` by column name; each becomes text."""
        row = self.blank | values
        self._lines.append("\t".join([one if type(one) is str else cell(one) for one in row.values()]))
        self.count += 1
        if len(self._lines) >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if not self._lines:
            return
        columns = sql.SQL(", ").join(map(sql.Identifier, self.blank))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.table), columns)
        _copy(self.cursor, statement, self._lines)
        self._lines = []


def copy_lines(cursor: Any, target: str, lines: Sequence[str]) -> None:
    """Ready lines into `target`, a table with its columns in brackets."""
    _copy(cursor, f"COPY {target} FROM STDIN", lines)


def _copy(cursor: Any, statement: Any, lines: Sequence[str]) -> None:
    cursor.cursor.copy_expert(statement, io.StringIO("".join(f"{line}\n" for line in lines)))


def cell(value: Any) -> str:
    """A value as COPY reads it. Texts given to `Sheet.add` are taken as they are: pass those of people through `text`."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (dict, list)):
        return text(json.dumps(value, ensure_ascii=False))
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return text(str(value))


def text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def span(start: dt.datetime, end: dt.datetime) -> str:
    return f"[{start.isoformat()},{end.isoformat()})"


def array(values: Sequence[str]) -> str:
    """An array of codes, which need no quotes."""
    return "{" + ",".join(values) + "}"


def columns_of(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


def _default(field: Any) -> str:
    if field.primary_key:
        return NOTHING
    value = field.get_default()
    if value is None and not field.null:
        return "" if isinstance(field, (models.CharField, models.TextField)) else NOTHING
    return cell(value)


def copy_rows(cursor: Any, model: type[models.Model], source: str, **columns: str) -> None:
    """INSERT ... SELECT of rows of `model` (as `t`) joined as `source` says; `columns` are SQL in place of the same column.
    The key comes from the sequence unless it is said."""
    fields = [one.column for one in columns_of(model) if not one.primary_key or one.column in columns]
    chosen = ", ".join(columns.get(name, f't."{name}"') for name in fields)
    named = ", ".join(f'"{name}"' for name in fields)
    cursor.execute(f"INSERT INTO {model._meta.db_table} ({named}) SELECT {chosen} FROM {source}")  # noqa: S608 - ours


def public_id_of(prefix: str, key: str) -> str:
    """SQL: the same random-looking public id for the same key every time."""
    digest = f"encode(sha256(('{prefix}:' || {key})::bytea), 'base64')"
    return f"substr(translate({digest}, '+/', '-_'), 1, 22)"


def event_of(model: type[models.Model]) -> type[models.Model] | None:
    return next((one for one in apps.get_models() if getattr(one, "pgh_tracked_model", None) is model), None)


def write_history(cursor: Any, model: type[models.Model], context: str) -> int:
    """One "insert" row of history for every row that has none yet."""
    event = event_of(model)
    if event is None:
        return 0
    own = {field.column for field in columns_of(model)}
    columns = [field.column for field in columns_of(event) if field.column in own]
    named, values = ", ".join(f'"{name}"' for name in columns), ", ".join(f't."{name}"' for name in columns)
    has_context = "pgh_context" in {field.column for field in columns_of(event)}
    cursor.execute(
        f"INSERT INTO {event._meta.db_table} ({named}, pgh_created_at, pgh_label, pgh_obj_id"  # noqa: S608 - ours
        f"{', pgh_context' if has_context else ''}) "
        f"SELECT {values}, now(), 'insert', t.id{', %s::jsonb' if has_context else ''} "
        f"FROM {model._meta.db_table} t WHERE t.id > (SELECT coalesce(max(pgh_obj_id), 0) FROM {event._meta.db_table})",
        [context] if has_context else [],
    )
    return int(cursor.rowcount)


def next_key(cursor: Any, model: type[models.Model]) -> int:
    cursor.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {model._meta.db_table}")  # noqa: S608 - ours
    return int(cursor.fetchone()[0])


def restart_sequence(cursor: Any, model: type[models.Model]) -> None:
    """Keys of an empty table begin at one again, also where rows were made and deleted before."""
    cursor.execute(f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), 1, false)")


def move_sequence(cursor: Any, model: type[models.Model]) -> None:
    """The next row the application adds comes after ours."""
    table = model._meta.db_table
    cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) + 1 FROM {table}), false)")  # noqa: S608
