"""Two people at the clauses of one rule: who comes second sees what the other made of it, and writes over nothing else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.models import User
from protocols import reworking
from protocols.clauses import sign_of
from protocols.models import CatalogueVersion
from tests import factories as make
from tests.protocols.ownrule import FRAIL, INFO, OWN, TYPED, carried, clause_url, entry, opened, save, sign, with_own_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    return with_own_rule(lead)


def test_who_comes_second_sees_what_the_other_made_of_the_clause_and_may_replace_it(
    client: Client, draft: CatalogueVersion, lead: User
) -> None:
    make.signed_in(client, lead)
    page = clause_url(draft)
    mine = opened(client, page)
    save(draft, lead, INFO, at=sign(draft), seen=1)
    answer = client.post(page, {**TYPED, **mine})
    assert answer.status_code == 409, answer.context["form"].errors
    assert entry(draft).body["clauses"] == [INFO]
    html = answer.content.decode()
    assert "reworked this very clause" in html
    assert (answer.context["theirs"][0][0], answer.context["theirs"][0][1].split("; ")[0]) == ("Clause 1", "Severity: note")
    assert answer.context["form"]["lifted_by_en"].value() == "A letter"  # what was typed stays
    assert client.post(page, {**TYPED, **carried(answer)}).status_code == 302
    assert [one["severity"] for one in entry(draft).body["clauses"]] == ["temporary"]


def test_a_clause_whose_place_moved_is_still_the_one_that_is_written(client: Client, draft: CatalogueVersion, lead: User) -> None:
    save(draft, lead, FRAIL, at="", seen=1)
    make.signed_in(client, lead)
    page = clause_url(draft, 2)
    mine = opened(client, page)
    reworking.remove_clause(version=draft, code=OWN, sign=sign(draft), reason="They", seen_edits=2, by=Doer.staff(lead))
    save(draft, lead, INFO, at="", seen=3)
    answer = client.post(page, {**TYPED, **mine})
    assert answer.status_code == 409  # not the clause that now stands second
    assert entry(draft).body["clauses"] == [FRAIL, INFO]
    assert client.post(page, {**TYPED, **carried(answer)}).status_code == 302
    assert [one["severity"] for one in entry(draft).body["clauses"]] == ["temporary", "info"]


def test_a_clause_that_is_gone_is_no_dead_end(client: Client, draft: CatalogueVersion, lead: User) -> None:
    save(draft, lead, FRAIL, at="", seen=1)
    make.signed_in(client, lead)
    page, away = clause_url(draft), clause_url(draft, away=True)
    mine, mine_away = opened(client, page), opened(client, away)
    reworking.remove_clause(version=draft, code=OWN, sign=sign(draft), reason="They", seen_edits=2, by=Doer.staff(lead))
    answer = client.post(page, {**TYPED, **mine})
    assert answer.status_code == 409
    assert "adds yours at the end" in answer.content.decode()
    assert ("Taken out", "1 clause") in answer.context["theirs"]
    assert entry(draft).body["clauses"] == [FRAIL]
    assert client.post(page, {**TYPED, **carried(answer)}).status_code == 302
    assert [one["severity"] for one in entry(draft).body["clauses"]] == ["relative", "temporary"]
    # an old address leads back to the rule, and taking out what is gone takes out nothing else
    for old in (page, away):
        led = client.get(old)
        assert (led.status_code, led.url) == (302, reverse("catalogue-entry", args=[draft.public_id, OWN]))
    gone = client.post(away, {**mine_away, "reason": "Mine"})
    assert gone.status_code == 409
    again = client.post(away, {**carried(gone), "reason": "Mine"})
    assert again.status_code == 422
    assert "no longer there" in again.content.decode()
    assert len(entry(draft).body["clauses"]) == 2


OTHER = {"severity": "absolute", "when": {"answer": "q-stroke", "is": ["stroke"]}}


def test_a_clause_that_was_added_in_the_place_of_mine_is_not_replaced(
    client: Client, draft: CatalogueVersion, lead: User
) -> None:
    """They took out the clause I had open and added one of their own: mine stands beside it, theirs is not overwritten."""
    save(draft, lead, FRAIL, at="", seen=1)
    make.signed_in(client, lead)
    for number, left in ((1, [FRAIL, OTHER]), (2, [FRAIL, OTHER])):
        page, away = clause_url(draft, number), sign(draft, number)
        mine, kept = opened(client, page), entry(draft).body["clauses"]
        reworking.remove_clause(version=draft, code=OWN, sign=away, reason="They", seen_edits=entry(draft).edits,
                                by=Doer.staff(lead))  # fmt: skip
        other = OTHER if number == 1 else INFO
        save(draft, lead, other, at="", seen=entry(draft).edits)
        answer = client.post(page, {**TYPED, **mine})
        assert answer.status_code == 409
        html = answer.content.decode()
        assert "adds yours at the end" in html
        assert "reworked this very clause" not in html
        assert ("Taken out", "1 clause") in answer.context["theirs"]
        theirs = [*(one for one in kept if sign_of(one) != away), other]
        assert client.post(page, {**TYPED, **carried(answer)}).status_code == 302
        assert entry(draft).body["clauses"][:2] == theirs
        assert [one["severity"] for one in entry(draft).body["clauses"]][2:] == ["temporary"]
        if number == 1:
            assert theirs == left
            reworking.remove_clause(version=draft, code=OWN, sign=sign(draft, 3), reason="They",
                                    seen_edits=entry(draft).edits, by=Doer.staff(lead))  # fmt: skip


def test_the_form_of_the_rule_writes_no_clause_that_has_a_page_of_its_own(
    client: Client, draft: CatalogueVersion, lead: User
) -> None:
    """A stale form would write the figures of one clause onto the one that now stands in its place."""
    save(draft, lead, FRAIL, at="", seen=1)
    make.signed_in(client, lead)
    page = reverse("catalogue-entry", args=[draft.public_id, OWN])
    form = client.get(page).context["form"]
    assert [name for name in form.fields if name.startswith("clauses.")] == []
    typed = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "")}
    reworking.remove_clause(version=draft, code=OWN, sign=sign(draft), reason="They", seen_edits=2, by=Doer.staff(lead))
    typed |= {"title.en": "Frail", "clauses.1.severity": "info", "reason": "Mine"}
    answer = client.post(page, typed)
    assert answer.status_code == 409
    again = answer.context["form"]
    typed |= {"seen_version": again["seen_version"].value(), "form_token": again["form_token"].value()}
    assert client.post(page, typed).status_code == 302
    assert entry(draft).body["title"]["en"] == "Frail"
    assert entry(draft).body["clauses"] == [FRAIL]


def test_a_clause_without_a_page_of_its_own_is_not_written_once_the_clauses_are_others(
    client: Client, draft: CatalogueVersion, lead: User
) -> None:
    wide = {"severity": "absolute", "when": {"measured": "m-bp", "at_least": 180, "at_most": 200}}
    save(draft, lead, wide, at="", seen=1)
    save(draft, lead, {**wide, "when": {**wide["when"], "at_least": 190}}, at="", seen=2)
    make.signed_in(client, lead)
    page = reverse("catalogue-entry", args=[draft.public_id, OWN])
    form = client.get(page).context["form"]
    typed = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "")}
    assert typed["clauses.2.when.at_least"] == 180
    reworking.remove_clause(version=draft, code=OWN, sign=sign(draft), reason="They", seen_edits=3, by=Doer.staff(lead))
    before = entry(draft).body
    typed |= {"clauses.2.when.at_least": "170", "reason": "Mine"}
    for _attempt in range(2):
        answer = client.post(page, typed)
        assert answer.status_code == 422
        assert "open this page anew" in answer.content.decode()
        again = answer.context["form"]
        typed |= {"seen_version": again["seen_version"].value(), "form_token": again["form_token"].value()}
    assert entry(draft).body == before
    fresh = client.get(page).context["form"]
    typed = {name: fresh[name].value() for name in fresh.fields if fresh[name].value() not in (None, "")}
    assert client.post(page, {**typed, "clauses.1.when.at_least": "170", "reason": "Mine"}).status_code == 302
    assert [int(one["when"]["at_least"]) for one in entry(draft).body["clauses"]] == [170, 190]
