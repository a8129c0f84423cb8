"""Two roles: what the app may do is one list, and history is beyond its reach."""
from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from clinic import grants

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


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
def test_tests_run_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
        role, powerful = cursor.fetchone()
    assert role == grants.app_role()
    assert not powerful


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE clinic_auditevent (id int)",
        "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN "
        "AS 'BEGIN RETURN TRUE; END;' LANGUAGE plpgsql",
        "SET session_replication_role = replica",
    ],
)
def test_the_app_role_cannot_slip_past_the_triggers(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)
