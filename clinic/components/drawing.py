"""What every component tag shares: drawing a template, attributes, figures as people write them."""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.forms.utils import flatatt
from django.template import engines
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString

Text = str | Promise


def draw(component: str, /, **context: Any) -> SafeString:
    """One component template, rendered with nothing but its own parameters."""
    return render_to_string(f"components/{component}.html", context)


def draw_compiled(component: str, /, *, of: str = "", **parameters: Any) -> SafeString:
    """The same for what lists draw many times over: a macro compiled to Python (`compiled.py`), in the file of its name."""
    return SafeString(macro(component, f"components/{of or component}.jinja")(**parameters))


def _macro(name: str, file: str) -> Any:
    engine: Any = engines["compiled"]
    return getattr(engine.env.get_template(file).module, name)


macro = _macro if settings.DEBUG else cache(_macro)  # while somebody works on a template, it is read anew


# Components are drawn without the page's context, so that a variable in it would not reach their icons.
LEAN: ContextVar[bool] = ContextVar("lean_icons", default=False)


def attributes(extra: dict[str, Any]) -> SafeString:
    """Further keywords of a tag as HTML attributes: `hx_post=url` becomes `hx-post="…"`; None and False add none."""
    if not extra:
        return SafeString("")
    return flatatt({key.replace("_", "-"): value for key, value in extra.items() if value not in (None, False)})


def kind_of(value: object) -> str:
    """A model's value as a kind: `in_treatment` -> `in-treatment`."""
    return str(value or "").lower().replace("_", "-")


def figure(value: object) -> str:
    """An amount as people write it: no needless zeros, the language's own decimal sign."""
    if value is None or value == "":
        return ""
    if isinstance(value, int | Decimal):
        plain = format(Decimal(value), "f")
        decimals = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return number_format(Decimal(decimals), decimal_pos=len(decimals.partition(".")[2]))
    return str(value)


def millilitres(value: Decimal | None) -> str:
    """A volume that is compared with others: always two decimals, more only where they were given."""
    if value is None:
        return ""
    places = max(2, len(figure(value).replace(",", ".").partition(".")[2]))
    return number_format(value, decimal_pos=places)
