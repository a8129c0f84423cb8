"""Reading the audit log: who may see which rows, and the filters of its page. The only reader beside exports."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet

from clinic.choices import Permission, Role
from clinic.models import AuditEvent, Site, User
from clinic.models.audit import Logged


def readable(model: type[Logged], *, user: User, site: Site, held: frozenset[str]) -> QuerySet[Any]:
    """All rows for medical lead and manager; for a practitioner those about patients they themselves acted on, and
    their own. A role limited to sites reads the rows of those sites."""
    rows: QuerySet[Any] = model._default_manager.all()
    if Permission.SEE_AUDIT not in held:
        return rows.none()
    places = [role.site for role in user.roles.all()]
    if None not in places:
        rows = rows.filter(site_public_id__in=[place.public_id for place in places if place])
    if not {Role.MEDICAL_LEAD, Role.MANAGER} & set(user.roles_at(site)):
        mine = AuditEvent.objects.filter(doer_public_id=user.public_id).exclude(patient_public_id="")
        rows = rows.filter(
            Q(doer_public_id=user.public_id) | Q(patient_public_id__in=mine.values("patient_public_id"))
        )
    return rows


def narrowed(
    rows: QuerySet[Any],
    *,
    who: str = "",
    action: str = "",
    patients: list[str] | None = None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    site: Site,
) -> QuerySet[Any]:
    """Filter by doer, kind of deed, patients (public ids; None = all) and the site's local days, both included."""
    if who:
        rows = rows.filter(doer_label__icontains=who)
    if action:
        rows = rows.filter(**{"action" if rows.model is AuditEvent else "category": action})
    if patients is not None:
        rows = rows.filter(patient_public_id__in=patients)
    if first_day:
        rows = rows.filter(at__gte=site.day_bounds(first_day)[0])
    if last_day:
        rows = rows.filter(at__lt=site.day_bounds(last_day)[1])
    return rows


def actions_in(rows: QuerySet[Any]) -> list[str]:
    """The deeds that occur at all, for the filter."""
    return list(rows.order_by("action").values_list("action", flat=True).distinct())
