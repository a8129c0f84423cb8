"""The mail that confirms an online request: written with the hold, composed when it is sent, erased with the request."""
from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import Doer
from sessions import messaging, outbox, request_links
from sessions.choices import MessageState
from sessions.letter_parts import Letter, place_of, subject_of
from sessions.message_texts import CONFIRM, REQUEST, REQUEST_OFF, day_of, say
from sessions.models import Appointment, BookingRequest, Message, PublicBooking

REQUEST_OVER = gettext_noop("The request is over")
REQUEST_MOVED = gettext_noop("The request was moved to another time")
DECLINE_USEFUL = dt.timedelta(hours=24)


def request_to_confirm(*, request: BookingRequest, by: Doer) -> Message:
    """The mail with the link that confirms an online request. It has no patient yet; useful as long as the hold lasts."""
    return _write(REQUEST, request, by=by, recipient=request.email, language=request.language,
                  useful_until=request.hold_ends_at)  # fmt: skip


def request_moved(*, request: BookingRequest, by: Doer) -> Message:
    """The desk moved the hold: a mail of its own, at once, because the hold is short. One that names the old time and is
    not sent yet stays unsent."""
    outbox.withdraw(outbox.messages_of(request), reason=REQUEST_MOVED, by=by)
    return request_to_confirm(request=request, by=by)


def request_declined(*, request: BookingRequest, by: Doer, email: str, language: str, told_start: str) -> Message:
    """The desk let the time go before it was confirmed. By now the request holds no address and no time any more."""
    useful_until = timezone.now() + DECLINE_USEFUL
    return _write(REQUEST_OFF, request, by=by, recipient=email, language=language, useful_until=useful_until,
                  told_start=told_start)  # fmt: skip


def _write(
    kind: str, request: BookingRequest, *, by: Doer, recipient: str, language: str, useful_until: dt.datetime,
    told_start: str = "",
) -> Message:  # fmt: skip
    message: Message = Message.objects.create(
        kind=kind, patient=None, site=request.site, cause_kind="bookingrequest", cause_public_id=request.public_id,
        cause_revision=outbox.next_revision(request, kind), recipient=recipient, language=language, due_at=timezone.now(),
        useful_until=useful_until, told_start=told_start, state=MessageState.SCHEDULED,
        rfc_message_id=outbox.new_rfc_message_id(),
    )  # fmt: skip
    outbox.step(message, by=by)
    return message


def forget_request(*, request: BookingRequest, by: Doer) -> None:
    """The request is over: what is unsent stays unsent, and the words of the mail, which name a stranger, go."""
    outbox.withdraw(outbox.messages_of(request), reason=REQUEST_OVER, by=by)
    outbox.messages_of(request).update(text="", html="")


def forget_last_words(now: dt.datetime) -> int:
    """The mail that lets somebody down is written when its request is over already: its words go when nobody needs them."""
    waiting = (MessageState.SCHEDULED, MessageState.SENDING, MessageState.UNKNOWN)
    rows = Message.objects.filter(cause_kind="bookingrequest", kind=REQUEST_OFF, useful_until__lte=now)
    return int(rows.exclude(state__in=waiting).exclude(text="", html="").update(text="", html="", told_start=""))


@transaction.atomic
def tell_anew(*, appointment: Appointment, by: Doer) -> None:
    """Confirm once more, to the address that counts now: the links of the earlier mail are dead. One that is not sent yet
    goes there by itself."""
    if not outbox.messages_of(appointment).filter(kind=CONFIRM, state=MessageState.SCHEDULED).exists():
        messaging.write_visit(CONFIRM, appointment, by=by, due_at=timezone.now())


def request_letter(message: Message, language: str) -> Letter:
    """Somebody outside asked for a time: the link that books it, as long as it is held."""
    asked = BookingRequest.objects.select_related("appointment", "site").get(public_id=message.cause_public_id)
    visit = asked.appointment
    if visit is None:
        raise ValueError("A request without its held appointment is over.")
    start, site = visit.local_start, asked.site
    token = request_links.token_for(asked)
    address = f"{settings.BASE_URL}{reverse('public-booking-link', args=[token])}"
    time, until = f"{start:%H:%M}", f"{asked.hold_ends_at.astimezone(site.zone):%H:%M}"
    values = {"day": day_of(start, language), "time": time, "until": until}
    earlier = outbox.messages_of(asked).filter(kind=REQUEST, cause_revision__lt=message.cause_revision)
    moved = earlier.exclude(state__in=[MessageState.SCHEDULED, MessageState.SUPPRESSED]).exists()
    return Letter(
        subject=subject_of(message, language),
        lead=say("request-moved" if moved else "request", language, **values),
        lead_stays=moved,
        values=values,
        facts=[
            (say("when", language), f"{day_of(start, language, year=True)}, {time}"),
            (say("where", language), place_of(site)),
        ],
        buttons=[(say("confirm-request", language), address), (say("withdraw-request", language), address)],
        paragraphs=[say("request-not-you", language)],
        token=token,
        name=asked.given_name,
    )


def request_off_letter(message: Message, language: str) -> Letter:
    """The clinic let go of a held time: nothing is booked, and where another one is chosen."""
    site = message.site
    start = dt.datetime.fromisoformat(message.told_start)  # the agreed wall time: it is only said again
    is_open = site.is_open and PublicBooking.objects.filter(site=site, is_on=True).exists()
    address = f"{settings.BASE_URL}{reverse('public-booking', args=[site.public_id])}"
    return Letter(
        subject=subject_of(message, language),
        lead=say("request-off", language, day=day_of(start, language), time=f"{start:%H:%M}"),
        facts=[(say("where", language), place_of(site))],
        buttons=[(say("choose-again", language), address)] if is_open else [],
        paragraphs=[say("call-or-choose", language, phone=site.phone)] if site.phone else [],
        told_start=message.told_start,
    )
