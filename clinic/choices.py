"""Words of the ground floor with stable codes. Changing a code needs a data migration and a note in the audit docs."""
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    FRONT_DESK = "front-desk", _("Front desk")
    PRACTITIONER = "practitioner", _("Practitioner")
    MEDICAL_LEAD = "medical-lead", _("Medical lead")
    MANAGER = "manager", _("Manager")


class Permission(TextChoices):
    """What may be done: one word per row of the policy table (permissions.py)."""

    SEE_PERSON = "see-person", _("see patients, contacts and appointments")
    CHANGE_PERSON = "change-person", _("change patients, contacts and appointments")
    SEE_HEADLINE = "see-headline", _("see screening headline, alert words and missing papers")
    SEE_CLINICAL = "see-clinical", _("see answers, findings, measurements and records")
    CHANGE_CLINICAL = "change-clinical", _("change answers, measurements and records")
    TREAT = "treat", _("approve a course, treat and sign")
    GRANT_CLEARANCE = "grant-clearance", _("grant a clearance")
    SEE_CATALOGUE = "see-catalogue", _("see protocols, limits and texts")
    APPROVE_CATALOGUE = "approve-catalogue", _("approve protocols, limits and texts")
    OVERBOOK = "overbook", _("overbook, with a reason")
    SEE_STAFF = "see-staff", _("see staff, sites and shifts")
    CHANGE_STAFF = "change-staff", _("change staff, sites, shifts and message rules")
    SET_SELF_SERVICE = "set-self-service", _("set what patients and calendar programs may do by themselves")
    SEE_AUDIT = "see-audit", _("see the audit log")
    ANSWER_DATA_REQUESTS = "answer-data-requests", _("answer what patients ask about their data")
    SEE_STOCK = "see-stock", _("see stock and lots")
    CHANGE_STOCK = "change-stock", _("receive and quarantine lots")


class PageSize(TextChoices):
    A4 = "A4", _("A4")
    LETTER = "letter", _("Letter")


class Weekday(TextChoices):
    MONDAY = "1", _("Monday")
    TUESDAY = "2", _("Tuesday")
    WEDNESDAY = "3", _("Wednesday")
    THURSDAY = "4", _("Thursday")
    FRIDAY = "5", _("Friday")
    SATURDAY = "6", _("Saturday")
    SUNDAY = "7", _("Sunday")


class RoomKind(TextChoices):
    TREATMENT = "treatment", _("Treatment room")
    CONSULTATION = "consultation", _("Consultation room")


class DeviceKind(TextChoices):
    INJECTOR = "dv-gun", _("Injection device")
    ELECTROPORATION = "dv-electroporation", _("Electroporation")
    ULTRASOUND = "dv-ultrasound", _("Ultrasound")


class AccessCategory(TextChoices):
    VIEW = "view", _("Viewed")
    SEARCH = "search", _("Searched")
    PRINT = "print", _("Printed")
    EXPORT = "export", _("Exported")
    DENIED = "denied", _("Denied")
