"""The small components: icon, pill, button, menu, marks, facts. docs/components.md lists them with parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from clinic.components.drawing import LEAN, Text, attributes, draw, draw_compiled, figure, kind_of
from clinic.icons import FILLED, MIRRORED, OUTLINE, PATIENT

register = template.Library()

# kind -> (tint, icon). The tint is a class of `static/css/components.css`; the word always comes from the caller.
PILLS: dict[str, tuple[str, str]] = {
    "held": ("dashed", "clock"),
    "booked": ("booked", ""),
    "confirmed": ("confirmed", "check"),
    "arrived": ("caution", "user"),
    "in-treatment": ("treatment", "vaccine"),
    "done": ("done", "checks"),
    "cancelled": ("struck", "x"),
    "no-show": ("alarm", "exclamation-mark"),
    "blocked": ("alarm", "ban"),
    "incompatible": ("alarm", "ban"),
    "over-limit": ("alarm", "alert-octagon"),
    "needs-clearance": ("caution", "shield-lock"),
    "wait": ("caution", "clock"),
    "wait-until": ("caution", "clock"),
    "wait-open": ("caution", "clock-pause"),
    "incomplete": ("caution", "help-circle"),
    "above-typical": ("caution", "alert-circle"),
    "in-range": ("confirmed", "check"),
    "cleared": ("confirmed", "shield-check"),
    "note": ("booked", "info-circle"),
    "ok": ("confirmed", "circle-check"),
    "caution": ("caution", "alert-circle"),
    "danger": ("danger", "alert-triangle-filled"),
    "info": ("booked", "info-circle"),
    "neutral": ("neutral", ""),
    "draft": ("neutral", "pencil"),
    "proposed": ("neutral", "pencil"),
    "approved": ("confirmed", "check"),
    "active": ("booked", "repeat"),
    "published": ("confirmed", "check"),
    "retired": ("plain", "archive"),
    "completed": ("done", "checks"),
    "signed": ("done", "checks"),
    "scheduled": ("neutral", "clock"),
    "sending": ("booked", "send"),
    "sent": ("booked", "send"),
    "delivered": ("confirmed", "mail-check"),
    "unknown": ("caution", "help-circle"),
    "bounced": ("caution", "mail-x"),
    "failed": ("caution", "mail-exclamation"),
    "suppressed": ("plain", "ban"),
    "missed": ("caution", "clock-exclamation"),
    "expired": ("caution", "clock-exclamation"),
}

MARKS: dict[str, tuple[str, str, Text]] = {
    "reminder-queued": ("bell", "quiet", gettext_lazy("Reminder planned")),
    "reminder-sent": ("bell-check", "ok", gettext_lazy("Reminder sent")),
    "reminder-failed": ("bell-x", "caution", gettext_lazy("Reminder not delivered")),
    "safety": ("alert-triangle-filled", "danger", gettext_lazy("Safety alert")),
    "first-visit": ("", "first", gettext_lazy("First visit")),
    "consent-missing": ("file-alert", "caution", gettext_lazy("Consent missing")),
    "intake-missing": ("clipboard-list", "caution", gettext_lazy("Intake not complete")),
    "course": ("repeat", "quiet", gettext_lazy("Part of a course")),
    "unsigned": ("pencil", "caution", gettext_lazy("Record not signed")),
    "overbooked": ("stack-2", "caution", gettext_lazy("Overbooked")),
    "displaced": ("calendar-x", "caution", gettext_lazy("To place anew")),
}


register.filter("figure", figure)


@register.filter
def unbroken(text: object) -> str:
    """A number as people write it, kept on one line."""
    return str(text).replace(" ", "\u00a0")


# ---------------------------------------------------------------------------------------------------------------- icon
class LeanIcons(template.Node):
    """What stands inside takes its icons from the small sprite of the patient pages where they are in it."""

    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        before = LEAN.set(True)
        try:
            return self.nodelist.render(context)
        finally:
            LEAN.reset(before)


@register.tag
def leanicons(parser: Any, _token: Any) -> LeanIcons:
    nodelist = parser.parse(("endleanicons",))
    parser.delete_first_token()
    return LeanIcons(nodelist)


def is_icon(name: str) -> bool:
    return name in OUTLINE or (name.endswith("-filled") and name.removesuffix("-filled") in FILLED)


@register.simple_tag
def icon(name: str, size: int = 20, label: Text = "", css: str = "") -> SafeString:
    """An icon from the sprite. Raises for a name that `clinic/icons.py` does not list."""
    return _icon(name, size, str(label), css, _sprite_address(LEAN.get() and name in PATIENT))


@lru_cache(maxsize=2)
def _sprite_address(lean: bool) -> str:
    return static("vendor/icons-patient.svg" if lean else "vendor/icons.svg")


@lru_cache(maxsize=512, typed=True)  # a page has hundreds of the same few
def _icon(name: str, size: int, label: str, css: str, sprite: str) -> SafeString:
    if not is_icon(name):
        raise template.TemplateSyntaxError(f"No icon “{name}”: add it to clinic/icons.py and run mesoclinic.frontend.")
    classes = [
        f"icon-{size}",
        css,
        "icon-filled" if name.endswith("-filled") else "",
        "mirror" if name in MIRRORED else "",
    ]
    return format_html(
        '<svg class="icon {}" width="{}" height="{}"{}><use href="{}#{}"/></svg>',
        " ".join(part for part in classes if part),
        size,
        size,
        format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"'),
        sprite,
        name,
    )


@register.simple_tag
def drawn_icon(name: str, size: int = 20, stroke: str = "1.5") -> SafeString:
    """The same drawing inline, for PDFs and e-mails, where no sprite can be fetched. The stroke is an attribute."""
    found = re.search(rf'<symbol id="{re.escape(name)}"[^>]*>(.*?)</symbol>', _sprite(), re.DOTALL)
    if found is None:
        raise template.TemplateSyntaxError(f"No icon “{name}”: add it to clinic/icons.py and run mesoclinic.frontend.")
    paint = (
        'fill="currentColor"'
        if name.endswith("-filled")
        else f'fill="none" stroke="currentColor" stroke-width="{stroke}"'
    )
    return mark_safe(  # noqa: S308 - our own sprite, drawn by mesoclinic/frontend.py
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{int(size)}" height="{int(size)}" viewBox="0 0 24 24" {paint} '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{found.group(1)}</svg>'
    )


def _sprite() -> str:
    return (Path(settings.BASE_DIR) / "static" / "vendor" / "icons.svg").read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------------------------- words
@register.simple_tag
def pill(kind: object, text: Text, icon: str | None = None) -> SafeString:
    """A status word with its tint and icon. A kind the table does not know is neutral, never green."""
    return _pill(kind_of(kind), str(text), icon, LEAN.get())


@lru_cache(maxsize=512, typed=True)  # a day's cards share a dozen of them; typed: safe text is not escaped again
def _pill(kind: str, text: str, icon: str | None, _lean: bool) -> SafeString:
    tint, own_icon = PILLS.get(kind, ("neutral", ""))
    return draw_compiled("pill", tint=tint, text=text, icon_name=own_icon if icon is None else icon)


@register.simple_tag
def mark(name: str) -> SafeString:
    """A small mark on a card; its meaning is read out and shown as a tooltip."""
    drawing, tone, label = MARKS[name]
    return draw_compiled("mark", icon_name=drawing, tone=tone, label=str(label))


@register.simple_tag
def marks(names: Iterable[str]) -> SafeString:
    """All marks of a card, in their order."""
    return _marks(tuple(names), get_language(), LEAN.get())


@lru_cache(maxsize=512)  # a day's cards share a dozen combinations
def _marks(names: tuple[str, ...], _language: str | None, _lean: bool) -> SafeString:
    return format_html_join("", "{}", ((mark(name),) for name in names))


@register.simple_tag
def avatar(initials: str, size: str = "md") -> SafeString:
    return format_html('<span class="avatar avatar-{}" aria-hidden="true">{}</span>', size, initials)


@register.simple_tag
def private(name: object, initials: str = "") -> SafeString:
    """A patient's name; the switch "Hide names" leaves the initials."""
    short = initials or "".join(word[0] for word in str(name).split() if word)[:3].upper()
    return draw_compiled("private", name=name, initials=short)


@register.simple_tag
def fact(label: Text, value: object, note: Text = "") -> SafeString:
    return draw("fact", label=label, value=value, note=note)


@register.simple_tag
def saved(time: object) -> SafeString:
    return draw("saved", time=time)


@register.simple_tag
def skeleton(lines: int = 3) -> SafeString:
    return draw("skeleton", lines=range(int(lines)))


@register.simple_tag
def progress_line(done: int, whole: int) -> SafeString:
    return draw("progress_line", done=done, whole=whole)


@register.simple_tag
def qr(text: str, label: Text = "", size: str = "md", caption: Text = "") -> SafeString:
    """A QR code as inline SVG, level M, with the quiet zone scanners need."""
    code = segno.make(text, error="m", micro=False)
    drawing = code.svg_inline(omitsize=True, border=4, svgclass="qr-code", lineclass=None, dark="#000", light="#fff")
    return draw("qr", drawing=mark_safe(drawing), label=label or _("QR code"), size=size, caption=caption)  # noqa: S308


# ------------------------------------------------------------------------------------------------------------- buttons
@register.simple_tag
def button(
    text: Text,
    kind: str = "default",
    icon: str = "",
    icon_end: str = "",
    href: str = "",
    type: str = "submit",
    size: str = "",
    new_tab: bool = False,
    busy: Text = "",
    refusal: Text = "",
    label: Text = "",
    **extra: Any,
) -> SafeString:
    """A button, or a link that looks like one when `href` is given. `refusal` locks it and shows the sentence."""
    classes = " ".join(
        part for part in ("btn", f"btn-{kind}", f"btn-{size}" if size else "", extra.pop("css", "")) if part
    )
    return draw_compiled(
        "button",
        text=str(text),
        classes=classes + ("" if text else " btn-icon"),
        icon_name="lock" if refusal else icon,
        icon_end=icon_end,
        icon_size=16 if size == "sm" else 20,
        href=str(href),
        type=type,
        new_tab=new_tab,
        busy=str(busy),
        refusal=str(refusal),
        label=str(label),
        attributes=attributes(extra),
    )


@register.simple_block_tag
def menu(
    content: str,
    text: Text,
    icon: str = "",
    kind: str = "default",
    size: str = "",
    label: Text = "",
    href: str = "",
    new_tab: bool = False,
    end: bool = True,
) -> SafeString:
    """A button that opens a list of acts; with `href` a split button: the act, then the chevron."""
    return draw_compiled(
        "menu",
        content=content,
        text=text,
        icon_name=icon,
        kind=kind,
        size=size,
        label=label or _("More"),
        href=href,
        new_tab=new_tab,
        end=end,
    )


@register.simple_block_tag
def more_menu(content: str, label: Text = "") -> SafeString:
    """The three dots of a row."""
    return draw_compiled("more_menu", of="menu", caller=lambda: content, label=label)


@register.simple_tag
def menu_link(text: Text, href: str, icon: str = "", new_tab: bool = False, **extra: Any) -> SafeString:
    return draw_compiled("menu_link", text=text, href=href, icon_name=icon, new_tab=new_tab, attributes=attributes(extra))


@register.simple_tag(takes_context=True)
def menu_act(context: template.Context, text: Text, url: str, icon: str = "", **extra: Any) -> SafeString:
    """An entry that changes something: a form of its own, sent by POST."""
    return draw(
        "menu_act",
        text=text,
        url=url,
        icon_name=icon,
        attributes=attributes(extra),
        csrf_token=context.get("csrf_token", ""),
    )
