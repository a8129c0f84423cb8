"""From a message row to the mail a patient reads: in their language, in the site's zone, with a fresh link.

Written anew at every try, from what is true at that moment. The token of a link goes into the mail alone; the stored
copy shows `HIDDEN` in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from clinic.doer import SYSTEM
from clinic.models import Organisation, Site
from patients import links
from patients.labels import LinkPurpose
from protocols import catalogue
from protocols.aftercare import Instruction
from protocols.aftercare import aftercare as instructions_after
from protocols.aftercare import red_flags as red_flags_of
from sessions.delivery import Invitation, Mail
from sessions.gathering import facts_of
from sessions.invitations import invitation_to
from sessions.message_texts import (
    AFTERCARE,
    CANCELLED,
    CHECK_IN,
    CONFIRM,
    INTAKE,
    KINDS,
    MOVED,
    REMINDER,
    day_of,
    moment_of,
    say,
    written_in,
)  # fmt: skip
from sessions.models import Appointment, Message, TreatmentSession
from sessions.plans import given_plan

HIDDEN = "link-not-kept"
FOR_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)
INVITING = frozenset({CONFIRM, MOVED, CANCELLED})  # these carry the visit as a calendar entry, or its end
TOLD_BY_RED_FLAGS = "ac-red-flags"  # the instruction "know when to call"; the mail says it with a section of its own


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list. `lines` pair a moment, which may be empty, with what holds until then."""

    title: str
    lines: list[tuple[str, list[str]]]
    urgent: bool = False


@dataclass(slots=True)
class Letter:
    """What a mail says, before it has a shape. `told_start` is the agreed start it names."""

    subject: str
    lead: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    told_start: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """The mail to hand over, and the copy to keep."""

    mail: Mail
    subject: str
    text: str
    html: str
    told_start: str


def write_mail(message: Message) -> Written:
    """Render `message` for its patient. Mints a link where the kind has one; call it inside the claim's transaction."""
    language = written_in(message.language)
    letter = COMPOSERS[message.kind](message, language)
    organisation = Organisation.objects.first()
    clinic_name = organisation.name if organisation else message.site.name
    context = {
        "letter": letter,
        "language": language,
        "clinic_name": clinic_name,
        "site": message.site,
        "hello": say("hello", language, name=message.patient.given_name if message.patient else ""),
        "phone_label": say("phone", language),
        "do_not_stop": say("do-not-stop", language),
        "not_you": say("not-you", language),
    }
    with translation.override(language):
        text = render_to_string("mails/letter.txt", context)
        html = render_to_string("mails/letter.html", context)
    mail = Mail(
        to=message.recipient, sender_name=clinic_name, reply_to=message.site.email, subject=letter.subject, text=text,
        html=html, message_id=message.rfc_message_id, invitation=invitation_with(message),
    )  # fmt: skip
    return Written(mail, letter.subject, hide(text, letter), hide(html, letter), letter.told_start)


@transaction.atomic
def rehearse(message: Message) -> Written:
    """The mail as it would be written now, for a preview. What it would leave behind, its link, is rolled back."""
    written = write_mail(message)
    transaction.set_rollback(True)
    return written


def invitation_with(message: Message) -> Invitation | None:
    """The calendar entry that travels with a mail about a visit, as the visit stands now."""
    if message.kind not in INVITING or message.appointment is None:
        return None
    return invitation_to(
        message.appointment, recipient=message.recipient, language=message.language, stamp=timezone.now()
    )


def hide(content: str, letter: Letter) -> str:
    return content.replace(letter.token, HIDDEN) if letter.token else content


# --- one composer a kind --------------------------------------------------------------------------------------------
def confirmation(message: Message, language: str) -> Letter:
    letter = visit(message, language, lead="expect")
    letter.paragraphs = [say("bring", language), say("consent", language)]
    return letter


def reminder(message: Message, language: str) -> Letter:
    letter = visit(message, language, lead="expect")
    letter.paragraphs = [say("prepare", language), say("bring", language), say("changed", language)]
    return letter


def moved(message: Message, language: str) -> Letter:
    return visit(message, language, lead="moved")


def visit(message: Message, language: str, *, lead: str) -> Letter:
    """A visit to come: date, place, and the page on which it is confirmed or called off."""
    appointment = appointment_of(message)
    start = appointment.local_start
    link, token = links.issue(
        patient=appointment.patient, site=appointment.site, purpose=LinkPurpose.APPOINTMENT, subject=appointment,
        expires_at=appointment.ends_at, by=SYSTEM,
    )  # fmt: skip
    del link
    address = link_address(token)
    time = clock(start, message, language)
    return Letter(
        subject=subject_of(message, language, start),
        lead=say(lead, language, day=day_of(start, language), time=time),
        facts=[
            (say("when", language), f"{day_of(start, language, year=True)}, {time}"),
            (say("where", language), place_of(appointment.site)),
        ],
        buttons=[(say("confirm", language), address), (say("cannot-come", language), f"{address}#cannot-come")],
        told_start=appointment.agreed_start,
        token=token,
    )


def cancellation(message: Message, language: str) -> Letter:
    """Names the start the patient was told, which may be older than the one that was cancelled."""
    appointment = appointment_of(message)
    start = told_or_agreed(message, appointment)
    return Letter(
        subject=subject_of(message, language, start),
        lead=say("cancelled", language, day=day_of(start, language), time=clock(start, message, language)),
        paragraphs=[say("call-for-new", language)],
        told_start=start.strftime("%Y-%m-%dT%H:%M"),
    )


def told_or_agreed(message: Message, appointment: Appointment) -> dt.datetime:
    told = (
        Message.objects.filter(appointment=appointment, kind__in=[CONFIRM, MOVED, REMINDER])
        .may_be_read()
        .exclude(told_start="")
        .order_by("-claimed_at", "-id")
        .values_list("told_start", flat=True)
        .first()
    )
    return dt.datetime.fromisoformat(told or appointment.agreed_start).replace(tzinfo=appointment.site.zone)


def aftercare(message: Message, language: str) -> Letter:
    treatment_session = treatment_of(message)
    zone = message.site.zone
    ended = ended_at(treatment_session).astimezone(zone)
    corrected = (
        Message.objects.filter(
            cause_kind=message.cause_kind, cause_public_id=message.cause_public_id, kind=AFTERCARE,
            cause_revision__lt=message.cause_revision,
        ).exclude(told_start=f"{ended:%Y-%m-%dT%H:%M}").may_be_read().exists()
    )  # fmt: skip
    key = "after-corrected" if corrected else "after"
    sections = [
        Section(say(severity, language), in_words(lines, ended, language))
        for severity, lines in groupby(instructions_of(treatment_session), key=lambda line: line.severity)
    ]
    return Letter(
        subject=KINDS[message.kind].subject.get(language),
        lead=say(key, language, day=day_of(ended, language), time=clock(ended, message, language)),
        sections=[*sections, *red_flags(message.site, language)],
        told_start=f"{ended:%Y-%m-%dT%H:%M}",
    )


def instructions_of(treatment_session: TreatmentSession) -> list[Instruction]:
    """What to do after what was really given, by the catalogue that was in force then."""
    lines = instructions_after(
        ended_at=ended_at(treatment_session),
        plan=given_plan(treatment_session),
        facts=facts_of(treatment_session.patient),
        catalogue=catalogue.load(treatment_session.catalogue),
        on_site_zone=treatment_session.appointment.site.zone,
    )
    return [line for line in lines if line.code != TOLD_BY_RED_FLAGS]


def in_words(lines: Iterable[Instruction], ended: dt.datetime, language: str) -> list[tuple[str, list[str]]]:
    """What to do by when, as clock times in the zone of `ended`; what ends together stands together, soonest first."""
    spans: dict[tuple[dt.datetime, dt.datetime], list[str]] = {}
    for line in lines:
        spans.setdefault((line.from_at, line.until_at or FOR_EVER), []).append(line.text(language))
        for part in line.longer_parts:
            spans.setdefault((line.from_at, part.until_at), []).append(part.text(language))
    return [(span_in_words(*span, ended, language), texts) for span, texts in sorted(spans.items(), key=lambda one: one[0])]


def span_in_words(start: dt.datetime, until: dt.datetime, ended: dt.datetime, language: str) -> str:
    """One that holds from the end of the treatment on says only until when."""
    first = moment_of(start.astimezone(ended.tzinfo), language)
    if until == FOR_EVER:
        return say("from", language, start=first)
    last = moment_of(until.astimezone(ended.tzinfo), language)
    return say("until", language, moment=last) if start == ended else say("between", language, start=first, moment=last)


def check_in(message: Message, language: str) -> Letter:
    well = say("check-in-well", language, phone=message.site.phone)
    return Letter(
        subject=KINDS[message.kind].subject.get(language),
        lead=say("check-in", language),
        paragraphs=[well, *([say("answer-mail", language)] if message.site.email else [])],
        sections=red_flags(message.site, language),
    )


def intake(message: Message, language: str) -> Letter:
    expires_at = timezone.now() + dt.timedelta(days=links.VALID_DAYS)
    patient = message.patient
    if patient is None:
        raise ValueError("An intake mail needs a patient.")
    link, token = links.issue(patient=patient, site=message.site, purpose=LinkPurpose.INTAKE, expires_at=expires_at, by=SYSTEM)
    del link
    return Letter(
        subject=KINDS[message.kind].subject.get(language),
        lead=say("intake", language),
        paragraphs=[say("intake-safe", language, day=day_of(expires_at.astimezone(message.site.zone), language))],
        buttons=[(say("open-questions", language), link_address(token))],
        token=token,
    )


COMPOSERS: dict[str, Callable[[Message, str], Letter]] = {
    CONFIRM: confirmation,
    REMINDER: reminder,
    MOVED: moved,
    CANCELLED: cancellation,
    AFTERCARE: aftercare,
    CHECK_IN: check_in,
    INTAKE: intake,
}


# --- parts ----------------------------------------------------------------------------------------------------------
def red_flags(site: Site, language: str) -> list[Section]:
    """When to call, from the catalogue: the emergency number first, then the clinic."""
    urgent, *others = red_flags_of(catalogue.in_force())
    return [
        Section(say("call-now", language, number=site.emergency_number), [("", [urgent.text(language)])], urgent=True),
        *(Section(flag.name_in(language), [("", [flag.text(language)])]) for flag in others),
    ]


def subject_of(message: Message, language: str, start: dt.datetime) -> str:
    return KINDS[message.kind].subject.get(language).format_map({"day": day_of(start, language)})


def clock(moment: dt.datetime, message: Message, language: str) -> str:
    """The clock time; where the patient lives in another country, with the place whose clock it is."""
    time = f"{moment:%H:%M}"
    home = message.patient.country if message.patient else ""
    if not home or home == message.site.country:
        return time
    city = message.site.time_zone.rpartition("/")[2].replace("_", " ")
    return say("zone-of", language, time=time, city=city)


def place_of(site: Site) -> str:
    return ", ".join(part for part in (site.name, site.address) if part)


def link_address(token: str) -> str:
    return f"{settings.BASE_URL}{reverse('patient-link', args=[token])}"


def appointment_of(message: Message) -> Appointment:
    if message.appointment is None:
        raise ValueError("A mail about a visit needs its appointment.")
    return message.appointment


def treatment_of(message: Message) -> TreatmentSession:
    return TreatmentSession.objects.select_related("course", "patient", "appointment__site").get(
        public_id=message.cause_public_id
    )


def ended_at(treatment_session: TreatmentSession) -> dt.datetime:
    if treatment_session.ended_at is None:
        raise ValueError("The treatment has not ended.")
    return treatment_session.ended_at
