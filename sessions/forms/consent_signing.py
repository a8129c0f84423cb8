"""What a patient fills in to sign: every separate choice, their own words, a name, and a drawing if they can draw."""
from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.errors import Refused
from clinic.file_checking import check_file
from clinic.forms import HouseForm
from sessions.consent_signing import LONGEST_FREE_TEXT, QUESTIONS, Given, checked_strokes

YES_NO = [("yes", pgettext_lazy("answer", "Yes")), ("no", pgettext_lazy("answer", "No"))]
LONGEST_STROKES = 600_000  # letters of JSON
LONGEST_PICTURE = 400_000  # letters of base64
PICTURE_START = "data:image/png;base64,"
UNREADABLE = _("The drawing could not be read. Clear it and sign again.")


class StrokesField(forms.Field):
    """What the pen did, as JSON: strokes of [x, y, time]."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> list[Any]:
        if not value:
            return []
        if len(value) > LONGEST_STROKES:
            raise ValidationError(UNREADABLE, code="strokes")
        try:
            strokes = json.loads(value)
        except (ValueError, RecursionError) as problem:
            raise ValidationError(UNREADABLE, code="strokes") from problem
        if strokes == []:
            return []
        try:
            return checked_strokes(strokes)
        except Refused as refusal:
            raise ValidationError(refusal.sentence, code="strokes") from refusal


class DrawingField(forms.Field):
    """The drawing as the browser made it, checked and drawn anew by the picture pipeline: only pixels are kept."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> bytes | None:
        if not value:
            return None
        if len(value) > LONGEST_PICTURE or not value.startswith(PICTURE_START):
            raise ValidationError(UNREADABLE, code="picture")
        try:
            raw = base64.b64decode(value.removeprefix(PICTURE_START), validate=True)
            checked = check_file(SimpleUploadedFile("signature.png", raw, "image/png"))
        except (binascii.Error, Refused) as problem:
            raise ValidationError(UNREADABLE, code="picture") from problem
        if checked.content_type != "image/png":
            raise ValidationError(UNREADABLE, code="picture")
        checked.content.seek(0)
        return checked.content.read()


class ConsentSignForm(HouseForm):
    """One yes/no for each choice of the text, neither chosen; the text decides which there are."""

    text_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    questions = forms.CharField(
        label=_("What you still want to say or ask"), max_length=LONGEST_FREE_TEXT, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    interpreter = forms.CharField(label=_("Who interpreted for you, if somebody did"), max_length=120, required=False)
    signed_name = forms.CharField(
        label=_("Your name"), max_length=160, widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your name to sign.")},
    )  # fmt: skip
    typed_only = forms.BooleanField(label=_("My typed name is my signature"), required=False)
    strokes = StrokesField(required=False)
    picture = DrawingField(required=False)

    def __init__(self, *args: Any, content: Mapping[str, Any], text_sha256: str, **kwargs: Any) -> None:
        kwargs["initial"] = {"text_sha256": text_sha256} | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        choices = [choice for entry in content["entries"] for choice in entry["choices"]]
        self.choice_names = [choice["code"] for choice in choices]
        own = {choice["code"]: (choice["name"], choice["text"]) for choice in choices}
        self.texts = own
        for code in [*self.choice_names, QUESTIONS]:
            self.fields[code] = forms.ChoiceField(
                label=own[code][1] if code in own else _("Were all your questions answered?"), choices=YES_NO,
                widget=forms.RadioSelect, error_messages={"required": _("Choose yes or no.")},
            )  # fmt: skip

    @property
    def choice_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.choice_names]

    @property
    def questions_answered(self) -> forms.BoundField:
        return self[QUESTIONS]

    def clean(self) -> dict[str, Any]:
        """Either a drawing with its strokes, or the explicit word that the typed name is the signature."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("typed_only"):
            cleaned |= {"strokes": [], "picture": None}
        elif not {"strokes", "picture"} & set(self.errors) and not (cleaned.get("strokes") and cleaned.get("picture")):
            self.add_error("strokes", _("Sign in the box, or tick that your typed name is your signature."))
        return cleaned

    @property
    def drawing_errors(self) -> list[str]:
        """One sentence below the box, whichever half of the drawing was wrong."""
        return list(dict.fromkeys([*map(str, self.errors.get("strokes", [])), *map(str, self.errors.get("picture", []))]))

    def given(self) -> Given:
        data = self.cleaned_data
        return Given(
            name=data["signed_name"],
            answers={name: data[name] for name in [*self.choice_names, QUESTIONS]},
            text_sha256=data["text_sha256"],
            strokes=data["strokes"],
            picture=data["picture"],
            questions=data["questions"],
            interpreter=data["interpreter"],
        )
