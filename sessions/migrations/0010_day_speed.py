from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while the clinic goes on working."""

    atomic = False
    dependencies = [
        ('patients', '0002_provisional'),
        ('protocols', '0003_texts_in_other_languages'),
        ('treatment_sessions', '0009_check_ins'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='screening',
            index=models.Index(fields=['patient', 'course', '-evaluated_at', '-id'], include=('outcome',), name='screening_newest'),
        ),
        AddIndexConcurrently(
            model_name='treatmentsession',
            index=models.Index(condition=models.Q(('status', 'ended')), fields=['appointment'], name='record_unsigned'),
        ),
    ]
