"""Forms that add to a draft: a substance, an indication with its course, a mixture, a mixing rule, a screening rule.

Each gives the code and the body of the entry; whether it fits the rest is judged by the loader, in the verb."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from protocols.bodies import countries, listed, plain, without_nothing
from protocols.catalogue_forms import MOST, named, reason_field, word_choices
from protocols.choices import Category, CheckResult, DoseUnit, Form, LooksAt, MixingShape, Role, Status
from protocols.clause_forms import clause_fields, clause_layout, clause_of, clause_problems, field_of
from protocols.definitions import Catalogue
from protocols.entries import MOST_DAYS
from protocols.field_words import VALUES, word
from protocols.parsing import LOOKS_AT

COMPONENTS = 6
EVIDENCE = ("A", "B", "B−", "C", "D")
CODE_END = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Small letters, digits and hyphens only."))


def words(kind: Any, *, without: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """Closed words for a choice, said in the language of whoever opens the form, not of whoever starts the server."""
    return [(one.value, VALUES.get(one.value, one.value)) for one in kind if one.value not in without]


def figure(label: Any, *, required: bool = False, help_text: Any = "") -> forms.DecimalField:
    return forms.DecimalField(label=label, min_value=0, max_value=MOST, required=required, help_text=help_text)


def whole(
    label: Any, *, required: bool = False, least: int = 0, most: int = MOST_DAYS, help_text: Any = ""
) -> forms.IntegerField:  # fmt: skip
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required, help_text=help_text)


def line(label: Any, *, required: bool = True, help_text: Any = "", most: int = 300) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=required, help_text=help_text)


def several(label: Any, *, required: bool = False) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=required, widget=forms.CheckboxSelectMultiple)


def text(label: Any, *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=label, max_length=2000, required=required, widget=forms.Textarea(attrs={"rows": 2}))


class AddForm(HouseForm):
    """What every addition has. `prefix_of_code` and `kind` are the catalogue's; `own` are the parts of the body that only
    this kind has."""

    kind = ""
    prefix_of_code = ""
    own: Callable[[], Mapping[str, Any]]
    beside: tuple[tuple[str, str], ...] = ()
    """Where a path of the body is asked under another name: pattern and name."""

    code = forms.CharField(max_length=50, label=_("Code"), validators=[CODE_END])
    name_en = line(_("Name (English)"))
    name_tr = line(_("Name (Turkish)"))

    def __init__(self, *args: Any, rules: Catalogue, **kwargs: Any) -> None:
        self.rules = rules
        super().__init__(*args, **kwargs)
        if "code" in self.fields:
            hint = _("Short and lasting; “%(prefix)s” is put before it.")
            self.fields["code"].help_text = hint % {"prefix": self.prefix_of_code}

    def own_fields(self) -> dict[str, forms.Field]:
        return self.more_fields() | {
            "source": line(
                _("Source"), help_text=_("A source of the reference: S0–S4, E1–E99, bg (background) or dec (own decision)."),
                most=60),
            "reason": reason_field(required=True, help_text=_("It is kept and shown.")),
        }  # fmt: skip

    def more_fields(self) -> dict[str, forms.Field]:
        """What this kind asks beside its declared fields, before the source."""
        return {}

    def full_code(self) -> str:
        return f"{self.prefix_of_code}{self.cleaned_data['code']}"

    def body(self) -> dict[str, Any]:
        return without_nothing({"name": self.both("name"), "source": self.cleaned_data["source"], **self.own()})

    def both(self, name: str) -> dict[str, str] | None:
        typed = {lang: self.cleaned_data[f"{name}_{lang}"] for lang in ("en", "tr")}
        return typed if any(typed.values()) else None

    def pair(self, name: str) -> list[str] | None:
        low, high = self.cleaned_data[f"{name}_low"], self.cleaned_data[f"{name}_high"]
        return None if low is None and high is None else [str(plain(one)) if one is not None else "" for one in (low, high)]

    def refuse(self, refusal: Any) -> None:
        """The loader speaks of paths; the field of the form is the one that begins like it."""
        refusal.field = self.field_of(str(refusal.field or ""))
        super().refuse(refusal)

    def field_of(self, path: str) -> str | None:
        for pattern, name in self.beside:
            path = re.sub(pattern, name, path)
        wanted = path.replace(".", "_")
        return next((name for name in self.fields if wanted and (name == wanted or name.startswith(wanted))), None)


class AddSubstanceForm(AddForm):
    kind, prefix_of_code = "substance", "sub-"
    beside = ((r"^allowed\.", ""),)

    class_en, class_tr = line(_("Class (English)")), line(_("Class (Turkish)"))
    status = forms.ChoiceField(label=_("State"), choices=words(Status, without=("withdrawn",)), initial="off")
    role = forms.ChoiceField(label=_("Role"), choices=words(Role))
    form = forms.ChoiceField(label=_("Form"), choices=words(Form))
    dose_unit = forms.ChoiceField(label=_("Counted in"), choices=[(one.value, one.value) for one in DoseUnit])
    strength_low, strength_high = figure(_("Usual strength, from")), figure(_("Usual strength, to"))
    strength_unit = forms.ChoiceField(
        label=_("Strength in"), required=False, choices=[("", "–"), *((one, one) for one in ("mg/ml", "U/ml", "IU/ml", "mg/g"))]
    )
    typical_low, typical_high = figure(_("Typical per session, from")), figure(_("Typical per session, to"))
    hard_max = figure(_("Hard maximum per session"), required=True, help_text=_("In the unit it is counted in."))
    mg_per_kg = figure(_("Most mg per kg"))
    final_strength_max = figure(_("Strongest in the mix"))
    min_interval_days, max_sessions = whole(_("Shortest interval, days")), whole(_("Most sessions"))
    groups = several(_("Groups for mixing rules"))
    categories, indications = several(_("Only in these categories")), several(_("Only for these indications"))
    never_in = line(_("Never in these countries"), required=False, help_text=_("Two letters each, with commas between."))
    note = text(_("Note for staff"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("groups", "categories", "indications"):
            self.fields[name].choices = word_choices(name, self.rules, [])  # type: ignore[attr-defined]

    def own(self) -> Mapping[str, Any]:
        data = self.cleaned_data
        same_names = ("role", "form", "dose_unit", "strength_unit", "hard_max", "mg_per_kg", "final_strength_max",
                      "min_interval_days", "max_sessions", "groups", "note")  # fmt: skip
        return {
            "class": self.both("class"), "status": None if data["status"] == "on" else data["status"],
            "strength": self.pair("strength"), "typical": self.pair("typical"),
            "allowed": without_nothing({"categories": data["categories"], "indications": data["indications"]}),
            "never_in": countries(data["never_in"]), **{name: data[name] for name in same_names},
        }  # fmt: skip


class AddIndicationForm(AddForm):
    kind, prefix_of_code = "indication", "ind-"
    beside = ((r"^phases$", "sessions"), (r"^phases\.\d+\.", ""), (r"^interval_days", "interval"), (r"_days$", ""),
              (r"^reviews.*", "review_days"))  # fmt: skip

    category = forms.ChoiceField(label=_("Category"), choices=words(Category))
    status = forms.ChoiceField(label=_("State"), choices=words(Status, without=("withdrawn",)))
    regions, techniques = several(_("Regions"), required=True), several(_("Usual techniques"), required=True)
    evidence = forms.ChoiceField(label=_("Evidence grade"), choices=[(one, one) for one in EVIDENCE], initial="D")
    effect_en, effect_tr = line(_("Effect to expect (English)")), line(_("Effect to expect (Turkish)"))
    sessions_default, sessions_min, sessions_max = (
        whole(_("Sessions, usual"), required=True, most=60), whole(_("Sessions, least"), required=True, most=60),
        whole(_("Sessions, most"), most=60),
    )  # fmt: skip
    interval_default, interval_min, interval_max = (
        whole(_("Interval in days, usual"), required=True, most=400),
        whole(_("Interval in days, least"), required=True, most=400),
        whole(_("Interval in days, most"), most=400),
    )  # fmt: skip
    maintenance_earliest, maintenance_latest = whole(_("Maintenance, earliest days")), whole(_("Maintenance, latest days"))
    review_days = whole(_("Review, days after the last session"), least=1)
    scales = line(_("Scales"), required=False, help_text=_("Words with commas between them."))
    never_in = line(_("Never in these countries"), required=False, help_text=_("Two letters each, with commas between."))
    note = text(_("Note for staff"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("regions", "techniques"):
            self.fields[name].choices = word_choices(name, self.rules, [])  # type: ignore[attr-defined]

    def own(self) -> Mapping[str, Any]:
        data = self.cleaned_data
        span = lambda name: without_nothing({end: data[f"{name}_{end}"] for end in ("default", "min", "max")})  # noqa: E731
        upkeep = {"earliest_days": data["maintenance_earliest"], "latest_days": data["maintenance_latest"]}
        return {
            "category": data["category"], "status": None if data["status"] == "on" else data["status"],
            "regions": data["regions"], "techniques": data["techniques"], "evidence": data["evidence"],
            "effect": self.both("effect"), "phases": [{"sessions": span("sessions"), "interval_days": span("interval")}],
            "maintenance": without_nothing(upkeep), "never_in": countries(data["never_in"]), "note": data["note"],
            "reviews": [{"anchor": "last", "days": data["review_days"]}] if data["review_days"] else None,
            "scales": listed(data["scales"]),
        }  # fmt: skip


class AddMixtureForm(AddForm):
    kind, prefix_of_code = "mixture", "ck-"

    indications = several(_("Indications"), required=True)
    technique = forms.ChoiceField(label=_("Technique"))
    sexes = several(_("Only for"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("indications", "sexes"):
            self.fields[name].choices = word_choices(name, self.rules, [])  # type: ignore[attr-defined]
        self.fields["technique"].choices = named(self.rules.techniques)  # type: ignore[attr-defined]

    def more_fields(self) -> dict[str, forms.Field]:
        fields: dict[str, forms.Field] = {}
        for number in range(1, COMPONENTS + 1):
            first = number == 1
            label = {"number": number}
            fields[f"substance_{number}"] = forms.ChoiceField(
                label=_("Component %(number)s") % label, required=first, choices=[("", "–"), *named(self.rules.substances)]
            )
            fields[f"volume_{number}"] = figure(_("Component %(number)s, ml") % label, required=first)
            fields[f"strength_{number}"] = figure(
                _("Component %(number)s, strength") % label, help_text=_("Empty where the dose counts in ml."))  # fmt: skip
        return fields | {"note": text(_("Note for staff"), required=False)}

    def clean(self) -> dict[str, Any]:
        """A figure without its substance is refused, not left out; so is a substance without its volume."""
        data = super().clean() or self.cleaned_data
        for number in range(2, COMPONENTS + 1):
            volume, strength = data.get(f"volume_{number}"), data.get(f"strength_{number}")
            if not data.get(f"substance_{number}") and (volume is not None or strength is not None):
                self.add_error(f"substance_{number}", _("Choose the substance these figures are of."))
            elif data.get(f"substance_{number}") and volume is None and f"volume_{number}" not in self.errors:
                self.add_error(f"volume_{number}", _("Say how many ml."))
        return data

    def field_of(self, path: str) -> str | None:
        """The loader counts the components that are there; a place between them may have been left free."""
        steps = path.split(".")
        if steps[0] == "items" and len(steps) == 3 and steps[1].isdigit():
            typed = [number for number in range(1, COMPONENTS + 1) if self.cleaned_data.get(f"substance_{number}")]
            number = typed[int(steps[1]) - 1] if int(steps[1]) <= len(typed) else 1
            return f"{steps[2].removesuffix('_ml').removesuffix('_unit')}_{number}"
        return super().field_of(path)

    def own(self) -> Mapping[str, Any]:
        data = self.cleaned_data
        items = []
        for number in range(1, COMPONENTS + 1):
            if code := data[f"substance_{number}"]:
                strength = data[f"strength_{number}"]
                items.append(without_nothing({
                    "substance": code, "volume_ml": data[f"volume_{number}"], "strength": strength,
                    "strength_unit": self.rules.substances[code].strength_unit if strength is not None else None,
                }))  # fmt: skip
        total = sum((Decimal(item.get("volume_ml", "0")) for item in items), Decimal(0))
        return {"indications": data["indications"], "technique": data["technique"], "sexes": data["sexes"],
                "items": items, "total_ml": total, "note": data["note"]}  # fmt: skip


class AddMixingRuleForm(AddForm):
    kind, prefix_of_code = "mixing_rule", "ix-"
    SHAPES = (MixingShape.TOGETHER, MixingShape.FORBIDDEN, MixingShape.ALONE, MixingShape.AT_MOST_ONE)

    text_en, text_tr = text(_("Sentence (English)")), text(_("Sentence (Turkish)"))
    shape = forms.ChoiceField(label=_("Check"), choices=words(SHAPES))
    looks_at = forms.ChoiceField(label=_("Looked at"), choices=words((LooksAt.MIX, LooksAt.AREA, LooksAt.DAY)))
    within_days = whole(_("Within days"), help_text=_("For one area only: so many days before and after count as well."))
    result = forms.ChoiceField(label=_("Result"), choices=words(reversed(CheckResult), without=("ok", "incomplete")))
    substances = several(_("Substances"), required=True)
    with_substances = several(_("not together with"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("substances", "with_substances"):
            self.fields[name].choices = word_choices(name, self.rules, [])  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What a check cannot look at, name or count is said beside that very field, in the words of the form."""
        data = super().clean() or self.cleaned_data
        if not {"shape", "looks_at"} <= set(data):
            return data
        shape, looks_at = MixingShape(data["shape"]), LooksAt(data["looks_at"])
        check, places = word(shape.value), ", ".join(word(one.value) for one in LooksAt if one in LOOKS_AT[shape])
        if looks_at not in LOOKS_AT[shape]:
            self.add_error("looks_at", _("“%(check)s” looks at: %(places)s.") % {"check": check, "places": places})
        if shape is MixingShape.TOGETHER and not data.get("with_substances") and "with_substances" not in self.errors:
            self.add_error("with_substances", _("Choose what they are not given together with."))
        elif shape is not MixingShape.TOGETHER and data.get("with_substances"):
            self.add_error("with_substances", _("“%(check)s” has no second list; choose none here.") % {"check": check})
        if data.get("within_days") and (shape, looks_at) != (MixingShape.TOGETHER, LooksAt.AREA):
            self.add_error("within_days", _("Days before and after count only for what is not together in one area."))
        return data

    def own(self) -> Mapping[str, Any]:
        data = self.cleaned_data
        return {"text": self.both("text"), **{name: data[name] for name in
                ("shape", "looks_at", "within_days", "result", "substances", "with_substances")}}  # fmt: skip


class MixingRuleForm(AddMixingRuleForm):
    """A mixing rule of the clinic's own written anew: everything but its code."""

    code = None  # type: ignore[assignment]  # asked no more: it stays

    @classmethod
    def can_show(cls, body: Mapping[str, Any]) -> bool:
        """Whether the form asks all that this rule says."""
        return body.get("shape") in cls.SHAPES and not body.get("limits") and not body.get("forms")

    @staticmethod
    def initial_of(body: Mapping[str, Any]) -> dict[str, Any]:
        texts = {f"{name}_{lang}": body.get(name, {}).get(lang, "") for name in ("name", "text") for lang in ("en", "tr")}
        plain = {name: body.get(name) for name in ("shape", "looks_at", "within_days", "substances", "with_substances", "source")}
        return {**texts, **plain, "result": body.get("result") or CheckResult.INCOMPATIBLE.value}


class AddRuleForm(AddForm):
    """A screening rule from the closed set of conditions: what was answered, measured or is taken; no expressions. Its
    first clause is asked here, more of them on the page of the rule."""

    kind, prefix_of_code = "rule", "scr-"

    sentence_en, sentence_tr = text(_("Sentence for clinicians (English)")), text(_("Sentence for clinicians (Turkish)"))
    explanation_en = text(_("Explanation for the patient (English)"), required=False)
    explanation_tr = text(_("Explanation for the patient (Turkish)"), required=False)
    advice_en = text(_("What the patient can do (English)"), required=False)
    advice_tr = text(_("What the patient can do (Turkish)"), required=False)

    def more_fields(self) -> dict[str, forms.Field]:
        return clause_fields(self.rules)

    @property
    def layout(self) -> dict[str, Any]:
        return clause_layout(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        clause_only = {name: value for name, value in data.items() if not name.startswith("sentence_")}
        for field, sentence in clause_problems(clause_only, self.rules):
            if field not in self.errors:
                self.add_error(field, sentence)
        return data

    def own(self) -> Mapping[str, Any]:
        clause = clause_of({name: value for name, value in self.cleaned_data.items() if not name.startswith("sentence_")})
        return {"name": None, "title": self.both("name"), "sentence": self.both("sentence"),
                "explanation": self.both("explanation"), "advice": self.both("advice"), "clauses": [clause]}  # fmt: skip

    def body(self) -> dict[str, Any]:
        body = super().body()
        body.pop("name", None)
        return body

    def field_of(self, path: str) -> str | None:
        return field_of(path) or super().field_of(path)


FORMS: Mapping[str, type[AddForm]] = {
    form.kind: form for form in (AddSubstanceForm, AddIndicationForm, AddMixtureForm, AddMixingRuleForm, AddRuleForm)
}
"""What can be added, by kind."""
