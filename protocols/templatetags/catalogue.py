"""Catalogue words in templates: `{{ indication|in_words }}` in the reader's language."""
from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def in_words(definition: Any) -> str:
    """The name of a catalogue definition in the active language."""
    return definition.name_in(get_language() or "en") if definition else ""


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """`mapping|item:key`, the key itself where it is unknown."""
    return mapping.get(key, key)
