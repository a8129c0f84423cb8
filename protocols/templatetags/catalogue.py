"""Catalogue words in templates: `{{ indication|in_words }}` in the reader's language."""
from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from patients.choices import Text
from protocols.choices import Status
from protocols.definitions import text_in
from protocols.mixing_rules import CATEGORY_WORDS, STATUS_WORDS

register = template.Library()


@register.filter
def in_words(definition: Any) -> str:
    """The name of a catalogue definition in the active language."""
    return definition.name_in(get_language() or "en") if definition else ""


@register.filter
def said(text: Text) -> str:
    """A text of the catalogue in the active language."""
    return text.get(get_language() or "en")


@register.filter
def status_words(status: Status) -> str:
    """Whether an entry may be used, in words."""
    return _("in use") if status == Status.ON else text_in(STATUS_WORDS[status], get_language() or "en")


@register.filter
def category_words(category: str) -> str:
    """The category of an indication in the active language."""
    return text_in(CATEGORY_WORDS[category], get_language() or "en")


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """`mapping|item:key`, the key itself where it is unknown."""
    return mapping.get(key, key)
