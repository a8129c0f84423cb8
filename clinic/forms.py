"""The base of every form: hostile text is refused beside its field, a version and a token travel along."""

from __future__ import annotations

import unicodedata
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic import idempotency
from clinic.errors import Refused

# Marks that turn the reading direction of what follows; a name with one can disguise another name.
DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Signs without width: two names that look alike would not be the same. Joiners stay, some scripts need them.
WIDTHLESS = set("\u00ad\u200b\u2060\ufeff")
LONGEST_TEXT = 2_000


def check_plain_text(value: str, *, multiline: bool = False) -> str:
    """Return the text in composed form. Raises `ValidationError` for control and direction marks, and for endless text."""
    allowed = {"\n", "\r", "\t"} if multiline else set()
    for sign in value:
        if sign in DIRECTION_MARKS:
            raise ValidationError(_("Remove the invisible right-to-left or left-to-right mark."), code="direction-mark")
        if sign not in allowed and (
            sign in WIDTHLESS or unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        ):
            raise ValidationError(_("Remove the invisible control character."), code="control-character")
    if len(value) > LONGEST_TEXT:
        raise ValidationError(
            _("At most %(most)s characters; this is %(got)s."), params={"most": LONGEST_TEXT, "got": len(value)}
        )
    return unicodedata.normalize("NFC", value)


def check_one_line(value: str) -> None:
    check_plain_text(value)


def check_lines(value: str) -> None:
    check_plain_text(value, multiline=True)


class _House:
    """Token, version, text checks and crispy defaults for `HouseForm` and `HouseModelForm`."""

    fields: dict[str, forms.Field]
    data: Any
    refusal: Refused | None = None  # what the deed said, for a page that shows more of it than its sentence

    def own_fields(self) -> dict[str, forms.Field]:
        """Fields that depend on what is there (an entry, a catalogue); they stand behind the declared ones."""
        return {}

    def guard_text_fields(self) -> None:
        """Every text field refuses hostile text, once; asked for again where a form adds fields later on."""
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                check = check_lines if isinstance(field.widget, forms.Textarea) else check_one_line
                if check not in field.validators:
                    field.validators.append(check)

    def set_up_house(self, *, seen_version: int | None) -> None:
        self.fields |= self.own_fields()
        self.fields[idempotency.FIELD] = forms.CharField(
            max_length=64, widget=forms.HiddenInput, required=False, initial=idempotency.new_token
        )
        if seen_version is not None:
            self.fields["seen_version"] = forms.IntegerField(
                widget=forms.HiddenInput, required=True, min_value=1, initial=seen_version
            )
        self.guard_text_fields()
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def see_again(self, version: int) -> None:
        """The next try is made from the version that is now shown beside what was typed."""
        self.data = self.data.copy()
        self.data["seen_version"] = str(version)

    def refuse(self, refusal: Refused) -> None:
        """Put the sentence of a refusal beside the field it names, or above the form."""
        self.refusal = refusal
        field = refusal.field if refusal.field in self.fields else None
        self.add_error(field, refusal.sentence)  # type: ignore[attr-defined]


class HouseForm(_House, forms.Form):
    """A plain form of the house. `seen_version` is the version of the row it was made from, if any."""

    def __init__(self, *args: Any, seen_version: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_up_house(seen_version=seen_version)


class HouseModelForm(_House, forms.ModelForm):
    """A model form of the house: explicit fields only; the version is that of the instance, if it is saved already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        instance = self.instance
        known = instance.version if instance.pk and hasattr(instance, "version") else None
        self.set_up_house(seen_version=known)
