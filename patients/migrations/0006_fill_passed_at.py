"""When the right birth date was shown last, for links opened before that was kept: the log has said it all along. Without
it, wrong birth dates of long ago would still count against a patient who has come in since."""

from typing import Any

from django.db import migrations, transaction
from django.db.models import Max

AT_A_TIME = 500


def fill(apps: Any, schema_editor: Any) -> None:
    """In small transactions: a patient at the gate waits for one of them at most."""
    alias = schema_editor.connection.alias
    links = apps.get_model("patients", "PatientLink").objects.using(alias)
    said = apps.get_model("clinic", "AuditEvent").objects.using(alias).filter(action="link-opened").order_by()
    opened = dict(said.values_list("object_public_id").annotate(last=Max("at")))
    last = 0
    while batch := list(links.filter(pk__gt=last, passed_at=None).order_by("pk").values_list("pk", "public_id")[:AT_A_TIME]):
        last = batch[-1][0]
        with transaction.atomic(using=alias):
            for key, public_id in batch:
                if public_id in opened:
                    links.filter(pk=key, passed_at=None).update(passed_at=opened[public_id])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("patients", "0005_told_by"), ("clinic", "0004_site_insurer")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
