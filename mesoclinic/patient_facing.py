"""What a patient sees, in one place: these texts are written in all eight languages, all others in English and Turkish.

`mesoclinic.translations` writes only them into the catalogues of the other six; `tests/house/test_translations.py` fails
on a view open to patients whose file is missing here, and on a template that such a page draws in without being listed.
Clinical texts of the catalogue are listed in `protocols.patient_texts`.
"""

from __future__ import annotations

from fnmatch import fnmatch

TEMPLATES = (
    "patient_base.html",
    "patient_pages/*",
    "mails/*",
    "documents/*",
    "explanations/explanation.html",
    "document_pages/verify.html",
    "frame/head.html", "frame/languages.html", "frame/logo.html", "frame/messages.html", "frame/demonstration.html",
    # What any visitor may meet: errors, and the frame they stand in.
    "plain_base.html", "400.html", "403.html", "403_csrf.html", "404.html", "500.html", "refused.html", "theirs.html",
    # Components that patient pages use and that say something themselves.
    "components/button.html", "components/confirm.html", "components/field_errors.html", "components/form_errors.html",
    "components/progress_line.html", "components/qr.html", "components/saved.html", "bootstrap5/*",
)  # fmt: skip
"""Templates under templates/, `*` for anything, folders included."""

FOR_STAFF = ("documents/label.html", "documents/worksheet.html", "mails/invitation*")
"""Inside the patterns above, but read by staff only."""

MODULES = (
    "patients/gate_form.py", "patients/intake_form.py", "patients/intake.py", "patients/views/gate.py",
    "sessions/views/patient_*.py", "sessions/views/self_*.py", "sessions/views/public_*.py",
    "sessions/views/explanations.py", "sessions/consent_text.py",
    "clinic/forms.py", "clinic/deeds.py", "clinic/idempotency.py",
)  # fmt: skip
"""Code whose marked texts reach patients."""

WORDS_ELSEWHERE = ("sessions/views/documents.py",)
"""Code with one page for anybody whose words stand in its template, beside pages for staff."""

CODE_WORDS = (
    "patients/questionnaire.py", "patients/choices.py", "patients/asking.py", "protocols/question_entries.py",
    "protocols/medicines.py", "protocols/sources.py", "sessions/paper_words.py", "sessions/explanation_words.py",
    "sessions/message_texts.py",
)  # fmt: skip
"""Code that writes words down itself (`Text.of`), those of papers, mails and questions."""


def is_for_patients(place: str) -> bool:
    """Whether the file at this place (relative to the tree) holds texts patients see."""
    name = place.removeprefix("templates/")
    if name != place:
        return _any(TEMPLATES, name) and not _any(FOR_STAFF, name)
    return _any(MODULES, place)


def holds_code_words(place: str) -> bool:
    return _any(CODE_WORDS, place)


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
