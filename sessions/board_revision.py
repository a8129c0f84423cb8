"""Has anything on the board changed? One short fingerprint of everything it shows, read with a single query.

Every open board asks every half minute, so this question must cost next to nothing; only a new answer draws the board.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.utils import timezone

from clinic.models import Site
from clinic.prepared import Prepared
from clinic.prepared import one as single
from patients.models import DataRequest
from sessions.choices import UPCOMING, MessageState, RecordStatus
from sessions.models import Appointment, CheckIn, Consent, Document, Lot, Message, Screening, TreatmentSession
from sessions.today import LOT_DAYS, PROBLEM_DAYS

REDRAWN_EVERY_SECONDS = 300  # notes that hang on the clock alone; waiting minutes count on in the browser


def _everything_shown() -> QuerySet[Any, Any]:
    """One row of figures over all that the board of a site draws between two moments."""
    site = single("site")
    rows = Appointment.objects.filter(
        site=site, starts_at__gte=single("start", "timestamptz"), starts_at__lt=single("end", "timestamptz")
    ).order_by()
    ids, patients = rows.values("pk"), rows.values("patient")
    unsigned = TreatmentSession.objects.filter(status=RecordStatus.ENDED, appointment__site=site)
    troubled = Message.objects.troubled().filter(site=site, due_at__gte=single("since", "timestamptz"))
    ahead = Appointment.objects.filter(site=site, status__in=UPCOMING, starts_at__gt=single("now", "timestamptz"))
    lots = Lot.objects.filter(site=site, expires_on__lte=single("until", "date"))
    newest, states = Max("pk"), {s: Count("pk", filter=Q(state=s)) for s in MessageState.values}
    parts = {
        "visits": summed(rows, n=Count("pk"), v=Sum("version"), last=newest, people=Sum("patient__version")),
        "flags": summed(rows, n=Count("pk", filter=~Q(flagged=""))),
        "displaced": summed(ahead.exclude(displaced=""), n=Count("pk"), ids=Sum("pk")),
        "records": summed(TreatmentSession.objects.filter(appointment__in=ids), v=Sum("version"), last=newest),
        "unsigned": summed(unsigned, n=Count("pk"), v=Sum("version"), last=newest),
        "messages": summed(Message.objects.filter(appointment__in=ids), **states),
        "troubled": summed(troubled, n=Count("pk"), last=newest),
        "screened": summed(Screening.objects.filter(patient__in=patients), last=newest),
        "consents": summed(Consent.objects.filter(patient__in=patients), v=Sum("version"), last=newest),
        "papers": summed(Document.objects.filter(appointment__in=ids), n=Count("issued_at"), last=newest),
        "check-ins": summed(CheckIn.objects.waiting().filter(site=site), n=Count("pk"), last=newest),
        "data": summed(DataRequest.objects.open().filter(site=site), n=Count("pk"), last=newest),
        "lots": summed(lots, v=Sum("version"), n=Count("pk")),
    }
    return Site.objects.filter(pk=site).values_list(*parts.values())


EVERYTHING_SHOWN = Prepared(_everything_shown)


def revision_of(site: Site, day: dt.date) -> str:
    """A fingerprint of the site's local day; a poll that brings the same one gets no page."""
    now = timezone.now()
    start, end = site.day_bounds(day)
    found = EVERYTHING_SHOWN(
        site=site.pk, start=start, end=end, now=now, since=now - dt.timedelta(days=PROBLEM_DAYS),
        until=site.today() + dt.timedelta(days=LOT_DAYS),
    )  # fmt: skip
    clock = int(now.timestamp() // REDRAWN_EVERY_SECONDS)
    return hashlib.sha256(repr([day.isoformat(), clock, found]).encode()).hexdigest()[:16]


def summed(rows: QuerySet, **figures: Combinable) -> Subquery:
    """All figures over these rows as one JSON value inside a larger query."""
    return Subquery(rows.order_by().values(all=Value(1)).annotate(found=JSONObject(**figures)).values("found"))
