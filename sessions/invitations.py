"""A visit as an entry for the patient's own calendar: a file to take from the page, and what travels with a mail.

Calendars show on locked phones and are shared with families and employers: summary and description name the clinic and
its phone, never what the visit is for.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from clinic.models import Organisation, Site
from clinic.once import once
from sessions.calendar_files import CANCEL, PUBLISH, REQUEST, Party, Visit, uid_of, visit_file
from sessions.choices import CANCELLED as CANCELLED_STATUSES
from sessions.message_texts import say, written_in
from sessions.models import Appointment
from sessions.wire import Invitation, own_address

WHOSE = "patient"


def invitation_to(
    appointment: Appointment, *, recipient: str, language: str, stamp: dt.datetime, clinic_name: str
) -> Invitation:
    """What a mail carries: an invitation, a newer version of it, or its end. The clinic's own address invites, so that
    sender and organizer are one (RFC 6047)."""
    cancelled = appointment.status in CANCELLED_STATUSES
    method = CANCEL if cancelled else REQUEST
    content = visit_file(
        visit_of(appointment, language=language, stamp=stamp, clinic_name=clinic_name), method=method,
        organizer=Party(clinic_name, own_address(settings.DEFAULT_FROM_EMAIL)),
        attendee=Party(appointment.patient.given_name or recipient, recipient),
    )  # fmt: skip
    return Invitation(method=method, content=content)


def file_of(appointment: Appointment, *, language: str, stamp: dt.datetime) -> bytes:
    """The same entry to download: nobody is invited."""
    name = name_of_clinic(appointment.site)
    return visit_file(visit_of(appointment, language=language, stamp=stamp, clinic_name=name), method=PUBLISH)


def visit_of(appointment: Appointment, *, language: str, stamp: dt.datetime, clinic_name: str) -> Visit:
    site, spoken = appointment.site, written_in(language)
    changes = say("calendar-changes", spoken, phone=site.phone) if site.phone else ""
    return Visit(
        uid=uid_of(appointment.public_id, WHOSE),
        sequence=appointment.revision,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        zone=appointment.zone,
        summary=say("calendar-title", spoken, clinic=clinic_name),
        stamp=stamp,
        location=", ".join(part for part in (site.name, site.address) if part),
        description=changes,
        cancelled=appointment.status in CANCELLED_STATUSES,
    )


def name_of_clinic(site: Site) -> str:
    organisation = once("organisation", Organisation.objects.first)
    return organisation.name if organisation else site.name
