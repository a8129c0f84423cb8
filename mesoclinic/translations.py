"""Compile the .po files under locale/ to the .mo files Django reads. Babel, because a bare machine has no gettext."""
from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compile_all() -> int:
    """Compile what changed; returns how many. Fuzzy entries are left out: a guess is no translation."""
    compiled = 0
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as text:
            catalog = read_po(text, locale=source.parent.parent.name)
        draft = target.with_suffix(".new")
        with draft.open("wb") as binary:
            write_mo(binary, catalog)
        draft.replace(target)
        compiled += 1
    return compiled


if __name__ == "__main__":
    print(f"{compile_all()} translation files compiled.")
