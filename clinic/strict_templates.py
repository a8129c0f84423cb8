"""Templates of papers: autoescaped, and an undefined name is an error instead of an empty gap on a printed page.

Papers see nothing but their own content: no request, no context processors, no loaders beyond `templates/documents/`.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine


class UndefinedName(LookupError):
    """A template speaks of something its content does not have."""


class _Complaint(str):
    """Django puts this where a name is missing, as `"%s" % name`; it refuses instead."""

    def __contains__(self, item: object) -> bool:
        return item == "%s"

    def __bool__(self) -> bool:
        return True

    def __mod__(self, name: object) -> str:
        raise UndefinedName(f"The template names {name}, which its content does not have.")


@cache
def engine() -> Engine:
    return Engine(
        dirs=[str(settings.BASE_DIR / "templates" / "documents")],
        builtins=["django.templatetags.i18n", "clinic.templatetags.ui"],
        string_if_invalid=_Complaint(),
        autoescape=True,
    )


def render_strictly(name: str, content: Mapping[str, Any]) -> str:
    """The HTML of a paper. Raises `UndefinedName`."""
    return engine().get_template(name).render(Context(dict(content)))
