"""Parts of a page that are drawn once: for each set of what decides them, each language, and never with somebody's token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils.translation import override

from clinic.choices import Role
from clinic.components import remembered
from tests import factories as make
from tests.factories import signed_in


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    remembered.KEPT.clear()
    yield
    remembered.KEPT.clear()


def drawn(source: str, **context: Any) -> str:
    return Template(source).render(Context(context))


def test_the_same_is_drawn_once_and_another_anew() -> None:
    asked: list[str] = []

    class Name:
        def __str__(self) -> str:
            asked.append("")
            return "<b>Ada"

    source = '{% remembered "part" key %}{{ name }}{% endremembered %}'
    first = drawn(source, key=1, name=Name())
    assert first == "&lt;b&gt;Ada"
    assert drawn(source, key=1, name=Name()) == first
    assert len(asked) == 1
    drawn(source, key=2, name=Name())
    drawn(source.replace("part", "other"), key=1, name=Name())
    assert len(asked) == 3


def test_each_language_has_its_own() -> None:
    source = '{% load i18n %}{% remembered "part" %}{% translate "Today" %}{% endremembered %}'
    words = {}
    for language in ("en", "tr", "en"):
        with override(language):
            words.setdefault(language, set()).add(drawn(source))
    assert words["en"] == {"Today"}
    assert words["tr"].isdisjoint(words["en"])


def test_the_token_and_the_address_are_of_this_request_and_escaped() -> None:
    source = '{% remembered "part" %}<i title="{{ here }}">{% csrf_token %}</i>{% endremembered %}'
    first, second = (drawn(source, csrf_token=token, here=f'/{token}/"><script>') for token in ("one", "two"))
    assert 'value="one"' in first
    assert 'value="two"' in second
    assert second.count("one") == 0
    assert '/two/&quot;&gt;&lt;script&gt;' in second
    assert not any(place in second for place in remembered.PLACES.values())


def test_while_templates_are_written_nothing_is_kept(settings: Any) -> None:
    settings.DEBUG = True
    assert drawn('{% remembered "part" %}{{ name }}{% endremembered %}', name="a") == "a"
    assert drawn('{% remembered "part" %}{{ name }}{% endremembered %}', name="b") == "b"


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 3)
    for number in range(20):
        drawn('{% remembered "part" number %}{{ number }}{% endremembered %}', number=number)
        assert len(remembered.KEPT) <= 3


@pytest.mark.django_db
def test_everybody_has_their_own_frame() -> None:
    site, other = make.make_site(name="Moda"), make.make_site(name="Levent")
    people = {
        "Ada Frost": make.make_user(Role.FRONT_DESK, site=site, name="Ada Frost"),
        "Otto Reed": make.make_user(Role.FRONT_DESK, site=other, name="Otto Reed"),
    }
    seen: dict[str, list[str]] = {}
    for _round in range(2):
        for name, user in people.items():
            page = signed_in(Client(), user).get("/patients/").content.decode()
            seen.setdefault(name, []).append(page)
    for mine, theirs, here, there in (("Ada Frost", "Otto Reed", "Moda", "Levent"), ("Otto Reed", "Ada Frost", "Levent", "Moda")):
        for page in seen[mine]:
            assert mine in page
            assert here in page
            assert theirs not in page
            assert there not in page
    assert "/patients/" in seen["Ada Frost"][0]


@pytest.mark.django_db
def test_hidden_names_and_a_new_name_are_seen_at_once() -> None:
    site = make.make_site()
    user = make.make_user(Role.FRONT_DESK, site=site, name="Ada Frost")
    client = signed_in(Client(), user)
    assert 'aria-checked="false"' in client.get("/patients/").content.decode()
    client.cookies["hide_names"] = "1"
    assert 'aria-checked="true"' in client.get("/patients/").content.decode()
    type(user).objects.filter(pk=user.pk).update(name="Ada Winter")
    site.name = "Kadıköy"
    site.save()
    page = client.get("/patients/").content.decode()
    assert "Ada Winter" in page
    assert "Ada Frost" not in page
    assert "Kadıköy" in page
