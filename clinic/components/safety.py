"""Components that speak about danger and readiness: alerts, findings, dose bars, ready lights, amounts.

They show what the rules decided; nothing is judged here but the place of a figure on its bar (`bars.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from clinic.components import bars
from clinic.components.drawing import Text, draw, draw_compiled, figure, kind_of, millilitres

register = template.Library()

ALERTS: dict[str, tuple[str, str, Text]] = {
    "safety": ("danger", "alert-triangle-filled", gettext_lazy("Safety")),
    "caution": ("caution", "alert-circle", gettext_lazy("Caution")),
    "note": ("booked", "info-circle", pgettext_lazy("how grave", "Note")),
}
STRIPS = {"danger": "alert-triangle-filled", "caution": "alert-circle", "ok": "circle-check", "note": "info-circle"}

# worst first, as a headline is chosen
OUTCOMES: dict[str, Text] = {
    "blocked": gettext_lazy("Blocked"),
    "incomplete": gettext_lazy("Incomplete"),
    "needs-clearance": gettext_lazy("Needs clearance"),
    "wait": gettext_lazy("Wait"),
    "wait-open": gettext_lazy("Wait, open"),
    "wait-until": gettext_lazy("Wait"),
    "caution": gettext_lazy("Caution"),
    "cleared": gettext_lazy("Cleared"),
    "note": pgettext_lazy("how grave", "Note"),
}
# other spellings that rules or models may use for the same outcome
SAME_OUTCOME = {
    "block": "blocked",
    "clearance": "needs-clearance",
    "clear": "cleared",
    "info": "note",
    "warn": "caution",
}

DOSE_WORDS: dict[str, Text] = {
    "in-range": gettext_lazy("in range"),
    "above-typical": gettext_lazy("above typical"),
    "over-limit": gettext_lazy("over the limit"),
    "incompatible": gettext_lazy("incompatible"),
    "unknown": gettext_lazy("cannot be judged"),
}
LIGHTS: dict[str, tuple[str, Text]] = {
    "ready": ("circle-check", gettext_lazy("ready")),
    "mend": ("alert-circle", gettext_lazy("missing")),
    "blocked": ("ban", gettext_lazy("blocked")),
}


def part(source: object, name: str, default: Any = "") -> Any:
    """An attribute or a key; callers hand over models, dataclasses or dicts."""
    found = source.get(name, default) if isinstance(source, dict) else getattr(source, name, default)
    return default if found is None else found


# -------------------------------------------------------------------------------------------------------------- alerts
@register.simple_tag(takes_context=True)
def alert_line(
    context: template.Context,
    kind: str,
    bold: Text,
    text: Text = "",
    seen: Text = "",
    link_text: Text = "",
    link_url: str = "",
    ack_url: str = "",
) -> SafeString:
    """One line of the alert banner. An unseen red line carries the button "I have seen this"."""
    tone, icon, word = ALERTS[kind_of(kind)]
    return draw(
        "alert_line",
        tone=tone,
        icon_name=icon,
        word=word,
        bold=bold,
        text=text,
        seen=seen,
        link_text=link_text,
        link_url=link_url,
        ack_url=ack_url,
        csrf_token=context.get("csrf_token", ""),
    )


@register.simple_tag(takes_context=True)
def alert_banner(context: template.Context, lines: Iterable[object], limit: int = 3) -> SafeString:
    """Red, amber, blue; at most `limit` lines in view. Red lines are never the ones that are folded away."""
    order = list(ALERTS)
    names = ("kind", "bold", "text", "seen", "link_text", "link_url", "ack_url")
    entries = sorted(
        ({name: part(line, name) for name in names} for line in lines), key=lambda e: order.index(kind_of(e["kind"]))
    )
    red = sum(kind_of(entry["kind"]) == "safety" for entry in entries)
    shown = max(limit, red)
    return draw("alert_banner", shown=entries[:shown], folded=entries[shown:], csrf_token=context.get("csrf_token", ""))


@register.simple_tag(takes_context=True)
def strip(
    context: template.Context,
    kind: str,
    icon: str = "",
    text: Text = "",
    bold: Text = "",
    link_text: Text = "",
    link_url: str = "",
    post_url: str = "",
) -> SafeString:
    """A complaint inside a card with the act that mends it."""
    return draw_compiled(
        "strip",
        kind=kind_of(kind),
        icon_name=icon or STRIPS.get(kind_of(kind), ""),
        text=text,
        bold=bold,
        link_text=link_text,
        link_url=link_url,
        post_url=post_url,
        csrf_token=context.get("csrf_token", ""),
    )


# ------------------------------------------------------------------------------------------------------------ findings
def outcome_of(found: object) -> str:
    """The outcome as a pill kind. What nobody knows is incomplete, never cleared."""
    kind = kind_of(part(found, "outcome") or part(found, "severity"))
    kind = SAME_OUTCOME.get(kind, kind)
    return kind if kind in OUTCOMES else "incomplete"


@register.simple_tag
def finding(found: object, link_text: Text = "", link_url: str = "", framed: bool = True) -> SafeString:
    """One result of the screening: what, why, from which answer, by which rule, and what would lift it."""
    outcome = outcome_of(found)
    title, sentence = part(found, "title"), part(found, "sentence")
    names = ("code", "rule_version", "source", "trigger", "lifts", "answered", "until", "explain_url")
    return draw(
        "finding",
        outcome=outcome,
        word=OUTCOMES[outcome],
        title=title or sentence,
        sentence=sentence if title else "",
        link_text=link_text or part(found, "link_text"),
        link_url=link_url or part(found, "link_url"),
        framed=framed,
        **{name: part(found, name) for name in names},
    )


@register.simple_tag
def findings(found: Iterable[object], nothing_found: int | None = None) -> SafeString:
    """All findings in one frame, worst first; `nothing_found` states what is fine."""
    order = list(OUTCOMES)
    return draw(
        "findings", entries=sorted(found, key=lambda entry: order.index(outcome_of(entry))), nothing_found=nothing_found
    )


# --------------------------------------------------------------------------------------------------------- dose, limit
@register.simple_tag
def dose_bar(
    total: object = None,
    value: Decimal | None = None,
    limit: Decimal | None = None,
    typical_low: Decimal | None = None,
    typical_high: Decimal | None = None,
    unit: str = "",
    state: str = "",
) -> SafeString:
    """The amount between zero, the typical range and the hard limit; figures under the bar. All in one unit."""
    if total is not None:
        value, limit, typical_low, typical_high, unit, state = (
            part(total, name, given)
            for name, given in (
                ("value", value),
                ("limit", limit),
                ("typical_low", typical_low),
                ("typical_high", typical_high),
                ("unit", unit),
                ("state", state),
            )
        )
    places = bars.dose_bar(value=value, limit=limit, typical_low=typical_low, typical_high=typical_high)
    shown = kind_of(state) if kind_of(state) in DOSE_WORDS else places.state
    band = None
    if places.low_at is not None and places.high_at is not None:
        band = str(places.high_at - places.low_at)
    return draw(
        "dose_bar",
        state=shown,
        word=DOSE_WORDS[shown],
        places={
            name: None if at is None else str(at)
            for name, at in (
                ("value", places.value_at),
                ("limit", places.limit_at),
                ("low", places.low_at),
                ("high", places.high_at),
            )
        },
        band=band,
        value=figure(value),
        limit=figure(limit),
        low=figure(typical_low),
        high=figure(typical_high),
        unit=unit,
    )


@register.simple_tag
def meter(
    label: Text,
    value: Decimal | None,
    limit: Decimal | None,
    unit: str = "",
    warn_from: Decimal | None = None,
    note: Text = "",
    state: str = "",
) -> SafeString:
    """A bar that ends at its limit: "Volume, thighs 10 of 10 ml"."""
    judged, filled = bars.meter(value=value, limit=limit, warn_from=warn_from)
    return draw(
        "meter",
        label=label,
        value=figure(value),
        limit=figure(limit),
        unit=unit,
        note=note,
        state=kind_of(state) or judged,
        word=DOSE_WORDS[kind_of(state) or judged],
        filled=str(filled),
    )


# --------------------------------------------------------------------------------------------------------------- ready
@register.simple_tag(takes_context=True)
def ready_light(context: template.Context, light: object) -> SafeString:
    """One must before the needle. An unknown state counts as missing."""
    state = kind_of(part(light, "state"))
    state = state if state in LIGHTS else "mend"
    icon, word = LIGHTS[state]
    return draw(
        "ready_light",
        state=state,
        word=word,
        icon_name=icon if state == "ready" else part(light, "icon") or icon,
        name=part(light, "name"),
        detail=part(light, "detail"),
        act_text=part(light, "act_text"),
        act_url=part(light, "act_url"),
        act_post=part(light, "act_post", False),
        csrf_token=context.get("csrf_token", ""),
    )


@register.simple_tag(takes_context=True)
def ready_strip(context: template.Context, lights: Iterable[object]) -> SafeString:
    """All lights in the caller's order, which never depends on their state."""
    return draw("ready_strip", lights=list(lights), csrf_token=context.get("csrf_token", ""))


@register.simple_tag
def amounts(shown: object, lots_text: Text = "") -> SafeString:
    """Points x ml = ml to inject = ml drawn up less waste = ml from the lots. Red when it does not add up."""
    inject, waste = part(shown, "inject_ml", Decimal(0)), part(shown, "waste_ml", Decimal(0))
    whole = inject + waste
    share = (inject * 100 / whole).quantize(Decimal("0.01")) if whole else Decimal(0)
    names = ("per_point_ml", "inject_ml", "waste_ml", "drawn_ml", "lots_ml", "difference_ml")
    return draw(
        "amounts",
        agrees=bool(part(shown, "agrees", False)),
        inject_share=str(share),
        waste_share=str(100 - share),
        lots_text=lots_text or _("Taken from lots"),
        points=figure(part(shown, "points", None)),
        **{name: millilitres(part(shown, name, None)) for name in names},
    )
