"""Who may give which service at which site. Everybody who treats there may, unless the service names its people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from clinic import audit, ground
from clinic.choices import Permission, Role
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site, StaffRole, User
from clinic.permissions import check_doer
from protocols.models import Service, ServiceGiver

GiverAt = tuple[User, Site | None]
"""A person and the site at which they may give a service; None = at every site they treat at."""


def givers_at(service: Service, site: Site) -> QuerySet[User]:
    """Active people who treat at the site and may give this service there, by name. The licence is asked per day."""
    people = User.objects.practitioners_at(site)
    if not service.named_only:
        return people
    named = ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service=service, user=OuterRef("pk"))
    return people.filter(Exists(named))


def may_give(user: User, service: Service, site: Site) -> bool:
    """Whether the service is theirs to give here; that they treat here at all is another question. Asks the database, not
    the service at hand: under a booking's locks it is what holds."""
    named = ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service=service, user=user)
    return Service.objects.filter(Q(named_only=False) | Exists(named), pk=service.pk).exists()


def named_givers(services: Iterable[Service], site: Site) -> dict[int, frozenset[int]]:
    """For each service that names its people, the ids of those named for this site. One query."""
    limited = [service.pk for service in services if service.named_only]
    named: dict[int, set[int]] = {pk: set() for pk in limited}
    rows = ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service__in=limited)
    for service, user in rows.values_list("service", "user"):
        named[service].add(user)
    return {pk: frozenset(users) for pk, users in named.items()}


def treating() -> Iterator[GiverAt]:
    """Everybody who treats, for every site at once, and for each single site where there are several."""
    sites = list(Site.objects.all())
    people = User.objects.filter(is_active=True, roles__role__in=[Role.PRACTITIONER, Role.MEDICAL_LEAD]).distinct()
    for user in people.order_by("name").prefetch_related("roles"):
        yield user, None
        for site in sites if len(sites) > 1 else ():
            if {Role.PRACTITIONER, Role.MEDICAL_LEAD} & set(user.roles_at(site)):
                yield user, site


@transaction.atomic
def set_givers(*, service: Service, seen_version: int, named_only: bool, givers: Iterable[GiverAt], by: Doer) -> Service:
    """Say who may give a service. What is booked with somebody who may not any more is marked, not moved.

    Raises `Stale`, or `Refused` when it is limited to nobody. Only a manager of all sites: services belong to everybody."""
    check_doer(by, Permission.CHANGE_STAFF, None)
    chosen = list(givers)
    held = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    before = _in_words(held)
    if held.version != seen_version:
        raise Stale(
            _("Somebody else changed this service while you were typing. Compare, then save again."),
            theirs=[(_("Given by"), before)],
        )
    if named_only and not chosen:
        raise Refused(_("Tick at least one person, or let everybody who treats give it."), field="givers")
    # A booking locks the practitioner's row: whoever books at this moment is waited for.
    treats = StaffRole.objects.filter(role__in=[Role.PRACTITIONER, Role.MEDICAL_LEAD], user=OuterRef("pk"))
    list(User.objects.select_for_update(no_key=True).filter(Exists(treats)).order_by("pk").values_list("pk", flat=True))
    ServiceGiver.objects.filter(service=held).delete()
    ServiceGiver.objects.bulk_create(ServiceGiver(service=held, user=user, site=site) for user, site in chosen)
    held.named_only = named_only
    held.save_if_unchanged(seen=seen_version, fields=["named_only"])
    audit.record(
        by=by, action="service-givers-set", sentence=f"said who gives {held.name}", of=held,
        detail={"before": before, "after": _in_words(held)},
    )  # fmt: skip
    ground.changed(service=held)
    return held


def _in_words(service: Service) -> str:
    if not service.named_only:
        return "everybody who treats"
    rows = service.givers.select_related("user", "site").order_by("user__name", "site__name")
    return ", ".join(f"{row.user.name} ({row.site.name if row.site else 'every site'})" for row in rows) or "-"
