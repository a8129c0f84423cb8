"""From a message row to the mail a patient reads: in their language, in the site's zone, with a fresh link.

Written anew at every try, from what is true at that moment. The token of a link goes into the mail alone; the stored
copy shows `HIDDEN` in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation

from clinic.components.compiled import drawn
from clinic.doer import SYSTEM
from clinic.languages import direction
from clinic.models import Site
from clinic.reading_direction import isolated, isolated_html
from patients import links
from patients.labels import LinkPurpose
from sessions import (
    changes_before,
    letters_between,
    letters_on_request,
    message_rules,
    messaging,
    own_data_links,
    own_letters,
    unsubscribing,
)
from sessions.invitations import invitation_to, name_of_clinic
from sessions.language_note import language_note
from sessions.letter_parts import (
    HIDDEN,
    Letter,
    Section,
    appointment_of,
    clock,
    ended_at,
    in_words,
    instructions_of,
    link_address,
    red_flags,
    subject_of,
    treatment_of,
    visit,
)  # fmt: skip
from sessions.message_places import PLACES
from sessions.message_texts import (
    AFTER_4H,
    AFTERCARE,
    ALERT,
    ALLERGY_TEST,
    CANCELLED,
    CHECK_IN,
    CONFIRM,
    CONSENT,
    DATA_ANSWERED,
    DATA_ASKED,
    FIRST_DAY,
    INTAKE,
    LATE,
    LATE_LUMP,
    MAY_WASH,
    MOVED,
    NEXT,
    PAPERS,
    PREPARE,
    REMINDER,
    REQUEST,
    REQUEST_OFF,
    REVIEW_1M,
    REVIEW_6M,
    day_of,
    say,
    written_in,
)  # fmt: skip
from sessions.models import Appointment, CheckIn, Message, MessageRuleVersion
from sessions.request_mail import request_letter, request_off_letter
from sessions.return_addresses import signed_for
from sessions.wire import Invitation, Mail

FOLLOWED_UP = dt.timedelta(days=90)  # red flags are looked out for so long (section 10)
INVITING = frozenset({CONFIRM, MOVED, CANCELLED})  # these carry the visit as a calendar entry, or its end


@dataclass(frozen=True, slots=True)
class Written:
    """The mail to hand over, and the copy to keep."""

    mail: Mail
    subject: str
    text: str
    html: str
    told_start: str
    rule_version: MessageRuleVersion | None = None


@message_rules.read_once()
def write_mail(message: Message) -> Written:
    """Render `message` for its patient. Mints a link where the kind has one; call it inside the claim's transaction."""
    language = written_in(message.language)
    letter = COMPOSERS[message.kind](message, language)
    own_data_address = own_data_links.address_in(message)
    if own_data_address:
        letter.more_tokens.append(own_data_address.rstrip("/").rpartition("/")[2])
    clinic_name = name_of_clinic(message.site)
    own = message_rules.words_for(message, language) if message.kind in PLACES else None
    if own is not None:
        own_letters.put_into(letter, own.words, site=message.site, clinic_name=clinic_name)
    name = message.patient.given_name if message.patient else letter.name
    shaped = shape(letter, message.site, language, name=name, clinic_name=clinic_name, kind=message.kind,
                   stop_address=unsubscribing.address_in(message), own_data_address=own_data_address)  # fmt: skip
    mail = Mail(
        to=message.recipient, sender_name=clinic_name, reply_to=message.site.email, subject=letter.subject,
        text=shaped.text, html=shaped.html, message_id=message.rfc_message_id, invitation=invitation_with(message, clinic_name),
        unsubscribe=shaped.stop_address, returns_to=signed_for(message),
    )  # fmt: skip
    return Written(
        mail, letter.subject, hide(shaped.text, letter), hide(shaped.html, letter), letter.told_start,
        message_rules.version_of(own.rule) if own is not None else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shaped:
    """A letter as text and as HTML."""

    text: str
    html: str
    stop_address: str = ""


def shape(
    letter: Letter, site: Site, language: str, *, name: str, clinic_name: str, kind: str, stop_address: str = "",
    own_data_address: str = "", scheme: str = "", test_note: str = "",
) -> Shaped:  # fmt: skip
    """Put a letter on its sheet. `scheme` ("light", "dark") shows it so whatever the reader's screen prefers; a `test_note`
    heads a test."""
    context = {
        "letter": letter,
        "language": language,
        "clinic_name": clinic_name,
        "site": site,
        "hello": say("hello", language, name=name) if name else say("hello-all", language),
        "phone_label": say("phone", language),
        "do_not_stop": "" if kind == ALERT else say("do-not-stop", language),
        "not_you": say("not-you", language),
        "stop_address": stop_address,
        "fewer": say("fewer-mails", language),
        "stop_these": say("stop-these", language),
        "own_data_address": own_data_address,
        "own_data": say("own-data", language),
        "note": language_note(language) if letter.sections or letter.opening else "",
        "direction": direction(language),
        "dark_when": {"dark": "all", "light": "not all"}.get(scheme, "(prefers-color-scheme: dark)"),
        "scheme": scheme or "light dark",
        "test_note": test_note,
    }
    with translation.override(language):
        text = isolated(drawn("mails/letter.txt.jinja", context), language)
        html = isolated_html(drawn("mails/letter.html.jinja", context), language)
    return Shaped(text, html, stop_address)


@transaction.atomic
def rehearse(message: Message) -> Written:
    """The mail as it would be written now, for a preview. What it would leave behind, its link, is rolled back."""
    written = write_mail(message)
    transaction.set_rollback(True)
    return written


def invitation_with(message: Message, clinic_name: str) -> Invitation | None:
    """The calendar entry that travels with a mail about a visit, as the visit stands now."""
    if message.kind not in INVITING or message.appointment is None:
        return None
    if len(message.recipient.split()) != 1:  # no address at all: the mail itself is refused for it
        return None
    return invitation_to(
        message.appointment, recipient=message.recipient, language=message.language, stamp=timezone.now(),
        clinic_name=clinic_name,
    )  # fmt: skip


def hide(content: str, letter: Letter) -> str:
    for token in (letter.token, *letter.more_tokens):
        content = content.replace(token, HIDDEN) if token else content
    return content


# --- one composer a kind --------------------------------------------------------------------------------------------
def confirmation(message: Message, language: str) -> Letter:
    letter = visit(message, language, lead="expect")
    letter.paragraphs = [say("bring", language), say("consent", language)]
    if reminded_already(appointment_of(message)):
        ask_what_changed(letter, appointment_of(message), language)
    if prepares_already(appointment_of(message)):
        letter.paragraphs.append(letters_between.words_of(PREPARE, language))
    return letter


def prepares_already(appointment: Appointment) -> bool:
    """Less than a week ahead the mail about preparing would be late: its words stand in the confirmation (section 12)."""
    if not appointment.service.is_gated:
        return False
    rules = message_rules.in_force([PREPARE])
    return messaging.visit_due_at(PREPARE, appointment, rules=rules, booked_at=timezone.now()) is None


def reminder(message: Message, language: str) -> Letter:
    letter = visit(message, language, lead="expect")
    letter.paragraphs = [say("prepare", language), say("bring", language), say("changed", language)]
    ask_what_changed(letter, appointment_of(message), language)
    return letter


def reminded_already(appointment: Appointment) -> bool:
    """Less than a day ahead no reminder goes out any more: what it asks stands in the confirmation."""
    rules = message_rules.in_force([REMINDER])
    return messaging.visit_due_at(REMINDER, appointment, rules=rules, booked_at=timezone.now()) is None


def ask_what_changed(letter: Letter, appointment: Appointment, language: str) -> None:
    """Before a session: the link to the short re-check, where the health questions were answered once."""
    if not changes_before.is_asked(appointment):
        return
    _link, token = links.issue(
        patient=appointment.patient, site=appointment.site, purpose=LinkPurpose.CHANGES, subject=appointment,
        expires_at=appointment.starts_at, by=SYSTEM,
    )  # fmt: skip
    letter.buttons.append((say("open-changes", language), link_address(token)))
    letter.more_tokens.append(token)


def moved(message: Message, language: str) -> Letter:
    return visit(message, language, lead="moved")


def cancellation(message: Message, language: str) -> Letter:
    """Names the start the patient was told, which may be older than the one that was cancelled."""
    appointment = appointment_of(message)
    start = told_or_agreed(message, appointment)
    values = {"day": day_of(start, language), "time": clock(start, message, language)}
    return Letter(
        subject=subject_of(message, language, start),
        lead=say("cancelled", language, **values),
        values=values,
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
    _link, token = links.issue(
        patient=treatment_session.patient, site=message.site, purpose=LinkPurpose.AFTERCARE, subject=treatment_session,
        expires_at=ended + FOLLOWED_UP, by=SYSTEM,
    )  # fmt: skip
    values = {"day": day_of(ended, language), "time": clock(ended, message, language)}
    return Letter(
        subject=subject_of(message, language),
        lead=say(key, language, **values),
        values=values,
        lead_stays=corrected,
        buttons=[(say("open-aftercare", language), link_address(token))],
        sections=[*sections, *red_flags(message.site, language)],
        told_start=f"{ended:%Y-%m-%dT%H:%M}",
        token=token,
    )


def check_in(message: Message, language: str) -> Letter:
    well = say("check-in-well", language, phone=message.site.phone)
    record = treatment_of(message)
    _link, token = links.issue(
        patient=record.patient, site=message.site, purpose=LinkPurpose.CHECK_IN, subject=record,
        expires_at=ended_at(record) + FOLLOWED_UP, by=SYSTEM,
    )  # fmt: skip
    return Letter(
        subject=subject_of(message, language),
        lead=say("check-in", language),
        buttons=[(say("open-check-in", language), link_address(token))],
        paragraphs=[well, *([say("answer-mail", language)] if message.site.email else [])],
        sections=red_flags(message.site, language),
        token=token,
    )


def alert(message: Message, language: str) -> Letter:
    """To the clinic: that somebody must look, and where. Who and what is behind the sign-in."""
    if message.cause_kind == messaging.DATA_CAUSE:
        return letters_on_request.data_to_answer(message, language)
    check_in = CheckIn.objects.get(public_id=message.cause_public_id)
    urgency = say(check_in.urgency, language)
    return Letter(
        subject=say("alert-subject", language, urgency=urgency),
        lead=say("alert", language),
        buttons=[(say("open-answer", language), f"{settings.BASE_URL}{reverse('check-in', args=[check_in.public_id])}")],
    )


COMPOSERS: dict[str, Callable[[Message, str], Letter]] = {
    CONFIRM: confirmation,
    REMINDER: reminder,
    MOVED: moved,
    CANCELLED: cancellation,
    AFTERCARE: aftercare,
    CHECK_IN: check_in,
    ALERT: alert,
    INTAKE: letters_on_request.intake,
    REQUEST: request_letter,
    REQUEST_OFF: request_off_letter,
    PREPARE: letters_between.preparation,
    ALLERGY_TEST: letters_between.allergy_test,
    AFTER_4H: letters_between.after_hours,
    MAY_WASH: letters_between.after_hours,
    FIRST_DAY: letters_between.after_hours,
    LATE_LUMP: letters_between.late_lump,
    NEXT: letters_between.of_course,
    LATE: letters_between.of_course,
    REVIEW_1M: letters_between.of_course,
    REVIEW_6M: letters_between.of_course,
    CONSENT: letters_on_request.consent_to_read,
    PAPERS: letters_on_request.papers,
    DATA_ASKED: letters_on_request.data_asked,
    DATA_ANSWERED: letters_on_request.data_answered,
}
