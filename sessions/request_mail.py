"""The mail that confirms an online request: written with the hold, composed when it is sent, erased with the request."""
from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import Doer
from sessions import messaging, outbox, request_links
from sessions.choices import MessageState
from sessions.letter_parts import Letter, place_of, subject_of
from sessions.message_texts import CONFIRM, REQUEST, day_of, say
from sessions.models import Appointment, BookingRequest, Message

REQUEST_OVER = gettext_noop("The request is over")


def request_to_confirm(*, request: BookingRequest, by: Doer) -> Message:
    """The mail with the link that confirms an online request. It has no patient yet; useful as long as the hold lasts."""
    message = Message.objects.create(
        kind=REQUEST, patient=None, site=request.site, cause_kind="bookingrequest", cause_public_id=request.public_id,
        recipient=request.email, language=request.language, due_at=timezone.now(), useful_until=request.hold_ends_at,
        state=MessageState.SCHEDULED, rfc_message_id=outbox.new_rfc_message_id(),
    )  # fmt: skip
    outbox.step(message, by=by)
    return message


def forget_request(*, request: BookingRequest, by: Doer) -> None:
    """The request is over: what is unsent stays unsent, and the words of the mail, which name a stranger, go."""
    outbox.withdraw(outbox.messages_of(request), reason=REQUEST_OVER, by=by)
    outbox.messages_of(request).update(text="", html="")


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
    return Letter(
        subject=subject_of(message, language),
        lead=say("request", language, **values),
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
