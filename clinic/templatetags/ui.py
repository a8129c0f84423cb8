"""All component tags in one library. A builtin of every template (settings), so no page has to load it.

Markup lives in `templates/components/`, of what lists draw many times over in `templates/compiled/components/`;
docs/components.md lists the tags with their parameters.
"""

from __future__ import annotations

from django import template

from clinic.components import compiled, large, remembered, safety, small

register = template.Library()
for part in (small, safety, large, compiled, remembered):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)
