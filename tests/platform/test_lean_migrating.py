"""The quick way through the migrations leads to the same classes and the same database as Django's."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState
from psycopg2 import sql

from clinic.lean_migrating import LeanExecutor, LeanState
from clinic.management.commands import migrate as ours
from tests import database

POSITIVE = models.CheckConstraint(condition=models.Q(height__gt=0), name="tree_grows")
BY_HEIGHT = models.Index(fields=["height"], name="tree_height")


def wood(kind: type[ProjectState]) -> ProjectState:
    """A tree on a hill, and a bird in the tree."""
    state = kind()
    key = [("id", models.BigAutoField(primary_key=True))]
    state.add_model(ModelState("wood", "Hill", key))
    state.add_model(ModelState("wood", "Tree", [*key, ("hill", models.ForeignKey("wood.Hill", models.CASCADE))]))
    state.add_model(ModelState("wood", "Bird", [*key, ("tree", models.ForeignKey("wood.Tree", models.CASCADE))]))
    assert state.apps
    state.add_field("wood", "tree", "height", models.IntegerField(), preserve_default=True)
    return state


def steps(state: ProjectState) -> None:
    state.add_constraint("wood", "tree", POSITIVE)
    state.add_index("wood", "tree", BY_HEIGHT)
    state.add_field("wood", "tree", "name", models.CharField(max_length=9), preserve_default=True)
    state.remove_index("wood", "tree", "tree_height")
    state.alter_field("wood", "bird", "tree", models.ForeignKey("wood.Tree", models.PROTECT), preserve_default=True)
    state.alter_model_options("wood", "tree", {"verbose_name": "oak"})


def picture(state: ProjectState) -> dict[str, Any]:
    """What stands in the classes of this state."""
    found = {}
    for model in state.apps.get_models():
        meta = model._meta
        fields = {field.name: field.deconstruct()[1:] for field in meta.local_fields}
        related = sorted((one.name, one.related_model.__name__) for one in meta.related_objects)
        found[model.__name__] = (fields, related, meta.constraints, [one.name for one in meta.indexes], str(meta.verbose_name))
    return found


def test_the_classes_are_those_that_django_draws() -> None:
    lean, plain = wood(LeanState), wood(ProjectState)
    steps(lean)
    steps(plain)
    assert picture(lean) == picture(plain)
    assert picture(lean)["Tree"][2:] == ([POSITIVE], [], "oak")


def test_a_constraint_draws_no_class_anew_and_a_field_does() -> None:
    state = wood(LeanState).clone()
    state.reload_model("wood", "tree")
    before = {model.__name__: model for model in state.apps.get_models()}
    state.add_constraint("wood", "tree", POSITIVE)
    state.add_index("wood", "tree", BY_HEIGHT)
    assert {model.__name__: model for model in state.apps.get_models()} == before
    assert before["Tree"]._meta.constraints == [POSITIVE]
    state.add_field("wood", "tree", "name", models.CharField(max_length=9), preserve_default=True)
    after = state.apps.get_model("wood", "tree")
    assert after is not before["Tree"]
    assert after._meta.constraints == [POSITIVE]
    assert state.apps.get_model("wood", "bird")._meta.get_field("tree").related_model is after


def test_our_command_takes_the_quick_way() -> None:
    assert ours.migrate.MigrationExecutor is LeanExecutor


@contextmanager
def empty_database(name: str) -> Iterator[Any]:
    """A new database; a plain connection to it, and the owner's connection of Django leads there."""
    owner = connections["owner"]
    original = owner.settings_dict["NAME"]
    with database.owner_cursor() as cursor:
        database.copy_database(cursor, "template0", name)
    owner.close()
    owner.settings_dict["NAME"] = name
    try:
        with database.owner_cursor() as cursor:
            yield cursor
    finally:
        owner.close()
        owner.settings_dict["NAME"] = original
        with database.owner_cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


WHAT_STANDS_THERE = """
    SELECT 'column', attrelid::regclass::text, attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text
        || coalesce(pg_get_expr(adbin, adrelid), '')
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attnum > 0 AND NOT attisdropped AND attrelid::regclass::text !~ '^(pg_|information_schema)'
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc IS NOT NULL
    ORDER BY 1, 2, 3"""


def migrated(executor: type[MigrationExecutor], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    monkeypatch.setattr(ours.migrate, "MigrationExecutor", executor)
    with empty_database(f"way_of_{executor.__name__.lower()}") as cursor:
        ours.Command().run_from_argv(["manage.py", "migrate", "--database=owner", "-v0"])
        cursor.execute(WHAT_STANDS_THERE)
        rows: list[tuple[str, ...]] = cursor.fetchall()
        return rows


@pytest.mark.prove_only  # Django's own way takes two minutes
def test_both_ways_make_the_same_database(
    django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with django_db_blocker.unblock():
        quick, plain = (migrated(way, monkeypatch) for way in (LeanExecutor, MigrationExecutor))
    assert quick == plain
    assert len(quick) > 2_000
    assert {kind for kind, _name, _what in quick} == {"column", "constraint", "index", "trigger", "function"}
