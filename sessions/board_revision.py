"""Has anything on the board changed? One short fingerprint of everything it shows, read with a single query beside
the visits of the day.

Every open board asks every half minute, so this question must cost next to nothing; only a new answer draws the board.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.utils import timezone

from clinic.models import Site
from clinic.prepared import Prepared, many
from clinic.prepared import one as single
from patients.models import DataRequest, Patient
from sessions.choices import UPCOMING, MessageState, RecordStatus
from sessions.day_rows import Known
from sessions.models import Appointment, CheckIn, Consent, Document, Lot, Message, Screening, TreatmentSession
from sessions.needs import LOT_DAYS, PROBLEM_DAYS

REDRAWN_EVERY_SECONDS = 300  # notes that hang on the clock alone; waiting minutes count on in the browser


def about_visits() -> dict[str, Subquery]:
    """Figures over what hangs on the visits with the keys `visits` and on their `patients`. Keys instead of the visits'
    own conditions: only then the statement has one plan that holds for a full day and an empty one."""
    ids, patients = many("visits"), many("patients")
    newest, states = Max("pk"), {s: Count("pk", filter=Q(state=s)) for s in MessageState.values}
    return {
        "people": summed(Patient.objects.filter(pk__in=patients), v=Sum("version")),
        "records": summed(TreatmentSession.objects.filter(appointment__in=ids), v=Sum("version"), last=newest),
        "messages": summed(Message.objects.filter(appointment__in=ids), **states),
        "screened": summed(Screening.objects.filter(patient__in=patients), last=newest),
        "consents": summed(Consent.objects.filter(patient__in=patients), v=Sum("version"), last=newest),
        "papers": summed(Document.objects.filter(appointment__in=ids), n=Count("issued_at"), last=newest),
    }


def _everything_shown() -> QuerySet[Any, Any]:
    """One row of figures over all that the board of a site draws beside the visits themselves."""
    site, newest = single("site"), Max("pk")
    unsigned = TreatmentSession.objects.filter(status=RecordStatus.ENDED, appointment__site=site)
    troubled = Message.objects.troubled().filter(site=site, due_at__gte=single("since", "timestamptz"))
    ahead = Appointment.objects.filter(site=site, status__in=UPCOMING, starts_at__gt=single("now", "timestamptz"))
    lots = Lot.objects.filter(site=site, expires_on__lte=single("until", "date"))
    parts = about_visits() | {
        "displaced": summed(ahead.exclude(displaced=""), n=Count("pk"), ids=Sum("pk")),
        "unsigned": summed(unsigned, n=Count("pk"), v=Sum("version"), last=newest),
        "troubled": summed(troubled, n=Count("pk"), last=newest),
        "check-ins": summed(CheckIn.objects.waiting().filter(site=site), n=Count("pk"), last=newest),
        "data": summed(DataRequest.objects.open().filter(site=site), n=Count("pk"), last=newest),
        "lots": summed(lots, v=Sum("version"), n=Count("pk")),
    }
    return Site.objects.filter(pk=site).order_by().values_list(*parts.values())


EVERYTHING_SHOWN = Prepared(_everything_shown)


def revision_of(site: Site, day: dt.date, visits: Sequence[Known]) -> str:
    """A fingerprint of the site's local day, whose visits these are; a poll that brings the same one gets no page."""
    now = timezone.now()
    found = EVERYTHING_SHOWN(
        site=site.pk, now=now, since=now - dt.timedelta(days=PROBLEM_DAYS),
        until=site.today() + dt.timedelta(days=LOT_DAYS), **keys_of(visits),
    )  # fmt: skip
    clock = int(now.timestamp() // REDRAWN_EVERY_SECONDS)
    return fingerprint(day.isoformat(), clock, [tuple(visit) for visit in visits], found)


def keys_of(visits: Sequence[Known]) -> dict[str, list[int]]:
    return {"visits": [visit.key for visit in visits], "patients": list({visit.patient for visit in visits})}


def fingerprint(*shown: Any) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def summed(rows: QuerySet, **figures: Combinable) -> Subquery:
    """All figures over these rows as one JSON value inside a larger query."""
    return Subquery(rows.order_by().values(all=Value(1)).annotate(found=JSONObject(**figures)).values("found"))
