from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while the clinic goes on working. That waits for every transaction that is older, so no lock time-out may end it;
    and what a try that was broken off left behind is no index."""

    atomic = False
    dependencies = [
        ('treatment_sessions', '0016_messages_held'),
    ]

    operations = [
        migrations.RunSQL("SET lock_timeout TO 0", "SET lock_timeout TO 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS appointment_taken", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='appointment',
            index=models.Index(
                condition=models.Q(('status__in', ['held', 'booked', 'confirmed', 'arrived', 'in-treatment', 'done'])),
                fields=['site', 'starts_at'],
                include=('id', 'room', 'device', 'status', 'hold_ends_at', 'room_span', 'device_span'),
                name='appointment_taken',
            ),
        ),
        migrations.RunSQL("RESET lock_timeout", "RESET lock_timeout"),
    ]
