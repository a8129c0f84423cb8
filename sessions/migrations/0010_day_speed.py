from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while the clinic goes on working. That waits for every transaction that is older, so no lock time-out may end it;
    and what a try that was broken off left behind is no index."""

    atomic = False
    dependencies = [
        ('patients', '0002_provisional'),
        ('protocols', '0003_texts_in_other_languages'),
        ('treatment_sessions', '0009_check_ins'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL("SET lock_timeout TO 0", "SET lock_timeout TO 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS screening_newest", migrations.RunSQL.noop),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS record_unsigned", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='screening',
            index=models.Index(fields=['patient', 'course', '-evaluated_at', '-id'], include=('outcome',), name='screening_newest'),
        ),
        AddIndexConcurrently(
            model_name='treatmentsession',
            index=models.Index(condition=models.Q(('status', 'ended')), fields=['appointment'], name='record_unsigned'),
        ),
        migrations.RunSQL("RESET lock_timeout", "RESET lock_timeout"),
    ]
