"""The second template engine, for what a page draws eighty times: Jinja2 compiles it to Python.

Its templates are in `templates/compiled/`; docs/decisions/0026 says when something belongs there. Escaping is on, and a name
the context does not have is an error. They know the components by their tags' names, as functions: `{{ pill("booked", word) }}`,
and around other content `{% call lane(title=...) %}...{% endcall %}`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.template import engines
from django.template.defaultfilters import capfirst
from django.urls import reverse
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext
from jinja2 import Environment, StrictUndefined, pass_context
from markupsafe import Markup

from clinic.components import large, safety, small
from clinic.components.drawing import figure
from clinic.components.outlines import ANY_ID, outline, safe_id

register = template.Library()


def environment(**options: Any) -> Environment:
    """What the templates may use; `TEMPLATES` in the settings names this function."""
    made = Environment(  # noqa: S701 - escaping is on, as is an error for every name that is missing
        **options | {"autoescape": True, "undefined": StrictUndefined}, trim_blocks=True, lstrip_blocks=True
    )
    made.globals |= {"_": said, "ngettext": said_of_many, "pgettext": said_of_one_meaning}
    made.globals |= {tag.__name__: tag for tag in (small.icon, small.pill, small.marks, small.button, small.menu_link)}
    made.globals |= {tag.__name__: around(tag) for tag in (small.more_menu, large.card, large.lane)}
    made.globals |= {"strip": pass_context(safety.strip), "any_id": ANY_ID, "outline": outline, "url": url}
    made.filters |= {"tuple": tuple, "capfirst": capfirst, "clock": clock, "date": day_words, "figure": figure, "of": of}
    return made


def around(tag: Callable[..., SafeString]) -> Callable[..., SafeString]:
    """A component around other content, for `{% call %}`."""

    def drawn(*words: Any, caller: Callable[[], str], **named: Any) -> SafeString:
        return tag(caller(), *words, **named)

    return drawn


@register.simple_tag(takes_context=True)
def compiled(context: template.Context, name: str) -> SafeString:
    """A compiled template inside a page of Django's engine, with all that the page knows."""
    return SafeString(drawn(name, context.flatten()))


def drawn(name: str, known: Mapping[Any, Any]) -> str:
    """A compiled template by itself: a mail, of which many are written."""
    engine: Any = engines["compiled"]
    return str(engine.env.get_template(name).render(known))


# --- words, with the values a translation names: `{{ _("late by %(n)s min", n=minutes) }}` ------------------------------
def said(text: str, **values: object) -> Markup:
    return Markup(gettext(text)) % values if values else Markup(gettext(text))  # noqa: S704 - our words; `%` escapes values


def said_of_many(one: str, many: str, count: int, **values: object) -> Markup:
    return Markup(ngettext(one, many, count)) % values  # noqa: S704


def said_of_one_meaning(meaning: str, text: str, **values: object) -> Markup:
    return Markup(pgettext(meaning, text)) % values if values else Markup(pgettext(meaning, text))  # noqa: S704


# --- addresses and times ----------------------------------------------------------------------------------------------------
def url(name: str, *args: object) -> str:
    """As `{% url %}`. In a list it is asked once, for `any_id`."""
    return reverse(name, args=args)


def of(drawn: str, public_id: str) -> str:
    """What was drawn once for `any_id`, for this one; as safe as it was, for an id in an address is no markup."""
    return type(drawn)(str.replace(drawn, ANY_ID, safe_id(public_id)))


def clock(moment: dt.datetime) -> str:
    """Hours and minutes of a moment that is in the site's time already, alike in every language."""
    return f"{moment.hour:02}:{moment.minute:02}"


def day_words(day: dt.date, how: str) -> str:
    """A date in the reader's language, by a format of Django's without a time of day."""
    return _day_words(day.year, day.month, day.day, how, get_language())


@lru_cache(maxsize=1024)  # the visits of a day come back on the same few days
def _day_words(year: int, month: int, day: int, how: str, _language: str | None) -> str:
    return date_format(dt.date(year, month, day), how)
