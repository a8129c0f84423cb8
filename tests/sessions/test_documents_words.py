"""The words of papers: complete in every language, and nothing in a template that its content does not have."""
from __future__ import annotations

import string
from typing import Any

import pytest
from django.conf import settings
from django.template.base import FilterExpression, VariableDoesNotExist

from clinic.doer import Doer
from clinic.languages import STAFF
from patients.choices import Text
from protocols.loading import load_reference
from sessions import documents, papers
from sessions.paper_words import ALL, CONSENT, LANGUAGES, printable_language, word
from sessions.sheet import ROWS, lower_first, upper_first
from tests import factories
from tests.healthy import answered
from tests.sessions.treated import make_ended_treatment

EVERY_WORD = [(key, text) for group in ALL for key, text in group.items()]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("key", "text"), EVERY_WORD, ids=[key for key, _ in EVERY_WORD])
def test_every_word_keeps_its_placeholders_in_every_language(key: str, text: Text) -> None:
    """That there is a word in each language is tests/house/test_translations.py's."""
    by_language = dict(text.by_language)
    assert set(STAFF) <= set(by_language)
    for language in LANGUAGES:
        assert placeholders(word(text, language)) == placeholders(by_language["en"]), language
    if key not in {"lot", "page_between"} and by_language["en"] and by_language["tr"]:
        assert by_language["tr"] != by_language["en"]


def test_papers_speak_every_language_of_the_clinic() -> None:
    assert set(LANGUAGES) == {code for code, _name in settings.LANGUAGES}
    wanted = ("tr", "tr-TR", "TR", "ru", "pt", "")
    assert [printable_language(one) for one in wanted] == ["tr", "tr", "tr", "ru", "en", "en"]


def test_every_code_the_papers_name_is_in_the_catalogue() -> None:
    catalogue = load_reference()
    for _icon, codes in ROWS:
        assert set(codes) <= set(catalogue.aftercare)
    for indication in catalogue.indications.values():
        for grade in indication.evidence.replace("−", "-").split("/"):
            assert f"grade_{grade}" in CONSENT, indication.code
    for substance in catalogue.substances.values():
        assert not substance.origin or f"origin_{substance.origin}" in CONSENT, substance.code
    for item in catalogue.consent_items.values():
        assert all(f"category_{code}" in CONSENT for code in item.categories), item.code


@pytest.mark.parametrize(
    ("text", "language", "lower", "upper"),
    [("Işık", "tr", "ışık", "Işık"), ("İç", "tr", "iç", "İç"), ("iz", "tr", "iz", "İz"), ("ilk", "en", "ilk", "Ilk"),
     ("", "tr", "", ""), ("Sauna", "de", "Sauna", "Sauna"), ("Keine Sauna", "de", "keine Sauna", "Keine Sauna"),
     ("Без сауны", "ru", "без сауны", "Без сауны"), ("Redness", "en", "redness", "Redness")],
)  # fmt: skip
def test_first_letters_follow_the_language(text: str, language: str, lower: str, upper: str) -> None:
    assert lower_first(text, language) == lower
    assert upper_first(text, language) == upper


@pytest.mark.django_db
def test_templates_name_only_what_their_content_has_even_in_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """`if` and `for` forgive a missing name by themselves; here they do not."""
    record = make_ended_treatment()
    by = Doer.staff(factories.make_user(), record.appointment.site)
    answered(record.patient, q_keloid="yes")
    made = [
        documents.issue_aftercare(treatment_session=record, by=by),
        documents.issue_consent(course=record.course, by=by),
        documents.issue_blank_consent(site=record.appointment.site, by=by, language="tr"),
        documents.issue_explanation(patient=record.patient, course=None, code="scr-keloid", by=by),
    ]
    forgiving = FilterExpression.resolve

    def unforgiving(self: Any, context: Any, ignore_failures: bool = False) -> Any:
        if self.is_var:
            try:
                self.var.resolve(context)
            except VariableDoesNotExist as missing:
                raise AssertionError(f"{self.token} is not in the content") from missing
        return forgiving(self, context, ignore_failures)

    monkeypatch.setattr(FilterExpression, "resolve", unforgiving)
    for document in made:
        for density in ("", "tight"):
            html = papers.html_of(document.source, language=document.language, density=density)
            assert document.verification_code in html
            assert "{{" not in html
