"""Forms of a clearance, and of the letters and laboratory reports it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from clinic.file_fields import CheckedFileField
from clinic.forms import HouseForm
from sessions.models import Upload, UploadKind
from sessions.uploading import NewFile

# What comes from elsewhere; a scanned consent is added where consents are recorded.
RECEIVED = [(value, label) for value, label in UploadKind.choices if value != UploadKind.CONSENT]
FILE_HELP = _("PDF, JPEG or PNG, up to 20 MB. A picture is stored without its place and camera data.")


class ClearanceForm(HouseForm):
    """Reason, end, and what it rests on: papers on record, a new file, or both."""

    reason = forms.CharField(
        label=_("Why is this acceptable for this patient?"), max_length=400, widget=forms.Textarea(attrs={"rows": 3})
    )
    valid_until = forms.DateField(
        label=_("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    evidence = forms.CharField(
        label=_("What it rests on"), max_length=200, required=False,
        help_text=_("Who wrote the letter and when, or the value with its date"),
    )  # fmt: skip
    uploads = forms.MultipleChoiceField(
        label=_("Papers on record"), required=False, widget=forms.CheckboxSelectMultiple
    )
    file = CheckedFileField(label=_("New file"), required=False, help_text=FILE_HELP)
    kind = forms.ChoiceField(
        label=_("The new file is"), choices=RECEIVED, initial=UploadKind.LETTER, required=False
    )  # fmt: skip

    def __init__(self, *args: Any, on_record: Iterable[Upload], last_day: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_record = {upload.public_id: upload for upload in on_record}
        self.fields["uploads"].choices = [  # type: ignore[attr-defined]
            (public_id, in_words(upload)) for public_id, upload in self.on_record.items()
        ]
        if not self.on_record:
            del self.fields["uploads"]
        self.fields["valid_until"].initial = last_day
        self.fields["valid_until"].widget.attrs["max"] = last_day.isoformat()
        self.fields["valid_until"].help_text = _("At most until %(day)s; it ends earlier with the course.") % {
            "day": date_format(last_day, "D j F Y")
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("file") and not cleaned.get("kind") and "kind" not in self.errors:
            self.add_error("kind", _("Say what the new file is."))
        return cleaned

    def granted(self) -> dict[str, Any]:
        """The valid form as `sessions.clearing.grant` takes it."""
        data = self.cleaned_data
        return {
            "reason": data["reason"],
            "evidence": data["evidence"],
            "valid_until": data["valid_until"],
            "uploads": [self.on_record[public_id] for public_id in data.get("uploads", [])],
            "new_file": NewFile(data["file"], kind=data["kind"]) if data["file"] else None,
        }


class EndClearanceForm(HouseForm):
    reason = forms.CharField(label=_("Why does the clearance end?"), max_length=200)


class UploadForm(HouseForm):
    file = CheckedFileField(label=_("File"), help_text=FILE_HELP)
    kind = forms.ChoiceField(label=_("What is it?"), choices=RECEIVED)
    rule_code = forms.ChoiceField(label=_("For which finding?"), required=False)
    note = forms.CharField(label=_("Note"), max_length=200, required=False, help_text=_("Who wrote it, and when"))

    def __init__(self, *args: Any, rules: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rule_code"].choices = [("", _("None in particular")), *rules]  # type: ignore[attr-defined]

    def new_file(self) -> NewFile:
        return NewFile(self.cleaned_data["file"], kind=self.cleaned_data["kind"], note=self.cleaned_data["note"])


class WithdrawUploadForm(HouseForm):
    reason = forms.CharField(label=_("Why is this file withdrawn?"), max_length=200)


def in_words(upload: Upload) -> str:
    """One line in a list to choose from."""
    when = date_format(upload.uploaded_at, "j M Y")
    parts = [upload.get_kind_display(), upload.original_name, upload.note, when]
    return " · ".join(str(part) for part in parts if part)
