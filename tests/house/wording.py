"""Words of a text that somebody reads, and the templates that hold such texts."""
from __future__ import annotations

import re

from mesoclinic.translations import ROOT

# Text that is the same in every language.
PLAIN = {
    "Mesoclinic": "the name of the house",
    "SHA": "SHA-256, a name", "QR": "a name", "Esc": "a key, as it is printed on it",
    "ml": "a unit", "mm": "a unit", "mg": "a unit", "kg": "a unit", "g": "a unit",
}  # fmt: skip
HOLE = "v0v"  # where a variable stands: a word that may also be the name of an element
LETTERS = re.compile(r"[^\W\d_]+")
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*") if path.suffix in (".html", ".txt"))


def worded(text: str) -> list[str]:
    """The words of a text that a translator would have to see."""
    text = re.sub(r"&\w+;|https?://\S*|\S+@\S+", " ", text)
    return [word for word in LETTERS.findall(text.replace(HOLE, " ")) if word not in PLAIN]
