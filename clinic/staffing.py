"""Who works here with which roles. Somebody always keeps the keys: the last manager cannot be taken away."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import audit, ground
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site, StaffRole, User

RoleAt = tuple[str, Site | None]
"""A role and the site it is limited to; None = everywhere."""


@transaction.atomic
def amend_member(
    *,
    member: User,
    seen_version: int,
    name: str,
    language: str,
    licence_number: str,
    licence_valid_until: dt.date | None,
    roles: Iterable[RoleAt],
    is_active: bool,
    by: Doer,
    licence_country: str = "",
) -> User:
    """Change a member of staff and their roles. Raises `Stale`, or `Refused` when no manager would be left."""
    held = User.objects.select_for_update(no_key=True).get(pk=member.pk)
    if held.version != seen_version:
        raise Stale(
            _("Somebody else changed this person while you were typing. Compare, then save again."),
            theirs=[(_("Name"), held.name), (_("Roles"), ", ".join(roles_in_words(held)) or "-")],
        )
    before = roles_in_words(held)
    held.name, held.language, held.is_active = name, language, is_active
    held.licence_number, held.licence_valid_until = licence_number, licence_valid_until
    held.licence_country = licence_country
    licence = ["licence_number", "licence_valid_until", "licence_country"]
    held.save_if_unchanged(seen=seen_version, fields=["name", "language", "is_active", *licence])
    set_roles(user=held, roles=roles)
    refuse_without_manager()
    audit.record(
        by=by, action="staff-changed", sentence=f"changed {held.name}", of=held,
        detail={"roles": [before, roles_in_words(held)], "active": is_active},
    )  # fmt: skip
    ground.changed(person=held)
    return held


def set_roles(*, user: User, roles: Iterable[RoleAt]) -> None:
    """Make the role rows what was chosen; rows that stay are not touched, so that their history is short."""
    wanted = {(role, site.pk if site else None) for role, site in roles}
    if not wanted:
        raise Refused(_("Choose at least one role."), field="roles")
    for row in StaffRole.objects.filter(user=user):
        if (row.role, row.site_id) in wanted:
            wanted.discard((row.role, row.site_id))
        else:
            row.delete()
    for role, site_id in sorted(wanted, key=str):
        StaffRole.objects.create(user=user, role=Role(role), site_id=site_id)
    if hasattr(user, "_prefetched_objects_cache"):
        user._prefetched_objects_cache.clear()


def refuse_without_manager() -> None:
    """Locks the managers' rows first, so that two managers cannot remove each other at the same moment."""
    managers = StaffRole.objects.select_for_update().filter(role=Role.MANAGER, site=None, user__is_active=True)
    if not list(managers.values_list("pk", flat=True)):
        raise Refused(_("Somebody must stay manager of all sites. Give that role to another person first."), field="roles")


def roles_in_words(user: User) -> list[str]:
    rows = StaffRole.objects.filter(user=user).select_related("site").order_by("role", "site__name")
    return [f"{row.get_role_display()}, {row.site or _('everywhere')}" for row in rows]
