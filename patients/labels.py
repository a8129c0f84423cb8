"""Words of the patients floor for forms and pages; the pure codes live in choices.py."""
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.languages import NAMES

SEX_CHOICES = [("female", _("Female")), ("male", _("Male")), ("other", _("Other or unknown"))]
LANGUAGE_CHOICES = list(NAMES.items())


class LinkPurpose(TextChoices):
    INTAKE = "intake", _("Health questions")
    APPOINTMENT = "appointment", _("Appointment")
    AFTERCARE = "aftercare", _("Aftercare")
    CHECK_IN = "check-in", _("Check-in")
    CONSENT = "consent", _("Consent")
    PAPERS = "papers", _("Papers")
    PRIVACY = "privacy", _("Privacy choices")
    CHANGES = "changes", _("What changed")


class DataRequestKind(TextChoices):
    COPY = "copy", _("A copy of the data")
    ERASE = "erase", _("Deletion of the data")


class ToldBy(TextChoices):
    """How the patient got the answer."""

    MAIL = "mail", _("by mail")
    PERSON = "person", _("handed over in person")
    POST = "post", _("by post")
    PHONE = "phone", _("by phone")


class DataRequestState(TextChoices):
    OPEN = "open", pgettext_lazy("request", "Open")
    DONE = "done", pgettext_lazy("request", "Done")
    REFUSED = "refused", pgettext_lazy("request", "Refused")
