"""The patient's check-in: what they tick, and how much it hurts. Each question has to be answered; unsure is an answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.file_fields import CheckedFileField
from clinic.forms import HouseForm
from protocols.check_in import signs_asked
from protocols.definitions import Catalogue
from sessions.checking_in import PICTURES, Given

NONE = "none"
ANSWER = {"required": _("Choose one.")}
SURE = [("no", _("No")), ("yes", _("Yes")), ("unsure", _("I am not sure"))]
SWELLING = [
    ("none", _("No swelling")), ("less", _("Less than before")), ("same", _("The same")), ("more", _("More than before")),
]  # fmt: skip


class CheckInForm(HouseForm):
    signs = forms.MultipleChoiceField(
        label=_("Do you have any of these?"), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what you have, or “None of these”.")},
    )  # fmt: skip
    pain = forms.ChoiceField(
        label=_("How much does it hurt now? 0 is no pain, 10 the worst"), widget=forms.RadioSelect,
        choices=[(str(figure), str(figure)) for figure in range(11)], error_messages=ANSWER,
    )  # fmt: skip
    swelling = forms.ChoiceField(
        label=_("Is the area swollen?"), choices=SWELLING, widget=forms.RadioSelect, error_messages=ANSWER
    )
    fever = forms.ChoiceField(
        label=_("Do you have a fever of 38 °C or more?"), choices=SURE, widget=forms.RadioSelect, error_messages=ANSWER
    )
    lump = forms.ChoiceField(
        label=_("Is there a lump, a hard spot or a sore that does not heal?"), choices=SURE, widget=forms.RadioSelect,
        error_messages=ANSWER,
    )  # fmt: skip
    note = forms.CharField(
        label=_("Anything else?"), required=False, max_length=600, widget=forms.Textarea(attrs={"rows": 3})
    )
    photo = CheckedFileField(label=_("A picture of the area, if you like"), required=False)

    def __init__(self, *args: Any, rules: Catalogue, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        signs: Any = self.fields["signs"]
        signs.choices = [
            *((one.code, one.name_in(language)) for one in signs_asked(rules)), (NONE, _("None of these")),
        ]  # fmt: skip
        self.fields["photo"].widget.attrs["accept"] = ".jpg,.jpeg,.png"

    def clean_signs(self) -> tuple[str, ...]:
        ticked: list[str] = self.cleaned_data["signs"]
        if NONE in ticked and len(ticked) > 1:
            raise ValidationError(_("Choose what you have, or “None of these”, not both."))
        return tuple(code for code in ticked if code != NONE)

    def clean_photo(self) -> Any:
        photo = self.cleaned_data.get("photo")
        if photo is not None and photo.content_type not in PICTURES:
            raise ValidationError(_("Choose a picture: JPEG or PNG."))
        return photo

    @property
    def given(self) -> Given:
        data = self.cleaned_data
        return Given(
            signs=data["signs"], pain=int(data["pain"]), swelling=data["swelling"], fever=data["fever"],
            lump=data["lump"], note=data["note"],
        )  # fmt: skip


class SeenForm(HouseForm):
    """Nothing to fill in: somebody has looked at the answers."""
