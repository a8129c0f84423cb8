"""Mails of a course that were sent again before a repeat kept the number of its session or review: they took the next free
number, and so passed for the mail of another session. The log says of which mail each is a repeat."""

from collections import Counter
from typing import Any

from django.db import migrations
from django.db.models import Max

A_REPEAT = 1000
ASIDE = 1_000_000  # where rows wait until the numbers they get are free


def messages(apps: Any, schema_editor: Any) -> Any:
    return apps.get_model("treatment_sessions", "Message").objects.using(schema_editor.connection.alias)


def repeats(apps: Any, schema_editor: Any) -> list[tuple[Any, str]]:
    """Every mail of a course that a person sent again, with the public id of the one it repeats, the oldest first."""
    events = apps.get_model("clinic", "AuditEvent").objects.using(schema_editor.connection.alias)
    said = events.filter(action="message-sent-again").order_by("at", "id").only("object_public_id", "detail")
    found = {row.object_public_id: row.detail.get("of", "") for row in said.iterator()}
    rows = messages(apps, schema_editor).filter(cause_kind="course").in_bulk(list(found), field_name="public_id")
    return [(rows[public_id], of) for public_id, of in found.items() if public_id in rows]


def renumber(apps: Any, schema_editor: Any) -> None:
    """The number of what it repeats, and a thousand for each time."""
    numbers: dict[str, int] = {}  # of the repeats seen so far: one may be repeated again
    times: Counter[tuple[str, str, int]] = Counter()
    wrong: list[tuple[int, int]] = []
    rows = messages(apps, schema_editor)
    for row, of in repeats(apps, schema_editor):
        number = numbers.get(of)
        if number is None:
            original = rows.filter(public_id=of).values_list("cause_revision", flat=True).first()
            if original is None:
                continue
            number = original % A_REPEAT
        numbers[row.public_id] = number
        times[row.cause_public_id, row.kind, number] += 1
        revision = number + A_REPEAT * times[row.cause_public_id, row.kind, number]
        if row.cause_revision != revision:
            wrong.append((row.pk, revision))
    for offset in (ASIDE, 0):
        for key, revision in wrong:
            rows.filter(pk=key).update(cause_revision=revision + offset)


def number_on(apps: Any, schema_editor: Any) -> None:
    """Back to the next free number, as it was counted before."""
    rows = messages(apps, schema_editor)
    for row, _of in repeats(apps, schema_editor):
        if row.cause_revision < A_REPEAT:
            continue
        same = rows.filter(cause_kind="course", cause_public_id=row.cause_public_id, kind=row.kind)
        last = same.filter(cause_revision__lt=A_REPEAT).aggregate(last=Max("cause_revision"))["last"] or 0
        rows.filter(pk=row.pk).update(cause_revision=last + 1)


class Migration(migrations.Migration):
    dependencies = [("treatment_sessions", "0013_rules_left_open"), ("clinic", "0004_site_insurer")]
    operations = [migrations.RunPython(renumber, number_on)]
