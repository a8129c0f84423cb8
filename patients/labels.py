"""Words of the patients floor for forms and pages; the pure codes live in choices.py."""
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clinic.languages import NAMES

SEX_CHOICES = [("female", _("Female")), ("male", _("Male")), ("other", _("Other or unknown"))]
LANGUAGE_CHOICES = list(NAMES.items())


class LinkPurpose(TextChoices):
    INTAKE = "intake", _("Health questions")
    APPOINTMENT = "appointment", _("Appointment")
    AFTERCARE = "aftercare", _("Aftercare")
    CHECK_IN = "check-in", _("Check-in")
    CONSENT = "consent", _("Consent")
