"""A screening rule of the clinic's own in a draft, and what tests do with its clauses."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.models import User
from protocols import catalogue, editing, reworking, versions
from protocols.clauses import sign_of
from protocols.models import CatalogueEntry, CatalogueVersion

OWN = "scr-own-heart"
BODY: dict[str, Any] = {
    "title": {"en": "Heart and age", "tr": "Kalp ve yaş"}, "sentence": {"en": "Look twice.", "tr": "İki kez bakın."},
    "source": "dec", "clauses": [{"severity": "absolute", "when": {"answer": "q-heart", "is": ["yes"]}}],
}  # fmt: skip


def with_own_rule(lead: User) -> CatalogueVersion:
    """A draft that has it."""
    made = versions.make_draft(based_on=catalogue.current(), note="Review", by=Doer.staff(lead))
    editing.add_entry(version=made, kind="rule", code=OWN, body=BODY, reason="Ours", by=Doer.staff(lead))
    return CatalogueVersion.objects.get(pk=made.pk)


def sign(draft: CatalogueVersion, number: int = 1) -> str:
    return sign_of(entry(draft).body["clauses"][number - 1])


def clause_url(draft: CatalogueVersion, number: int = 1, *, away: bool = False) -> str:
    return reverse("catalogue-clause-remove" if away else "catalogue-clause", args=[draft.public_id, OWN, sign(draft, number)])


def entry(draft: CatalogueVersion) -> CatalogueEntry:
    return CatalogueEntry.objects.get(version=draft, code=OWN)


TYPED = {
    "severity": "temporary", "joined": "all", "what_1": "answer:q-heart", "is_1": "yes", "what_2": "number:q-heart-medicines",
    "compare_2": "at_least", "figure_2": "3", "what_3": "within:q-mi-date", "compare_3": "months", "figure_3": "9",
    "what_4": "medicine:med-beta-blocker", "not_4": "on", "what_5": "age:", "compare_5": "above", "figure_5": "70",
    "wait_key": "q-mi-date", "wait_days": "10", "wait_months": "6", "scope": ["sub-caffeine", "body"],
    "lifted_by_en": "A letter", "lifted_by_tr": "Bir mektup", "reason": "The team decided",
}  # fmt: skip


INFO = {"severity": "info", "when": {"answer": "q-heart", "is": ["yes"]}}
FRAIL = {"severity": "relative", "when": {"bmi": {"at_least": "40"}}}


def save(draft: CatalogueVersion, lead: User, clause: dict[str, Any], *, at: str, seen: int) -> None:
    reworking.save_clause(version=draft, code=OWN, sign=at, clause=clause, reason="They", seen_edits=seen, by=Doer.staff(lead))


def opened(client: Client, page: str) -> dict[str, str]:
    """What the page of a clause carries unseen."""
    return carried(client.get(page))


def carried(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    hidden = ("form_token", "clause", "seen_clauses", "seen_version")
    return {name: str(form[name].value() or "") for name in hidden if name in form.fields}
