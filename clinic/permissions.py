"""Who may: one policy table for view, page, PDF and export; when-may lives beside each verb.

Every view declares its access with exactly one of the decorators here; a test walks the URL resolver and fails on a
view that declares nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clinic import access_log
from clinic.choices import Permission, Role
from clinic.doer import Doer
from clinic.errors import NotPermitted
from clinic.models import Site, User

P = Permission
POLICY: dict[str, frozenset[Permission]] = {
    Role.FRONT_DESK: frozenset(
        {P.SEE_PERSON, P.CHANGE_PERSON, P.SEE_HEADLINE, P.OVERBOOK, P.SEE_STAFF, P.SEE_STOCK, P.CHANGE_STOCK}
    ),
    Role.PRACTITIONER: frozenset(
        {P.SEE_PERSON, P.CHANGE_PERSON, P.SEE_HEADLINE, P.SEE_CLINICAL, P.CHANGE_CLINICAL, P.TREAT, P.GRANT_CLEARANCE,
         P.SEE_CATALOGUE, P.OVERBOOK, P.SEE_STAFF, P.SEE_AUDIT, P.SEE_STOCK, P.CHANGE_STOCK}
    ),
    Role.MEDICAL_LEAD: frozenset(
        {P.SEE_PERSON, P.CHANGE_PERSON, P.SEE_HEADLINE, P.SEE_CLINICAL, P.CHANGE_CLINICAL, P.TREAT, P.GRANT_CLEARANCE,
         P.SEE_CATALOGUE, P.APPROVE_CATALOGUE, P.SET_SELF_SERVICE, P.OVERBOOK, P.SEE_STAFF, P.SEE_AUDIT, P.SEE_STOCK,
         P.CHANGE_STOCK}
    ),
    Role.MANAGER: frozenset(
        {P.SEE_PERSON, P.SEE_STAFF, P.CHANGE_STAFF, P.SET_SELF_SERVICE, P.SEE_AUDIT, P.ANSWER_DATA_REQUESTS, P.SEE_STOCK}
    ),
}  # fmt: skip


def permissions_of(user: User, site: Site | None) -> frozenset[Permission]:
    """All permissions the user's roles give at this site. Read from the database, so that a revoked role ends at once."""
    if not user.is_active:
        return frozenset()
    granted: set[Permission] = set()
    for role in user.roles_at(site):
        granted |= POLICY[role]
    return frozenset(granted)


def may(user: User, permission: Permission, site: Site | None) -> bool:
    return permission in permissions_of(user, site)


def sites_where(user: User, permission: Permission) -> QuerySet[Site]:
    """The sites at which the user's roles give this permission, closed ones included: what is owed there stays owed."""
    roles = [one for one in user.roles.all() if permission in POLICY[one.role]] if user.is_active else []
    if any(one.site_id is None for one in roles):
        return Site.objects.all()
    return Site.objects.filter(pk__in=[one.site_id for one in roles])


def check_may(user: User, permission: Permission, site: Site | None) -> None:
    """Raise `NotPermitted` with a sentence; `may` is its question form."""
    if not may(user, permission, site):
        raise NotPermitted(_("Your role does not allow you to %(deed)s.") % {"deed": Permission(permission).label})


def check_doer(by: Doer, permission: Permission, site: Site | None) -> None:
    """`check_may` for whoever does a deed: the system itself may. Without a site only roles that hold everywhere count."""
    if by.kind == "system":
        return
    if by.user is None:
        raise NotPermitted(_("Only staff may do this."))
    check_may(by.user, permission, site)


View = Callable[..., HttpResponse]
MANAGING = frozenset({P.SEE_STAFF, P.CHANGE_STAFF, P.SEE_AUDIT})  # works before the first site is open


def requires(*needed: Permission) -> Callable[[View], View]:
    """The signed-in member of staff needs all of these permissions at the current site, else 403 and a logged denial."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            held = request.permissions  # type: ignore[attr-defined]
            if request.site is None and not MANAGING.issuperset(needed):
                if P.CHANGE_STAFF in held and request.method in {"GET", "HEAD"}:
                    messages.info(request, _("Open a site first: add its rooms and hours, then open it."))
                    return redirect("sites")
                raise NotPermitted(_("There is no open site you work at. A manager opens one or gives you a role there."))
            for permission in needed:
                if permission not in held:
                    access_log.denied(request, permission)
                    raise NotPermitted(
                        _("Your role does not allow you to %(deed)s.") % {"deed": Permission(permission).label}
                    )
            return view(request, *args, **kwargs)

        guarded.access = ("staff", tuple(needed))  # type: ignore[attr-defined]
        return guarded

    return decorate


def any_staff(view: View) -> View:
    """Any signed-in member of staff (account pages, site switch, gallery)."""
    view.access = ("staff", ())  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anybody, signed in or not: health checks, verification of a document."""
    view = login_not_required(view)
    view.access = ("public", ())  # type: ignore[attr-defined]
    return view


def by_patient_link(purposes: Iterable[str]) -> Callable[[View], View]:
    """A page a patient reaches by a link of one of these purposes; the view itself checks the link (patients.links)."""

    def decorate(view: View) -> View:
        view = login_not_required(view)
        view.access = ("patient-link", tuple(purposes))  # type: ignore[attr-defined]
        return view

    return decorate
