"""The sign-in library's passkey forms with a stricter reading of what the browser sends.

The library parses the credential as JSON before it looks at it. A number of thousands of digits or brackets nested
without end make Python's parser raise errors its field does not expect; here they are a refused credential like any other.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn import forms as library
from django import forms
from django.core.exceptions import ValidationError

LONGEST_CREDENTIAL = 20_000  # characters; the largest real attestation stays far below


class CredentialField(forms.JSONField):
    def __init__(self) -> None:
        super().__init__(required=True, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > LONGEST_CREDENTIAL:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""})
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": ""}) from None


class AddPasskeyForm(library.AddWebAuthnForm):
    credential = CredentialField()


class LoginPasskeyForm(library.LoginWebAuthnForm):
    credential = CredentialField()


class ConfirmPasskeyForm(library.AuthenticateWebAuthnForm):
    credential = CredentialField()


class ReauthenticatePasskeyForm(library.ReauthenticateWebAuthnForm):
    credential = CredentialField()
