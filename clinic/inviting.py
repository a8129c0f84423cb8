"""Inviting staff by mail: the link in the mail sets the first password. Only the hash of its token is kept."""
from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
from collections.abc import Iterable
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Invitation, Organisation, User
from clinic.staffing import RoleAt, set_roles

VALID_DAYS = 7
JUST_NOW = dt.timedelta(minutes=1)
log = logging.getLogger(__name__)


@transaction.atomic
def invite(*, email: str, name: str, language: str, roles: Iterable[RoleAt], by: Doer) -> tuple[Invitation, str]:
    """A new member of staff without a password, and the token that lets them set it."""
    if User.objects.filter(email__iexact=email).exists():
        raise Refused(_("Somebody with this e-mail address works here already."), field="email")
    user = User.objects.create_user(email, None, name=name, language=language)
    set_roles(user=user, roles=roles)
    audit.record(by=by, action="staff-invited", sentence=f"invited {name}", of=user, detail={"email": email})
    return new_invitation(user)


@transaction.atomic
def invite_again(*, user: User, by: Doer) -> tuple[Invitation, str]:
    """Another link for somebody who has no password yet; the links before it end."""
    if user.has_usable_password():
        raise Refused(_("%(name)s has a password already.") % {"name": user.name})
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    newest = timezone.now() + dt.timedelta(days=VALID_DAYS) - JUST_NOW
    if locked.invitations.filter(used_at=None, expires_at__gt=newest).exists():
        raise Refused(_("An invitation went out a moment ago."))  # a double click sends one mail
    audit.record(by=by, action="staff-invited-again", sentence=f"invited {user.name} again", of=user)
    return new_invitation(user)


def new_invitation(user: User) -> tuple[Invitation, str]:
    Invitation.objects.filter(user=user, used_at=None).update(expires_at=timezone.now())
    token = secrets.token_urlsafe(32)
    expires_at = timezone.now() + dt.timedelta(days=VALID_DAYS)
    return Invitation.objects.create(user=user, token_hash=hash_of(token), expires_at=expires_at), token


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def open_invitation(token: str) -> Invitation | None:
    """The invitation of this token while it can be used. Changes nothing."""
    return (
        Invitation.objects.select_related("user")
        .filter(token_hash=hash_of(token), used_at=None, expires_at__gt=timezone.now(), user__is_active=True)
        .first()
    )


@transaction.atomic
def accept(*, token: str, password: str) -> User:
    """Set the first password, once. Raises `Refused` for a dead link, `ValidationError` for a weak password."""
    invitation = open_invitation(token)
    if invitation is None:
        raise Refused(_("This invitation does not hold any more. Ask your manager for a new one."))
    user = User.objects.select_for_update(no_key=True).get(pk=invitation.user_id)
    validate_password(password, user)
    claimed = Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=timezone.now())
    if not claimed:
        raise Refused(_("This invitation does not hold any more. Ask your manager for a new one."))
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(by=Doer.staff(user), action="invitation-accepted", sentence=f"{user.name} joined", of=user)
    return user


def mail_invitation(invitation: Invitation, token: str) -> bool:
    """Hand the mail over, after the commit. False: the mail server refused; the invitation stays and can be repeated."""
    user = invitation.user
    organisation = Organisation.objects.first()
    with translation.override(user.language):
        clinic = organisation.name if organisation else "Mesoclinic"
        link = f"{settings.BASE_URL}{reverse('invitation', args=[token])}"
        text = render_to_string(
            "clinic/mails/invitation.txt", {"name": user.name, "clinic": clinic, "link": link, "days": VALID_DAYS}
        )
        message = EmailMessage(_("Your account at %(clinic)s") % {"clinic": clinic}, text, to=[user.email])
    try:
        message.send()
    except (SMTPException, OSError):
        log.warning("invitation mail was not accepted")
        return False
    return True
