"""What a patient allows their photographs to be used for: the newest statement counts, and withdrawn means withdrawn.

A signed consent says yes or no to each use; a use can be taken back alone; and a consent that is withdrawn takes its
photographs along. None of these brings an older yes back, whatever course it was given for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.day_words import day
from patients.models import Patient
from sessions.models import Consent

USES = ("record", "teaching", "publicity")
NAME = {"record": gettext_lazy("record"), "teaching": gettext_lazy("teaching"), "publicity": gettext_lazy("publicity")}


def kind_of(use: str) -> str:
    """The kind of the privacy choice that takes this use back."""
    return f"photos-{use}"


@dataclass(frozen=True, slots=True)
class PhotoPermission:
    """`newest` is the consent that was signed last, withdrawn or not; `taken_back` when each use was taken back alone."""

    newest: Consent | None
    taken_back: Mapping[str, dt.datetime]
    zone: dt.tzinfo

    def allows(self, use: str) -> bool:
        signed = self.newest
        if signed is None or signed.withdrawn_at is not None or not said_yes(signed, use):
            return False
        return not self._was_taken_back(signed, use)

    def _was_taken_back(self, consent: Consent, use: str) -> bool:
        return use in self.taken_back and (consent.signed_at is None or consent.signed_at <= self.taken_back[use])

    def words_for(self, consent: Consent, language: str) -> list[str]:
        """Each use as it stands now for somebody who reads this signed consent, for staff."""
        return [f"{NAME[use]} {self._word(consent, use, language)}" for use in USES]

    def _word(self, consent: Consent, use: str, language: str) -> str:
        if not said_yes(consent, use):
            return _("no")
        if self.allows(use):
            return _("yes")
        if self._was_taken_back(consent, use):
            return _("no longer (taken back on %(day)s)") % {"day": self._day(self.taken_back[use], language)}
        if consent.withdrawn_at is not None:
            return _("no longer (withdrawn on %(day)s)") % {"day": self._day(consent.withdrawn_at, language)}
        return _("no longer (the newest consent says otherwise)")

    def ended(self, language: str) -> list[str]:
        """What was allowed by the newest consent and is no longer, in words for staff."""
        found = []
        for use in USES:
            if self.newest is None or not said_yes(self.newest, use) or self.allows(use):
                continue
            if self._was_taken_back(self.newest, use):
                found.append(str(TAKEN_BACK[use]) % {"day": self._day(self.taken_back[use], language)})
            elif self.newest.withdrawn_at is not None:
                found.append(str(ENDED[use]) % {"day": self._day(self.newest.withdrawn_at, language)})
        return found

    def _day(self, moment: dt.datetime, language: str) -> str:
        return day(moment.astimezone(self.zone), language, year=True)


TAKEN_BACK = {
    "record": gettext_lazy("Photographs in the record: taken back by the patient on %(day)s"),
    "teaching": gettext_lazy("Photographs to teach staff: taken back by the patient on %(day)s"),
    "publicity": gettext_lazy("Photographs in publicity: taken back by the patient on %(day)s"),
}
ENDED = {
    "record": gettext_lazy("Photographs in the record: no longer allowed, the consent was withdrawn on %(day)s"),
    "teaching": gettext_lazy("Photographs to teach staff: no longer allowed, the consent was withdrawn on %(day)s"),
    "publicity": gettext_lazy("Photographs in publicity: no longer allowed, the consent was withdrawn on %(day)s"),
}


def said_yes(consent: Consent, use: str) -> bool:
    return bool(getattr(consent, f"photos_{use}"))


def permission_of(patient: Patient) -> PhotoPermission:
    """Two queries."""
    use_of = {kind_of(use): use for use in USES}
    taken_back: dict[str, dt.datetime] = {}
    for choice in patient.privacy_choices.filter(kind__in=list(use_of), allowed=False):  # newest first
        taken_back.setdefault(use_of[choice.kind], choice.chosen_at)
    signed = Consent.objects.filter(patient=patient, signed_at__isnull=False).defer("answers")
    newest = signed.order_by(F("signed_at").desc(), "-id").first()
    return PhotoPermission(newest, taken_back, patient.registered_at.zone)


def put_words(consents: Iterable[Consent], permission: PhotoPermission, language: str) -> None:
    """Put the words beside the consents a page shows."""
    for one in consents:
        one.photo_words = permission.words_for(one, language) if one.signed_at is not None else []
