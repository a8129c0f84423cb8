"""What the desk decides about online booking: whether a site takes it, and whether somebody is a patient already.

Linking never touches what the older record says about the person. The visit moves over, the new record points to the
older one, its links die with it; what was typed online stays readable on the new record alone.
"""
from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site
from clinic.permissions import check_doer
from patients.duplicates import Likely, likely_duplicates
from patients.models import Patient, PatientSite
from sessions import request_mail
from sessions.availability import parents_of
from sessions.booking_steps import log, unchanged
from sessions.choices import UPCOMING
from sessions.clashes import is_exclusion
from sessions.locking import Parents, lock, once_more
from sessions.models import Appointment, BookingRequest, Course, Message, PublicBooking, RequestState
from sessions.models.request import Decision


@transaction.atomic
def set_public_booking(
    *, site: Site, seen_version: int, is_on: bool, earliest_hours: int, days_ahead: int, by: Doer
) -> PublicBooking:
    """Switch the public page of a site on or off. Raises `Stale` when somebody else was faster."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    setting, _made = PublicBooking.objects.get_or_create(site=site)
    if setting.version != seen_version:
        raise Stale(_("Somebody else changed this while you were typing. Compare, then save again."))
    if is_on and not site.email and not site.phone:
        raise Refused(_("Give the site a phone or an e-mail first: patients must be able to reach it."), field="is_on")
    wanted = {"is_on": is_on, "earliest_hours": earliest_hours, "days_ahead": days_ahead}
    changes = {name: [getattr(setting, name), value] for name, value in wanted.items() if getattr(setting, name) != value}
    for name, value in wanted.items():
        setattr(setting, name, value)
    setting.save_if_unchanged(seen=seen_version, fields=list(wanted))
    audit.record(by=by, action="public-booking-set", sentence=f"set public booking of {site.name}", of=site, site=site,
                 detail=changes)  # fmt: skip
    return setting


def booked_online(site: Site, *, patients: Any) -> Any:
    """Confirmed requests whose visit is known, undecided likenesses first, then the newest."""
    rows = BookingRequest.objects.filter(
        site=site, state=RequestState.CONFIRMED, appointment__isnull=False, appointment__patient__in=patients
    ).select_related("appointment__patient", "appointment__site", "appointment__practitioner", "service", "site")
    return rows.order_by("-looks_like", "decision", "-asked_at", "-id")


def likely_for(request: BookingRequest, *, patients: Any) -> list[Likely]:
    """Records like the one made online that the reader may see."""
    own = appointment_of(request).patient
    found = likely_duplicates(
        given_name=own.given_name, family_name=own.family_name, birth_date=own.birth_date, phone=str(own.phone or ""),
        except_for=own,
    )  # fmt: skip
    known = set(patients.filter(pk__in=[one.patient.pk for one in found]).values_list("pk", flat=True))
    return [one for one in found if one.patient.pk in known]


def appointment_of(request: BookingRequest) -> Appointment:
    if request.appointment is None:
        raise Refused(_("This request has no appointment any more."))
    return request.appointment


@transaction.atomic
def keep_apart(*, request: BookingRequest, by: Doer) -> None:
    """It is a different person, as somebody found out."""
    check_doer(by, Permission.CHANGE_PERSON, request.site)
    held = _undecided(request)
    _decide(held, Decision.APART, by)
    audit.record(
        by=by, action="online-request-kept-apart", sentence="says that it is a different person", of=held,
        patient=appointment_of(held).patient, site=held.site,
    )  # fmt: skip


def link(*, request: BookingRequest, to: Patient, by: Doer) -> Appointment:
    """It is the same person: the visit moves to the older record, the new one points there.

    Refused once the new record holds answers or a course: those belong to whoever gave them, and are not moved."""
    check_doer(by, Permission.CHANGE_PERSON, request.site)
    appointment = appointment_of(request)

    def deed() -> Appointment:
        held = _undecided(request)
        lock(parents_of(appointment) | Parents(patients=frozenset({to.pk})))
        current = unchanged(appointment, appointment.version)
        made = current.patient
        _check_linkable(made, to, current)
        Message.objects.filter(patient=made).update(patient=to)
        Appointment.objects.filter(patient=made).update(patient=to)
        Patient.objects.filter(pk=made.pk).update(merged_into=to)
        current.refresh_from_db()
        PatientSite.objects.get_or_create(patient=to, site=held.site)
        _decide(held, Decision.LINKED, by)
        log(current, by, "linked", f"belongs to {to.record_number}, booked online as {made.record_number}")
        if current.status in UPCOMING:
            request_mail.tell_anew(appointment=current, by=by)
        return current

    try:
        return once_more(deed)
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        raise Refused(_("This patient already has an appointment at that time; move one of the two first.")) from error


def _check_linkable(made: Patient, to: Patient, appointment: Appointment) -> None:
    if to.merged_into_id is not None or to.pk == made.pk:
        raise Refused(_("This record was merged into another; book it there."))
    if appointment.status not in UPCOMING:
        raise Refused(_("The visit is over or cancelled; there is nothing to move."))
    if made.responses.filter(submitted_at__isnull=False).exists() or Course.objects.filter(patient=made).exists():
        raise Refused(_("Health questions were answered on the new record already. Keep both, and tell a clinician."))


def _undecided(request: BookingRequest) -> BookingRequest:
    held: BookingRequest = BookingRequest.objects.select_for_update(of=("self",), no_key=True).select_related(
        "appointment__patient", "site"
    ).get(pk=request.pk)  # fmt: skip
    if held.decision:
        raise Refused(_("This was decided already: %(decision)s.") % {"decision": held.get_decision_display().lower()})
    return held


def _decide(request: BookingRequest, decision: str, by: Doer) -> None:
    request.decision, request.decided_at, request.decided_by_label = decision, timezone.now(), by.label
    request.save(update_fields=["decision", "decided_at", "decided_by_label"])


def undecided_for(appointment: Appointment) -> BookingRequest | None:
    """The request behind a visit that somebody should look at."""
    return BookingRequest.objects.filter(appointment=appointment, looks_like=True, decision="").first()
