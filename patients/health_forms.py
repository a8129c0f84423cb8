"""Forms about the body: readings, medicines, allergies. What may be chosen comes from the catalogue above."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crispy_forms.layout import Div, Field, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.forms import DayField
from patients.measuring import Reading, Scale, check_reading

SECOND = "-second"
WORDS = {
    "negative": _("negative"), "positive": _("positive"), "normal": _("normal"), "abnormal": _("abnormal"),
}  # fmt: skip
SKIN_TYPES = {
    "I": _("I: always burns, never tans"), "II": _("II: burns easily, tans a little"),
    "III": _("III: sometimes burns, tans"), "IV": _("IV: rarely burns, tans well"),
    "V": _("V: very rarely burns, dark skin"), "VI": _("VI: never burns, very dark skin"),
}  # fmt: skip
ASA_CLASSES = {
    "I": _("I: healthy"), "II": _("II: mild disease"), "III": _("III: severe disease"),
    "IV": _("IV: disease that is a constant threat to life"), "V": _("V: moribund"),
}  # fmt: skip


def word_of(code: str, value: str) -> Any:
    """A value of a scale in the reader's words."""
    return {"m-fitzpatrick": SKIN_TYPES, "m-asa": ASA_CLASSES}.get(code, WORDS).get(value, value)


class NumberField(forms.CharField):
    """A number with point or comma, up to six digits and three decimals. Text, so that what was typed is never lost."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=12, required=False, **kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        if not re.fullmatch(r"\d{1,6}([.,]\d{1,3})?", typed, re.ASCII):
            raise ValidationError(_("Enter a number such as 62.5."), code="not-a-number")
        return Decimal(typed.replace(",", "."))


class MeasurementsForm(HouseForm):
    """Any of the readings, all of one day; empty ones are left out."""

    def __init__(
        self, *args: Any, scales: Mapping[str, Scale], language: str, today: dt.date, born: dt.date, **kwargs: Any
    ) -> None:
        self.scales, self.today, self.born = scales, today, born
        super().__init__(*args, **kwargs)
        self.fields["taken_on"] = DayField(label=_("Taken on"), initial=today)
        self.fields["taken_on"].widget.attrs["max"] = today.isoformat()
        for scale in scales.values():
            self._add(scale, language)
        self.helper.layout = Layout("form_token", Div("taken_on", css_class="field-row"), Div(
            *[Field(name) for name in self.fields if name not in ("form_token", "taken_on")], css_class="field-row"
        ))  # fmt: skip

    def _add(self, scale: Scale, language: str) -> None:
        name = scale.name.get(language)
        if scale.values:
            choices = [("", "–"), *((value, word_of(scale.code, value)) for value in scale.values)]
            self.fields[scale.code] = forms.ChoiceField(label=name, choices=choices, required=False)
            return
        label = f"{name}, {scale.unit}" if scale.unit else name
        limits = _("%(low)s to %(high)s") % {"low": scale.lowest, "high": scale.highest}
        if scale.second_lowest is None:
            self.fields[scale.code] = NumberField(label=label, help_text=limits)
            return
        upper = _("%(name)s, upper (%(unit)s)") % {"name": name, "unit": scale.unit}
        lower = _("%(name)s, lower (%(unit)s)") % {"name": name, "unit": scale.unit}
        self.fields[scale.code] = NumberField(label=upper, help_text=limits)
        self.fields[scale.code + SECOND] = NumberField(
            label=lower, help_text=_("%(low)s to %(high)s") % {"low": scale.second_lowest, "high": scale.second_highest}
        )

    def clean_taken_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["taken_on"]
        if day > self.today:
            raise ValidationError(_("This day has not come yet."))
        if day < self.born:
            raise ValidationError(_("This day lies before the patient's birth."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for reading in self.readings():
            wrong = check_reading(reading)
            if wrong:
                name = reading.scale.code + (SECOND if wrong.part == "second" else "")
                # With params the sentence is a format: a plain per cent sign has to be doubled.
                sentence = wrong.sentence.replace("%", "%%")
                self.add_error(name, ValidationError(sentence, code="range", params={"use": wrong.use}))
        if not self.errors and not self.readings():
            raise ValidationError(_("Enter at least one reading."))
        return cleaned

    def readings(self) -> list[Reading]:
        """One per scale with anything entered and no error yet."""
        found = []
        for scale in self.scales.values():
            if {scale.code, scale.code + SECOND} & set(self.errors):
                continue
            value, second = self.cleaned_data.get(scale.code), self.cleaned_data.get(scale.code + SECOND)
            if scale.values and value:
                found.append(Reading(scale, text=value))
            elif not scale.values and (value is not None or second is not None):
                found.append(Reading(scale, value=value, second=second))
        return found


class ReasonForm(HouseForm):
    reason = forms.CharField(label=_("Why"), max_length=200)


class MedicineForm(HouseForm):
    name = forms.CharField(label=_("Medicine, with strength"), max_length=120)


class ClassesForm(HouseForm):
    """The classes of one medicine, or the explicit "none of these"."""

    classes = forms.MultipleChoiceField(label=_("Classes"), required=False, widget=forms.CheckboxSelectMultiple)
    none_of_these = forms.BooleanField(label=_("None of these classes"), required=False)

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["classes"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen, none = cleaned.get("classes"), cleaned.get("none_of_these")
        if "classes" in self.errors:
            return cleaned
        if chosen and none:
            self.add_error("none_of_these", _("“None” cannot stand beside a class."))
        elif not chosen and not none:
            self.add_error("classes", _("Choose at least one class, or say that it is none of these."))
        return cleaned


class AllergyForm(HouseForm):
    allergen = forms.ChoiceField(label=_("Allergic to"))
    note = forms.CharField(label=_("What happened, or what exactly"), max_length=200, required=False)
    severe = forms.BooleanField(label=_("Severe reaction (breathing, circulation)"), required=False)

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["allergen"].choices = [("", "–"), *choices]  # type: ignore[attr-defined]
