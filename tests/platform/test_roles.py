"""Two roles: what the app may do is one list, and history is beyond its reach."""
from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, InternalError, ProgrammingError, connection, transaction

from clinic import grants
from clinic.models import Organisation
from protocols.models import CatalogueEntry, CatalogueVersion

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
HISTORY = sorted(grants.GROWING | grants.history_tables())


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db
def test_every_table_has_exactly_the_rights_of_the_list() -> None:
    wrong = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(
                "SELECT array_agg(name) FROM unnest(%s) AS name WHERE has_table_privilege(current_user, %s, name)",
                [list(RIGHTS), f'public."{table}"'],
            )
            (held,) = cursor.fetchone()
            if set(held or ()) != set(grants.rights(table)):
                wrong[table] = held
    assert not wrong


@pytest.mark.django_db
def test_the_list_names_only_tables_that_exist() -> None:
    assert grants.GROWING | grants.UNTOUCHED | grants.history_tables() <= set(tables())


@pytest.mark.django_db
def test_tests_run_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        role, powerful = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", [role])
        (owned,) = cursor.fetchone()
    assert role == grants.app_role()
    assert not powerful
    assert owned == 0


@pytest.mark.django_db
@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_history_cannot_be_changed_deleted_or_truncated(table: str, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET pgtrigger.ignore = '{all}'")
        key = connection.introspection.get_primary_key_column(cursor, table)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute(statement.format(f'"{table}"', key, key))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE clinic_auditevent (id int)",
        "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN "
        "AS 'BEGIN RETURN TRUE; END;' LANGUAGE plpgsql",
        "SET session_replication_role = replica",
        "ALTER TABLE clinic_organisation DISABLE TRIGGER USER",
    ],
)
def test_the_app_role_cannot_slip_past_the_triggers(statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.fixture(params=["", "SET pgtrigger.ignore = '{%s}'"], ids=["as-is", "ignore-set"])
def attempt(request: pytest.FixtureRequest, db: None) -> Any:
    """The session as it is, and one that names every trigger as to be ignored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(DISTINCT tgname) FROM pg_trigger WHERE NOT tgisinternal")
        names = ",".join(cursor.fetchone()[0])
        if request.param:
            cursor.execute(request.param % names if "%s" in request.param else request.param)


@pytest.mark.usefixtures("attempt")
def test_an_update_leaves_its_event_whatever_the_session_says() -> None:
    Organisation.objects.filter(pk=1).delete()
    Organisation.objects.create(pk=1, name="Before")
    events = Organisation.pgh_event_model.objects.filter(pgh_obj_id=1)
    before = events.count()
    Organisation.objects.filter(pk=1).update(name="After")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clinic_organisation SET name = 'After that'")
    names = events.order_by("-pk").values_list("name", flat=True)
    assert list(names[: events.count() - before]) == ["After that", "After"]


@pytest.mark.usefixtures("attempt")
def test_a_frozen_row_refuses_whatever_the_session_says() -> None:
    version = CatalogueVersion.objects.create(number=9999, label="Test", digest="0" * 64)
    entry = CatalogueEntry.objects.create(version=version, kind="region", code="reg-test", position=1, body={})
    CatalogueVersion.objects.filter(pk=version.pk).update(state="retired")
    with pytest.raises(InternalError, match="frozen"), transaction.atomic():
        CatalogueEntry.objects.filter(pk=entry.pk).update(code="reg-other")
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        CatalogueEntry.objects.filter(pk=entry.pk).delete()
