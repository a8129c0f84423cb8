"""The larger components: page head, cards, lanes, timeline, tabs, empty state, panels, pager."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic.components.drawing import Text, draw, draw_compiled, kind_of
from clinic.components.safety import part

register = template.Library()

STEP_ICONS = {"done": "check", "missed": "x"}


@register.simple_block_tag
def page_head(
    content: str,
    title: object,
    lead: Text = "",
    crumbs: Iterable[tuple[Text, str]] = (),
    pill_kind: str = "",
    pill_text: Text = "",
    avatar_initials: str = "",
    private_title: bool = False,
) -> SafeString:
    """The one h1 of the page with its acts at the end; the content is the buttons."""
    return draw(
        "page_head",
        content=content,
        title=title,
        lead=lead,
        crumbs=list(crumbs),
        pill_kind=pill_kind,
        pill_text=pill_text,
        avatar_initials=avatar_initials,
        private_title=private_title,
    )


@register.simple_block_tag
def card(
    content: str, title: Text = "", icon: str = "", note: Text = "", level: int = 3, flush: bool = False, css: str = ""
) -> SafeString:
    """A framed part of a page. Never put one inside another."""
    return draw_compiled("card", content=content, title=title, icon_name=icon, note=note, level=level, flush=flush, css=css)


def entries(items: Iterable[object]) -> list[dict[str, Any]]:
    names = ("label", "url", "active", "count", "icon", "tone")
    return [{name: part(item, name) for name in names} for item in items]


@register.simple_tag
def tabs(items: Iterable[object], label: Text = "") -> SafeString:
    """Links to the parts of one thing; the active one is the current page."""
    return draw("tabs", items=entries(items), label=label or _("Sections"))


@register.simple_tag
def segments(items: Iterable[object], label: Text = "") -> SafeString:
    """A choice between ways of looking at the same list."""
    return draw("segments", items=entries(items), label=label or pgettext("segments", "View"))


@register.simple_block_tag
def lane(
    content: str, title: Text, count: object = "", dot: str = "neutral", note: Text = "", id: str = ""
) -> SafeString:
    return draw_compiled("lane", content=content, title=title, count=count, dot=kind_of(dot), note=note, id=id)


@register.simple_block_tag
def board_card(
    content: str,
    url: str,
    time: object,
    name: object,
    category: str = "",
    line: Text = "",
    place: Text = "",
    marks: Iterable[str] = (),
    initials: str = "",
    pill_kind: str = "",
    pill_text: Text = "",
    selected: bool = False,
    id: str = "",
) -> SafeString:
    """One appointment on the board; the whole card opens it, the content holds complaints and acts."""
    return draw_compiled(
        "board_card",
        content=content,
        url=url,
        time=time,
        name=name,
        category=kind_of(category),
        line=line,
        place=place,
        names=list(marks or ()),
        initials=initials,
        pill_kind=pill_kind,
        pill_text=pill_text,
        selected=selected,
        id=id,
    )


@register.simple_block_tag
def timeline_card(
    content: str,
    date: object,
    title: object,
    ago: Text = "",
    number: str = "",
    note: Text = "",
    today: bool = False,
    pill_kind: str = "",
    pill_text: Text = "",
    url: str = "",
) -> SafeString:
    """One visit: the date column, the title with n/N, and what the caller puts below."""
    return draw(
        "timeline_card",
        content=content,
        date=date,
        title=title,
        ago=ago,
        number=number,
        note=note,
        today=today,
        pill_kind=pill_kind,
        pill_text=pill_text,
        url=url,
    )


@register.simple_tag
def course_line(steps: Iterable[object]) -> SafeString:
    """Numbered steps of a course: done, today, next to book, later, missed."""
    shown = []
    for step in steps:
        state = kind_of(part(step, "state", "later"))
        shown.append(
            {
                "number": part(step, "number"),
                "state": state,
                "label": part(step, "label"),
                "url": part(step, "url"),
                "icon": STEP_ICONS.get(state, ""),
            }
        )
    return draw("course_line", steps=shown)


def empty(content: str, icon: str, title: Text, text: Text = "") -> SafeString:
    """What would be here, and the button that fills it."""
    filled = mark_safe(content.strip())  # noqa: S308 - rendered by the caller's template, escaped there
    return draw("empty", content=filled, icon_name=icon, title=title, text=text)


# Two names for one tag: directly inside a loop Django reads `{% empty %}` as the loop's own, so `nothing` is for there.
register.simple_block_tag(empty, name="empty")
register.simple_block_tag(empty, name="nothing")


@register.simple_block_tag
def slide_over(content: str, id: str, title: Text, wide: bool = False, open: bool = False) -> SafeString:
    """A panel beside the list, which stays loaded."""
    return draw("slide_over", content=content, id=id, title=title, wide=wide, open=open)


@register.simple_block_tag
def confirm(content: str, id: str, title: Text, text: Text = "") -> SafeString:
    """A dialog that names the thing; the content is the form or the buttons."""
    return draw("confirm", content=content, id=id, title=title, text=text)


@register.simple_tag(takes_context=True)
def pager(context: template.Context, page: Page[Any], name: str = "page") -> SafeString:
    """Previous, next and where one is; the other parameters of the query stay."""
    request = context.get("request")
    query = request.GET.copy() if request else None
    if query is not None:
        query.pop(name, None)
    rest = f"&{query.urlencode()}" if query else ""
    return draw("pager", page=page, name=name, rest=rest)


@register.simple_tag
def list_search(
    url: str, value: str = "", target: str = "", placeholder: Text = "", name: str = "q", label: Text = ""
) -> SafeString:
    """The search field above a list; with `target` it searches while one types."""
    words = label or placeholder or _("Search")
    return draw("list_search", url=url, value=value, target=target, placeholder=placeholder, name=name, label=words)


@register.simple_tag
def form_errors(form: object) -> SafeString:
    """The head of a form that was refused: how many things to mend, and what belongs to no single field."""
    return draw("form_errors", form=form)


@register.simple_tag
def field_errors(field: BoundField) -> SafeString:
    """The errors of one field in amber. `ValidationError(..., params={"use": "62.0"})` adds the one-tap correction."""
    shown = [
        (message, (error.params or {}).get("use", "")) for error in field.errors.as_data() for message in error.messages
    ]
    return draw("field_errors", entries=shown, id=f"{field.auto_id}_error", field_id=field.id_for_label)
