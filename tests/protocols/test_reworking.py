"""A rule of the clinic's own is reworked clause by clause: what it says then, what is refused, and that nothing is
half-saved; rules of the reference keep their shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent, User
from protocols import loosened, reworking, version_page, versions
from protocols.clause_forms import initial_of
from protocols.conditions import Age, AllOf, Answered, AnyOf, Not, Number, Takes, Within
from protocols.findings import Severity
from protocols.models import CatalogueChange, CatalogueVersion
from tests import factories as make
from tests.clinic.test_places import post
from tests.protocols.drafts import in_force
from tests.protocols.ownrule import BODY, FRAIL, INFO, OWN, TYPED, clause_url, entry, save, sign, with_own_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    return with_own_rule(lead)


def test_a_clause_is_written_anew_with_every_kind_of_condition(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = clause_url(draft)
    shown = {"clause": sign(draft), "seen_clauses": sign(draft)}
    assert client.get(page).context["form"]["what_1"].value() == "answer:q-heart"
    answer = post(client, page, seen_version=1, **shown, **TYPED)
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
    again = client.get(clause_url(draft)).context["form"]
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
    away = clause_url(draft, away=True)
    assert "q-heart" in client.get(away).content.decode()  # it says what would go
    assert post(client, away, seen_version=2, reason="").status_code == 422
    assert post(client, away, seen_version=2, reason="Only frailty counts").status_code == 302
    assert [one["severity"] for one in entry(draft).body["clauses"]] == ["relative"]
    # an absolute clause that is gone is a hard limit loosened, with its reason
    row = CatalogueChange.objects.get(version=draft, code=OWN, field="clauses.1")
    assert (row.direction, row.is_hard, row.reason) == ("loosened", True, "Only frailty counts")
    last = post(client, clause_url(draft, away=True), seen_version=3, reason="All of it")
    assert last.status_code == 422
    assert "only clause" in str(last.context["form"].errors)


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"reason": ""}, "reason"), ({"what_1": ""}, "what_1"), ({"is_1": ""}, "is_1"), ({"is_1": "perhaps"}, "is_1"),
        ({"figure_2": ""}, "figure_2"), ({"figure_2": "-1"}, "figure_2"), ({"compare_3": ""}, "figure_3"),
        ({"compare_3": "above"}, "figure_3"), ({"what_4": "", "not_4": "", "is_4": "yes"}, "what_4"),
        ({"what_1": "answer:q-nothing"}, "what_1"), ({"severity": "grave"}, "severity"), ({"severity": "relative"}, "wait_key"),
        ({"wait_days": "", "wait_months": ""}, "wait_days"), ({"wait_days": "36501"}, "wait_days"),
        ({"scope": ["sub-nothing"]}, "scope"), ({"lifted_by_tr": ""}, "lifted_by_tr"), ({"letter_tr": "Bir"}, "letter_tr"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_beside_its_field(
    client: Client, draft: CatalogueVersion, lead: User, typed: dict[str, str], beside: str
) -> None:
    make.signed_in(client, lead)
    answer = post(client, clause_url(draft), seen_version=1, clause=sign(draft), **{**TYPED, **typed})
    assert answer.status_code == 422
    assert beside in answer.context["form"].errors, answer.context["form"].errors
    assert entry(draft).body == {"code": OWN, **BODY}


def test_rules_of_the_reference_keep_their_shape(client: Client, draft: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    assert client.get(reverse("catalogue-clause", args=[draft.public_id, "scr-mi", "abc"])).status_code == 404
    assert client.get(reverse("catalogue-clause-new", args=[draft.public_id, "sub-biotin"])).status_code == 404
    with pytest.raises(Refused, match="belongs to the reference"):
        reworking.remove_clause(version=draft, code="scr-mi", sign="abc", reason="x", seen_edits=1, by=Doer.staff(lead))
    assert "Rework clause" not in client.get(reverse("catalogue-entry", args=[draft.public_id, "scr-mi"])).content.decode()


def test_only_the_medical_lead_reworks_and_only_a_draft(client: Client, draft: CatalogueVersion, lead: User) -> None:
    doctor = make.make_user(Role.PRACTITIONER)
    clause = {"severity": "info", "when": {"answer": "q-heart", "is": ["yes"]}}
    with pytest.raises(NotPermitted):
        reworking.save_clause(version=draft, code=OWN, sign=sign(draft), clause=clause, reason="x", seen_edits=1,
        by=Doer.staff(doctor))
    make.signed_in(client, doctor)
    assert client.get(clause_url(draft)).status_code == 403
    versions.approve(version=draft, seen_version=draft.version, by=Doer.staff(lead))
    with pytest.raises(Refused, match="Only a draft"):
        reworking.save_clause(version=draft, code=OWN, sign=sign(draft), clause=clause, reason="x", seen_edits=1,
        by=Doer.staff(lead))
    assert entry(draft).body == {"code": OWN, **BODY}


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"severity": "relative"}, {"wait_key", "wait_days", "wait_months"}), ({"wait_key": ""}, {"wait_key"}),
        ({"compare_1": "above"}, {"compare_1"}), ({"figure_1": "3"}, {"figure_1"}), ({"is_2": "yes"}, {"is_2"}),
        ({"is_3": "yes"}, {"is_3"}), ({"is_4": "yes"}, {"is_4"}), ({"figure_4": "1"}, {"figure_4"}), ({"is_5": "yes"}, {"is_5"}),
        ({"figure_3": "1.5"}, {"figure_3"}), ({"figure_3": "601"}, {"figure_3"}), ({"wait_days": "36501"}, {"wait_days"}),
        ({"wait_months": "601"}, {"wait_months"}), ({"wait_days": "-3"}, {"wait_days"}),
        ({"letter_en": "A letter", "letter_tr": "Mektup"}, {"letter_en", "letter_tr"}),
        ({"what_5": "", "compare_5": "", "figure_5": "", "not_5": "on"}, {"what_5"}),
    ],
)  # fmt: skip
def test_nothing_that_was_typed_is_left_out_in_silence(
    client: Client, draft: CatalogueVersion, lead: User, typed: dict[str, str], beside: set[str]
) -> None:
    make.signed_in(client, lead)
    answer = post(client, clause_url(draft), seen_version=1, clause=sign(draft), **{**TYPED, **typed})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == beside
    assert entry(draft).body == {"code": OWN, **BODY}


def test_plans_say_each_clause_that_became_looser_once_and_wherever_it_stands(draft: CatalogueVersion, lead: User) -> None:
    """One row for each clause, followed by what it says; while the rule was only a draft nothing of it was in force."""
    save(draft, lead, FRAIL, at="", seen=1)
    save(draft, lead, {**BODY["clauses"][0], "scope": ["hair"]}, at=sign(draft), seen=2)
    first = in_force(draft, lead)
    assert loosened.standing(first) == ()
    second = versions.make_draft(based_on=first, note="Again", by=Doer.staff(lead))
    block, frail = (sign(second, number) for number in (1, 2))
    by = Doer.staff(lead)
    reworking.save_clause(version=second, code=OWN, sign=block, clause={**INFO, "scope": ["hair"]}, reason="Softer", by=by,
                          seen_edits=entry(second).edits)  # fmt: skip
    reworking.remove_clause(version=second, code=OWN, sign=frail, reason="Not needed", by=by, seen_edits=entry(second).edits)
    (found,) = loosened.standing(second)
    assert (found.before["severity"], found.after["severity"], found.reason) == ("absolute", "info", "Softer")
    assert len(version_page.shown_loosened(second, {"hair"})) == 1
    assert version_page.shown_loosened(second, {"body"}) == []
    # written back as it was, nothing is looser any more
    reworking.save_clause(version=second, code=OWN, sign=sign(second), clause={**BODY["clauses"][0], "scope": ["hair"]},
                          reason="Back", by=by, seen_edits=entry(second).edits)  # fmt: skip
    assert loosened.standing(second) == ()


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
