from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

KEPT_BY_THE_DATABASE = "UPDATE treatment_sessions_treatmentsession SET unsigned_site_id = NULL WHERE status = 'ended'"


class Migration(migrations.Migration):
    """Built while the clinic goes on working, as in 0017; the new index is there before the old one goes."""

    atomic = False
    dependencies = [
        ('treatment_sessions', '0019_records_waiting'),
    ]

    operations = [
        migrations.RunSQL(KEPT_BY_THE_DATABASE, migrations.RunSQL.noop),
        migrations.RunSQL("SET lock_timeout TO 0", "SET lock_timeout TO 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS record_waits", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='treatmentsession',
            index=models.Index(
                condition=models.Q(('unsigned_site__isnull', False)),
                fields=['unsigned_site', 'practitioner'],
                name='record_waits',
            ),
        ),
        RemoveIndexConcurrently(model_name='treatmentsession', name='record_unsigned'),
        migrations.RunSQL("RESET lock_timeout", "RESET lock_timeout"),
    ]
