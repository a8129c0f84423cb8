"""The component tags: what they promise about safety, privacy and markup."""
from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import CharField, Form
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation
from django.utils.safestring import mark_safe

from clinic.components import small
from clinic.components.safety import OUTCOMES, outcome_of
from clinic.components.small import MARKS, PILLS, is_icon

TEMPLATES = sorted(
    path for path in (Path(settings.BASE_DIR) / "templates").rglob("*.*") if path.suffix in (".html", ".jinja")
)


def drawn(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_unknown_pill_kind_is_neutral_never_green():
    assert 'pill-neutral"' in drawn('{% pill kind="something new" text="?" %}')


def test_pill_reads_model_values():
    assert 'pill-treatment"' in drawn('{% pill kind="in_treatment" text="In treatment" %}')


def test_pill_escapes_its_word():
    assert "<b>" not in drawn("{% pill kind='note' text=word %}", word="<b>")


def test_unknown_icon_is_refused():
    with pytest.raises(TemplateSyntaxError, match="clinic/icons"):
        drawn('{% icon "no-such-drawing" %}')


def test_icon_alone_has_a_name():
    assert 'role="img" aria-label="Bell"' in drawn('{% icon "bell" label="Bell" %}')
    assert 'aria-hidden="true"' in drawn('{% icon "bell" %}')


def test_drawn_icon_needs_no_sprite():
    drawing = drawn('{% drawn_icon "sun" stroke="1.5" %}')
    assert "<use" not in drawing
    assert 'stroke-width="1.5"' in drawing


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"outcome": "blocked"}, "blocked"),
        ({"outcome": "needs_clearance"}, "needs-clearance"),
        ({"severity": "block"}, "blocked"),
        ({"outcome": "no such outcome"}, "incomplete"),
        ({}, "incomplete"),
    ],
)
def test_what_nobody_knows_is_never_cleared(given, outcome):
    assert outcome_of(given) == outcome


def test_findings_stand_worst_first_and_state_what_is_fine():
    page = drawn(
        "{% findings found nothing_found=21 %}",
        found=[{"outcome": "note", "title": "Last"}, {"outcome": "blocked", "title": "First"}],
    )
    assert page.index("First") < page.index("Last")
    assert "21 other questions answered, nothing found" in page


def test_every_outcome_has_a_pill():
    assert set(OUTCOMES) <= set(PILLS)


def test_red_alerts_are_never_folded_away():
    lines = [{"kind": "note", "bold": "A"}, *({"kind": "safety", "bold": f"Red {number}"} for number in range(4))]
    shown, _, folded = drawn("{% alert_banner lines %}", lines=lines).partition("<details")
    assert all(f"Red {number}" in shown for number in range(4))
    assert "A</strong>" in folded


def test_unknown_light_counts_as_missing():
    assert "light-mend" in drawn("{% ready_light light %}", light={"state": "whatever", "name": "Photo"})


def test_amounts_that_differ_are_refused_in_words():
    off = {"points": 58, "agrees": False, "inject_ml": Decimal("2.9"), "difference_ml": Decimal("0.5")}
    page = drawn("{% amounts off %}", off=off)
    assert "0.50 ml apart" in page
    assert "Adds up" not in page


def test_amounts_show_two_decimals_in_the_readers_language():
    even = {"points": 58, "agrees": True, "inject_ml": Decimal("2.9"), "waste_ml": Decimal("0.1")}
    with translation.override("tr"):
        assert "2,90" in drawn("{% amounts even %}", even=even)


def test_refused_button_is_closed_and_says_why():
    page = drawn('{% button "Approve" kind="primary" href="/x" refusal="Solve the clash first." %}')
    assert "disabled" in page
    assert 'href="/x"' not in page
    assert "Solve the clash first." in page


def test_button_keywords_become_attributes():
    page = drawn('{% button "Save" hx_post=url %}', url="/a?b=1&c=2")
    assert 'hx-post="/a?b=1&amp;c=2"' in page


def test_private_name_carries_initials_only_in_the_attribute():
    page = drawn("{% private name %}", name="Nadia Rahman <b>")
    assert 'data-initials="NR&lt;"' in page
    assert "<b>" not in page


def test_post_acts_carry_the_token():
    page = drawn('{% menu_act "Undo" "/undo" %}', csrf_token="secret-token")
    assert 'name="csrfmiddlewaretoken" value="secret-token"' in page


def test_error_offers_its_correction():
    class Weight(Form):
        kg = CharField()

        def clean_kg(self) -> str:
            raise ValidationError("Did you mean 62.0 kg?", params={"use": "62.0"})

    form = Weight({"kg": "620"})
    page = drawn("{% field_errors form.kg %}", form=form)
    assert 'data-use="62.0" data-for="id_kg"' in page
    assert 'id="id_kg_error"' in page


def test_marks_and_pills_use_icons_that_exist():
    names = {icon for _, icon in PILLS.values()} | {icon for icon, _, _ in MARKS.values()}
    assert not {name for name in names if name and not is_icon(name)}


# --- house rules over all templates ---------------------------------------------------------------------------------
def sources() -> list[tuple[str, str]]:
    return [(path.name, path.read_text(encoding="utf-8")) for path in TEMPLATES]


def test_every_icon_named_in_a_template_exists():
    named = {
        (name, icon)
        for name, text in sources()
        for icon in re.findall(
            r"""(?:\{% (?:drawn_)?icon |icon(?:_end|_name)?=|\bicon\(|\bstrip\("\w+", )["']([a-z0-9-]+)["']""", text
        )
    }
    assert named
    assert not [pair for pair in named if not is_icon(pair[1])]


def test_no_template_needs_inline_script_or_style():
    """The content security policy forbids both; what is no page of ours (PDFs, mails, what a sandboxed frame shows like one)
    lives in folders of its own."""
    for path in TEMPLATES:
        if {"documents", "mails", "framed"} & set(path.parts):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<[^>]*\sstyle\s*=", text), path
        assert not re.search(r"<[^>]*\son[a-z]+\s*=\s*[\"']", text), path
        assert "<style" not in text, path
        assert not re.search(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>", text), path


def test_our_stylesheets_turn_with_the_direction_of_reading():
    for sheet in (Path(settings.BASE_DIR) / "static" / "css").glob("*.css"):
        found = re.findall(
            r"(?:^|[\s;{])((?:margin|padding|border|inset)-(?:left|right)|(?:left|right)\s*:|float:\s*(?:left|right)|text-align:\s*(?:left|right))",
            sheet.read_text(encoding="utf-8"),
        )
        assert not found, (sheet.name, found)


# --- what lists draw many times over is compiled (docs/decisions/0026) ------------------------------------------------
def test_compiled_components_keep_safe_and_typed_text_apart() -> None:
    text = "<b>now</b>"
    assert text in small.pill("info", mark_safe(text))  # noqa: S308 - ours
    assert "&lt;b&gt;now" in small.pill("info", text)
    assert 'href="/one/?a=1&amp;b=2"' in small.button("Open", href="/one/?a=1&b=2")
    assert "<script>" not in small.button("Open", href='"><script>')
    assert "<script>" not in small.menu_link("Open", '"><script>')


def test_compiled_components_speak_the_readers_language() -> None:
    english = small.button("PDF", href="/a/", new_tab=True)
    with translation.override("tr"):
        assert small.button("PDF", href="/a/", new_tab=True) != english


@pytest.mark.parametrize(
    "tag",
    ['{% button "Way back" icon="arrow-left" %}', '{% pill kind="caution" text="Sprites" %}', '{% mark "safety" %}',
     "{% marks names %}"],
    ids=["button", "pill", "mark", "marks"],
)  # fmt: skip
@pytest.mark.parametrize("lean_first", [True, False])
def test_components_keep_to_the_sprite_of_their_page(tag: str, lean_first: bool) -> None:
    small._marks.cache_clear()
    lean = "{% leanicons %}" + tag + "{% endleanicons %}"
    for source in (lean, tag) if lean_first else (tag, lean):
        html = drawn(source, names=["safety", "displaced"])
        assert ("icons-patient.svg#" in html) == (source == lean), html
