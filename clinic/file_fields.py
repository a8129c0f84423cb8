"""The file field of the house: what it cleans to is a checked file, its complaints are sentences beside the field."""
from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.errors import Refused
from clinic.file_checking import CheckedFile, check_file
from clinic.forms import HouseForm

ACCEPTED = ".pdf,.jpg,.jpeg,.png"


class CheckedFileField(forms.FileField):
    """A PDF, JPEG or PNG of at most 20 MB, or None where it is not required."""

    widget = forms.FileInput(attrs={"accept": ACCEPTED})
    default_error_messages = {"required": _("Choose a file."), "invalid": _("Choose a file.")}

    def to_python(self, data: Any) -> CheckedFile | None:  # type: ignore[override]
        if data in self.empty_values:
            return None
        try:
            return check_file(data)
        except Refused as refusal:
            raise ValidationError(refusal.sentence, code=refusal.code) from refusal


AGAIN = _("Choose the file again: a page cannot keep it for you.")


def miss_file(form: HouseForm, name: str) -> None:
    """The file that was chosen got lost on the way, so that nothing is sent without it unseen."""
    form.add_error(name, AGAIN)


def ask_for_files_again(form: HouseForm) -> None:
    """A page cannot put a chosen file back into its field: after a refusal that was about something else, say so."""
    for name, field in form.fields.items():
        if isinstance(field, CheckedFileField) and name in form.files and not form.errors.get(name):
            form.add_error(name, AGAIN)
