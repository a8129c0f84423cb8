"""What is drawn once and filled in says the same as the template, and nothing that was typed becomes markup."""
from __future__ import annotations

from urllib.parse import quote

import pytest
from django.template import TemplateSyntaxError
from django.urls import reverse
from django.utils import translation
from markupsafe import Markup

from clinic.components import outlines
from clinic.components.drawing import macro
from clinic.components.outlines import Outline, outline

CARD = ("content", "time", "name", "initials", "line", "place")
FILE = "board/card.jinja"
OWN = "Ab_-" + "0" * 18
HOSTILE = ["<script>alert(1)</script>", '" onclick="x', "100 % {} %s %(name)s", "\ue000\ue001", "&amp;", "Ada 'A' Lovelace", ""]


def drawn(**differs: object) -> str:
    """By the template itself, as it would be without an outline."""
    return str(macro("visit_card", FILE)(**differs, category="face", names=("course",), pill_kind="booked", pill_text="Booked"))


def filled(*words: object) -> str:
    look = outline("visit_card", FILE, CARD, ("id",), category="face", names=("course",), pill_kind="booked", pill_text="Booked")
    return str(look.filled(*words))


@pytest.mark.parametrize("typed", HOSTILE)
def test_it_is_what_the_template_draws(typed: str) -> None:
    words = dict.fromkeys(CARD, typed)
    assert filled(*words.values(), OWN) == drawn(**words, id=OWN)
    content = Markup("<p>said already</p>")
    assert filled(content, *[typed] * 5, OWN) == drawn(**words | {"content": content}, id=OWN)


def test_other_things_than_text_are_written_as_the_template_writes_them() -> None:
    for thing in (7, None, Markup("<b>"), translation.gettext_lazy("Done"), Safe()):
        assert filled("", thing, "", "", "", "", OWN) == drawn(**dict.fromkeys(CARD, "") | {"time": thing}, id=OWN)


class Safe:
    def __html__(self) -> str:
        return "<i>drawn</i>"


@pytest.mark.parametrize("hostile", ['"><script>', "../../../staff", "?next=//evil.example", "javascript:alert(1)", "0" * 22])
def test_an_id_stays_part_of_its_address(hostile: str) -> None:
    found = str(outline("open_session", FILE, (), ("id",)).filled(hostile))
    assert reverse("record", args=["9" * 22]).replace("9" * 22, quote(hostile, safe="")) in found
    assert "<script>" not in found


def test_each_id_goes_where_it_belongs() -> None:
    ids = ["a" * 22, "b" * 22, "c" * 22]
    found = str(outline("leaving", FILE, (), ("record", "sheet", "patient")).filled(*ids))
    assert [found.index(one) for one in ids] == sorted(found.index(one) for one in ids)
    assert reverse("record", args=[ids[0]]) in found
    assert reverse("document-pdf", args=[ids[1]]) in found
    assert f"?patient={ids[2]}" in found


def test_what_is_not_there_is_not_offered() -> None:
    found = str(outline("leaving", FILE, (), ("sheet",)).filled("b" * 22))
    assert found.count("<a ") == 1
    assert reverse("document-pdf", args=["b" * 22]) in found


def test_it_speaks_the_readers_language() -> None:
    look = ("next_visit", FILE, ("when",))
    with translation.override("en"):
        english = outline(*look).filled("Monday")
    with translation.override("tr"):
        turkish = outline(*look).filled("Pazartesi")
    assert "Next: Monday" in english
    assert "Pazartesi" in turkish
    assert "Next" not in turkish


@pytest.mark.parametrize("markup", ["no gap at all", "<b>\ue000</b> without the second", "<a href='%EE%80%80'>\ue001</a>"])
def test_a_gap_that_is_not_written_is_an_error(markup: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Outline(markup, 2, 0)


def test_the_same_look_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = []
    monkeypatch.setattr(outlines, "macro", lambda *names: drawings.append(names) or macro(*names))
    with translation.override("de"):
        for minutes in range(5):
            outline("late_by", FILE, ("minutes",)).filled(minutes)
    assert len(drawings) <= 1


def test_no_template_has_a_character_that_means_a_gap(settings) -> None:
    for path in (settings.BASE_DIR / "templates" / "compiled").rglob("*.jinja"):
        assert not outlines.GAP.search(path.read_text(encoding="utf-8")), path
