"""/live/ and /ready/: for whoever keeps the process running. They tell strangers nothing but yes or no."""
from __future__ import annotations

from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from clinic.permissions import public

_migrated = False  # once true it stays true for this code; a newer release is a new process


@public
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers. No input or output: a slow database must not get the process killed."""
    return HttpResponse("ok", content_type="text/plain")


@public
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and holds every migration of this code, else 503."""
    if is_ready():
        return HttpResponse("ok", content_type="text/plain")
    return HttpResponse("not ready", content_type="text/plain", status=503)


def is_ready() -> bool:
    global _migrated
    try:
        connection = connections["default"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False
    return _migrated
