"""A rule of the clinic's own is reworked clause by clause: what it says then, what is refused, and that nothing is
half-saved; rules of the reference keep their shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, User
from protocols import catalogue, editing, reworking, versions
from protocols.clause_forms import initial_of
from protocols.conditions import Age, AllOf, Answered, AnyOf, Not, Number, Takes, Within
from protocols.findings import Severity
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from tests import factories as make
from tests.clinic.test_places import post

pytestmark = pytest.mark.django_db
OWN = "scr-own-heart"
BODY = {
    "title": {"en": "Heart and age", "tr": "Kalp ve yaş"}, "sentence": {"en": "Look twice.", "tr": "İki kez bakın."},
    "source": "dec", "clauses": [{"severity": "absolute", "when": {"answer": "q-heart", "is": ["yes"]}}],
}  # fmt: skip


@pytest.fixture
def lead() -> User:
    make.make_site()
    return make.make_user(Role.MEDICAL_LEAD)


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    made = versions.make_draft(based_on=catalogue.current(), note="Review", by=Doer.staff(lead))
    editing.add_entry(version=made, kind="rule", code=OWN, body=BODY, reason="Ours", by=Doer.staff(lead))
    return CatalogueVersion.objects.get(pk=made.pk)


def entry(draft: CatalogueVersion) -> CatalogueEntry:
    return CatalogueEntry.objects.get(version=draft, code=OWN)


TYPED = {
    "severity": "temporary", "joined": "all", "what_1": "answer:q-heart", "is_1": "yes", "what_2": "number:q-heart-medicines",
    "compare_2": "at_least", "figure_2": "3", "what_3": "within:q-mi-date", "compare_3": "months", "figure_3": "9",
    "what_4": "medicine:med-beta-blocker", "not_4": "on", "what_5": "age:", "compare_5": "above", "figure_5": "70",
    "wait_key": "q-mi-date", "wait_days": "10", "wait_months": "6", "scope": ["sub-caffeine", "body"],
    "lifted_by_en": "A letter", "lifted_by_tr": "Bir mektup", "reason": "The team decided",
}  # fmt: skip


def test_a_clause_is_written_anew_with_every_kind_of_condition(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-clause", args=[draft.public_id, OWN, 1])
    assert client.get(page).context["form"]["what_1"].value() == "answer:q-heart"
    answer = post(client, page, seen_version=1, **TYPED)
    assert answer.status_code == 302, answer.context["form"].errors
    (clause,) = versions.load_any(CatalogueVersion.objects.get(pk=draft.pk)).rules[OWN].clauses
    assert clause.severity is Severity.TEMPORARY
    assert (clause.scope, clause.wait) == (("sub-caffeine", "body"), Within("q-mi-date", days=10, months=6))
    assert str(clause.lifted_by) == "A letter"
    assert isinstance(clause.when, AllOf)
    heart, medicines, attack, blocker, age = clause.when.parts
    assert (heart, blocker) == (Answered("q-heart", ("yes",)), Not(Takes(("med-beta-blocker",))))
    assert isinstance(medicines, Number)
    assert attack == Within("q-mi-date", months=9)
    assert isinstance(age, Age)
    assert age.bounds.above == 70
    assert entry(draft).body["version"] == 2
    assert AuditEvent.objects.filter(action="catalogue-rule-reworked").count() == 1
    # and the page shows it again as it was typed
    again = client.get(page).context["form"]
    assert {name: str(again[name].value()) for name in ("what_3", "compare_3", "figure_3", "not_4", "wait_months")} == {
        "what_3": "within:q-mi-date", "compare_3": "months", "figure_3": "9", "not_4": "True", "wait_months": "6"}


def test_a_clause_is_added_and_taken_out(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    more = {"severity": "relative", "joined": "any", "what_1": "bmi:", "compare_1": "at_least", "figure_1": "40",
            "what_2": "measured:m-asa", "is_2": "III", "reason": "Frailty"}  # fmt: skip
    assert post(client, reverse("catalogue-clause-new", args=[draft.public_id, OWN]), seen_version=1, **more).status_code == 302
    rule = versions.load_any(CatalogueVersion.objects.get(pk=draft.pk)).rules[OWN]
    assert isinstance(rule.clauses[1].when, AnyOf)
    shown = client.get(reverse("catalogue-entry", args=[draft.public_id, OWN])).content.decode()
    assert "Rework clause 2" in shown
    away = reverse("catalogue-clause-remove", args=[draft.public_id, OWN, 1])
    assert post(client, away, seen_version=2, reason="").status_code == 422
    assert post(client, away, seen_version=2, reason="Only frailty counts").status_code == 302
    assert [one["severity"] for one in entry(draft).body["clauses"]] == ["relative"]
    # an absolute clause that is gone is a hard limit loosened, with its reason
    row = CatalogueChange.objects.get(version=draft, code=OWN, field="clauses.1.severity")
    assert (row.direction, row.is_hard, row.reason) == ("loosened", True, "Only frailty counts")
    last = post(client, reverse("catalogue-clause-remove", args=[draft.public_id, OWN, 1]), seen_version=3, reason="All of it")
    assert last.status_code == 422
    assert "only clause" in str(last.context["form"].errors)


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"reason": ""}, "reason"), ({"what_1": ""}, "what_1"), ({"is_1": ""}, "is_1"), ({"is_1": "perhaps"}, "is_1"),
        ({"figure_2": ""}, "figure_2"), ({"figure_2": "-1"}, "figure_2"), ({"compare_3": ""}, "figure_3"),
        ({"compare_3": "above"}, "figure_3"), ({"what_4": "", "not_4": "", "is_4": "yes"}, "what_4"),
        ({"what_1": "answer:q-nothing"}, "what_1"), ({"severity": "grave"}, "severity"), ({"severity": "relative"}, "wait_key"),
        ({"wait_days": "", "wait_months": ""}, "wait_days"), ({"wait_days": "1001"}, "wait_days"),
        ({"scope": ["sub-nothing"]}, "scope"), ({"lifted_by_tr": ""}, "lifted_by_tr"), ({"letter_tr": "Bir"}, "letter_en"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_beside_its_field(
    client: Client, draft: CatalogueVersion, lead: User, typed: dict[str, str], beside: str
) -> None:
    make.signed_in(client, lead)
    answer = post(client, reverse("catalogue-clause", args=[draft.public_id, OWN, 1]), seen_version=1, **{**TYPED, **typed})
    assert answer.status_code == 422
    assert beside in answer.context["form"].errors, answer.context["form"].errors
    assert entry(draft).body == {"code": OWN, **BODY}


def test_rules_of_the_reference_keep_their_shape(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    assert client.get(reverse("catalogue-clause", args=[draft.public_id, "scr-mi", 1])).status_code == 404
    assert client.get(reverse("catalogue-clause-new", args=[draft.public_id, "sub-biotin"])).status_code == 404
    with pytest.raises(Refused, match="belongs to the reference"):
        reworking.remove_clause(version=draft, code="scr-mi", number=1, reason="x", seen_edits=1, by=Doer.staff(lead))
    assert "Rework clause" not in client.get(reverse("catalogue-entry", args=[draft.public_id, "scr-mi"])).content.decode()


def test_only_the_medical_lead_reworks_and_only_a_draft(client: Client, draft: CatalogueVersion, lead: User) -> None:
    doctor = make.make_user(Role.PRACTITIONER)
    clause = {"severity": "info", "when": {"answer": "q-heart", "is": ["yes"]}}
    with pytest.raises(NotPermitted):
        reworking.save_clause(version=draft, code=OWN, number=1, clause=clause, reason="x", seen_edits=1, by=Doer.staff(doctor))
    make.signed_in(client, doctor)
    assert client.get(reverse("catalogue-clause", args=[draft.public_id, OWN, 1])).status_code == 403
    versions.approve(version=draft, seen_version=draft.version, by=Doer.staff(lead))
    with pytest.raises(Refused, match="Only a draft"):
        reworking.save_clause(version=draft, code=OWN, number=1, clause=clause, reason="x", seen_edits=1, by=Doer.staff(lead))
    assert entry(draft).body == {"code": OWN, **BODY}


def test_who_comes_second_is_told_so(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    clause = {"severity": "info", "when": {"answer": "q-heart", "is": ["yes"]}}
    reworking.save_clause(version=draft, code=OWN, number=1, clause=clause, reason="x", seen_edits=1, by=Doer.staff(lead))
    with pytest.raises(Stale):
        reworking.save_clause(version=draft, code=OWN, number=1, clause=clause, reason="x", seen_edits=1, by=Doer.staff(lead))
    answer = post(client, reverse("catalogue-clause", args=[draft.public_id, OWN, 1]), seen_version=1, **TYPED)
    assert answer.status_code == 409
    assert entry(draft).body["clauses"] == [clause]


@pytest.mark.parametrize(
    "clause",
    [
        {"severity": "info", "when": {"in_area": "q-skin-area"}}, {"severity": "info", "when": [{"any": []}, {"item": "x"}]},
        {"severity": "info", "also": True, "when": {"answer": "q-heart", "is": "yes"}},
        {"severity": "info", "when": {"measured": "m-bp", "at_least": 1, "at_most": 3}},
        {"severity": "info", "when": {"not": {"not": {"answer": "q-heart", "is": "yes"}}}}, {"severity": "info"},
    ],
)  # fmt: skip
def test_a_clause_that_says_more_than_the_form_asks_is_not_opened_in_it(clause: dict[str, Any]) -> None:
    assert initial_of(clause) is None
