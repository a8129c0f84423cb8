"""Who asks? The two questions before every page of the staff, prepared: the session; the person, roles and open sites.

Both go to the database every time, so that a revoked role, a closed site or an ended session ends with the next click.
"""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from clinic.models import Site, StaffRole, User
from clinic.prepared import Prepared, Rows, one
from clinic.quick_rows import whole
from clinic.together import together

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
    """Whoever this is, whether they may still sign in or not; with roles and open sites, for every gate of this request."""
    with together(USERS, ROLES, SITES).of(user=key).ahead():
        user = next(iter(USER.rows(USERS(user=key))), None)
        if user is not None:
            _know(user, ROLES(user=key))
            setattr(user, OPEN_SITES, SITES())
    return user


OPEN_SITES = "_open_sites_read"  # kept beside the person for as long as the request


def sites_of(user: User) -> list[Site]:
    """The open sites this person works at, and their roles. Read with the person, or now."""
    rows = getattr(user, OPEN_SITES, None)
    if rows is None:
        _know(user, ROLES(user=user.pk))
        rows = SITES()
    limits = user.limited_to()
    return [site for site in SITE.rows(rows) if limits is None or site.pk in limits]


def _know(user: User, rows: Rows) -> None:
    roles: QuerySet[StaffRole] = user.roles.all()
    roles._result_cache = ROLE.rows(rows)
    user._prefetched_objects_cache = {"roles": roles}  # type: ignore[attr-defined]
