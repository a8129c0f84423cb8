"""Has anything on the board changed? One short fingerprint of everything it shows, read with a single query.

Every open board asks every half minute, so this question must cost next to nothing; only a new answer draws the board.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db.models import Count, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.utils import timezone

from clinic.models import Site
from sessions.choices import MessageState
from sessions.models import Appointment, CheckIn, Consent, Document, Lot, Message, Screening, TreatmentSession
from sessions.today import LOT_DAYS, PROBLEM_DAYS

REDRAWN_EVERY_SECONDS = 300  # notes that hang on the clock alone; waiting minutes count on in the browser


def revision_of(site: Site, day: dt.date) -> str:
    """A fingerprint of the site's local day; a poll that brings the same one gets no page."""
    now = timezone.now()
    rows = Appointment.objects.on_day(site, day).order_by()
    ids, patients = rows.values("pk"), rows.values("patient")
    messages = Message.objects.filter(site=site, due_at__gte=now - dt.timedelta(days=PROBLEM_DAYS))
    lots = Lot.objects.filter(site=site, expires_on__lte=site.today() + dt.timedelta(days=LOT_DAYS))
    newest = Max("pk")
    parts = {
        "visits": summed(rows, n=Count("pk"), v=Sum("version"), last=newest, people=Sum("patient__version")),
        "flags": summed(rows, n=Count("pk", filter=~Q(flagged=""))),
        "displaced": summed(Appointment.objects.at(site).displaced(), n=Count("pk"), ids=Sum("pk")),
        "records": summed(TreatmentSession.objects.filter(appointment__site=site), v=Sum("version"), last=newest),
        "messages": summed(messages, **{state: Count("pk", filter=Q(state=state)) for state in MessageState.values}),
        "screened": summed(Screening.objects.filter(patient__in=patients), last=newest),
        "consents": summed(Consent.objects.filter(patient__in=patients), v=Sum("version"), last=newest),
        "papers": summed(Document.objects.filter(appointment__in=ids), n=Count("issued_at"), last=newest),
        "check-ins": summed(CheckIn.objects.waiting().filter(site=site), n=Count("pk"), last=newest),
        "lots": summed(lots, v=Sum("version"), n=Count("pk")),
    }
    found = Site.objects.filter(pk=site.pk).values_list(*parts.values()).get()
    clock = int(now.timestamp() // REDRAWN_EVERY_SECONDS)
    return hashlib.sha256(repr([day.isoformat(), clock, found]).encode()).hexdigest()[:16]


def summed(rows: QuerySet, **figures: Combinable) -> Subquery:
    """All figures over these rows as one JSON value inside a larger query."""
    return Subquery(rows.order_by().values(all=Value(1)).annotate(found=JSONObject(**figures)).values("found"))
