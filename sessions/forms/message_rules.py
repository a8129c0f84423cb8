"""Forms of message rules: whether and when, the words of one language, a rule of its own for a site or protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.languages import direction
from clinic.models import Site
from protocols import catalogue
from sessions.message_places import FIGURES, PARTS, RANGES, may_be_off
from sessions.models import MessageRule
from sessions.own_words import LEAD_LETTERS, SUBJECT_LETTERS, TEXT_LETTERS, Words
from sessions.ruling import Wish, faults_in, sentence_of

SAID = {"": None, "sent": True, "off": False}


class Looked(HouseForm):
    """A form that is first looked at: `looked` says of what content the effect was shown already."""

    looked = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def digest(self) -> str:
        content = {name: str(value) for name, value in self.cleaned_data.items() if name not in {"looked", "form_token"}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def was_looked_at(self) -> bool:
        return bool(self.cleaned_data["looked"] == self.digest())

    def look(self) -> None:
        """What is shown now is what the next press saves."""
        self.data = self.data.copy()
        self.data["looked"] = self.digest()

    def forget(self) -> None:
        """Nothing is shown of what saving would do: the next press looks again."""
        if self.is_bound:
            self.data = self.data.copy()
            self.data["looked"] = ""


class RuleForm(Looked):
    """Is it sent, and when. What is left open is decided by the wider rules, at last by the catalogue: `inherited` says how
    each figure would be then."""

    def __init__(self, *args: Any, rule: MessageRule, inherited: Mapping[str, Any], **kwargs: Any) -> None:
        said = rule.is_sent if rule.everywhere else next(key for key, value in SAID.items() if value is rule.is_sent)
        super().__init__(*args, initial={"is_sent": said, **rule.figures}, seen_version=rule.version, **kwargs)
        self.rule = rule
        if may_be_off(rule.kind):
            self.fields["is_sent"] = self._switch()
        for name, (low, high) in RANGES.get(rule.kind, {}).items():
            empty = {"low": low, "high": high, "figure": inherited[name].figure or "–", "whose": inherited[name].whose}
            self.fields[name] = forms.IntegerField(
                label=FIGURES[name], min_value=low, max_value=high, required=False,
                help_text=_("%(low)s to %(high)s; empty: %(figure)s (%(whose)s).") % empty,
            )  # fmt: skip
        self.order_fields([name for name in self.fields if name not in {"looked", "seen_version", "form_token"}])

    def _switch(self) -> forms.Field:
        if self.rule.everywhere:
            return forms.BooleanField(label=_("This message is sent"), required=False)
        said = [("", _("As the wider rules say")), ("sent", _("Goes out")), ("off", _("Switched off"))]
        return forms.ChoiceField(label=_("Whether"), choices=said, required=False, widget=forms.RadioSelect)

    def is_sent(self) -> bool | None:
        if not may_be_off(self.rule.kind):
            return self.rule.is_sent
        wished = self.cleaned_data["is_sent"]
        return bool(wished) if self.rule.everywhere else SAID[wished]

    def wish(self) -> Wish:
        kept = Wish.of(self.rule)
        given = {name: self.cleaned_data[name] for name in RANGES.get(self.rule.kind, {})}
        figures = {name: figure for name, figure in given.items() if figure is not None}
        return Wish(self.is_sent(), figures, kept.words, kept.is_active)


class WordsForm(Looked):
    """Subject, first sentence and text in one language."""

    subject = forms.CharField(label=PARTS["subject"], max_length=SUBJECT_LETTERS)
    lead = forms.CharField(label=PARTS["lead"], max_length=LEAD_LETTERS)
    text = forms.CharField(label=PARTS["text"], max_length=TEXT_LETTERS, widget=forms.Textarea(attrs={"rows": 10}))

    def __init__(
        self, *args: Any, rule: MessageRule, language: str, begin_with: Mapping[str, str], **kwargs: Any
    ) -> None:
        """`begin_with`: the words that are sent while the rule has none of its own."""
        super().__init__(*args, initial=rule.words.get(language) or begin_with, seen_version=rule.version, **kwargs)
        self.rule, self.language = rule, language
        for name in ("subject", "lead", "text"):
            self.fields[name].widget.attrs |= {"lang": language, "dir": direction(language)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        parts = {name: str(cleaned.get(name, "")).strip() for name in ("subject", "lead", "text")}
        for fault in faults_in(self.rule.kind, self.language, Words.of(parts)):
            if not self.errors.get(fault.part):
                self.add_error(fault.part, ValidationError(sentence_of(fault, self.rule.kind)))
        return cleaned

    def words(self) -> Words:
        return Words(*(self.cleaned_data[name].replace("\r\n", "\n").strip() for name in ("subject", "lead", "text")))

    def wish(self) -> Wish:
        return Wish.of(self.rule).with_words(self.language, self.words())


class ScopeForm(HouseForm):
    """For which site, for which protocol, or both."""

    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), required=False, to_field_name="public_id")
    indication = forms.ChoiceField(label=_("Protocol"), required=False)

    def __init__(self, *args: Any, sites: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]
        self.fields["site"].empty_label = _("Every site")  # type: ignore[attr-defined]
        named = [(code, entry.name_in(language)) for code, entry in catalogue.in_force().indications.items()]
        self.fields["indication"].choices = [("", _("Every protocol")), *named]  # type: ignore[attr-defined]


class EndForm(HouseForm):
    def __init__(self, *args: Any, rule: MessageRule, **kwargs: Any) -> None:
        super().__init__(*args, seen_version=rule.version, **kwargs)


class PreviewForm(forms.Form):
    """How the preview is shown. What cannot be understood is shown as a phone by day would."""

    show = forms.ChoiceField(choices=[("light", ""), ("dark", ""), ("text", "")], required=False)
    about = forms.CharField(max_length=22, required=False)

    @property
    def scheme(self) -> str:
        return str(self.cleaned_data.get("show") or "light") if self.is_valid() else "light"

    @property
    def real(self) -> str:
        return str(self.cleaned_data.get("about") or "") if self.is_valid() else ""
