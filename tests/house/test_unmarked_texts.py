"""What people read is marked for translation: in templates of both engines and in Python; and a slip would be found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.template.base import Lexer, TokenType
from jinja2 import Environment, nodes

from mesoclinic.translations import (
    CODE,
    MARKS,
    ROOT,
    marked,
    marked_in,
    marking_calls_compiled,
)
from tests.house.wording import HOLE, TEMPLATES, worded

# Templates whose words come from elsewhere, or that show nobody's data.
OWN_WORDS = {
    "gallery.html": "samples of every component, with invented people; its own words are marked",
    "documents/logo.svg": "a drawing",
}
CLASSES = {"plain-wide", "system-font"}  # what a block hands to the class attribute of its frame
SHOWN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription", "label"}
# Tags whose strings are names of files, addresses, formats or codes.
NAMING_TAGS = {
    "extends", "include", "load", "url", "static", "now", "if", "elif", "for", "with", "translate", "trans", "blocktranslate",
    "blocktrans", "block", "partial", "partialdef", "crispy", "get_current_language", "icon", "drawn_icon", "element", "slot",
}  # fmt: skip
LITERAL = re.compile(r"""(?P<marked>_\()?(?P<key>\b\w+=)?(?P<marked2>_\()?(?P<filter>:)?(?P<text>"[^"]*"|'[^']*')""")
SHOWN_KEYS = {"text=", "title=", "label=", "note=", "link_text=", "name=", "line=", "hint=", "body="}
# Calls whose first argument somebody reads, and names under which somebody reads a string in Python.
SAYING = {"Refused", "ValidationError", "SlotTaken"}
SHOWN_NAMES = {"label", "help_text", "empty_label", "act", "title", "deed", "verbose_name", "verbose_name_plural"}


class Reader(HTMLParser):
    """Collects what a page shows: text, and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = 0
        self.shown: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style")
        kind = dict(attrs).get("type")
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES or (tag == "input" and name == "value" and kind in ("submit", "button")):
                self.shown.append((self.getpos()[0], value or ""))

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.shown.append((self.getpos()[0], data))


def unmarked_in(template: str) -> Iterator[str]:
    """What a template says outside the translation tags, and strings it hands to components unmarked."""
    page: list[str] = []
    marking = commented = False
    for token in Lexer(template).tokenize():
        tag = token.contents.split(maxsplit=1)[0] if token.token_type == TokenType.BLOCK and token.contents else ""
        if tag in ("comment", "endcomment"):
            commented = tag == "comment"
        elif tag in ("blocktranslate", "blocktrans", "endblocktranslate", "endblocktrans"):
            marking = not tag.startswith("end")
        elif token.token_type == TokenType.TEXT and not marking and not commented:
            page.append(token.contents)
            continue
        elif token.token_type == TokenType.BLOCK and not marking and not commented:
            yield from (f"{token.lineno}: {text}" for text in handed_over(tag, token.contents))
        page.append((HOLE if token.token_type == TokenType.VAR else "") + "\n" * token.contents.count("\n"))
    reader = Reader()
    reader.feed("".join(page))
    reader.close()
    yield from (f"{line}: {text.strip()}" for line, text in reader.shown if worded(text) and text.strip() not in CLASSES)


def handed_over(tag: str, contents: str) -> Iterator[str]:
    """Strings in the arguments of a component that read like words: a capital, a space, or a name that is shown."""
    if tag in NAMING_TAGS:
        return
    for found in LITERAL.finditer(contents):
        text = found["text"][1:-1]
        is_shown = found["key"] in SHOWN_KEYS and not (found["key"] == "name=" and text.replace("-", "_").isidentifier())
        if found["marked"] or found["marked2"] or found["filter"] or not worded(text) or "/" in text:
            continue
        if is_shown or (not found["key"] and (re.match(r"[A-Z][a-z]+(\s|$)", text) or " " in text.strip())):
            yield text


COMPILED = sorted((ROOT / "templates" / "compiled").rglob("*.jinja"))


def test_templates_say_nothing_unmarked() -> None:
    said = [
        f"{name}:{text}"
        for path in TEMPLATES
        if (name := path.relative_to(ROOT / "templates").as_posix()) not in OWN_WORDS
        for text in unmarked_in(path.read_text())
    ]
    assert not said, "\n".join(said)


@pytest.mark.parametrize(
    "template",
    [
        "<p>Hello</p>", '<a title="Close">{{ x }}</a>', '{% button "Save it" %}', '{% pill kind="ok" text="yes" %}',
        '<input type="submit" value="Send">', "{% blocktranslate %}a{% endblocktranslate %} then", '{% button "Save" %}',
    ],
)  # fmt: skip
def test_an_unmarked_text_would_be_found(template: str) -> None:
    assert list(unmarked_in(template))


@pytest.mark.parametrize(
    "template",
    [
        '<p>{% translate "Hello" %} {{ name }}</p>', '{% button _("Save") kind="primary" href=url %}', "{# said to nobody #}",
        '{{ day|date:"D j M Y" }} · {{ ml }} ml', "{% comment %}why{% endcomment %}", "<style>.a { color: red }</style>",
        '{% url "patient" patient.public_id as here %}<img alt="">', '{% icon "repeat" %}&nbsp;',
    ],
)  # fmt: skip
def test_marked_texts_and_codes_pass(template: str) -> None:
    assert not list(unmarked_in(template))


# --- and in compiled templates -------------------------------------------------------------------------------------


def unmarked_in_compiled(template: str) -> Iterator[str]:
    """What a template of the second engine says outside its tags, and strings inside them that read like words."""
    environment = Environment()  # noqa: S701 - only read
    reader = Reader()
    for _line, kind, text in environment.lex(template):
        reader.feed(text if kind == "data" else HOLE if kind == "variable_begin" else "\n" * text.count("\n"))
    reader.close()
    yield from (f"{line}: {text.strip()}" for line, text in reader.shown if worded(text))
    tree = environment.parse(template)
    said = {part for call in tree.find_all(nodes.Call) if getattr(call.node, "name", "") in MARKS for part in call.args}
    codes = {part for one in tree.find_all(nodes.Filter) if one.name == "date" for part in one.args}
    for one in set(tree.find_all(nodes.Const)) - said - codes:
        text = one.value if isinstance(one.value, str) else ""
        if worded(text) and (re.match(r"[A-Z][a-z]+(\s|$)", text) or " " in text.strip()):
            yield f"{one.lineno}: {text}"


def test_compiled_templates_say_nothing_unmarked() -> None:
    said = [f"{path.relative_to(ROOT)}:{text}" for path in COMPILED for text in unmarked_in_compiled(path.read_text())]
    assert COMPILED
    assert not said, "\n".join(said)


@pytest.mark.parametrize(
    "template",
    ["<p>Hello</p>", '<a title="Close">{{ x }}</a>', '{{ button("Save it") }}', '{{ "Today" if a else "" }}',
     '{{ _("a") }} then', '{% set word = "Not marked" %}'],
)  # fmt: skip
def test_an_unmarked_text_of_a_compiled_template_would_be_found(template: str) -> None:
    assert list(unmarked_in_compiled(template))


@pytest.mark.parametrize(
    "template",
    ['<p>{{ _("Hello") }} {{ name }}</p>', '{{ button(_("Save"), icon="plus", href=url("patient", one)) }}',
     "{# Said to nobody #}", '{{ day|date("D j M") }} · {{ ml }} ml', '{{ ngettext("A room", "%(n)s rooms", n, n=n) }}',
     '{% include "board/needs.jinja" %}'],
)  # fmt: skip
def test_marked_texts_and_codes_of_a_compiled_template_pass(template: str) -> None:
    assert not list(unmarked_in_compiled(template))


def test_marks_are_found_in_a_compiled_template() -> None:
    said = """{# _("no") #}{{ _("one", n=3) }}{% if a %}{{ ngettext("%(n)s room", "%(n)s rooms", n, n=n) }}{% endif %}
        {% call lane(title=_("it's")) %}{{ pgettext("minutes", "min") if b else _(variable) }}{% endcall %}
        {{ pill("no", "no") }}"""
    assert set(marked_in(marking_calls_compiled(said))) == {
        (None, "one"), (None, ("%(n)s room", "%(n)s rooms")), (None, "it's"), ("minutes", "min"),
    }  # fmt: skip
    assert marked()[None, "nobody booked"] == "templates/compiled/board/rooms.jinja"


# --- and in Python -------------------------------------------------------------------------------------------------


def unmarked_in_python(source: str) -> Iterator[str]:
    """Plain strings where somebody will read them: refusals, form errors, labels, the words of choices."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            suspects = node.args[:1] if called in SAYING or called == "add_error" else []
            if called == "add_error":
                suspects = node.args[1:2]
            if called != "Doer":  # its label goes into the audit log, which is English in every language
                suspects = suspects + [key.value for key in node.keywords if key.arg in SHOWN_NAMES]
        elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            values = [line.value for line in node.body if isinstance(line, ast.Assign)]
            suspects = [value.elts[1] for value in values if isinstance(value, ast.Tuple) and len(value.elts) > 1]
        else:
            continue
        for suspect in suspects:
            text = sentence(suspect)
            if text and worded(text):
                yield f"{suspect.lineno}: {text}"


def sentence(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_marks_are_called_by_names_that_the_collector_knows() -> None:
    """A text marked under a name of one's own is collected by nobody and stays English."""
    names = re.compile(r"from django\.utils\.translation import (n?p?gettext(?:_lazy|_noop)?) as (\w+)")
    own = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))
        for found in names.finditer(path.read_text())
        if found[2] not in MARKS or len(MARKS[found[2]]) != len(MARKS[found[1]])
    ]  # fmt: skip
    assert not own


def test_python_says_nothing_unmarked() -> None:
    said = [
        f"{path.relative_to(ROOT)}:{text}"
        for room in CODE
        for path in sorted((ROOT / room).rglob("*.py"))
        # Nobody but programmers reads the help texts of models, or runs a command.
        if not {"migrations", "management", "models"} & set(path.parts)
        for text in unmarked_in_python(path.read_text())
    ]
    assert not said, "\n".join(said)


@pytest.mark.parametrize(
    "source",
    ['raise Refused("No.")', 'x = CharField(label="Name")', 'form.add_error("day", f"{n} is late")',
     'class S(models.TextChoices):\n    A = "a", "Booked"'],
)  # fmt: skip
def test_an_unmarked_sentence_of_python_would_be_found(source: str) -> None:
    assert list(unmarked_in_python(source))
