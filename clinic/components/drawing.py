"""What every component tag shares: drawing a template, attributes, figures as people write them."""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString, mark_safe
from django.utils.translation import get_language

Text = str | Promise


def draw(component: str, /, **context: Any) -> SafeString:
    """One component template, rendered with nothing but its own parameters."""
    return render_to_string(f"components/{component}.html", context)


# Components are drawn without the page's context, so that a variable in it would not reach their icons.
LEAN: ContextVar[bool] = ContextVar("lean_icons", default=False)
ADDRESS = "%address%"  # where the address goes in what is drawn once for many addresses


def draw_known(component: str, /, *, href: str = "", **context: Any) -> SafeString:
    """Like `draw`, for components of few words that come back all the time: drawn once for each set of words. `href` is
    filled in afterwards, because nearly every link has its own."""
    words = tuple((name, value, isinstance(value, SafeData)) for name, value in context.items())
    drawn = _drawn(component, get_language(), LEAN.get(), words, bool(href))
    return mark_safe(drawn.replace(ADDRESS, conditional_escape(href))) if href else drawn  # noqa: S308 - escaped here


@lru_cache(maxsize=1024)
def _drawn(
    component: str, _language: str | None, _lean: bool, words: tuple[tuple[str, Any, bool], ...], is_link: bool
) -> SafeString:
    """What is marked safe and what only reads the same are two things, and so are two languages and two sprites."""
    return draw(component, href=ADDRESS if is_link else "", **{name: value for name, value, _is_safe in words})


def attributes(extra: dict[str, Any]) -> SafeString:
    """Further keywords of a tag as HTML attributes: `hx_post=url` becomes `hx-post="…"`; None and False add none."""
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
