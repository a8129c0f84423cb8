"""The clinic's own words of a mail: which placeholders may stand where, which must, and putting them in.

Pure. `{link}` and `{advice}` each stand in a line of their own: there go the buttons, and the sentences the medical lead
answers for (from the catalogue) with what the mail itself has to say. They cannot be left out, and neither can what every
mail ends with: warning signs, clock times, the clinic's phone, and that no prescribed medicine is to be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LINK, ADVICE = "link", "advice"
BLOCKS = (LINK, ADVICE)
ALWAYS = ("clinic", "site", "phone")
MARK = re.compile(r"\{([^{}\n]*)\}")
STRAY = re.compile(r"[{}]")
SUBJECT_LETTERS, LEAD_LETTERS, TEXT_LETTERS = 120, 300, 2_000
# Treatment in the languages we write in. A subject and a first line show on a locked phone.
TREATED = re.compile(
    "meso|мезо|ميزو|treatment|inject|injek|iniez|inyec|tedavi|enjeks|trait|tratt|tratam|behand|лечен|укол|علاج|حقن|botox",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Places:
    """What one kind of mail can fill in. `values`: in its text, beside what every mail knows; `in_subject`: of those, what a
    subject may carry; `in_lead`: what its first sentence must carry; `blocks`: what its text must carry."""

    values: tuple[str, ...] = ()
    in_subject: tuple[str, ...] = ()
    in_lead: tuple[str, ...] = ()
    blocks: tuple[str, ...] = BLOCKS

    def allowed(self, part: str) -> tuple[str, ...]:
        """The placeholders of one part: the subject, the lead or the text."""
        if part == "subject":
            return (*self.in_subject, "clinic", "site")
        return (*self.values, *ALWAYS, *(self.blocks if part == "text" else ()))

    def required(self, part: str) -> tuple[str, ...]:
        return {"lead": self.in_lead, "text": self.blocks}.get(part, ())


@dataclass(frozen=True, slots=True)
class Words:
    """The clinic's own text of one kind in one language."""

    subject: str
    lead: str
    text: str

    @classmethod
    def of(cls, stored: Mapping[str, str]) -> Words:
        return cls(stored["subject"], stored["lead"], stored["text"])

    def stored(self) -> dict[str, str]:
        return {"subject": self.subject, "lead": self.lead, "text": self.text}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a part is refused. `codes`: `unknown` placeholder, `missing` one, `stray` brace, one that is `not-alone` in its
    line, one that stands `twice`, a `health` word, `empty`."""

    part: str
    code: str
    what: str = ""


def faults_of(words: Words, places: Places, *, health_words: Iterable[str] = ()) -> list[Fault]:
    """Everything wrong with these words, in the order of the parts; empty when they may be used."""
    found: list[Fault] = []
    for part, written in words.stored().items():
        if not written.strip():
            found.append(Fault(part, "empty"))
            continue
        found += _placeholder_faults(part, written, places)
        if part != "text" and (word := health_word_in(written, health_words)):
            found.append(Fault(part, "health", word))
    return found


def _placeholder_faults(part: str, written: str, places: Places) -> list[Fault]:
    allowed = places.allowed(part)
    used = MARK.findall(written)
    found = [Fault(part, "unknown", name) for name in dict.fromkeys(used) if name not in allowed]
    found += [Fault(part, "missing", name) for name in places.required(part) if name not in used]
    if STRAY.search(MARK.sub("", written)):
        found.append(Fault(part, "stray"))
    if part == "text":
        lines = [line.strip() for line in written.splitlines()]
        for name in places.blocks:
            if used.count(name) > 1:
                found.append(Fault(part, "twice", name))
            elif name in used and f"{{{name}}}" not in lines:
                found.append(Fault(part, "not-alone", name))
    return found


def health_word_in(written: str, health_words: Iterable[str] = ()) -> str:
    """The first word that would tell a bystander what the visit is for; empty when there is none."""
    plain = MARK.sub(" ", written)
    treated = TREATED.search(plain)
    if treated is not None:
        return treated.group()
    said = plain.casefold()
    return next((word for word in health_words if re.search(rf"(?<!\w){re.escape(word.casefold())}", said)), "")


def filled(written: str, values: Mapping[str, str]) -> str:
    """The text with its values. One pass: what a value itself holds is text, braces and all."""
    return MARK.sub(lambda mark: values.get(mark.group(1), ""), written)


def paragraphs_around_link(
    written: str, values: Mapping[str, str], advice: Iterable[str]
) -> tuple[list[str], list[str]]:
    """The paragraphs before the buttons and those after them. `{advice}` becomes its own paragraphs."""
    before: list[str] = []
    after: list[str] = []
    into = before
    for line in written.splitlines():
        bare = line.strip()
        if bare == f"{{{LINK}}}":
            into = after
        elif bare == f"{{{ADVICE}}}":
            into += advice
        elif bare:
            into.append(filled(bare, values))
    return before, after
