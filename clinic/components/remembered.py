"""`{% remembered "topbar" frame.key %}…{% endremembered %}`: a part of a page that only a few things decide is drawn once
for each set of them and language, in each process.

Name EVERYTHING that decides what stands inside; what differs with each request are the places that are filled in
afterwards: `csrf_token`, `here` (the page's address, for coming back to it) and `day_iso`.
"""

from __future__ import annotations

import secrets
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()

MOST = 1000  # drawings that are kept; then all are drawn anew
PLACES = {name: f"%{name}-{secrets.token_hex(8)}%" for name in ("csrf_token", "here", "day_iso")}  # nobody can type them
KEPT: dict[tuple[Any, ...], str] = {}


class Remembered(template.Node):
    def __init__(self, nodelist: template.NodeList, deciding: list[template.base.FilterExpression]) -> None:
        self.nodelist, self.deciding = nodelist, deciding

    def render(self, context: template.Context) -> SafeString:
        key = (get_language(), *(one.resolve(context) for one in self.deciding))
        drawn = KEPT.get(key)
        if drawn is None:
            with context.push(**PLACES):
                drawn = self.nodelist.render(context)
            self.keep(key, drawn)
        for name, place in PLACES.items():
            if place in drawn:
                drawn = drawn.replace(place, conditional_escape(str(context.get(name, ""))))
        return mark_safe(drawn)  # noqa: S308 - drawn by a template, its places escaped here

    @staticmethod
    def keep(key: tuple[Any, ...], drawn: str) -> None:
        if settings.DEBUG:
            return  # templates are being written
        if len(KEPT) >= MOST:
            KEPT.clear()
        KEPT[key] = drawn


@register.tag
def remembered(parser: Any, token: Any) -> Remembered:
    """The first word names the part, so that two parts that the same things decide are two."""
    _tag, *words = token.split_contents()
    nodelist = parser.parse(("endremembered",))
    parser.delete_first_token()
    return Remembered(nodelist, [parser.compile_filter(word) for word in words])
