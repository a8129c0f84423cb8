"""Reads pages as a browser would: forms with what they offer, fields with their errors, and the tags in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

VOID = {"input", "br", "img", "hr", "meta", "link", "use", "path", "circle", "rect", "line", "polyline"}


@dataclass
class Field:
    name: str
    kind: str  # text, number, date, hidden, select, radio, checkbox, textarea, password, submit ...
    values: list[str] = field(default_factory=list)  # what is sent when nobody touches it
    options: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def is_typed(self) -> bool:
        return self.kind in {"text", "textarea", "email", "tel", "search", "number", "date", "time", "datetime-local"}

    @property
    def is_number(self) -> bool:
        return self.kind == "number" or self.attributes.get("inputmode") in {"decimal", "numeric"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[str, ...]:
        return tuple(sorted(self.fields))


class Page(HTMLParser):
    """`forms`, `tags` (name and attributes of every element), `ids` with their text, `invalid` fields by name."""

    def __init__(self, html: str, *, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: dict[str, str] = {}
        self.invalid: dict[str, list[str]] = {}
        self.text: list[str] = []
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: Field | None = None
        self._area: Field | None = None
        self._open: list[tuple[str, str]] = []
        self._foreign: list[tuple[str, Field]] = []
        self.feed(html)
        self.close()
        for owner, found in self._foreign:
            if owner in self._by_id:
                self._merge(self._by_id[owner], found)

    @property
    def all_text(self) -> str:
        return " ".join(self.text)

    def errors_of(self, name: str) -> str:
        """The words that a field marked as wrong is tied to; empty when it is not marked or not tied."""
        return " ".join(self.ids.get(one, "") for one in self.invalid.get(name, [])).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in VOID:
            self._open.append((tag, given.get("id", "")))
        if given.get("id"):
            self.ids.setdefault(given["id"], "")
        if tag == "form":
            action = urljoin(self.url, given.get("action") or self.url)
            self._form = Form(action, given.get("method", "get").lower())
            self.forms.append(self._form)
            if given.get("id"):
                self._by_id[given["id"]] = self._form
        if given.get("aria-invalid") == "true" and given.get("name"):
            self.invalid.setdefault(given["name"], []).extend(given.get("aria-describedby", "").split())
        if tag == "input" and given.get("name"):
            self._input(given)
        elif tag == "button" and given.get("name"):
            self._add(Field(given["name"], "submit", attributes=given, options=[given.get("value", "")]), given)
        elif tag == "select" and given.get("name"):
            self._select = self._add(Field(given["name"], "select", attributes=given), given)
        elif tag == "option" and self._select is not None:
            self._select.options.append(given.get("value", ""))
            if "selected" in given:
                self._select.values.append(given.get("value", ""))
        elif tag == "textarea" and given.get("name"):
            self._area = self._add(Field(given["name"], "textarea", [""], attributes=given), given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select is not None:
            if not self._select.values and self._select.options and "multiple" not in self._select.attributes:
                self._select.values = [self._select.options[0]]
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self._area.values = [self._area.values[0].removeprefix("\n")]
            self._area = None
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                break

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.values[0] += data
        for _tag, name in self._open:
            if name:
                self.ids[name] += data
        self.text.append(data)

    def _input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        value = given.get("value", "on" if kind in {"radio", "checkbox"} else "")
        found = self._add(Field(given["name"], kind, attributes=given), given)
        if kind in {"radio", "checkbox"}:
            found.options.append(value)
            if "checked" in given:
                found.values.append(value)
        elif kind not in {"submit", "button", "file"}:
            found.values.append(value)

    def _add(self, found: Field, given: dict[str, str]) -> Field:
        if given.get("form"):
            self._foreign.append((given["form"], found))
            return found
        if self._form is None:
            return found
        return self._merge(self._form, found)

    @staticmethod
    def _merge(form: Form, found: Field) -> Field:
        known = form.fields.setdefault(found.name, found)
        if known is not found:
            known.options += found.options
            known.values += found.values
        return known


def post_forms(html: str, *, url: str) -> list[Form]:
    return [form for form in Page(html, url=url).forms if form.method == "post" and not urlsplit(form.action).netloc]
