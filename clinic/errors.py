"""Refusals. The message of a `Refused` is the sentence the user reads, so it says what to do."""
from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):
    """The deed is not possible, and why. `field` names the form field the sentence belongs beside, if any; `status` is how
    the page answers that shows it."""

    status = 422
    theirs: tuple[tuple[str, str], ...] = ()

    def __init__(self, sentence: str, *, field: str | None = None, code: str = "refused") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code


class NotPermitted(Refused):
    """Who may: the role does not allow it. Answered with 403 and logged; beside its field where only that part is not
    allowed."""


class Stale(Refused):
    """Somebody else saved the same thing meanwhile. `theirs` lists (label, their value) for showing both texts."""

    status = 409

    def __init__(self, sentence: str, *, theirs: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(sentence, code="stale")
        self.theirs = tuple(theirs)
