"""What every table shares: random public ids, the version column, one-line constraints on who belongs to whom."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement, Table
from django.db.models import F


def new_public_id() -> str:
    """128 random bits, 22 letters safe in a URL (a UUID holds fewer)."""
    return secrets.token_urlsafe(16)


class PublicId(models.Model):
    """Bigint keys inside, a random public id in every URL."""

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)

    class Meta:
        abstract = True


class Versioned(models.Model):
    """Optimistic lock: a save names the version it was made from."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    def save_if_unchanged(self, *, seen: int, fields: list[str]) -> bool:
        """Write `fields` if the row still has version `seen`. False: somebody else was faster, nothing is written."""
        values = {name: getattr(self, name) for name in fields}
        changed = (
            type(self)._default_manager.filter(pk=self.pk, version=seen).update(version=F("version") + 1, **values)
        )
        if changed:
            self.version = seen + 1
        return bool(changed)


class OrderedJSON(models.TextField):
    """JSON kept as text, because jsonb sorts keys and the order of options and questions means something."""

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)


class SameParent(models.BaseConstraint):
    """A composite foreign key, so that a row cannot name a visit of one patient and the person of another.

    `SameParent(fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")))` adds
    FOREIGN KEY (appointment_id, patient_id) REFERENCES appointment (id, patient_id); the parent needs a unique
    constraint over these columns. NULL in the first column leaves the row unchecked (MATCH SIMPLE), as it should.
    """

    def __init__(self, *, fields: tuple[str, ...], to: tuple[str, tuple[str, ...]], name: str) -> None:
        super().__init__(name=name)
        self.fields = tuple(fields)
        self.to = (to[0], tuple(to[1]))

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        # A lazy reference would look at the parent's migration state; the app registry of the model has it.
        parent: Any = model._meta.apps.get_model(self.to[0])
        quote = schema_editor.quote_name
        own = ", ".join(quote(model._meta.get_field(name).column) for name in self.fields)
        far = ", ".join(quote(parent._meta.get_field(name).column) for name in self.to[1])
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({own}) REFERENCES {quote(parent._meta.db_table)} ({far})"
            " DEFERRABLE INITIALLY DEFERRED"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return Statement(
            "ALTER TABLE %(table)s ADD %(constraint)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            constraint=self.constraint_sql(model, schema_editor),
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database judges; verbs set both columns from the same parent."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, _args, kwargs = super().deconstruct()
        return path, (), {**kwargs, "fields": self.fields, "to": self.to}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameParent) and self.deconstruct() == other.deconstruct()

    __hash__ = models.BaseConstraint.__hash__
