"""A consent text as plain lines, and what is new between two of them. Pure: frozen content in, lines out."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

SAME, ADDED, REMOVED = "same", "added", "removed"


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is `same`, `added` or `removed`, seen from the older text."""

    kind: str
    text: str


def lines_of(content: Mapping[str, Any]) -> list[str]:
    """Everything a patient reads, in the order printed; nothing that only frames it."""
    lines = [content["lead"], f"{content['off_label']} {content['off_label_why']}", content["grade"], *content["limits"]]
    for entry in content["entries"]:
        lines.append(f"{entry['number']}. {entry['title']}")
        for paragraph in entry["paragraphs"]:
            head = "" if paragraph["head"] == entry["title"] else paragraph["head"]
            lines.append(f"{head} {paragraph['text']}".strip() or "____")
        lines += [
            " · ".join(part for part in (one["name"], one["strength"], one.get("maker", ""), one["amount"], one["origin"],
                                         one.get("status", "")) if part)
            for one in entry["products"]
        ]  # fmt: skip
        lines += [one["text"] for one in entry["choices"]]
    return [line for line in lines if line.strip()]


def difference(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    """Every line of the newer text, and the lines of the older one that are gone, where they stood."""
    found: list[Line] = []
    for tag, first, last, new_first, new_last in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Line(SAME, text) for text in after[new_first:new_last]]
        else:
            found += [Line(REMOVED, text) for text in before[first:last]]
            found += [Line(ADDED, text) for text in after[new_first:new_last]]
    return found
