"""Reading one entry of a reference file: every key is taken by name, what is left over is a mistake. Pure."""
from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from patients.choices import Text
from protocols.entries import SOURCE_WORD

LANGUAGES = ("en", "tr")
MARKS = ("check", "bg", "dec")


class DefinitionError(ValueError):
    """An entry of the catalogue that cannot be used; the message names the entry and what is wrong with it."""


class Entry:
    """One mapping of a reference file. `label` names it in every complaint."""

    def __init__(self, data: object, label: str = "") -> None:
        if not isinstance(data, Mapping):
            raise DefinitionError(f"{label or 'entry'}: a mapping is expected here, not {data!r}")
        self.data = {_word(key): value for key, value in data.items()}
        self.label = label or str(self.data.get("code", "entry without code"))

    def fail(self, problem: str) -> DefinitionError:
        return DefinitionError(f"{self.label}: {problem}")

    def take(self, key: str, default: Any = None) -> Any:
        return self.data.pop(key, default)

    def need(self, key: str) -> Any:
        if key not in self.data:
            raise self.fail(f"“{key}” is missing")
        return self.data.pop(key)

    def code(self, prefix: str) -> str:
        code = str(self.need("code"))
        if not code.startswith(prefix):
            raise self.fail(f"the code must begin with “{prefix}”")
        return code

    def text(self, key: str) -> Text:
        return self.as_text(self.need(key), key)

    def maybe_text(self, key: str) -> Text | None:
        return self.as_text(self.data.pop(key), key) if key in self.data else None

    def as_text(self, value: object, key: str) -> Text:
        """A mapping of languages, complete in every language the clinic shows."""
        if not isinstance(value, Mapping) or not all(isinstance(one, str) and one.strip() for one in value.values()):
            raise self.fail(f"“{key}” must be a text per language")
        missing = [language for language in LANGUAGES if language not in value]
        if missing:
            raise self.fail(f"“{key}” lacks the language {', '.join(missing)}")
        return Text.of(**{str(language): str(text) for language, text in value.items()})

    def words(self, key: str) -> tuple[str, ...]:
        """One word or a list of them; empty when the key is absent."""
        value = self.data.pop(key, ())
        return tuple(_word(one) for one in (value if isinstance(value, list | tuple) else [value]))

    def flag(self, key: str) -> bool:
        value = self.data.pop(key, False)
        if not isinstance(value, bool):
            raise self.fail(f"“{key}” must be true or false")
        return value

    def whole(self, key: str, default: int = 0) -> int:
        value = self.data.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fail(f"“{key}” must be a whole number")
        return value

    def decimal(self, key: str) -> Decimal | None:
        """A figure as Decimal, through its text, so that no binary fraction creeps in; None when absent."""
        value = self.data.pop(key, None)
        if value is None:
            return None
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise self.fail(f"“{key}” must be a number, not {value!r}") from None

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = _word(self.take(key, default))
        if value not in allowed:
            raise self.fail(f"“{key}” must be one of {', '.join(one or 'nothing' for one in allowed)}, not “{value}”")
        return value

    def source(self) -> tuple[str, ...]:
        """Sources are words, "S2 E53 dec"; every entry names at least one."""
        value = self.need("source")
        parts = value if isinstance(value, list) else re.split(r"[;,\s]+", str(value or ""))
        sources = tuple(str(part).strip() for part in parts if str(part).strip())
        if not sources:
            raise self.fail("“source” is empty")
        if unknown := [one for one in sources if not SOURCE_WORD.match(one)]:
            raise self.fail(
                f"source {' '.join(unknown)!r} is not a seed (S0–S4), a source (E1–E99), bg, check or dec")
        return sources

    def mark(self) -> str:
        mark = str(self.take("mark", "") or "")
        if unknown := set(mark.split()) - set(MARKS):
            raise self.fail(f"“mark” may hold {', '.join(MARKS)}, not {', '.join(sorted(unknown))}")
        return mark

    def done(self) -> None:
        """Every entry may carry a note for its editors; anything else left over is a mistake."""
        self.data.pop("note", None)
        if self.data:
            raise self.fail(f"unknown key {', '.join(sorted(self.data))}")


def _word(value: object) -> str:
    """YAML reads a bare yes or no as a truth value; in this catalogue they are answers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
