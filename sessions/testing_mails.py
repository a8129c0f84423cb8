"""A test mail to oneself: through the outbox like any other, to the address of who asked and to nobody else.

Its text is written when it is asked for, with an invented name and links that lead nowhere; it is marked as a test.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Max
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import Site, User
from clinic.permissions import check_may
from sessions import outbox, previewing
from sessions.choices import MessageState
from sessions.models import Message
from sessions.own_words import Words

CAUSE = "user"
AN_HOUR = 10  # tests of one person
USEFUL = dt.timedelta(hours=2)
AT_ONCE = dt.timedelta(seconds=10)  # the same test within this time is a double click


@transaction.atomic
def send_test(
    *, kind: str, language: str, site: Site, words: Words | None, by: Doer, real: Message | None = None
) -> Message:
    """Write the test. Raises `Refused` without an address and for more than ten within an hour."""
    if by.user is None:
        raise NotPermitted(_("Only staff can do this."))
    check_may(by.user, Permission.CHANGE_STAFF, site)
    user = User.objects.select_for_update(no_key=True).get(pk=by.user.pk)  # so that the count is exact
    if not user.email:
        raise Refused(_("You have no e-mail address: a manager can add it under Staff."))
    now = timezone.now()
    own = Message.objects.filter(is_test=True, cause_kind=CAUSE, cause_public_id=user.public_id)
    if own.filter(created_at__gt=now - dt.timedelta(hours=1)).count() >= AN_HOUR:
        raise Refused(_("At most %(most)s tests an hour. Try again later.") % {"most": AN_HOUR})
    with translation.override(user.language):
        note = _("This is a test. Its data is invented or without a name, and its links lead nowhere.")
        mark = _("Test")
    shown = previewing.preview(kind, language, site=site, words=words, real=real, test_note=note)
    last = own.filter(kind=kind, created_at__gt=now - AT_ONCE, text=shown.text, html=shown.html).first()
    if last is not None:
        return last
    message = Message.objects.create(
        kind=kind, patient=None, site=site, cause_kind=CAUSE, cause_public_id=user.public_id, recipient=user.email,
        cause_revision=(own.filter(kind=kind).aggregate(last=Max("cause_revision"))["last"] or 0) + 1,
        language=language, due_at=now, useful_until=now + USEFUL, state=MessageState.SCHEDULED, is_test=True,
        subject=f"[{mark}] {shown.subject}"[:200], text=shown.text, html=shown.html,
        rfc_message_id=outbox.new_rfc_message_id(),
    )  # fmt: skip
    outbox.step(message, by=by)
    audit.record(by=by, action="message-test-sent", sentence=f"sent a test of {kind} to themselves", of=message, site=site,
                 detail={"language": language})  # fmt: skip
    return message
