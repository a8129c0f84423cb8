"""What a patient asks about their data (a copy, deletion) and what the clinic answers, in time and with a reason.

Nothing is deleted here: a person decides, and what the law keeps is kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import Site, User
from clinic.permissions import check_may, may, sites_where
from patients.labels import DataRequestKind, DataRequestState, ToldBy
from patients.models import DataRequest, Patient
from protocols import message_times
from sessions import messaging
from sessions.models import Message

DUE_DAYS = 30  # GDPR 12(3) says one month; thirty days are never longer than the month that has most of them
REMIND_DAYS = 7  # before the last day: time to gather a copy
REMIND_AT = dt.time(10)
OUTCOMES = (DataRequestState.DONE, DataRequestState.REFUSED)
BY_HAND = (ToldBy.PERSON, ToldBy.POST, ToldBy.PHONE)


def answerable_by(user: User) -> Any:
    """The requests this person may answer: of sites where a role of theirs allows it, about patients they may see."""
    sites = sites_where(user, Permission.ANSWER_DATA_REQUESTS)
    return DataRequest.objects.filter(site__in=sites, patient__in=Patient.objects.visible_to(user))


def has_no_mail(patient: Patient) -> bool:
    """Nothing we mail would be read: there is no address, or mails to it come back."""
    return not patient.email or bool(patient.email_problem)


@transaction.atomic
def ask(*, patient: Patient, site: Site, kind: str, by: Doer) -> DataRequest:
    """The patient asks. Asking again while it is open is the same request; the patient gets one confirmation."""
    if by.kind != "patient" or by.public_id != patient.public_id:
        raise NotPermitted(_("Only the patient asks here."))
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    wanted = DataRequestKind(kind)
    known: DataRequest | None = DataRequest.objects.open().filter(patient=held, kind=wanted).first()
    if known is not None:
        return known
    request: DataRequest = DataRequest.objects.create(
        patient=held, site=site, kind=wanted, asked_at=timezone.now(),
        due_on=site.today() + dt.timedelta(days=DUE_DAYS),
    )  # fmt: skip
    audit.record(by=by, action="data-requested", sentence=f"asked about their data: {wanted.value}", of=request,
                 patient=held, site=site, detail={"due_on": request.due_on})  # fmt: skip
    messaging.data_requested(request=request, by=by)
    messaging.tell_managers(request=request, managers=managers_of(site), by=by)
    return request


def remind() -> int:
    """A week before the last day for an answer those who may give it hear once more of what is still open, in the morning
    at the site. Once; to who may answer by then. Returns of how many requests."""
    with transaction.atomic():
        told = Message.objects.filter(
            cause_kind=messaging.DATA_CAUSE, cause_public_id=OuterRef("public_id"), cause_revision__gte=messaging.DATA_REMINDER
        )
        soon = timezone.now().date() + dt.timedelta(days=REMIND_DAYS + 1)  # today is the site's: one zone may be a day ahead
        rows = DataRequest.objects.open().filter(~Exists(told), due_on__lte=soon).select_related("site")
        count = 0
        for request in rows.select_for_update(skip_locked=True, no_key=True, of=("self",)):
            today, day = request.site.today(), request.due_on - dt.timedelta(days=REMIND_DAYS)
            if day <= today <= request.due_on:
                due_at = max(timezone.now(), message_times.at_wall_clock(day, REMIND_AT, request.site.zone))
                messaging.tell_managers(
                    request=request, managers=managers_of(request.site), by=SYSTEM, revision=messaging.DATA_REMINDER,
                    due_at=due_at,
                )  # fmt: skip
                count += 1
    return count


def managers_of(site: Site) -> list[User]:
    staff = User.objects.filter(is_active=True, roles__isnull=False).prefetch_related("roles").distinct().order_by("id")
    return [one for one in staff if may(one, Permission.ANSWER_DATA_REQUESTS, site)]


@transaction.atomic
def settle(
    *, request: DataRequest, outcome: str, reason: str, seen_version: int, by: Doer, told_by: str = ""
) -> DataRequest:
    """Done or refused, with the words the patient reads. Raises `Stale` when somebody else was faster.

    The answer goes by mail. Where no mail arrives a person tells the patient, and says how (`told_by`): nobody is left
    without an answer unseen."""
    if by.user is None:
        raise NotPermitted(_("Only staff can do this."))
    check_may(by.user, Permission.ANSWER_DATA_REQUESTS, request.site)
    if outcome not in OUTCOMES:
        raise Refused(_("Choose whether it is done or refused."), field="outcome")
    if not reason.strip():
        raise Refused(_("Write what was done, or why not: the patient reads it."), field="reason")
    held = DataRequest.objects.select_for_update(of=("self",)).select_related("patient", "site").get(pk=request.pk)
    if held.state != DataRequestState.OPEN:
        raise Refused(_("This request is settled already."))
    if not has_no_mail(held.patient):
        told_by = ToldBy.MAIL
    elif told_by not in BY_HAND:
        raise Refused(_("No mail reaches this patient. Tell them yourself, then say how."), field="told_by")
    held.told_by = ToldBy(told_by)
    held.state, held.reason = DataRequestState(outcome), reason.strip()
    held.settled_at, held.settled_by = timezone.now(), by.user
    if not held.save_if_unchanged(seen=seen_version, fields=["state", "reason", "told_by", "settled_at", "settled_by"]):
        raise Stale(_("Somebody changed this request meanwhile. Look at it again."))
    audit.record(by=by, action="data-request-settled", sentence=f"settled a request about data: {held.state}", of=held,
                 patient=held.patient, site=held.site,
                 detail={"kind": held.kind, "state": held.state, "told_by": held.told_by})  # fmt: skip
    messaging.data_requested(request=held, by=by)
    return held
