"""What mails are made of: a letter, its sections, the visit, the instructions, the warning signs, the subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from clinic import day_words
from clinic.doer import SYSTEM
from clinic.links_out import address_with
from clinic.models import Site
from patients import links
from patients.labels import LinkPurpose
from protocols import catalogue
from protocols.aftercare import Instruction
from protocols.aftercare import aftercare as instructions_after
from protocols.aftercare import red_flags as red_flags_of
from sessions.gathering import facts_of
from sessions.message_texts import KINDS, day_of, moment_of, say
from sessions.models import Appointment, Message, TreatmentSession
from sessions.plans import given_plan

HIDDEN = "link-not-kept"  # stands for a link's token wherever the mail is kept or only shown
FOR_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)
TOLD_BY_RED_FLAGS = "ac-red-flags"  # the instruction "know when to call"; the mail says it with a section of its own


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list. `lines` pair a moment, which may be empty, with what holds until then."""

    title: str
    lines: list[tuple[str, list[str]]]
    urgent: bool = False


@dataclass(slots=True)
class Letter:
    """What a mail says, before it has a shape: `opening` stands before facts and sections, `paragraphs` after them.
    `told_start` is the agreed start it names. `values` are what own words may fill in; `lead_stays`: its first sentence says
    something no own words know of."""

    subject: str
    lead: str
    opening: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    told_start: str = ""
    token: str = ""
    more_tokens: list[str] = field(default_factory=list)
    name: str = ""  # of whom it greets, where no patient stands behind the message
    values: dict[str, str] = field(default_factory=dict)
    lead_stays: bool = False


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
    values = {"day": day_of(start, language), "time": time}
    return Letter(
        subject=subject_of(message, language, start),
        lead=say(lead, language, **values),
        values=values,
        facts=[
            (say("when", language), day_words.at(day_of(start, language, year=True), time, language)),
            (say("where", language), place_of(appointment.site)),
        ],
        buttons=[(say("confirm", language), address), (say("cannot-come", language), f"{address}#cannot-come")],
        told_start=appointment.agreed_start,
        token=token,
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


def red_flags(site: Site, language: str) -> list[Section]:
    """When to call, from the catalogue: the emergency number first, then the clinic."""
    urgent, *others = red_flags_of(catalogue.in_force())
    return [
        Section(say("call-now", language, number=site.emergency_number), [("", [urgent.text(language)])], urgent=True),
        *(Section(flag.name_in(language), [("", [flag.text(language)])]) for flag in others),
    ]


def subject_of(message: Message, language: str, start: dt.datetime | None = None) -> str:
    """The kind's own subject with its day, else the name of its entry in the catalogue."""
    own = KINDS[message.kind].subject
    if own is None:
        return catalogue.in_force().messages[message.kind].name_in(language)
    return own.get(language).format_map({"day": day_of(start, language)} if start else {})


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
    return address_with(token, page="patient-link")


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
