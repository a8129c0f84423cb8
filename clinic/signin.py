"""Signing in with django-allauth: e-mail and password, second factor and passkeys; no public sign-up."""

from __future__ import annotations

import base64

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


class StaffBackend(AuthenticationBackend):
    """allauth's e-mail backend; permissions come from clinic.permissions alone."""


class StaffAccountAdapter(DefaultAccountAdapter):
    """Staff are invited by a manager, so nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


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
    """The default adapter stores second-factor secrets in clear (safety.md T6); this one encrypts them."""

    def encrypt(self, text: str) -> str:
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _keys().decrypt(encrypted_text.encode()).decode()
