"""Forms of a course: what is wished, why it stops, what is cleared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.forms import HouseForm
from clinic.models import Site, User
from protocols.choices import Status
from protocols.definitions import Catalogue, Indication, Mixture, MixtureItem, Phase
from protocols.plan import Component, Plan, Syringe
from sessions.coursework import Wish
from sessions.explaining import name_of

MOST_ML = Decimal(60)
AREA: Mapping[str, Any] = {"min_value": Decimal("0.1"), "max_value": Decimal(20_000), "max_digits": 6, "decimal_places": 1}
ANTISEPTICS = [("chlorhexidine", _("Chlorhexidine 2 % in alcohol")), ("iodine", _("Iodine"))]


def scaled_items(mixture: Mixture, indication: str) -> Iterator[tuple[MixtureItem, Decimal]]:
    """The lines with their ml for this indication: all volumes scaled by one factor where it takes less in total."""
    total = mixture.total_ml_for.get(indication)
    factor = total / mixture.total_ml if total is not None else Decimal(1)
    for item in mixture.items:
        yield item, (item.volume_ml * factor).quantize(Decimal("0.001")).normalize()


def interval_words(indication: Indication) -> str:
    """The usual interval of each phase with its range; empty where there is a single session."""
    spans = [phase.interval_days for phase in indication.phases if phase.interval_days is not None]
    ranges = [
        _("%(usual)s (%(low)s–%(high)s)") % {"usual": one.default, "low": one.low, "high": one.high}
        if one.high is not None
        else _("%(usual)s (at least %(low)s)") % {"usual": one.default, "low": one.low}
        for one in spans
    ]
    return _("Usual: %(days)s") % {"days": ", ".join(str(one) for one in ranges)} if ranges else ""


def phase_field(phase: Phase) -> forms.IntegerField:
    """How many sessions one phase takes; the most of the reference is the most that can be typed."""
    label = _("Sessions in phase %(name)s") % {"name": phase.name}
    span = phase.sessions
    words = _("Usual: %(usual)s (%(low)s–%(high)s)") % {"usual": span.default, "low": span.low, "high": span.high}
    return forms.IntegerField(label=label, min_value=span.low, max_value=span.high, required=False, help_text=words)


class RhythmForm(HouseForm):
    """Who treats, how often, from when, for how much: what every new course needs beside its plan."""

    practitioner = forms.ModelChoiceField(
        label=_("Practitioner"), queryset=User.objects.none(), to_field_name="public_id"
    )
    sessions = forms.IntegerField(label=pgettext_lazy("course", "Sessions"), min_value=1, max_value=30)
    interval_days = forms.IntegerField(label=_("Days between sessions"), min_value=1, max_value=365, required=False)
    first_day = forms.DateField(label=_("First session from"), widget=forms.DateInput(attrs={"type": "date"}))
    wall_time = forms.TimeField(label=_("Usual time"), widget=forms.TimeInput(attrs={"type": "time"}))
    price_per_session = forms.DecimalField(label=_("Price per session"), min_value=Decimal(0), max_digits=9,
                                           decimal_places=2, required=False)  # fmt: skip
    currency = forms.ChoiceField(
        label=_("Currency"), choices=[("EUR", "EUR"), ("TRY", "TRY"), ("GBP", "GBP"), ("USD", "USD")]
    )

    site: Site
    indication: Indication

    def offer_rhythm(self, user: User) -> dict[str, Any]:
        """Fill the choices; returns what the catalogue and the site suggest. The doctor who plans is the one who treats,
        where that fits."""
        people = User.objects.practitioners_at(self.site)
        self.fields["practitioner"].queryset = people  # type: ignore[attr-defined]
        self.fields["interval_days"].help_text = interval_words(self.indication)
        for number, phase in enumerate(self.indication.phases, start=1):
            if len(self.indication.phases) > 1:
                self.fields[f"phase_{number}"] = phase_field(phase)
        return {
            "sessions": self.indication.sessions.default,
            "first_day": (self.site.today() + dt.timedelta(days=2)).isoformat(),
            "wall_time": "10:00",
            "practitioner": user.public_id if user in people else None,
            "currency": {"TR": "TRY", "GB": "GBP"}.get(self.site.country, "EUR"),
        }

    @property
    def phase_fields(self) -> list[Any]:
        """The fields of the phases, where the indication has more than one."""
        return [self[name] for name in self.fields if name.startswith("phase_")]

    def phase_sessions(self) -> tuple[int, ...] | None:
        """The numbers the clinician set; None when all were left to the planner."""
        asked = [self.cleaned_data.get(name) for name in self.fields if name.startswith("phase_")]
        given = tuple(number for number in asked if number is not None)
        return given if given and len(given) == len(asked) else None

    def clean(self) -> dict[str, Any]:
        """All phases or none: half a choice would be guessed at."""
        cleaned = super().clean() or self.cleaned_data
        names = [name for name in self.fields if name.startswith("phase_")]
        given = [name for name in names if cleaned.get(name) is not None]
        if given and not set(names) & set(self.errors):
            for name in set(names) - set(given):
                self.add_error(name, _("Give the sessions of every phase, or of none."))
            if len(given) == len(names):
                cleaned["sessions"] = sum(cleaned[name] for name in names)
        return cleaned

    def clean_first_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["first_day"]
        today = self.site.today()
        if day < today:
            raise forms.ValidationError(_("This day has passed."))
        if day > today + dt.timedelta(days=365):
            raise forms.ValidationError(_("Choose a day within the next year."))
        return day

    def wish_for(self, plan: Plan, *, mixture: str) -> Wish:
        """The valid rhythm with a plan, as the wish that is judged and saved."""
        data = self.cleaned_data
        return Wish(
            plan=plan,
            mixture=mixture,
            site=self.site,
            practitioner=data["practitioner"],
            first_day=data["first_day"],
            wall_time=data["wall_time"],
            sessions=data["sessions"],
            phase_sessions=self.phase_sessions(),
            interval_days=data["interval_days"],
            price_per_session=data["price_per_session"],
            currency=data["currency"] if data["price_per_session"] is not None else "",
        )


def check_cream_area(form: HouseForm) -> None:
    """An area without cream says nothing."""
    area, cream = (form.cleaned_data.get(name) for name in ("numbing_area_cm2", "numbing_cream_g"))
    if area is not None and not cream and "numbing_cream_g" not in form.errors:
        form.add_error("numbing_area_cm2", _("Say how much cream covers it."))


class CourseForm(RhythmForm):
    """What to give and in which rhythm. One volume field per line of the chosen example mixture."""

    regions = forms.MultipleChoiceField(label=_("Regions"), widget=forms.CheckboxSelectMultiple)
    technique = forms.ChoiceField(label=_("Technique"))
    delivery = forms.ChoiceField(label=_("Delivery"))
    points = forms.IntegerField(label=_("Points"), min_value=1, max_value=2000, required=False,
                                help_text=_("Judged only once entered"))  # fmt: skip
    depth_mm = forms.DecimalField(label=_("Depth in mm"), min_value=Decimal("0"), max_value=Decimal("20"),
                                  max_digits=4, decimal_places=2, required=False)  # fmt: skip
    numbing_cream_g = forms.DecimalField(label=_("Numbing cream in g"), min_value=Decimal("0.1"),
                                         max_value=Decimal("100"), max_digits=5, decimal_places=1,
                                         required=False)  # fmt: skip
    area_cm2 = forms.DecimalField(label=_("Area in cm²"), required=False, help_text=_("Judged only once entered"), **AREA)
    numbing_area_cm2 = forms.DecimalField(label=_("Skin under the cream in cm²"), required=False, **AREA)
    antiseptic = forms.ChoiceField(label=_("Antiseptic"), choices=ANTISEPTICS)

    def __init__(
        self,
        *args: Any,
        site: Site,
        rules: Catalogue,
        indication: Indication,
        mixture: Mixture,
        user: User,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.site, self.rules, self.indication, self.mixture = site, rules, indication, mixture
        self.fields["regions"].choices = [  # type: ignore[attr-defined]
            (code, name_of(code, rules.regions)) for code in indication.regions if code in rules.regions
        ]
        usual = [rules.techniques[code] for code in indication.techniques if code in rules.techniques]
        self.fields["technique"].choices = [  # type: ignore[attr-defined]
            (one.code, name_of(one.code, rules.techniques)) for one in usual
        ]
        self.fields["delivery"].choices = [  # type: ignore[attr-defined]
            (one.code, name_of(one.code, rules.deliveries)) for one in rules.deliveries.values() if one.status == Status.ON
        ]
        for item, volume_ml in scaled_items(mixture, indication.code):
            self.fields[f"ml_{item.substance}"] = forms.DecimalField(
                label=name_of(item.substance, rules.substances), min_value=Decimal(0), max_value=MOST_ML,
                max_digits=6, decimal_places=3, initial=volume_ml, widget=forms.NumberInput(attrs={"step": "0.1"}),
            )  # fmt: skip
        self.asks_area = any(rules.substances[one.substance].max_per_cm2 is not None for one in mixture.items)
        self.initial = {**self.initial, **self._defaults(user)}

    def _defaults(self, user: User) -> dict[str, Any]:
        first = self.fields["regions"].choices  # type: ignore[attr-defined]
        return self.offer_rhythm(user) | {
            "regions": [first[0][0]] if first else [],
            "technique": self.mixture.technique,
            "delivery": "dv-manual",
        }

    def volume_fields(self) -> list[tuple[MixtureItem, forms.BoundField]]:
        """Each mixture line with its bound volume field, for the template."""
        return [(item, self[f"ml_{item.substance}"]) for item in self.mixture.items]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        check_cream_area(self)
        volumes = [cleaned.get(f"ml_{item.substance}") for item in self.mixture.items]
        if all(volume is not None for volume in volumes) and not any(volumes):
            self.add_error(f"ml_{self.mixture.items[0].substance}", _("The mixture is empty."))
        return cleaned

    def wish(self) -> Wish:
        """The valid form as the wish that is judged and saved."""
        data = self.cleaned_data
        components = tuple(
            Component(
                substance=item.substance,
                volume_ml=data[f"ml_{item.substance}"],
                strength=item.strength,
                strength_unit=item.strength_unit,
            )
            for item in self.mixture.items
            if data[f"ml_{item.substance}"]
        )
        plan = Plan(
            indication=self.indication.code,
            category=self.indication.category,
            regions=tuple(data["regions"]),
            technique=data["technique"],
            delivery=data["delivery"],
            syringes=(Syringe(components=components, points=data["points"], depth_mm=data["depth_mm"],
                              area_cm2=data["area_cm2"]),),
            numbing_cream_g=data["numbing_cream_g"],
            numbing_area_cm2=data["numbing_area_cm2"],
            antiseptic=data["antiseptic"],
        )
        return self.wish_for(plan, mixture=self.mixture.code)


class ApproveForm(HouseForm):
    """Approving carries only the version the practitioner saw."""


class StopForm(HouseForm):
    reason = forms.CharField(label=_("Why does it stop?"), max_length=200)
