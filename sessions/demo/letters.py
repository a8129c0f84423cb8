"""Invented letters of invented doctors, drawn like a scan: what the clearances of the demo rest on."""

from __future__ import annotations

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFont

from clinic.doer import Doer
from clinic.file_checking import check_file
from clinic.models import User
from patients.models import Patient
from sessions import uploading
from sessions.models import Upload, UploadKind
from sessions.uploading import NewFile

A4_AT_72_DPI = (595, 842)
LINES = ("Demo letter", "", "The patient named on the cover is under my care.", "From my side there is no objection to",
         "superficial injections in small volumes.", "", "Dr Lucia Rossi (invented)")  # fmt: skip


def drawn_letter() -> bytes:
    """A page of a few lines as PNG."""
    page = Image.new("L", A4_AT_72_DPI, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=16)
    for number, line in enumerate(LINES):
        pen.text((72, 96 + 30 * number), line, fill="black", font=font)
    made = io.BytesIO()
    page.save(made, "PNG")
    return made.getvalue()


def letter_for(patient: Patient, rule_code: str, lead: User) -> Upload:
    """Kept as any other letter would be."""
    file = check_file(SimpleUploadedFile("letter of the treating doctor.png", drawn_letter(), "image/png"))
    new = NewFile(file, kind=UploadKind.LETTER, note="Dr Lucia Rossi")
    return uploading.keep(patient=patient, new=new, rule_code=rule_code, by=Doer.staff(lead, patient.registered_at))
