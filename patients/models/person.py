"""The person: who is treated, how to reach them, where they are known, what they chose."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from clinic.models import PublicId, Site, User, Versioned
from patients.choices import Sex
from patients.labels import LANGUAGE_CHOICES, SEX_CHOICES
from patients.search_key import parts_of_key, query_terms, search_key


class PatientQuerySet(models.QuerySet["Patient"]):
    def current(self) -> Self:
        """Without records that were merged into another."""
        return self.filter(merged_into=None)

    def visible_to(self, user: User) -> Self:
        """The only path from a member of staff to patients: everybody for an organisation-wide role, else those known
        at the sites of the roles."""
        limits = user.limited_to()
        if limits is None:
            return self
        return self.known_in(limits)

    def known_in(self, sites: Any) -> Self:
        """Registered or ever booked at one of these sites: their keys, or a query for them."""
        return self.filter(Exists(PatientSite.objects.filter(patient=OuterRef("pk"), site__in=sites)))

    def known_at(self, site: Site) -> Self:
        """Registered or ever booked at this site."""
        return self.filter(Exists(PatientSite.objects.filter(patient=OuterRef("pk"), site=site)))

    def matching(self, typed: str) -> Self:
        """Every word of the query occurs somewhere in name, phone, e-mail, birth date or record number. One or two letters
        are too few for the index to find anywhere: they find what begins with them."""
        terms = query_terms(typed)
        if not terms:
            return self.none()
        found = self
        for part in parts_of_key(terms):
            found = found.filter(search_key__contains=part)
        return found


class PatientManager(models.Manager.from_queryset(PatientQuerySet)):  # type: ignore[misc]
    """Everybody with a record: a provisional row, on which an unconfirmed online request hangs, is nobody yet."""

    def get_queryset(self) -> PatientQuerySet:
        found: PatientQuerySet = super().get_queryset().filter(is_provisional=False)
        return found


class Named:
    """How somebody with these two names is shown."""

    __slots__ = ()
    given_name: Any
    family_name: Any

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return f"{self.given_name[:1]}{self.family_name[:1]}".upper()


class Patient(Named, PublicId, Versioned):
    record_number = models.CharField(_("record number"), max_length=16, unique=True, editable=False)
    given_name = models.CharField(_("given name"), max_length=80)
    family_name = models.CharField(_("family name"), max_length=80)
    birth_date = models.DateField(_("birth date"))
    sex = models.CharField(_("sex for clinical use"), max_length=8, choices=SEX_CHOICES)
    phone = PhoneNumberField(_("phone"), blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    email_problem = models.CharField(max_length=200, blank=True, help_text=_("Why mails to this address come back"))
    language = models.CharField(_("language"), max_length=8)
    address = models.CharField(_("address"), max_length=300, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    registered_at = models.ForeignKey(Site, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    no_known_allergies_on = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    search_key = models.TextField(editable=False)
    is_provisional = models.BooleanField(default=False, editable=False)

    objects: ClassVar[Any] = PatientManager()
    everyone: ClassVar[Any] = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name", "id"]
        indexes = [
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="patient_search_trgm"),
            models.Index(fields=["birth_date"], name="patient_birth_date"),
            models.Index(fields=["phone"], name="patient_phone"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(sex__in=[s.value for s in Sex]), name="patient_sex_known"),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="patient_not_merged_into_itself"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def language_name(self) -> str:
        return dict(LANGUAGE_CHOICES).get(self.language, self.language)

    def refresh_search_key(self) -> None:
        self.search_key = search_key(
            given_name=self.given_name,
            family_name=self.family_name,
            phone=str(self.phone or ""),
            email=self.email,
            birth_date_iso=self.birth_date.isoformat(),
            record_number=self.record_number,
        )


class PatientSite(models.Model):
    """Where a patient is known: registered or ever booked. Written when either happens."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="sites")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "site"], name="patient_site_once")]

    def __str__(self) -> str:
        return f"{self.patient} at {self.site}"


@pghistory.track()
class PrivacyChoice(models.Model):
    """One choice of the patient about one use of their data; the newest row per kind counts."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="privacy_choices")
    kind = models.CharField(max_length=32)
    allowed = models.BooleanField()
    chosen_at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["-chosen_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.allowed}"


pghistory.track(exclude=["search_key"])(Patient)
