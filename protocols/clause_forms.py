"""One clause of a screening rule of the clinic's own, as a form: severity, up to five conditions from the closed set, where
it counts, how long it waits, what would lift it. Both ways: a clause out of what was typed, and what to show for a clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.questionnaire import UNSURE, Kind
from protocols.bodies import listed, without_nothing
from protocols.catalogue_forms import MOST, RemoveForm, reason_field, word_choices
from protocols.definitions import Catalogue
from protocols.entries import MOST_DAYS, MOST_MONTHS
from protocols.field_words import word
from protocols.leaves import as_number
from protocols.resolving_screening import answer_fields
from protocols.reworking import StaleClause

CONDITIONS = 5
SEVERITIES = ("absolute", "relative", "temporary", "info")
COMPARE = (("at_least", _("at least")), ("above", _("above")), ("at_most", _("at most")), ("below", _("below")))
AGO = (("days", _("fewer days ago than")), ("months", _("fewer months ago than")))
BOUNDS = frozenset(dict(COMPARE))
TEXTS = ("sentence", "lifted_by", "letter")
LANGUAGES = ("en", "tr")
SHAPES = ("answer", "number", "within", "age", "sex", "medicine", "measured", "bmi")
PARTS = ("what", "is", "compare", "figure", "not")


def area(label: Any, *, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(label=label, max_length=2000, required=False, widget=widget, help_text=help_text)


def clause_fields(rules: Catalogue) -> dict[str, forms.Field]:
    """The fields of a clause by name, in the order they are asked."""
    fields: dict[str, forms.Field] = {
        "severity": forms.ChoiceField(label=_("Severity"), choices=[(one, word(one)) for one in SEVERITIES]),
        "joined": forms.ChoiceField(label=_("It fires when"), choices=[
            ("all", _("all conditions hold")), ("any", _("one of the conditions holds"))]),
    }  # fmt: skip
    looked_at = _what(rules)
    for number in range(1, CONDITIONS + 1):
        fields |= _condition_fields(number, looked_at)
    whole = {"min_value": 0, "required": False}
    return fields | {
        "wait_key": forms.ChoiceField(
            label=_("Wait from this date"), required=False, choices=[("", "–"), *_dates(rules)],
            help_text=_("For a wait only. Without a date it waits until the answer changes.")),
        "wait_days": forms.IntegerField(label=_("Wait, days"), max_value=MOST_DAYS, **whole),  # type: ignore[arg-type]
        "wait_months": forms.IntegerField(label=_("Wait, months"), max_value=MOST_MONTHS, **whole),  # type: ignore[arg-type]
        "scope": forms.MultipleChoiceField(
            label=_("Only in plans with"), required=False, widget=forms.CheckboxSelectMultiple,
            choices=word_choices("scope", rules, []) or []),
        "lifted_by_en": area(_("What would lift it (English)")), "lifted_by_tr": area(_("What would lift it (Turkish)")),
        "letter_en": area(_("Letter that is needed (English)"), help_text=_("For a clearance only: who has to write it.")),
        "letter_tr": area(_("Letter that is needed (Turkish)")),
    }  # fmt: skip


def _condition_fields(number: int, looked_at: list[Any]) -> dict[str, forms.Field]:
    label = {"number": number}
    return {
        f"what_{number}": forms.ChoiceField(
            label=_("Condition %(number)s") % label, choices=[("", "–"), *looked_at], required=number == 1),
        f"is_{number}": forms.CharField(
            label=_("Condition %(number)s: is one of") % label, required=False, max_length=300,
            help_text=_("Answer values with commas between, such as: yes. Empty for a figure or a medicine.")),
        f"compare_{number}": forms.ChoiceField(
            label=_("Condition %(number)s: the figure is") % label, choices=[("", "–"), *COMPARE, *AGO], required=False),
        f"figure_{number}": forms.DecimalField(
            label=_("Condition %(number)s: figure") % label, min_value=0, max_value=MOST, required=False),
        f"not_{number}": forms.BooleanField(label=_("Condition %(number)s must not hold") % label, required=False),
    }  # fmt: skip


def _dates(rules: Catalogue) -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [(key, f"{field.text.get(language)} ({key})"[:120]) for key, field in answer_fields(rules).items()
            if field.kind is Kind.DATE and key.count(".") < 1]  # fmt: skip


def _what(rules: Catalogue) -> list[Any]:
    """Everything a condition may look at; its word names the shape of the condition."""
    language = get_language() or "en"
    fields = {key: field for key, field in answer_fields(rules).items() if key.count(".") < 1}
    said = {key: f"{field.text.get(language)} ({key})"[:120] for key, field in fields.items()}
    answers = [(f"answer:{key}", said[key]) for key, field in fields.items() if field.values or key in rules.questions]
    figures = [(f"number:{key}", said[key]) for key, field in fields.items() if field.kind is Kind.NUMBER]
    measured = [(f"measured:{code}", f"{one.name.get(language)}{f', {one.unit}' if one.unit else ''} ({code})")
                for code, one in rules.measurements.items()]  # fmt: skip
    taken = [(f"medicine:{code}", f"{one.name.get(language)} ({code})") for code, one in rules.medicine_classes.items()]
    record = [("age:", _("Age in years")), ("bmi:", _("Body mass index")), ("sex:", pgettext_lazy("of a person", "Sex"))]
    dates = [(f"within:{key}", words) for key, words in _dates(rules)]
    groups = ((_("Answers"), answers), (_("Numbers answered"), figures), (_("Dates answered"), dates),
              (_("Measurements"), measured), (_("Medicines"), taken), (_("Record"), record))  # fmt: skip
    return [(name, choices) for name, choices in groups if choices]


def clause_problems(data: Mapping[str, Any], rules: Catalogue) -> Iterator[tuple[str, str]]:
    """Field and sentence of everything that makes no clause; whether the words exist is the loader's to say."""
    for number in range(1, CONDITIONS + 1):
        what = str(data.get(f"what_{number}") or "")
        yield from _condition_problems(data, number, what, rules)
    yield from _wait_problems(data)
    if data.get("severity") != "relative":
        for name in ("letter_en", "letter_tr"):
            if data.get(name):
                yield name, gettext("Only a clearance asks for a letter.")
    for name in TEXTS:
        if bool(data.get(f"{name}_en")) != bool(data.get(f"{name}_tr")) and f"{name}_en" in data:
            yield f"{name}_{'tr' if data.get(f'{name}_en') else 'en'}", gettext("Write it in both languages, or in neither.")


def _wait_problems(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Nothing that was typed is left out in silence: days without a date, a date without days, a wait that is none."""
    typed = [name for name in ("wait_key", "wait_days", "wait_months") if data.get(name) not in (None, "")]
    if data.get("severity") != "temporary":
        for name in typed:
            yield name, gettext("Only a wait has a date to wait from.")
    elif data.get("wait_key") and not (data.get("wait_days") or data.get("wait_months")):
        yield "wait_days", gettext("Say how many days or months.")
    elif typed and not data.get("wait_key"):
        yield "wait_key", gettext("Choose the date these days are counted from, or leave them empty: it then waits for ever.")


MEASURED_BY = {"days": MOST_DAYS, "months": MOST_MONTHS}


def _condition_problems(data: Mapping[str, Any], number: int, what: str, rules: Catalogue) -> Iterator[tuple[str, str]]:
    shape, _colon, code = what.partition(":")
    values, compare, figure = (data.get(f"{part}_{number}") for part in ("is", "compare", "figure"))
    if not shape:
        if number > 1 and (values or compare or figure is not None or data.get(f"not_{number}")):
            yield f"what_{number}", gettext("Choose what this condition looks at.")
        return
    words = shape in ("answer", "sex") or (shape == "measured" and bool(rules.measurements[code].values))
    if words and not values:
        yield f"is_{number}", gettext("Say which answers fire it.")
    elif words and (known := _known_words(shape, code, rules)) and (strange := set(listed(str(values))) - known):
        yield f"is_{number}", gettext("%(words)s cannot be answered here; possible are %(known)s.") % {
            "words": ", ".join(sorted(strange)), "known": ", ".join(sorted(known))}
    elif not words and values:
        yield f"is_{number}", gettext("No words are asked for here; leave it empty.")
    yield from _figure_problems(shape if not words else "", number, compare, figure)


def _figure_problems(shape: str, number: int, compare: Any, figure: Any) -> Iterator[tuple[str, str]]:
    """`shape`: empty where the condition asks for words."""
    if shape == "within":
        if not (compare in MEASURED_BY and figure):
            yield f"figure_{number}", gettext("Say within how many days or months.")
        elif figure != int(figure) or figure > MEASURED_BY[compare]:
            yield f"figure_{number}", gettext("A whole number up to %(most)s is asked for.") % {"most": MEASURED_BY[compare]}
    elif shape in ("age", "bmi", "number", "measured"):
        if not (compare in BOUNDS and figure is not None):
            yield f"figure_{number}", gettext("Say how the figure compares, and with what.")
    else:
        if compare:
            yield f"compare_{number}", gettext("No figure is compared here; leave it empty.")
        if figure is not None:
            yield f"figure_{number}", gettext("No figure is compared here; leave it empty.")


def _known_words(shape: str, code: str, rules: Catalogue) -> frozenset[str]:
    """What a question, a measurement or the record can hold; empty where the words are free."""
    if shape == "sex":
        return frozenset({"female", "male", "other"})
    if shape == "measured":
        return frozenset(rules.measurements[code].values)
    field = answer_fields(rules)[code]
    return frozenset({*field.values, UNSURE}) if field.values and not field.code_prefix else frozenset()


def clause_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The clause as the catalogue stores it."""
    parts = [_condition(data, number) for number in range(1, CONDITIONS + 1) if data[f"what_{number}"]]
    clause: dict[str, Any] = {"severity": data["severity"], "when": parts[0] if len(parts) == 1 else {data["joined"]: parts}}
    if data["severity"] == "temporary":
        dated = {"within": data["wait_key"], "days": data["wait_days"], "months": data["wait_months"]}
        clause["wait"] = without_nothing(dated) if data["wait_key"] else "open"
    if data["scope"]:
        clause["scope"] = data["scope"]
    return clause | {name: typed for name in TEXTS if (typed := _both(data, name))}


def _both(data: Mapping[str, Any], name: str) -> dict[str, str] | None:
    typed = {lang: str(data.get(f"{name}_{lang}") or "") for lang in LANGUAGES}
    return typed if all(typed.values()) else None


def _condition(data: Mapping[str, Any], number: int) -> dict[str, Any]:
    shape, _colon, code = data[f"what_{number}"].partition(":")
    figure, values = data[f"figure_{number}"], listed(data[f"is_{number}"])
    bound = {data[f"compare_{number}"]: figure} if data[f"compare_{number}"] else {}
    made: dict[str, Any] = {
        "answer": {"answer": code, "is": values}, "medicine": {"medicine": code}, "age": {"age": bound},
        "bmi": {"bmi": bound}, "sex": {"sex": values}, "number": {"number": code, **bound},
        "within": {"within": code, **{unit: int(amount) for unit, amount in bound.items()}},
        "measured": {"measured": code, "is": values} if values else {"measured": code, **bound},
    }[shape]  # fmt: skip
    return without_nothing({"not": made} if data[f"not_{number}"] else made)


def initial_of(clause: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the form shows for this clause; None where it says something the form has no field for."""
    when = clause.get("when")
    joined = "any" if isinstance(when, Mapping) and "any" in when else "all"
    parts = when if isinstance(when, list) else when[joined] if isinstance(when, Mapping) and joined in when else [when]
    known = {"severity", "when", "wait", "scope", "labs", *TEXTS}
    if not isinstance(parts, list) or len(parts) > CONDITIONS or set(clause) - known:
        return None
    shown: dict[str, Any] = {"severity": clause.get("severity"), "joined": joined, "scope": clause.get("scope", [])}
    for number, part in enumerate(parts, start=1):
        told = _initial_of_condition(part)
        if told is None:
            return None
        shown |= {f"{name}_{number}": value for name, value in told.items()}
    wait = clause.get("wait")
    if isinstance(wait, Mapping):
        shown |= {"wait_key": wait.get("within"), "wait_days": wait.get("days"), "wait_months": wait.get("months")}
    for name in TEXTS:
        shown |= {f"{name}_{lang}": (clause.get(name) or {}).get(lang, "") for lang in LANGUAGES}
    return shown


def _initial_of_condition(part: Any) -> dict[str, Any] | None:
    if not isinstance(part, Mapping):
        return None
    if set(part) == {"not"}:
        inside = _initial_of_condition(part["not"])
        return None if inside is None or inside.get("not") else inside | {"not": True}
    shape = next((one for one in SHAPES if one in part), None)
    if shape is None:
        return None
    subject = "" if shape in ("age", "bmi", "sex") else str(part[shape])
    figures = dict(part[shape]) if shape in ("age", "bmi") else {
        key: value for key, value in part.items() if key in BOUNDS or key in dict(AGO)}  # fmt: skip
    values = part.get("sex") if shape == "sex" else part.get("is", [])
    rest = set(part) - {shape, "is", *figures}
    if rest or len(figures) > 1 or (isinstance(part[shape], list) and shape != "sex"):
        return None
    compare, figure = next(iter(figures.items()), ("", None))
    words = [str(one) for one in values] if isinstance(values, list) else [str(values)]
    return {"what": f"{shape}:{subject}", "is": ", ".join(words), "compare": compare, "figure": as_number(figure)}


class ClauseForm(HouseForm):
    """A clause by itself. Its own sentence may stay empty: the rule's stands for it. `clause` is the sign of the one that
    is written anew, `seen_clauses` the signs of all there were when the form was shown."""

    clause = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)
    seen_clauses = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rules: Catalogue, **kwargs: Any) -> None:
        self.rules = rules
        super().__init__(*args, **kwargs)

    def own_fields(self) -> dict[str, forms.Field]:
        return {
            **clause_fields(self.rules),
            "sentence_en": area(_("Sentence of this clause (English)"), help_text=_("Empty: the sentence of the rule.")),
            "sentence_tr": area(_("Sentence of this clause (Turkish)")),
            "reason": reason_field(required=True, help_text=_("It is kept and shown.")),
        }

    @property
    def layout(self) -> dict[str, Any]:
        return clause_layout(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for field, sentence in clause_problems(data, self.rules):
            if field not in self.errors:
                self.add_error(field, sentence)
        return data

    def refuse(self, refusal: Any) -> None:
        """The loader speaks of the clause's paths: `clauses.1.when.2.is` is condition 2. When somebody else was faster, the
        next try is about the clause as it is now."""
        refusal.field = field_of(str(refusal.field or "")) or refusal.field
        super().refuse(refusal)
        if isinstance(refusal, StaleClause):
            self.data = self.data.copy()
            self.data["clause"], self.data["seen_clauses"] = refusal.now, ",".join(refusal.seen)


class RemoveClauseForm(RemoveForm):
    seen_clauses = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def refuse(self, refusal: Any) -> None:
        super().refuse(refusal)
        if isinstance(refusal, StaleClause):
            self.data = self.data.copy()
            self.data["seen_clauses"] = ",".join(refusal.seen)


def field_of(path: str) -> str | None:
    """The field of the form in which a path of the clause was typed."""
    steps = [step for step in path.split(".") if step not in ("clauses", "not", "all", "any")]
    if steps and steps[0].isdigit():
        steps = steps[1:]
    if steps[:1] == ["when"]:
        number = steps[1] if len(steps) > 1 and steps[1].isdigit() else "1"
        return f"{'is' if steps[-1] == 'is' else 'figure' if steps[-1] in BOUNDS else 'what'}_{number}"
    return {"wait": "wait_key", "severity": "severity", "scope": "scope"}.get(steps[0]) if steps else None


def clause_layout(form: Any) -> dict[str, Any]:
    """The form for the page: what comes before the conditions, the conditions one by one, what comes after. Conditions in
    use and one to spare are open, the others are folded away."""
    names = [field.name for field in form.visible_fields()]
    first, last = names.index("what_1"), names.index(f"not_{CONDITIONS}")
    used = [number for number in range(1, CONDITIONS + 1) if form[f"what_{number}"].value()]
    open_until = max(used, default=0) + 1
    groups = [{"number": number, "fields": [form[f"{part}_{number}"] for part in PARTS],
               "open": number <= open_until or any(form.has_error(f"{part}_{number}") for part in PARTS)}
              for number in range(1, CONDITIONS + 1)]  # fmt: skip
    return {"before": [form[name] for name in names[:first]],
            "after": [form[name] for name in names[last + 1:]],
            "conditions": [one for one in groups if one["open"]],
            "spare": [one for one in groups if not one["open"]]}  # fmt: skip
