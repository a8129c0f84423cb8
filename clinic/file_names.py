"""Names of uploaded files, cleaned so that they can be shown and offered again. Pure: they never name a file here."""
from __future__ import annotations

import unicodedata

LONGEST = 100
FORBIDDEN = set('<>:"|?*/\\')
# Names that mean a device on some desks, with any ending.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def clean_name(raw: str, *, ending: str, otherwise: str = "file") -> str:
    """The last part of the name without invisible signs, with the ending of what the file really is.

    >>> clean_name("C:\\\\scans\\\\Brief.PDF.exe", ending=".pdf")
    'Brief.PDF.pdf'
    """
    last = unicodedata.normalize("NFC", raw).replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(sign for sign in last if not unicodedata.category(sign).startswith(("C", "Zl", "Zp")))
    plain = " ".join("".join("_" if sign in FORBIDDEN else sign for sign in visible).split())
    stem = plain.rsplit(".", 1)[0] if "." in plain else plain
    stem = stem[:LONGEST].strip(" .") or otherwise
    if stem.split(".")[0].casefold() in DEVICES:
        stem = f"_{stem}"
    return f"{stem}{ending}"
