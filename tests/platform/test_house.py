"""Rules of the house that import-linter cannot see."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.db import connection, models

FLOORS = {"clinic": 0, "patients": 1, "protocols": 2, "treatment_sessions": 3}


def test_foreign_keys_point_only_downwards() -> None:
    upwards = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and isinstance(field.related_model, type)
        if model._meta.app_label in FLOORS and field.related_model._meta.app_label in FLOORS
        if FLOORS[field.related_model._meta.app_label] > FLOORS[model._meta.app_label]
    ]
    assert not upwards


def test_every_app_of_ours_has_a_floor() -> None:
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    assert ours == set(FLOORS)


@pytest.mark.django_db
def test_the_driver_is_psycopg2() -> None:
    assert connection.Database is psycopg2
    connection.ensure_connection()
    assert isinstance(connection.connection, psycopg2.extensions.connection)


def test_every_translation_is_compiled_and_current() -> None:
    sources = sorted((settings.BASE_DIR / "locale").glob("*/LC_MESSAGES/*.po"))
    assert {path.parts[-3] for path in sources} >= {"tr"}
    for source in sources:
        compiled = source.with_suffix(".mo")
        assert compiled.exists(), f"{compiled.name} is missing: run python -m mesoclinic.translations"
        with source.open("rb") as text, compiled.open("rb") as binary:
            assert entries(read_po(text)) == entries(read_mo(binary))


def entries(catalog: Catalog) -> set[tuple[str, ...]]:
    """Context, source and translation of everything translated; plural forms one after the other."""
    return {
        (*flat(message.context or ""), *flat(message.id), "=", *flat(message.string))
        for message in catalog
        if message.id and any(flat(message.string)) and not message.fuzzy
    }


def flat(text: Any) -> tuple[str, ...]:
    """The parts of a message; a context read from a compiled catalogue comes as bytes."""
    if isinstance(text, bytes):
        return (text.decode(),)
    return (text,) if isinstance(text, str) else tuple(text)
