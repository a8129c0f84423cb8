"""What a patient sees, in one place: these texts are written in all eight languages, all others in English and Turkish.

`mesoclinic.translations` writes only them into the catalogues of the other six; `tests/house/test_translations.py` fails
on a view open to patients whose file is missing here, and on a template that such a page draws in without being listed.
Clinical texts of the catalogue are listed in `protocols.patient_texts`.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPEN = re.compile(r"^@(?:by_patient_link|public)\b", re.MULTILINE)

TEMPLATES = (
    "patient_base.html",
    "patient_pages/*",
    "public_booking/*",
    "compiled/mails/*",
    "documents/*",
    "explanations/explanation.html",
    "document_pages/verify.html",
    "frame/head.html", "frame/app.html", "frame/languages.html", "frame/logo.html", "frame/messages.html",
    "frame/demonstration.html",
    # What any visitor may meet: errors, and the frame they stand in.
    "plain_base.html", "400.html", "403.html", "403_csrf.html", "404.html", "500.html", "refused.html", "theirs.html",
    # Components that patient pages use and that say something themselves.
    "compiled/components/button.jinja", "components/confirm.html", "components/field_errors.html", "components/form_errors.html",
    "components/progress_line.html", "components/qr.html", "components/saved.html", "bootstrap5/*",
)  # fmt: skip
"""Templates under templates/, `*` for anything, folders included."""

FOR_STAFF = ("documents/label.html", "documents/worksheet.html")
"""Inside the patterns above, but read by staff only."""

MODULES = (
    "patients/gate_form.py", "patients/intake_form.py", "patients/intake.py",
    "sessions/views/explanations.py", "sessions/consent_text.py", "sessions/consent_signing.py",
    "sessions/forms/consent_signing.py", "sessions/forms/check_in.py", "sessions/checking_in.py", "sessions/self_service.py",
    "sessions/forms/public_booking.py", "sessions/public_booking.py", "sessions/changes_before.py",
    "sessions/own_choices.py", "clinic/file_fields.py", "clinic/file_checking.py",
    "clinic/forms.py", "clinic/deeds.py", "clinic/idempotency.py",
)  # fmt: skip
"""Code whose marked texts reach patients, beside every file with a view that opens without signing in."""

WORDS_ELSEWHERE = ("sessions/views/documents.py", "clinic/views/staff.py")
"""Files with one open page whose words stand in its template, among pages for staff."""

CODE_WORDS = (
    "patients/questionnaire.py", "patients/choices.py", "patients/asking.py", "protocols/question_entries.py",
    "protocols/medicines.py", "protocols/sources.py", "sessions/paper_words.py", "sessions/explanation_words.py",
    "sessions/listing_words.py", "sessions/live_aftercare.py", "sessions/message_texts.py",
)  # fmt: skip
"""Code that writes words down itself (`Text.of`), those of papers, mails and questions."""


def is_for_patients(place: str) -> bool:
    """Whether the file at this place (relative to the tree) holds texts patients see."""
    name = place.removeprefix("templates/")
    if name != place:
        return _any(TEMPLATES, name) and not _any(FOR_STAFF, name)
    return _any(MODULES, place) or opens(place)


@lru_cache(maxsize=1024)
def opens(place: str) -> bool:
    """Whether a view in this file is open to patients or to anybody."""
    return "/views/" in place and place not in WORDS_ELSEWHERE and bool(OPEN.search((ROOT / place).read_text()))


def holds_code_words(place: str) -> bool:
    return _any(CODE_WORDS, place)


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
