"""Consent of a patient to one plan: the text that was given, what was answered, and the signatures under it.

Whatever is signed is frozen by the database. Withdrawing adds a stamp, countersigning adds a signature, nothing else
changes any more; a new text or a new plan is a new row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, User, Versioned
from patients.models import Patient
from sessions.models.course import Course
from sessions.models.document import Document
from sessions.models.upload import Upload


class ConsentMethod(models.TextChoices):
    """How the patient signed. `paper`: the paper stays in a folder; `scan`: it was also scanned."""

    PAPER = "paper", _("Signed on paper")
    SCAN = "scan", _("Signed on paper, scanned")
    DRAWN = "drawn", _("Signed by hand on a screen")
    TYPED = "typed", _("Signed with a typed name")


class SignatureRole(models.TextChoices):
    PATIENT = "patient", _("Patient")
    CLINICIAN = "clinician", _("Clinician who treats")


class SignatureMethod(models.TextChoices):
    DRAWN = "drawn", _("drawn by hand")
    TYPED = "typed", _("typed name")
    PASSWORD = "password", _("name, after the password")


M, S = ConsentMethod, SignatureMethod
ON_PAPER = (M.PAPER, M.SCAN)
ON_SCREEN = (M.DRAWN, M.TYPED)
DIGEST = r"^[0-9a-f]{64}$"


class ConsentQuerySet(models.QuerySet["Consent"]):
    def with_papers(self) -> Self:
        """With what a list shows of text, signed paper and countersignature; without their bytes."""
        return self.select_related("text", "signed_document", "clinician_signature", "scan").defer(
            "text__pdf", "text__source", "signed_document__pdf", "signed_document__source",
            "clinician_signature__picture", "clinician_signature__strokes",
        )  # fmt: skip

    def telling_first(self) -> Self:
        """By course; of each course the one that says how things stand comes first: the newest that is signed and not
        withdrawn, else the newest. A text given for renewal does not end what was signed before it."""
        stands = Case(
            When(signed_at__isnull=False, withdrawn_at=None, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
        return self.annotate(rank=stands).order_by("course_id", "rank", "-informed_at", "-id")


@pghistory.track()
class Consent(PublicId, Versioned):
    """`informed_at` is when the text was given, `opened_at` when the patient first read it behind their link, `signed_at`
    when the patient signed. `text` is the exact text as a frozen document, `text_sha256` what of it was signed; `answers`
    holds every separate choice by its code. Only for the plan version it names; it is renewed in time."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="consents")
    course = models.ForeignKey(Course, models.PROTECT, related_name="consents")
    plan_version = models.PositiveIntegerField()
    language = models.CharField(max_length=8)
    document_public_id = models.CharField(max_length=22, blank=True)
    text = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="consents_to_it")
    text_sha256 = models.CharField(max_length=64, blank=True)
    informed_at = models.DateTimeField()
    informed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    method = models.CharField(max_length=8, choices=ConsentMethod, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    photos_record = models.BooleanField(null=True, blank=True)
    photos_teaching = models.BooleanField(null=True, blank=True)
    photos_publicity = models.BooleanField(null=True, blank=True)
    photo_words: Sequence[str] = ()  # how the uses stand now, put here by `sessions.photo_permission` for the page that says so
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    scan = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="consents")
    patient_signature = models.OneToOneField(
        "ConsentSignature", models.PROTECT, null=True, blank=True, related_name="signed_by_patient"
    )
    clinician_signature = models.OneToOneField(
        "ConsentSignature", models.PROTECT, null=True, blank=True, related_name="signed_by_clinician"
    )
    signed_document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="consents_in_it")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Any] = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-informed_at"]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="consent_id_patient"),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="consent_same_patient",
            ),
            SameParent(
                fields=("text", "patient"), to=("treatment_sessions.Document", ("id", "patient")),
                name="consent_text_same_patient",
            ),
            SameParent(
                fields=("signed_document", "patient"), to=("treatment_sessions.Document", ("id", "patient")),
                name="consent_signed_document_same_patient",
            ),
            SameParent(
                fields=("scan", "patient"), to=("treatment_sessions.Upload", ("id", "patient")),
                name="consent_scan_same_patient",
            ),
            SameParent(
                fields=("patient_signature", "patient"), to=("treatment_sessions.ConsentSignature", ("id", "patient")),
                name="consent_patient_signature_same_patient",
            ),
            SameParent(
                fields=("patient_signature", "id"), to=("treatment_sessions.ConsentSignature", ("id", "consent")),
                name="consent_patient_signature_own",
            ),
            SameParent(
                fields=("clinician_signature", "patient"), to=("treatment_sessions.ConsentSignature", ("id", "patient")),
                name="consent_clinician_signature_same_patient",
            ),
            SameParent(
                fields=("clinician_signature", "id"), to=("treatment_sessions.ConsentSignature", ("id", "consent")),
                name="consent_clinician_signature_own",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, method="", recorded_by=None, scan=None, patient_signature=None,
                            clinician_signature=None)
                | Q(signed_at__gte=F("informed_at"), recorded_by__isnull=False, method=M.PAPER, scan=None,
                    patient_signature=None, clinician_signature=None)
                | Q(signed_at__gte=F("informed_at"), recorded_by__isnull=False, method=M.SCAN, scan__isnull=False,
                    patient_signature=None, clinician_signature=None)
                | Q(signed_at__gte=F("informed_at"), method__in=ON_SCREEN, patient_signature__isnull=False,
                    text__isnull=False, text_sha256__regex=DIGEST, scan=None),
                name="consent_signed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None) | Q(photos_record__isnull=False, photos_teaching__isnull=False,
                                                photos_publicity__isnull=False),
                name="consent_every_choice_made",
            ),
            models.CheckConstraint(
                condition=~Q(method__in=ON_SCREEN) | ~Q(answers={}), name="consent_on_screen_keeps_answers"
            ),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Trigger(
                name="signed_consent_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF OLD.signed_at IS NULL THEN
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'UPDATE'
                       AND (to_jsonb(NEW) - 'version' - 'withdrawn_at' - 'withdrawn_reason' - 'clinician_signature_id'
                            - 'signed_document_id')
                         = (to_jsonb(OLD) - 'version' - 'withdrawn_at' - 'withdrawn_reason' - 'clinician_signature_id'
                            - 'signed_document_id')
                       AND (OLD.withdrawn_at IS NULL OR NEW.withdrawn_at = OLD.withdrawn_at)
                       AND (OLD.clinician_signature_id IS NULL OR NEW.clinician_signature_id = OLD.clinician_signature_id)
                       AND (OLD.signed_document_id IS NULL OR NEW.signed_document_id IS NOT NULL)
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a signed consent is frozen';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"consent of {self.patient}"

    @property
    def waits_for_clinician(self) -> bool:
        """Signed by the patient on a screen, not yet by the clinician who treats. On paper both sign the same sheet."""
        return self.signed_at is not None and self.method in ON_SCREEN and self.clinician_signature_id is None

    @property
    def given_text(self) -> Document:
        """The frozen text; a consent that was given on paper alone has none here."""
        if self.text is None:
            raise ValueError("this consent was given on paper")
        return self.text

    @property
    def is_open(self) -> bool:
        """Neither signed nor withdrawn."""
        return self.signed_at is None and self.withdrawn_at is None


class ConsentSignature(PublicId):
    """One signature under one consent: whose, its name, time and meaning, and from where. Only ever added.

    `strokes` is what the pen did (lists of x, y, time), `picture` the drawing as PNG, drawn anew from the pixels that were
    sent; `address` the network address it came from; `text_sha256` ties it to the words that were shown."""

    consent = models.ForeignKey(Consent, models.PROTECT, related_name="signatures")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=SignatureRole)
    name = models.CharField(max_length=160)
    meaning = models.CharField(max_length=200)
    method = models.CharField(max_length=8, choices=SignatureMethod)
    signed_at = models.DateTimeField()
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    address = models.GenericIPAddressField(null=True, blank=True)
    strokes = models.JSONField(default=list, blank=True)
    picture = models.BinaryField(null=True, blank=True)
    text_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["consent", "role"], name="consent_signature_once_each"),
            models.UniqueConstraint(fields=["id", "consent"], name="consent_signature_id_consent"),
            models.UniqueConstraint(fields=["id", "patient"], name="consent_signature_id_patient"),
            SameParent(
                fields=("consent", "patient"), to=("treatment_sessions.Consent", ("id", "patient")),
                name="consent_signature_same_patient",
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(meaning="") & Q(text_sha256__regex=DIGEST), name="consent_signature_says_all"
            ),
            models.CheckConstraint(
                condition=(Q(method=S.DRAWN, picture__isnull=False) & ~Q(strokes=[]))
                | Q(method__in=[S.TYPED, S.PASSWORD], picture=None, strokes=[]),
                name="consent_signature_drawn_or_typed",
            ),
            models.CheckConstraint(
                condition=Q(role=SignatureRole.PATIENT, user=None, method__in=[S.DRAWN, S.TYPED])
                | Q(role=SignatureRole.CLINICIAN, user__isnull=False, method=S.PASSWORD),
                name="consent_signature_by_its_signer",
            ),
        ]  # fmt: skip
        triggers = [pgtrigger.Protect(name="consent_signature_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"signature of {self.name}"
