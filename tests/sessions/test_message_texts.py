"""Mail texts: complete in every language we write in, placeholders alike, nothing of health on a locked phone."""
from __future__ import annotations

import datetime as dt
import re
from string import Formatter

import pytest

from patients.choices import Text
from protocols import catalogue
from sessions import message_texts, sending
from sessions.message_texts import KINDS, LANGUAGES, SENTENCES, day_of, say, written_in

TREATED = re.compile(
    "meso|мезо|ميزو|treatment|inject|injek|iniez|inyec|tedavi|enjeks|trait|tratt|tratam|behand|лечен|укол|علاج|حقن"
)
TEXTS = {**SENTENCES, **{kind.code: kind.subject for kind in KINDS.values() if kind.subject is not None}}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_there_in_every_language_with_the_same_placeholders(key: str) -> None:
    text: Text = TEXTS[key]
    said = {language: text.get(language) for language in LANGUAGES}
    assert len({frozenset(placeholders(sentence)) for sentence in said.values()}) == 1
    assert all(said.values())


@pytest.mark.django_db
def test_subjects_name_no_diagnosis_and_no_treatment() -> None:
    known = catalogue.in_force()
    names = [entry.name_in(language).lower() for language in LANGUAGES
             for group in (known.indications, known.substances, known.techniques) for entry in group.values()]  # fmt: skip
    for kind in KINDS.values():
        for language in LANGUAGES:
            own = kind.subject.get(language) if kind.subject else known.messages[kind.code].name_in(language)
            subject = own.lower()
            assert not [name for name in names if name in subject]
            assert not TREATED.search(subject)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Thursday 12 March 2026"), ("tr", "12 Mart 2026 Perşembe"), ("fr", "jeudi 12 mars 2026"),
     ("it", "giovedì 12 marzo 2026"), ("es", "jueves 12 de marzo de 2026"), ("de", "Donnerstag, 12. März 2026"),
     ("ru", "четверг, 12 марта 2026"), ("ar", "الخميس 12 مارس 2026")],
)  # fmt: skip
def test_day_carries_its_weekday_in_every_language(language: str, said: str) -> None:
    assert day_of(dt.date(2026, 3, 12), language, year=True) == said


def test_language_without_texts_is_written_in_english() -> None:
    assert [written_in(language) for language in ("tr", "tr-TR", "en", "de", "pt")] == ["tr", "tr", "en", "de", "en"]


def test_values_stay_text() -> None:
    assert say("hello", "en", name="{day} {0}") == "Hello {day} {0},"


def test_every_kind_has_a_composer_and_its_own_words() -> None:
    from sessions.letters import COMPOSERS

    assert set(COMPOSERS) == set(KINDS)
    assert message_texts.INTAKE in KINDS
    assert not KINDS[message_texts.INTAKE].resent_alone


def test_claim_outlives_the_slowest_mail(settings: object) -> None:
    """Nine SMTP steps, each of which may take EMAIL_TIMEOUT; otherwise a slow mail would be taken for a dead worker."""
    assert settings.MESSAGE_CLAIM_SECONDS > 9 * settings.EMAIL_TIMEOUT  # type: ignore[attr-defined]
    assert settings.MESSAGE_ROUND_SECONDS + settings.MESSAGE_CLAIM_SECONDS <= settings.CELERY_TASK_TIME_LIMIT  # type: ignore[attr-defined]
    assert len(sending.MAIL_LADDER) == 5
