"""The form of the mixture builder: where and how, numbing cream, and the syringes with their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site
from protocols.choices import Status
from protocols.definitions import Catalogue, Indication, Substance
from protocols.plan import Component, Plan, Syringe
from sessions import building
from sessions.building import Completed, Typed
from sessions.explaining import name_of
from sessions.forms.course import ANTISEPTICS, AREA, MOST_ML, RhythmForm, check_cream_area

MOST_STRENGTH = Decimal(100_000)
SENTENCES = {
    "not-a-figure": _("Enter a number such as 1.5, at most four digits after the point."),
    "zero": _("Enter a number above zero."),
    "both": _("Change ml or dose, not both: this dose is not what these ml hold."),
    "needed": _("The strength is needed to turn a dose into ml."),
    "too-small": _("This dose is less than 0.001 ml."),
    "missing": _("Enter ml or a dose, or take the line out."),
    "too-much": _("At most 60 ml."),
}
GROUPS = [
    ((Status.ON,), _("Usable")),
    ((Status.OFF, Status.LOCKED), _("Switched off or locked")),
    ((Status.WITHDRAWN,), _("Withdrawn, never usable")),
]


class FigureField(forms.DecimalField):
    """A decimal figure typed with point or comma; what was typed stays in the field as it was typed."""

    widget = forms.TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.count(",") == 1 and "." not in value:
            value = value.replace(",", ".")
        return super().to_python(value)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line for the template: its fields, what it is, and its figures as far as they are known."""

    number: int
    substance: Substance
    name: str
    key: str
    strength: forms.BoundField | None
    ml: forms.BoundField
    dose: forms.BoundField | None
    hidden: tuple[forms.BoundField, ...]
    seen: forms.BoundField
    component: Component | None


@dataclass(frozen=True, slots=True)
class SyringeRow:
    """One syringe for the template."""

    number: int
    region: forms.BoundField
    technique: forms.BoundField
    points: forms.BoundField
    depth_mm: forms.BoundField
    area_cm2: forms.BoundField
    add: forms.BoundField
    lines: tuple[LineRow, ...]


class MixtureForm(HouseForm):
    """What is given, where and how. The syringes come as `typed`; with `is_draft` a line without an amount is not an
    error yet, it is left out of the plan and named in `unfinished`."""

    regions = forms.MultipleChoiceField(label=_("Regions"), widget=forms.CheckboxSelectMultiple)
    technique = forms.ChoiceField(label=_("Technique"))
    delivery = forms.ChoiceField(label=_("Delivery"))
    antiseptic = forms.ChoiceField(label=_("Antiseptic"), choices=ANTISEPTICS)
    numbing_cream_g = FigureField(label=_("Numbing cream in g"), min_value=Decimal("0.1"), max_value=Decimal(100),
                                  max_digits=5, decimal_places=1, required=False)  # fmt: skip
    numbing_area_cm2 = FigureField(label=_("Skin under the cream in cm²"), required=False, **AREA)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, typed: Typed, site: Site, rules: Catalogue, indication: Indication,
        is_draft: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data, **kwargs)
        self.site, self.rules, self.indication, self.is_draft = site, rules, indication, is_draft
        self.typed = tuple(self._known_lines(syringe) for syringe in typed)
        self.unfinished: list[str] = []
        self.figures: dict[str, Completed] = {}
        self._offer_places()
        self.fields[building.SHAPE] = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
        for number, syringe in enumerate(self.typed, start=1):
            self._add_syringe_fields(number)
            for place, line in enumerate(syringe.lines, start=1):
                self._add_line_fields(f"s{number}-l{place}", rules.substances[line.substance])
        for name, one in self.fields.items():
            if name.startswith("s") and name[1:2].isdigit():
                is_select = isinstance(one, forms.ChoiceField)
                one.widget.attrs.setdefault("class", "form-select" if is_select else "form-control")
        self.initial = {**self.initial, **building.written(self.typed)}
        self.guard_text_fields()

    def _known_lines(self, syringe: building.TypedSyringe) -> building.TypedSyringe:
        """Without lines of substances that are in no catalogue: nobody can have chosen them on the page."""
        known = tuple(line for line in syringe.lines if line.substance in self.rules.substances)
        return building.TypedSyringe(syringe.region, syringe.technique, syringe.points, syringe.depth_mm, syringe.area_cm2, known)

    def _offer_places(self) -> None:
        rules, indication = self.rules, self.indication
        regions = [(code, name_of(code, rules.regions)) for code in indication.regions if code in rules.regions]
        techniques = [
            (code, name_of(code, rules.techniques)) for code in indication.techniques if code in rules.techniques
        ]
        deliveries = [
            (one.code, name_of(one.code, rules.deliveries))
            for one in rules.deliveries.values()
            if one.status == Status.ON
        ]
        self.region_choices, self.technique_choices = regions, techniques
        for name, choices in (("regions", regions), ("technique", techniques), ("delivery", deliveries)):
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def _add_syringe_fields(self, number: int) -> None:
        self.fields[f"s{number}-region"] = forms.ChoiceField(
            label=_("Goes into"), required=False, choices=[("", _("All regions of the plan")), *self.region_choices]
        )
        self.fields[f"s{number}-technique"] = forms.ChoiceField(
            label=_("Technique"), required=False, choices=[("", _("As the plan")), *self.technique_choices]
        )
        self.fields[f"s{number}-points"] = forms.IntegerField(
            label=_("Points"), min_value=1, max_value=2000, required=False,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        )  # fmt: skip
        self.fields[f"s{number}-depth_mm"] = FigureField(
            label=_("Depth in mm"), min_value=Decimal(0), max_value=Decimal(20), max_digits=4, decimal_places=2,
            required=False,
        )  # fmt: skip
        self.fields[f"s{number}-area_cm2"] = FigureField(label=_("Area in cm²"), required=False, **AREA)
        self.fields[f"s{number}-add"] = forms.ChoiceField(
            label=_("Add a component"), required=False, choices=[("", _("Choose a substance")), *self._offered()]
        )

    def _offered(self) -> list[tuple[Any, list[tuple[str, str]]]]:
        """Everything that can be drawn up, in groups by status; what is withdrawn is named too, so that it is explained
        and not searched for."""
        injected = [one for one in self.rules.substances.values() if one.dose_unit != "g"]
        return [
            (label, sorted(((one.code, name_of(one.code, self.rules.substances)) for one in injected
                            if one.status in statuses), key=lambda choice: choice[1].casefold()))
            for statuses, label in GROUPS
        ]  # fmt: skip

    def _add_line_fields(self, key: str, substance: Substance) -> None:
        text = {"inputmode": "decimal", "autocomplete": "off"}
        name = name_of(substance.code, self.rules.substances)
        for part, label, attrs in (
            ("strength", _("Strength of %(name)s"), text),
            ("ml", _("Volume of %(name)s"), text | {"data-stepper": "0.1", "data-unit": "ml", "min": "0"}),
            ("dose", _("Dose of %(name)s"), text),
        ):
            if part == "ml" or (building.is_dosed(substance) if part == "dose" else substance.strength_unit):
                self.fields[f"{key}-{part}"] = forms.CharField(
                    label=label % {"name": name}, required=False, max_length=12, widget=forms.TextInput(attrs=attrs)
                )
        for part, longest in (("substance", 60), ("seen", 40)):
            self.fields[f"{key}-{part}"] = forms.CharField(required=False, max_length=longest, widget=forms.HiddenInput)

    # ------------------------------------------------------------------------------------------------------------ judge
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen = cleaned.get("regions", [])
        check_cream_area(self)
        components = 0
        for number, syringe in enumerate(self.typed, start=1):
            region = cleaned.get(f"s{number}-region")
            if region and chosen and region not in chosen:
                self.add_error(f"s{number}-region", _("Choose this region for the plan as well."))
            for place, line in enumerate(syringe.lines, start=1):
                components += self._clean_line(f"s{number}-l{place}", line)
            if not syringe.lines and len(self.typed) > 1 and not self.is_draft:
                self.add_error(f"s{number}-add", _("This syringe is empty. Add a component or take the syringe away."))
        if not components and not self.is_draft and not self.errors:
            self.add_error("s1-add", _("The mixture is empty."))
        return cleaned

    def _clean_line(self, key: str, line: building.TypedLine) -> int:
        """Works out the line's figures; 1 when it has an amount."""
        found = building.completed(line, self.rules.substances[line.substance])
        self.figures[key] = found
        problems = list(found.problems)
        if found.ml is not None and found.ml > MOST_ML:
            problems.append(("ml", "too-much"))
        if found.strength is not None and found.strength > MOST_STRENGTH:
            problems.append(("strength", "not-a-figure"))
        if found.ml is not None and found.ml != found.ml.quantize(building.ML_STEP):
            problems.append(("ml", "not-a-figure"))
        if not problems and found.ml is None:
            self.unfinished.append(name_of(line.substance, self.rules.substances))
            if self.is_draft:
                return 0
            problems.append(("ml", "missing"))
        for part, code in problems:
            name = f"{key}-{part}"
            if name not in self.errors:
                self.add_error(name if name in self.fields else None, SENTENCES[code])
        return 0 if problems else 1

    # ------------------------------------------------------------------------------------------------------------- give
    def plan(self) -> Plan:
        """The valid form as a plan; of a draft only the lines that have an amount."""
        data = self.cleaned_data
        syringes = []
        for number in range(1, len(self.typed) + 1):
            components = tuple(
                component
                for place in range(1, len(self.typed[number - 1].lines) + 1)
                if (component := self.component(f"s{number}-l{place}")) is not None
            )
            if components:
                syringes.append(
                    Syringe(
                        components=components,
                        region=data[f"s{number}-region"] or None,
                        technique=data[f"s{number}-technique"] or None,
                        points=data[f"s{number}-points"],
                        depth_mm=data[f"s{number}-depth_mm"],
                        area_cm2=data[f"s{number}-area_cm2"],
                    )
                )
        return Plan(
            indication=self.indication.code,
            category=self.indication.category.value,
            regions=tuple(data["regions"]),
            technique=data["technique"],
            delivery=data["delivery"],
            syringes=tuple(syringes),
            numbing_cream_g=data["numbing_cream_g"],
            numbing_area_cm2=data["numbing_area_cm2"],
            antiseptic=data["antiseptic"],
        )

    def component(self, key: str) -> Component | None:
        found = self.figures.get(key)
        if found is None or found.ml is None:
            return None
        unit = self.rules.substances[found.line.substance].strength_unit
        return Component(found.line.substance, found.ml, found.strength, unit or "mg/ml")

    def syringe_rows(self) -> list[SyringeRow]:
        """The syringes with their bound fields, in order."""
        return [self._row(number, syringe) for number, syringe in enumerate(self.typed, start=1)]

    def _row(self, number: int, syringe: building.TypedSyringe) -> SyringeRow:
        rows = []
        for place, line in enumerate(syringe.lines, start=1):
            key, substance = f"s{number}-l{place}", self.rules.substances[line.substance]
            rows.append(
                LineRow(
                    number=place, substance=substance, name=name_of(substance.code, self.rules.substances), key=key,
                    strength=self[f"{key}-strength"] if substance.strength_unit else None, ml=self[f"{key}-ml"],
                    dose=self[f"{key}-dose"] if building.is_dosed(substance) else None,
                    hidden=(self[f"{key}-substance"], self[f"{key}-seen"]), seen=self[f"{key}-seen"],
                    component=self.component(key),
                )
            )  # fmt: skip
        fields = {name: self[f"s{number}-{name}"] for name in (*building.SYRINGE_FIELDS, "add")}
        return SyringeRow(number=number, lines=tuple(rows), **fields)


class NewMixtureForm(MixtureForm, RhythmForm):
    """A mixture together with the rhythm of the new course it is for."""
