"""Forms of the session screen: identity, history, gates, amounts with lots and points, end, signature."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from protocols.definitions import Catalogue
from sessions.amounts import AreaLine, ProductLine
from sessions.explaining import name_of
from sessions.forms.moments import SiteMomentField
from sessions.models import Lot, TreatedArea, TreatmentSession, UsedProduct
from sessions.plans import planned_places, planned_syringe

IDENTIFIERS = [
    ("name", _("Full name")),
    ("birth-date", _("Birth date")),
    ("photo", _("Photo or identity card")),
    ("phone", _("Phone number")),
]


class IdentityForm(HouseForm):
    identifiers = forms.MultipleChoiceField(
        label=_("Which two did the patient say?"), choices=IDENTIFIERS, widget=forms.CheckboxSelectMultiple
    )

    def clean_identifiers(self) -> str:
        chosen = self.cleaned_data["identifiers"]
        if len(chosen) < 2:
            raise forms.ValidationError(_("Ask for at least two."))
        return ", ".join(str(label) for value, label in IDENTIFIERS if value in chosen)


class HistoryForm(HouseForm):
    """Neither answer is chosen beforehand; a change is written down and screened again."""

    answer = forms.ChoiceField(
        label=_("What changed since last time?"),
        choices=[("nothing", _("Nothing changed")), ("changed", _("Something changed"))],
        widget=forms.RadioSelect,
    )
    changes = forms.CharField(
        label=_("What changed"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("answer") == "changed" and not cleaned.get("changes", "").strip():
            self.add_error("changes", _("Write what changed."))
        if cleaned.get("answer") == "nothing" and cleaned.get("changes", "").strip():
            self.add_error("answer", _("Something is written below; choose “Something changed”."))
        return cleaned


class GateForm(HouseForm):
    reason = forms.CharField(label=_("Why may it be passed?"), max_length=200)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one syringe goes, as a row of the form. `key` is the region alone while there is one syringe."""

    key: str
    syringe: int
    region: str
    name: str
    depth_mm: Decimal | None


def places_of(record: TreatmentSession, rules: Catalogue) -> list[Place]:
    """A row for each syringe in each of its regions, with what was planned for it."""
    found = planned_places(record)
    several = len({number for number, _region in found}) > 1
    places = []
    for number, region in found:
        planned = planned_syringe(record, number)
        depth = planned.get("depth_mm")
        name = name_of(region, rules.regions)
        places.append(
            Place(
                key=f"{number}_{region}" if several else region,
                syringe=number,
                region=region,
                name=str(_("Syringe %(number)s, %(region)s") % {"number": number, "region": name}) if several else name,
                depth_mm=Decimal(depth) if depth else None if several else record.depth_mm,
            )
        )
    return places


def line_name(product: UsedProduct, rules: Catalogue, *, several: bool) -> str:
    """The component; with more than one syringe also which one it goes into."""
    name = name_of(product.substance, rules.substances)
    return str(_("Syringe %(number)s: %(name)s") % {"number": product.syringe, "name": name}) if several else name


class AmountsForm(HouseForm):
    """One line per component (ml, lot) and per region (points, ml per point, depth). Nothing has to agree yet."""

    wasted_ml = forms.DecimalField(
        label=_("Left over, recorded as waste"),
        min_value=Decimal(0),
        max_value=Decimal(60),
        max_digits=6,
        decimal_places=3,
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    reaction_note = forms.CharField(
        label=_("Reaction during the session"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self, *args: Any, record: TreatmentSession, products: list[UsedProduct], lots: dict[str, list[Lot]],
        rules: Catalogue, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, seen_version=record.version, **kwargs)
        self.record, self.products, self.lots = record, products, lots
        self.places = places_of(record, rules)
        several = len({product.syringe for product in products}) > 1
        self.names = {product.position: line_name(product, rules, several=several) for product in products}
        for product in products:
            self._add_product_fields(product)
        known = {(area.syringe, area.region): area for area in record.areas.all()}
        for place in self.places:
            self._add_area_fields(place, known.get((place.syringe, place.region)))
        self.initial = {
            **self.initial,
            "wasted_ml": record.wasted_ml.normalize() if record.wasted_ml is not None else Decimal(0),
            "note": record.note,
            "reaction_note": record.reaction_note,
        }

    def _add_product_fields(self, product: UsedProduct) -> None:
        position = product.position
        usable = list(self.lots.get(product.substance, []))
        if product.lot is not None and product.lot not in usable:
            usable.append(product.lot)
        self.fields[f"ml_{position}"] = forms.DecimalField(
            label=_("Drawn up, ml"), min_value=Decimal("0.001"), max_value=Decimal(60), max_digits=6, decimal_places=3,
            initial=plain(product.volume_ml), widget=forms.NumberInput(attrs={"step": "0.001"}),
        )  # fmt: skip
        self.fields[f"lot_{position}"] = forms.ChoiceField(
            label=_("Lot"), required=False, initial=product.lot.public_id if product.lot else "",
            choices=[("", _("Choose a lot")), *((lot.public_id, lot_words(lot)) for lot in usable)],
        )  # fmt: skip

    def _add_area_fields(self, place: Place, area: TreatedArea | None) -> None:
        code, depth = place.key, area.depth_mm if area else place.depth_mm
        self.fields[f"points_{code}"] = forms.IntegerField(
            label=_("Points"), min_value=1, max_value=2000, required=False, initial=area.points if area else None
        )
        self.fields[f"perpoint_{code}"] = forms.DecimalField(
            label=_("ml per point"), min_value=Decimal("0.0001"), max_value=Decimal(1), max_digits=5, decimal_places=4,
            required=False, initial=plain(area.ml_per_point) if area else None,
            widget=forms.NumberInput(attrs={"step": "0.0001"}),
        )  # fmt: skip
        self.fields[f"depth_{code}"] = forms.DecimalField(
            label=_("Depth in mm"), min_value=Decimal(0), max_value=Decimal(20), max_digits=4, decimal_places=2,
            required=False, initial=plain(depth) if depth is not None else None,
            widget=forms.NumberInput(attrs={"step": "0.01"}),
        )  # fmt: skip

    def differences(self, saved: AmountsForm) -> list[tuple[str, str]]:
        """(label, what is saved now) for each field where that is not what was typed here. Unlike words compare equal
        when they mean the same amount."""
        return [
            (str(field.label), saved.value_in_words(field.name))
            for field in self.visible_fields()
            if same(field.value()) != same(saved[field.name].value())
        ]

    def value_in_words(self, name: str) -> str:
        """The field's value as a person reads it: a lot by its number, not by its key."""
        value = self[name].value()
        choices = dict(getattr(self.fields[name], "choices", []))
        return str(choices.get(value, "–" if value in (None, "") else value))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for code in (place.key for place in self.places):
            given = [name for name in ("points", "perpoint") if cleaned.get(f"{name}_{code}") is not None]
            missing = [name for name in ("points", "perpoint", "depth") if cleaned.get(f"{name}_{code}") is None]
            if given:
                for name in missing:
                    if f"{name}_{code}" not in self.errors:
                        self.add_error(f"{name}_{code}", _("Needed with the others."))
        return cleaned

    def product_lines(self) -> list[ProductLine]:
        by_id = {lot.public_id: lot for lots in self.lots.values() for lot in lots}
        by_id |= {product.lot.public_id: product.lot for product in self.products if product.lot}
        return [
            ProductLine(
                position=product.position,
                volume_ml=self.cleaned_data[f"ml_{product.position}"],
                lot=by_id.get(self.cleaned_data[f"lot_{product.position}"]),
            )
            for product in self.products
        ]

    def area_lines(self) -> list[AreaLine]:
        data = self.cleaned_data
        return [
            AreaLine(
                region=place.region, syringe=place.syringe, points=data[f"points_{place.key}"],
                ml_per_point=data[f"perpoint_{place.key}"], depth_mm=data[f"depth_{place.key}"],
            )
            for place in self.places
            if data.get(f"points_{place.key}")
        ]  # fmt: skip

    def product_rows(self) -> list[tuple[UsedProduct, str, forms.BoundField, forms.BoundField]]:
        """Each component with its name and its two fields, for the template."""
        return [
            (product, self.names[product.position], self[f"ml_{product.position}"], self[f"lot_{product.position}"])
            for product in self.products
        ]

    def area_rows(self) -> list[tuple[str, forms.BoundField, forms.BoundField, forms.BoundField]]:
        return [
            (place.name, self[f"points_{place.key}"], self[f"perpoint_{place.key}"], self[f"depth_{place.key}"])
            for place in self.places
        ]


def plain(amount: Decimal) -> str:
    """Without zeros at the end and never as an exponent: 2, 0.05, 10."""
    return f"{amount.normalize():f}"


def same(value: object) -> object:
    """A value for comparing two tries: "2.0" and "2" are one amount, empty is empty."""
    text = "" if value is None else str(value).strip()
    try:
        return Decimal(text)
    except InvalidOperation:
        return text.replace("\r\n", "\n")


def lot_words(lot: Lot) -> str:
    """Number first, because that is what is read off the vial."""
    return f"{lot.lot_number} · {lot.product} · {lot.expires_on:%d.%m.%Y} · {plain(lot.balance_ml)} ml"


class ActForm(HouseForm):
    """Begin and end carry only the version that was seen."""


class CorrectEndForm(HouseForm):
    ended_at = SiteMomentField(label=_("When did the treatment end?"))
    reason = forms.CharField(label=_("Why is it corrected?"), max_length=200)

    def __init__(self, *args: Any, record: TreatmentSession, **kwargs: Any) -> None:
        super().__init__(*args, seen_version=record.version, **kwargs)
        self.fields["ended_at"].at_site(record.appointment.site, shows=record.ended_at)  # type: ignore[attr-defined]


class TakeBackForm(HouseForm):
    reason = forms.CharField(label=_("Why is it taken back?"), max_length=200)


class TakeBackBeginForm(TakeBackForm):
    nothing_given = forms.BooleanField(label=_("Nothing was injected"))


class SignForm(HouseForm):
    password = forms.CharField(
        label=_("Your password"), max_length=128, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class AddendumForm(HouseForm):
    text = forms.CharField(label=_("Addition"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
