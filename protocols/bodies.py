"""What was typed as the catalogue stores it: no empty fields, decimals as text, words as lists. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def plain(number: Decimal) -> str:
    """The figure without an exponent and without zeros that say nothing."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def without_nothing(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is empty."""
    return {key: jsoned(value) for key, value in body.items() if value not in (None, "", [], {})}


def jsoned(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return without_nothing(value)
    return [jsoned(one) for one in value] if isinstance(value, list) else value


def listed(typed: str) -> list[str]:
    return [one.strip() for one in typed.split(",") if one.strip()]


def countries(typed: str) -> list[str]:
    return [one.upper() for one in listed(typed)]
