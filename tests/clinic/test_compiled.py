"""The second template engine: it escapes, misses no name, speaks the reader's language and knows the components."""
from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, RequestContext, Template, engines
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from jinja2 import UndefinedError

from clinic.components import small


def drawn(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def compiled(source: str, **context: object) -> str:
    return engines["compiled"].from_string(source).render(context)


def test_it_escapes_by_itself_and_leaves_what_is_safe() -> None:
    assert compiled("{{ text }}", text="<b>'\"&") == "&lt;b&gt;&#39;&#34;&amp;"
    assert compiled("{{ text }}", text=mark_safe("<b>")) == "<b>"
    assert compiled('{{ _("late by %(n)s min", n=text) }}', text="<b>") == "late by &lt;b&gt; min"
    assert compiled('{{ ngettext("%(n)s room", "%(n)s rooms", 2, n=text) }}', text="<b>") == "&lt;b&gt; rooms"


@pytest.mark.parametrize(
    "source", ["{{ nobody }}", "{% if nobody %}{% endif %}", "{{ card.nothing }}", '{{ pill("ok", nobody) }}']
)
def test_a_name_that_is_missing_is_an_error(source: str) -> None:
    with pytest.raises(UndefinedError):
        compiled(source, card=object())


@pytest.mark.parametrize(("language", "late", "rooms"), [
    ("en", "late by 7 min", ("1 room", "2 rooms")), ("tr", "7 dk gecikti", ("1 oda", "2 oda")),
])  # fmt: skip
def test_it_speaks_the_readers_language(language: str, late: str, rooms: tuple[str, str]) -> None:
    with translation.override(language):
        assert compiled('{{ _("late by %(n)s min", n=7) }}') == late
        said = '{{ ngettext("%(n)s room", "%(n)s rooms", n, n=n) }}'
        assert (compiled(said, n=1), compiled(said, n=2)) == rooms


def test_a_word_with_two_meanings_is_asked_for_with_its_own() -> None:
    with translation.override("tr"):
        assert compiled('{{ pgettext("minutes", "min") }}') == translation.pgettext("minutes", "min") != "min"


def test_dates_and_times_are_written_as_django_writes_them() -> None:
    moment = dt.datetime(2026, 3, 12, 9, 5, tzinfo=ZoneInfo("Europe/Rome"))
    for language in ("en", "tr"):
        with translation.override(language), timezone.override(ZoneInfo("Europe/Rome")):
            ours = compiled('{{ moment|date("D j M") }} {{ moment|clock }}', moment=moment)
            assert ours == drawn('{{ moment|date:"D j M" }} {{ moment|time:"H:i" }}', moment=moment)


def test_what_is_drawn_for_any_id_is_filled_in_as_an_address() -> None:
    one = '{{ url("patient", any_id)|of(id) }}'
    assert compiled(one, id="Ab_-" + "0" * 18) == reverse("patient", args=["Ab_-" + "0" * 18])
    link = '{{ button("Open", href=url("patient", any_id))|of(id) }}'
    assert compiled(link, id="x" * 22) == small.button("Open", href=reverse("patient", args=["x" * 22]))
    for hostile in ('"><script>', "../../../staff", "?next=//evil.example", "javascript:alert(1)"):
        html = compiled(link, id=hostile)
        assert reverse("patient", args=["0" * 22]).replace("0" * 22, quote(hostile, safe="")) in html
        assert "<script>" not in html
    assert compiled("{{ words|of(id) }}", words="<b>" + "0" * 22, id="x" * 22).startswith("&lt;b&gt;"), "typed text stays text"


def test_a_page_draws_a_compiled_template_with_all_it_knows(rf) -> None:
    request = rf.get("/")
    html = Template('{% compiled "board/rooms.jinja" %}').render(RequestContext(request, {"board": SimpleNamespace(rooms=[])}))
    assert "No room is in service here." in html


def test_every_compiled_template_compiles() -> None:
    names = engines["compiled"].env.list_templates()
    assert len(names) >= 15
    for name in names:
        engines["compiled"].get_template(name)
