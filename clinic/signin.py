"""Signing in with django-allauth: e-mail and password, second factor and passkeys; no public sign-up."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from clinic.limiting import network_address
from clinic.models import Organisation, User
from clinic.signed_in import user_by_key


class StaffBackend(AuthenticationBackend):
    """allauth's e-mail backend; permissions come from clinic.permissions alone."""

    def get_user(self, user_id: int) -> User | None:
        user = user_by_key(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are invited by a manager, so nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong tries count per login and network address: a stranger who keeps guessing locks out nobody but himself."""
        login = str(credentials.get("email", "")).lower()
        return f"{login}:{network_address(request)}"

    # A link in a mail starts with BASE_URL and its subject names no host: what a request claims never gets there.
    def get_reset_password_from_key_url(self, key: str) -> str:
        # The library makes one key of both parts and cuts it at the first hyphen.
        uidb36, rest = key.split("-", 1)
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": rest})
        return f"{settings.BASE_URL}{path}"

    def format_email_subject(self, subject: str) -> str:
        return str(subject)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        organisation = Organisation.objects.first()
        name = organisation.name if organisation else "Mesoclinic"
        site = SimpleNamespace(name=name, domain=urlsplit(settings.BASE_URL).netloc)
        super().send_mail(template_prefix, email, {**context, "current_site": site})


def _keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [
            Fernet(
                base64.urlsafe_b64encode(salted_hmac("clinic.signin.mfa", "", secret=key, algorithm="sha256").digest())
            )
            for key in secrets
        ]
    )


class EncryptedMfaAdapter(DefaultMFAAdapter):
    """The default adapter stores second-factor secrets in clear; this one encrypts them."""

    def encrypt(self, text: str) -> str:
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _keys().decrypt(encrypted_text.encode()).decode()
