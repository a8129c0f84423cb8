"""Who works here: users, their roles, shifts and absences."""

from __future__ import annotations

from typing import Any, ClassVar

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clinic.choices import Role, Weekday
from clinic.models.base import PublicId, Versioned
from clinic.models.place import Site


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def practitioners_at(self, site: Site | Combinable) -> QuerySet[User]:
        """Active people who may treat at this site, by name."""
        return (
            self.filter(is_active=True, roles__role__in=[Role.PRACTITIONER, Role.MEDICAL_LEAD])
            .filter(Q(roles__site=site) | Q(roles__site=None))
            .distinct()
            .order_by("name")
        )


@pghistory.track(exclude=["password", "last_login"])
class User(AbstractBaseUser, PublicId, Versioned):
    """A member of staff. Signs in with e-mail; roles are rows of their own, because one person may hold several."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(max_length=8, default="en")
    is_active = models.BooleanField(default=True)
    licence_number = models.CharField(max_length=40, blank=True)
    licence_valid_until = models.DateField(null=True, blank=True)
    licence_country = models.CharField(max_length=2, blank=True, help_text=_("Country whose law the licence is from"))
    drag_locked = models.BooleanField(default=False, help_text=_("Appointments are not moved by dragging"))
    current_site = models.ForeignKey(Site, models.SET_NULL, null=True, blank=True, related_name="+")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if not word.endswith(".") and word != "Dr"]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def role_label(self) -> str:
        """The role's word for the frame; several are joined."""
        return ", ".join(dict.fromkeys(str(staff_role.get_role_display()) for staff_role in self.roles.all()))

    def roles_at(self, site: Site | None) -> list[str]:
        """Roles that hold at `site`: those for the whole organisation and those limited to it."""
        return [
            staff_role.role
            for staff_role in self.roles.all()
            if staff_role.site_id is None or (site is not None and staff_role.site_id == site.pk)
        ]

    def limited_to(self) -> list[int] | None:
        """The keys of the sites of the roles; None: an organisation-wide role means all of them."""
        sites = [staff_role.site_id for staff_role in self.roles.all()]
        return None if None in sites else [key for key in sites if key is not None]

    def sites(self) -> QuerySet[Site]:
        """Open sites this person works at."""
        limits = self.limited_to()
        opened = Site.objects.filter(is_open=True)
        return opened if limits is None else opened.filter(pk__in=limits)

    def licensed_on(self, day: Any) -> bool:
        """Unknown never counts as fine: without number or date nobody is licensed."""
        return bool(self.licence_number and self.licence_valid_until and self.licence_valid_until >= day)

    def licensed_in(self, country: str) -> bool:
        """Whether the licence is of this country. One without a country counts only while every open site lies in that
        country: then it can be of no other."""
        if self.licence_country:
            return self.licence_country == country
        return not Site.objects.filter(is_open=True).exclude(country=country).exists()


@pghistory.track()
class StaffRole(models.Model):
    """One role of one person, for the whole organisation or one site."""

    user = models.ForeignKey(User, models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=Role)
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "site"], nulls_distinct=False, name="staff_role_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="staff_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"


class Invitation(PublicId):
    """A link by mail with which a new member of staff sets the first password. Only the hash of the token is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation of {self.user}"


@pghistory.track()
class Shift(models.Model):
    """A weekly working time of a practitioner at a site, between two dates. A break splits it into two rows."""

    user = models.ForeignKey(User, models.CASCADE, related_name="shifts")
    site = models.ForeignKey(Site, models.CASCADE, related_name="shifts")
    weekday = models.CharField(max_length=1, choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["weekday", "starts"]
        constraints = [models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="shift_in_order")]

    def __str__(self) -> str:
        return f"{self.user} {self.get_weekday_display()} {self.starts:%H:%M}-{self.ends:%H:%M}"


@pghistory.track()
class DayShift(models.Model):
    """What one person works at a site on one day, in the place of the weekly pattern: an extra shift, other hours, a break
    (two rows), or free (one row without times)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="day_shifts")
    site = models.ForeignKey(Site, models.CASCADE, related_name="+")
    day = models.DateField()
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["day", "starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts=None, ends=None) | Q(starts__isnull=False, ends__isnull=False, starts__lt=F("ends")),
                name="day_shift_in_order",
            ),
            models.UniqueConstraint(
                fields=["user", "site", "day", "starts"], nulls_distinct=False, name="day_shift_unique"
            ),
        ]

    def __str__(self) -> str:
        times = f"{self.starts:%H:%M}-{self.ends:%H:%M}" if self.starts and self.ends else "free"
        return f"{self.user} {self.day} {times}"


@pghistory.track()
class Absence(models.Model):
    """Time a practitioner is away, wherever."""

    user = models.ForeignKey(User, models.CASCADE, related_name="absences")
    span = DateTimeRangeField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="absence_no_overlap",
                expressions=[("user", RangeOperators.EQUAL), ("span", RangeOperators.OVERLAPS)],
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.reason}"
