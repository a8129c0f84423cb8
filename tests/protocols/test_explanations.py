"""What a rule says to the patient: there for every rule, in every language, short, and never against a prescription."""
from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from patients.choices import Text
from protocols.definitions import Catalogue
from protocols.faults import EntryError
from protocols.rule_entries import LANGUAGES
from protocols.rules import Rule, parse_rule

# How a sentence would tell somebody to leave a medicine: neither language may say it, whatever the rule is about.
AGAINST_A_PRESCRIPTION = {
    "en": r"\b(stop|stops|stopping|pause|quit|interrupt|discontinue|come off|leave off|skip|do not take|don't take)\b",
    "tr": r"\b(bırak\w*|kesin|kesiniz|kesmelisiniz|almayın\w*|kullanmayın\w*|ara ver\w*|kesilmeli\w*)\b",
}
# A lay reader gets no promise about the outcome, and nobody is blamed for an answer.
PROMISES_AND_BLAME = {
    "en": r"\b(guarantee\w*|definitely|will cure|cures|completely safe|your fault|careless|should have)\b",
    "tr": r"\b(garanti\w*|kesinlikle|tamamen güvenli|sizin hatanız|dikkatsiz\w*)\b",
}
CODE = re.compile(r"\b(scr|wo|med|sub|ind|lab)-[a-z]")


def spoken(reference: Catalogue) -> Iterator[tuple[Rule, str, str]]:
    """Every sentence for patients with its rule and language."""
    for rule in reference.rules.values():
        for text in (rule.explanation, rule.advice):
            for language in LANGUAGES if text else ():
                yield rule, language, dict(text.by_language).get(language, "")


def test_every_rule_explains_itself_to_the_patient_in_every_language(reference: Catalogue) -> None:
    silent = [
        (rule.code, language)
        for rule in reference.rules.values()
        for language in LANGUAGES
        if rule.explanation is None or not dict(rule.explanation.by_language).get(language, "").strip()
    ]
    assert len(reference.rules) > 70
    assert not silent


def test_a_translation_is_not_the_english_sentence_again(reference: Catalogue) -> None:
    texts = [text for rule in reference.rules.values() for text in (rule.explanation, rule.advice) if text]
    assert not [text.get("en") for text in texts if text.get("en") == text.get("tr")]


def test_explanations_are_one_to_three_short_sentences_without_codes(reference: Catalogue) -> None:
    for rule, language, sentence in spoken(reference):
        assert 1 <= len(re.findall(r"[.!?](?=\s|$)", sentence)) <= 3, (rule.code, language, sentence)
        assert all(len(one.split()) <= 32 for one in re.split(r"[.!?;:]", sentence)), (rule.code, language, sentence)
        assert len(sentence) <= 260, (rule.code, language)
        assert not CODE.search(sentence), (rule.code, language)


def test_no_figure_of_a_rule_is_repeated_where_a_changed_limit_would_not_reach_it(reference: Catalogue) -> None:
    """Days and limits stand on the page as they were computed; a sentence that repeats one would outlive it."""
    for rule, language, sentence in spoken(reference):
        figures = re.findall(r"\d+", sentence.replace("HbA1c", "").replace("G6PD", ""))
        assert not figures, (rule.code, language, sentence)


def test_no_placeholder_is_left_open(reference: Catalogue) -> None:
    for rule, language, sentence in spoken(reference):
        assert not set("{}%") & set(sentence), (rule.code, language, sentence)


@pytest.mark.parametrize("forbidden", [AGAINST_A_PRESCRIPTION, PROMISES_AND_BLAME], ids=["stop", "promise"])
def test_no_explanation_tells_anybody_to_leave_a_medicine_promises_or_blames(
    reference: Catalogue, forbidden: dict[str, str]
) -> None:
    found = [
        (rule.code, language, match[0])
        for rule, language, sentence in spoken(reference)
        if (match := re.search(forbidden[language], sentence, re.IGNORECASE))
    ]
    assert not found


def test_the_golden_rule_is_there_in_the_words_of_the_reference(reference: Catalogue) -> None:
    golden = reference.rules["wo-golden"].sentence
    assert golden is not None
    assert golden.get("en") == "Do not stop any prescribed medicine yourself; ask the doctor who prescribed it."
    assert golden.get("tr") == "Reçeteli hiçbir ilacı kendiniz kesmeyin; ilacı yazan doktora sorun."


def rule_with(**more: object) -> Rule:
    words = {"en": "One", "tr": "Bir"}
    return parse_rule({"code": "scr-x", "title": words, "sentence": words, "source": "dec"} | more)


def test_a_rule_of_the_clinic_may_leave_the_explanation_out() -> None:
    assert rule_with().explanation is None
    assert rule_with(explanation={"en": "Why", "tr": "Neden"}).explanation == Text.of(en="Why", tr="Neden")


def test_an_explanation_in_one_language_only_is_refused_by_name() -> None:
    with pytest.raises(EntryError, match=r"explanation lacks the language tr"):
        rule_with(explanation={"en": "Why"})
