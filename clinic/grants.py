"""What the app role may do, table by table: the one list. The owner applies it after every migrate.

The app role reads and writes, but what is history stays history: audit rows, access rows, row history, screenings and
stock movements can be added and read, never changed, deleted or truncated. It may make no tables at all, temporary ones
included, because a temporary table of the same name would catch the history rows a trigger writes.
"""
from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from psycopg2 import sql

EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent")

EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
ADD_ONLY = ("SELECT", "INSERT")
READ_ONLY = ("SELECT",)

# Tables that only grow. Row history (django-pghistory) is found in the model registry and need not be listed.
GROWING = frozenset(
    {
        "clinic_accessevent",
        "clinic_auditevent",
        "pghistory_context",
        "protocols_cataloguechange",
        "treatment_sessions_addendum",
        "treatment_sessions_clearanceupload",
        "treatment_sessions_consentsignature",
        "treatment_sessions_coursedecision",
        "treatment_sessions_finding",
        "treatment_sessions_messageruleversion",
        "treatment_sessions_messagestep",
        "treatment_sessions_screening",
        "treatment_sessions_stockmovement",
    }
)
UNTOUCHED = frozenset({"django_migrations"})


def history_tables() -> frozenset[str]:
    return frozenset(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if getattr(model, "pgh_tracked_model", None) is not None
    )


def rights(table: str) -> tuple[str, ...]:
    """The app role's rights on a table, whether or not the table exists yet."""
    if table in UNTOUCHED:
        return READ_ONLY
    if table in GROWING or table in history_tables():
        return ADD_ONLY
    return EVERYTHING


def app_role() -> str | None:
    """The app's role, or None where the app connects as the owner (`check --deploy` refuses that)."""
    app, owner = (connections[alias].settings_dict["USER"] for alias in ("default", "owner"))
    return app if app != owner else None


def apply_grants(connection: Any) -> None:
    """Give the app role exactly what the list says. Safe to repeat; needs the owner's connection."""
    role = app_role()
    with connection.cursor() as cursor:
        cursor.execute(NEVER_IGNORE)
        if role is None:
            return
        named = {"role": sql.Identifier(role), "database": sql.Identifier(connection.settings_dict["NAME"])}
        statements = [sql.SQL(text).format(**named) for text in FRAME]
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        for (table,) in cursor.fetchall():
            statements.append(
                sql.SQL("GRANT {} ON public.{} TO {}").format(
                    sql.SQL(", ").join(map(sql.SQL, rights(table))), sql.Identifier(table), named["role"]
                )
            )
        cursor.execute(sql.SQL("; ").join(statements))


FRAME = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "REVOKE ALL ON DATABASE {database} FROM {role}",
    "GRANT CONNECT ON DATABASE {database} TO {role}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {role}",
    "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
)

# Any role may set `pgtrigger.ignore`, and every trigger asks this function first; so the answer is always no.
# django-pgtrigger makes its own version again with each trigger a migration adds: replaced after every migrate.
NEVER_IGNORE = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN AS $$
BEGIN
    RETURN FALSE;
END;
$$ LANGUAGE plpgsql IMMUTABLE;
"""


def make_extensions(using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        present = {name for (name,) in cursor.fetchall()}
        for name in EXTENSIONS:
            if name not in present:
                cursor.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))


def grant_after_migrate(using: str, **_: Any) -> None:
    if using == "owner":
        call_command("createcachetable", database=using, verbosity=0)  # no migration makes it
        apply_grants(connections[using])


def extensions_before_migrate(using: str, **_: Any) -> None:
    if using == "owner":
        make_extensions(using)


def connect(clinic_app: Any) -> None:
    """Hook both to the owner's migrate, so that neither can be forgotten. Once each, not once per app."""
    pre_migrate.connect(extensions_before_migrate, sender=clinic_app, dispatch_uid="clinic.extensions")
    post_migrate.connect(grant_after_migrate, sender=clinic_app, dispatch_uid="clinic.grants")
