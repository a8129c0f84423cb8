"""Who asks? The four questions before every page of the staff, prepared: session, person, roles, open sites.

All four go to the database every time, so that a revoked role, a closed site or an ended session ends with the next click.
"""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from clinic.models import Site, StaffRole, User
from clinic.prepared import Prepared, one
from clinic.quick_rows import whole

SESSION, USER, ROLE, SITE = whole(Session), whole(User), whole(StaffRole), whole(Site)
SESSIONS = Prepared(
    lambda: Session.objects.filter(session_key=one("key", "text"), expire_date__gt=one("now", "timestamptz"))
    .values_list(*SESSION.read)
)  # fmt: skip
USERS = Prepared(lambda: User.objects.filter(pk=one("user")).order_by().values_list(*USER.read))
ROLES = Prepared(lambda: StaffRole.objects.filter(user=one("user")).values_list(*ROLE.read))
SITES = Prepared(lambda: Site.objects.filter(is_open=True).values_list(*SITE.read))


class SessionStore(DatabaseSessions):
    """Django's own sessions in the database, read with a prepared question."""

    def _get_session_from_db(self) -> Session | None:
        found = SESSION.rows(SESSIONS(key=self.session_key, now=timezone.now()))
        if not found:
            self._session_key = None
            return None
        return found[0]


def user_by_key(key: int) -> User | None:
    """Whoever this is, whether they may still sign in or not."""
    return next(iter(USER.rows(USERS(user=key))), None)


def sites_of(user: User) -> list[Site]:
    """The open sites this person works at. Their roles are read with it, for every gate of this request."""
    roles: QuerySet[StaffRole] = user.roles.all()
    roles._result_cache = ROLE.rows(ROLES(user=user.pk))
    user._prefetched_objects_cache = {"roles": roles}  # type: ignore[attr-defined]
    limits = user.limited_to()
    return [site for site in SITE.rows(SITES()) if limits is None or site.pk in limits]
