"""Who may give which service at which site. Everybody who treats there may, unless the service names its people."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.models import Site, User
from protocols.models import Service, ServiceGiver


def givers_at(service: Service, site: Site) -> QuerySet[User]:
    """Active people who treat at the site and may give this service there, by name. The licence is asked per day."""
    people = User.objects.practitioners_at(site)
    if not service.named_only:
        return people
    named = ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service=service, user=OuterRef("pk"))
    return people.filter(Exists(named))


def may_give(user: User, service: Service, site: Site) -> bool:
    """Whether the service is theirs to give here; that they treat here at all is another question."""
    if not service.named_only:
        return True
    return ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service=service, user=user).exists()


def named_givers(services: Iterable[Service], site: Site) -> dict[int, frozenset[int]]:
    """For each service that names its people, the ids of those named for this site. One query."""
    limited = [service.pk for service in services if service.named_only]
    named: dict[int, set[int]] = {pk: set() for pk in limited}
    rows = ServiceGiver.objects.filter(Q(site=site) | Q(site=None), service__in=limited)
    for service, user in rows.values_list("service", "user"):
        named[service].add(user)
    return {pk: frozenset(users) for pk, users in named.items()}
