from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while the clinic goes on working."""

    atomic = False
    dependencies = [
        ('treatment_sessions', '0016_messages_held'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='appointment',
            index=models.Index(
                condition=models.Q(('status__in', ['held', 'booked', 'confirmed', 'arrived', 'in-treatment', 'done'])),
                fields=['site', 'starts_at'],
                include=('id', 'room', 'device', 'status', 'hold_ends_at', 'room_span', 'device_span'),
                name='appointment_taken',
            ),
        ),
    ]
