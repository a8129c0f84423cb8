"""The ground the other tests stand on: a test that commits leaves nothing behind, and takes no reference row away."""
from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from clinic.models import Organisation
from tests import database


@pytest.mark.django_db(transaction=True)
def test_committed_rows_are_gone_and_reference_rows_are_back() -> None:
    types = ContentType.objects.count()
    Organisation.objects.create(pk=1, name="Committed")
    ContentType.objects.filter(app_label="clinic").update(app_label="elsewhere")
    ContentType.objects.create(app_label="new", model="new")

    database.empty()

    assert not Organisation.objects.exists()
    assert ContentType.objects.count() == types
    assert ContentType.objects.filter(app_label="clinic").exists()


@pytest.mark.django_db(transaction=True)
def test_triggers_are_awake_again_after_emptying() -> None:
    database.empty()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal")
        assert cursor.fetchone() == (0,)
