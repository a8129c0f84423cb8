"""Forms of the versions pages: making, approving and giving up a draft, and one form made from an entry's own fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.questionnaire import UNSURE, Question
from protocols.bodies import plain
from protocols.choices import Category, Form
from protocols.clauses import clause_of_path, sign_of
from protocols.definitions import Catalogue
from protocols.editing import with_spare_items
from protocols.entries import most_of
from protocols.field_words import EVENT_WORDS, label_of, shown, with_unit, word
from protocols.leaves import leaf, leaves, same
from protocols.limits import CONDITION_WORDS, Shape, Spec, cfg_of, specs_of
from protocols.loading import is_of_reference
from protocols.resolving_screening import EVENT_DETAILS, answer_fields
from protocols.rules import EVENTS

MOST = Decimal(100_000)
LONGEST = 300
UNWRITTEN = {"status": "on", "result": "incompatible"}
"""What counts where the entry says nothing."""


def reason_field(*, required: bool, help_text: Any) -> forms.CharField:
    return forms.CharField(label=_("Why"), max_length=LONGEST, required=required, help_text=help_text,
                           widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip


class DraftForm(HouseForm):
    note = forms.CharField(
        label=_("What is it for?"), max_length=LONGEST, help_text=_("Shown in the list of versions."),
    )  # fmt: skip


class GiveUpForm(HouseForm):
    reason = reason_field(required=True, help_text=_("The draft is kept, with everything that was changed in it."))


class RemoveForm(HouseForm):
    reason = reason_field(required=True, help_text=_("It is kept and shown."))


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """One part of a long form, folded away unless `is_open`."""

    title: str
    fields: list[Any]
    is_open: bool


def _part_of(path: str) -> str:
    """Which part of a screening rule a field belongs to: one of its clauses or tests, its words, or where it comes from."""
    steps = path.split(".")
    if steps[0] in ("clauses", "tests"):
        return ".".join(steps[:2])
    return "origin" if steps[0] in ("source", "mark", "note") else "scope" if steps[0] == "scope" else "words"


def _title_of(part: str) -> Any:
    words = {"origin": gettext("Where it comes from"), "scope": gettext("Only in plans with"), "words": gettext("Words")}
    return words.get(part) or label_of("rule", part)


class EntryForm(HouseForm):
    """The editable fields of one entry, named by their path. `values` gives back what was typed as the body holds it."""

    def __init__(
        self, *args: Any, kind: str, body: Mapping[str, Any], rules: Catalogue, apart: Collection[int] = (), **kwargs: Any
    ) -> None:
        """`apart`: the places of clauses that are written on pages of their own, and so not here."""
        self.kind, self.body, self.rules = kind, with_spare_items(kind, body), rules
        self.specs = [(path, spec) for path, spec in specs_of(kind, self.body, list(leaves(self.body)))
                      if clause_of_path(path) not in apart]  # fmt: skip
        super().__init__(*args, **kwargs)

    @property
    def clauses_now(self) -> str:
        """The signs of the clauses of a rule of the clinic's own that have fields here; their places change."""
        if not any(path.startswith("clauses.") for path, _spec in self.specs) or is_of_reference(str(self.body.get("code", ""))):
            return ""
        return ",".join(sign_of(clause) for clause in self.body["clauses"])

    def own_fields(self) -> dict[str, forms.Field]:
        own: dict[str, forms.Field] = {}
        for path, spec in self.specs:
            own |= self._field(path, spec, self.rules)
        if self.clauses_now:
            own["seen_clauses"] = forms.CharField(
                max_length=200, widget=forms.HiddenInput, required=False, initial=self.clauses_now)  # fmt: skip
        return own | {"reason": reason_field(
            required=False,
            help_text=_("Needed when a limit becomes looser. A loosened hard limit prints on every plan it touches."),
        )}  # fmt: skip

    @property
    def folded_parts(self) -> list[FieldGroup]:
        """The fields of a screening rule part by part, so that the page is short: only the first limits are open, and what
        has something to mend; clauses of the clinic's own are written anew on pages of theirs. Other entries have no parts."""
        if self.kind != "rule":
            return []
        parts: dict[str, list[str]] = {}
        for path, _spec in self.specs:
            parts.setdefault(_part_of(path), []).append(path)
        own = not is_of_reference(str(self.body.get("code", "")))
        limits = "" if own else next((part for part in parts if part.startswith(("clauses", "tests"))), "")
        return [
            FieldGroup(str(_title_of(part)), [self[path] for path in paths],
                       is_open=part == limits or any(path in self.errors for path in paths))
            for part, paths in sorted(parts.items(), key=lambda one: not one[0].startswith(("clauses", "tests")))
        ]  # fmt: skip

    def _field(self, path: str, spec: Spec, rules: Catalogue) -> dict[str, forms.Field]:
        now, label = leaf(self.body, path), with_unit(label_of(self.kind, path), path, self.body)
        measured = rules.measurements.get(str(leaf(self.body, f"{path.rpartition('.')[0]}.measured")))
        if measured is not None and measured.unit and spec.shape is Shape.NUMBER and not most_of(path) < MOST:
            label = f"{label}, {measured.unit}"
        span = cfg_of(self.body).get(path)
        hint = gettext("Allowed: %(low)s to %(high)s.") % {"low": shown("", span[0]), "high": shown("", span[-1])} if span else ""
        common: dict[str, Any] = {"label": label, "required": spec.required, "help_text": hint}
        match spec.shape:
            case Shape.NUMBER:
                if most_of(path) < MOST:  # days and months are counted whole
                    return {path: forms.IntegerField(initial=now, min_value=0, max_value=most_of(path), **common)}
                return {path: forms.DecimalField(initial=now, min_value=0, max_value=MOST, **common)}
            case Shape.WHOLE:
                return {path: forms.IntegerField(initial=now, min_value=0, max_value=most_of(path), **common)}
            case Shape.RANGE:
                low, high = now or (None, None)
                ends = (("low", low, gettext("from")), ("high", high, gettext("to")))
                return {f"{path}.{end}": forms.DecimalField(initial=value, min_value=0, max_value=MOST,
                                                            **{**common, "label": f"{label}, {words}"})
                        for end, value, words in ends}  # fmt: skip
            case Shape.FLAG:
                return {path: forms.BooleanField(initial=bool(now), **{**common, "required": False})}
            case Shape.CHOICE:
                return {path: self._choice(path, spec, now, common, rules)}
            case Shape.WORDS:
                return {path: self._words(path, spec, now, common, rules)}
            case Shape.LINE:
                return {path: forms.CharField(initial=now, max_length=LONGEST, **common)}
            case _:
                area = forms.Textarea(attrs={"rows": 2})
                return {path: forms.CharField(initial=now, max_length=2000, widget=area, **common)}

    def _choice(self, path: str, spec: Spec, now: Any, common: dict[str, Any], rules: Catalogue) -> forms.Field:
        last = path.rpartition(".")[2]
        known = {"substance": rules.substances, "technique": rules.techniques}.get(last)
        if known is not None:
            choices = [("", "–"), *named(known)]
            required = spec.required and bool(now)
            return forms.ChoiceField(initial=now, choices=choices, **{**common, "required": last == "technique" and required})
        default = UNWRITTEN.get(last)
        return forms.ChoiceField(initial=now or default, choices=[(one, word(one)) for one in spec.choices],
                                 **{**common, "required": True})  # fmt: skip

    def _words(self, path: str, spec: Spec, now: Any, common: dict[str, Any], rules: Catalogue) -> forms.Field:
        chosen = now if isinstance(now, list) else [now] if now else []
        choices = condition_choices(path, self.body, rules, chosen) or word_choices(path, rules, chosen)
        if choices is None:
            hint = common["help_text"] or gettext("Words with commas between them.")
            return forms.CharField(initial=", ".join(chosen), max_length=LONGEST, **{**common, "help_text": hint})
        return forms.MultipleChoiceField(
            initial=chosen, choices=choices, widget=forms.CheckboxSelectMultiple, **{**common, "required": spec.required}
        )

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or self.cleaned_data
        if self.clauses_now != clean.get("seen_clauses", ""):  # others, or elsewhere, than where these fields were typed
            self.add_error(None, _("Somebody else changed the clauses of this rule while you were typing. Nothing was saved: "
                                   "open this page anew, then write yours again."))  # fmt: skip
        for path, spec in self.specs:
            if spec.shape is Shape.RANGE:
                low, high = clean.get(f"{path}.low"), clean.get(f"{path}.high")
                if (low is None) != (high is None) and not {f"{path}.low", f"{path}.high"} & set(self.errors):
                    self.add_error(f"{path}.high", _("Give both figures, or neither."))
                elif low is not None and high is not None and low > high:
                    self.add_error(f"{path}.high", _("The second figure is not below the first."))
        for path, _spec in self.specs:
            outer, _dot, last = path.rpartition(".")
            if last == "substance" and not clean.get(path) and any(
                    clean.get(f"{outer}.{one}") not in (None, leaf(self.body, f"{outer}.{one}"))
                    and not same(clean.get(f"{outer}.{one}"), leaf(self.body, f"{outer}.{one}"))
                    for one in ("volume_ml", "strength")):
                self.add_error(path, _("Choose the substance these figures are of."))
        return clean

    def values(self) -> dict[str, Any]:
        """Path -> value as the body holds it: decimals as text, lists of words, None for what is empty."""
        return {path: self._value(path, spec) for path, spec in self.specs}

    def _value(self, path: str, spec: Spec) -> Any:
        if spec.shape is Shape.RANGE:
            low, high = self.cleaned_data[f"{path}.low"], self.cleaned_data[f"{path}.high"]
            return None if low is None else [plain(low), plain(high)]
        typed = self.cleaned_data[path]
        if spec.shape is Shape.FLAG:
            return typed or None
        if spec.shape is Shape.WORDS:
            words = typed if isinstance(typed, list) else [one.strip() for one in typed.split(",") if one.strip()]
            now = leaf(self.body, path)
            ordered = [*(one for one in (now if isinstance(now, list) else [now]) if one in words),
                       *(one for one in words if one not in (now if isinstance(now, list) else [now]))]  # fmt: skip
            return now if not isinstance(now, list) and ordered == [now] else ordered or None
        if spec.shape is Shape.CHOICE and typed == UNWRITTEN.get(path) and leaf(self.body, path) is None:
            return None
        if isinstance(typed, Decimal):
            return plain(typed)
        return None if typed in ("", None) else typed

    def refuse(self, refusal: Any) -> None:
        """A range has two fields; the sentence goes beside the second."""
        if refusal.field and f"{refusal.field}.high" in self.fields:
            refusal.field = f"{refusal.field}.high"
        super().refuse(refusal)


def named(definitions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Code and name for a choice; the code is shown only where two entries go by one name."""
    language = get_language() or "en"
    names = Counter(one.name_in(language) for one in definitions.values())
    return [(code, name if names[name] == 1 else f"{name} ({code})")
            for code, name in ((code, one.name_in(language)) for code, one in definitions.items())]  # fmt: skip


def condition_choices(
    path: str, body: Mapping[str, Any], rules: Catalogue, chosen: Sequence[str]
) -> list[tuple[str, str]] | None:
    """What the words of a condition may be: the answers of its question, the values of its measurement, classes of
    medicines, parts of a plan; None where the path is no condition or the words are free."""
    outer, _dot, last = path.rpartition(".")
    if last not in CONDITION_WORDS or not {"when", "only_if"} & set(outer.split(".")):
        return None
    language = get_language() or "en"
    offered: list[tuple[str, str]] = []
    match last:
        case "is":
            offered = _values_of(leaf(body, outer), str(body.get("each") or ""), rules, language)
        case "item":
            offered = _values_of({"answer": body.get("each")}, "", rules, language)
        case "medicine":
            offered = [(code, one.name.get(language)) for code, one in rules.medicine_classes.items()]
        case "sex":
            offered = [(one, word(one)) for one in ("female", "male", "other")]
        case "preserved":
            offered = named(rules.substances)
        case "plan":
            offered = word_choices("scope", rules, []) or []
    there = {value for value, _label in offered}
    return [*offered, *((one, one) for one in chosen if one not in there)] if offered else None


def _values_of(condition: Any, each: str, rules: Catalogue, language: str) -> list[tuple[str, str]]:
    """The answers of a question with their words, unsure included where it can be said; the values of a measurement."""
    if not isinstance(condition, Mapping):
        return []
    if code := condition.get("measured"):
        measured = rules.measurements.get(str(code))
        return [(value, value) for value in measured.values] if measured else []
    key, fields = str(condition.get("answer") or ""), answer_fields(rules)
    if each == EVENTS and key in EVENT_DETAILS:
        return [(value, str(EVENT_WORDS.get(value, value))) for value in EVENT_DETAILS[key].values]
    field = fields.get(key)
    if key.startswith("."):
        field = next((one for name, one in fields.items() if name.startswith(f"{each}.") and name.endswith(key)), None)
    if field is None:
        return []
    values = [(option.value, option.text.get(language)) for option in field.options]
    unsure = isinstance(field, Question) and UNSURE not in field.values
    return [*values, (UNSURE, gettext("Unsure"))] if values and unsure else values


def word_choices(path: str, rules: Catalogue, chosen: Sequence[str]) -> list[tuple[str, str]] | None:
    """What a list of words may hold; None where the words are free. What is there and unknown stays choosable."""
    last = path.rpartition(".")[2]
    categories = [(one.value, word(one.value)) for one in Category]
    known: dict[str, list[tuple[str, str]]] = {
        "regions": named(rules.regions), "techniques": named(rules.techniques), "indications": named(rules.indications),
        "substances": named(rules.substances), "only_substances": named(rules.substances),
        "with_substances": named(rules.substances), "warns": named(rules.mixing_rules), "categories": categories,
        "sexes": [(one, word(one)) for one in ("female", "male", "other")],
        "forms": [(one.value, word(one.value)) for one in Form],
        "groups": [(one, word(one)) for one in sorted({group for sub in rules.substances.values() for group in sub.groups})],
        "scope": [*categories, *named(rules.indications), *named(rules.regions), *named(rules.techniques),
                  *named(rules.deliveries), *named(rules.substances)],
    }  # fmt: skip
    known["required_with"] = known["scope"]
    if last not in known:
        return None
    offered = known[last]
    if last in ("substances", "with_substances"):
        offered = [*known["groups"], *offered]
    there = {code for code, _label in offered}
    return [*offered, *((one, one) for one in chosen if one not in there)]
