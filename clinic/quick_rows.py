"""Objects from plain rows, for lists that show hundreds: as Django makes them when columns are deferred, at a tenth of the
cost, because nobody asks each field and signal. A column that was not read is fetched when somebody asks for it, as ever.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=Model)


def columns(model: type[Model], *, without: Collection[str] = ()) -> list[str]:
    """What is read of a table, by the names in the model; the key is always among it."""
    return [field.attname for field in model._meta.concrete_fields if field.name not in without]


def made(model: type[Row], names: list[str], values: Iterator[Any]) -> Row:
    """One object from the next so many values, each as its field would give it."""
    row = model.__new__(model)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    row.__dict__.update(zip(names, values, strict=False))
    return row


@dataclass(frozen=True)
class Shape(Generic[Row]):
    """What is read of a row, and of the rows it names: `related` gives model and columns by the name of the relation.

    `Prepared(lambda: rows.values_list(*shape.read))` asks for it, `shape.rows(found)` makes the objects."""

    model: type[Row]
    names: list[str]
    related: Mapping[str, tuple[type[Model], list[str]]] = field(default_factory=dict)

    @property
    def read(self) -> list[str]:
        return [*self.names, *(f"{path}__{name}" for path, (_model, names) in self.related.items() for name in names)]

    def rows(self, found: Iterable[tuple[Any, ...]]) -> list[Row]:
        return [self.row(values) for values in found]

    def row(self, values: tuple[Any, ...]) -> Row:
        rest = iter(values)
        row = made(self.model, self.names, rest)
        for path, (model, names) in self.related.items():
            other = made(model, names, rest)
            row._state.fields_cache[path] = other if other.pk is not None else None
        return row


def whole(model: type[Row]) -> Shape[Row]:
    return Shape(model, columns(model))
