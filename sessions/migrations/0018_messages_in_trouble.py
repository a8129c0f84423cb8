from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while the clinic goes on working, as in 0017; the new index is there before the old one goes."""

    atomic = False
    dependencies = [
        ('treatment_sessions', '0017_taken'),
    ]

    operations = [
        migrations.RunSQL("SET lock_timeout TO 0", "SET lock_timeout TO 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS message_in_trouble", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(
                condition=models.Q(('state__in', ['failed', 'bounced', 'unknown'])),
                fields=['site', '-due_at'],
                include=('id', 'is_test', 'patient', 'kind', 'cause_kind', 'cause_public_id', 'cause_revision'),
                name='message_in_trouble',
            ),
        ),
        RemoveIndexConcurrently(model_name='message', name='message_needs_somebody'),
        migrations.RunSQL("RESET lock_timeout", "RESET lock_timeout"),
    ]
