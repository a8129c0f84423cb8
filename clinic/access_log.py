"""Who looked at what: views, searches, prints, exports and denials. The only writer of access rows."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from clinic.audit import seal
from clinic.choices import AccessCategory
from clinic.doer import Doer
from clinic.models import AccessEvent

COLUMNS = [one for one in AccessEvent._meta.concrete_fields if not one.primary_key]
# One statement is a transaction of its own, and what it sets for that transaction ends with it.
INSERT_UNHURRIED = (
    f"INSERT INTO {AccessEvent._meta.db_table} ({', '.join(str(one.column) for one in COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(['%s'] * len(COLUMNS))}) RETURNING id, set_config('synchronous_commit', 'off', true)"
)


def note(
    request: HttpRequest,
    category: AccessCategory,
    *,
    patient: Any = None,
    of: Any = None,
    detail: dict[str, Any] | None = None,
) -> AccessEvent:
    """Write one look, in the request's own transaction if there is one. Never write typed search text: it names people."""
    doer = doer_of(request)
    event = AccessEvent(
        at=timezone.now(),
        doer_kind=doer.kind,
        doer_public_id=doer.public_id,
        doer_label=doer.label,
        site_public_id=doer.site.public_id if doer.site else "",
        patient_public_id=patient.public_id if patient else "",
        object_kind=of._meta.model_name if of is not None else "",
        object_public_id=getattr(of, "public_id", "") if of is not None else "",
        detail=detail or {},
        category=category,
        page=(request.resolver_match.view_name if request.resolver_match else "")[:80],
    )
    seal(event, category, event.page)
    write(event)
    return event


def write(event: AccessEvent) -> None:
    """A look need not wait until its row is on the disk: a crash of the database may lose the looks of its last fraction of
    a second, never a deed. Inside somebody's transaction the row is as durable as that."""
    if connection.in_atomic_block:
        event.save(force_insert=True)
        return
    with connection.cursor() as cursor:
        values = [one.get_db_prep_save(getattr(event, one.attname), connection) for one in COLUMNS]
        cursor.execute(INSERT_UNHURRIED, values)
        event.pk = cursor.fetchone()[0]
        event._state.adding = False


def viewed(request: HttpRequest, *, patient: Any = None, of: Any = None) -> None:
    note(request, AccessCategory.VIEW, patient=patient, of=of)


def printed(request: HttpRequest, *, patient: Any = None, of: Any = None) -> None:
    note(request, AccessCategory.PRINT, patient=patient, of=of)


def denied(request: HttpRequest, permission: str) -> None:
    note(request, AccessCategory.DENIED, detail={"permission": str(permission)})


def doer_of(request: HttpRequest) -> Doer:
    """The doer of this request: the signed-in user at the current site, the patient behind a link, or nobody known."""
    patient_doer = getattr(request, "patient_doer", None)
    if patient_doer is not None:
        return patient_doer
    if request.user.is_authenticated:
        return Doer.staff(request.user, getattr(request, "site", None))
    return Doer(kind="nobody", label="not signed in")
