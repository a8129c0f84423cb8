"""What a plan says of its loosened limits: nothing that was loosened goes silent through a later edit, and nothing that is
as strict as it was is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import User
from protocols import catalogue, editing, loosened, reworking, version_page, versions
from protocols.clauses import sign_of
from protocols.models import CatalogueEntry, CatalogueVersion
from tests import factories as make
from tests.protocols.drafts import change, in_force

pytestmark = pytest.mark.django_db
OWN = "scr-own-keloid"
BLOCK: dict[str, Any] = {"severity": "absolute", "when": {"answer": "q-heart", "is": ["yes"]}}
ADULT: dict[str, Any] = {"severity": "relative", "when": {"age": {"at_least": 18}}}
BODY: dict[str, Any] = {
    "title": {"en": "Keloid", "tr": "Keloid"}, "sentence": {"en": "Look twice.", "tr": "İki kez bakın."}, "source": "dec",
    "clauses": [BLOCK, ADULT],
}  # fmt: skip


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    """A draft beside a version in force that has a rule of the clinic's own."""
    first = next_draft(lead)
    editing.add_entry(version=first, kind="rule", code=OWN, body=BODY, reason="Ours", by=Doer.staff(lead))
    in_force(CatalogueVersion.objects.get(pk=first.pk), lead)
    return next_draft(lead)


def next_draft(lead: User) -> CatalogueVersion:
    return versions.make_draft(based_on=catalogue.current(), note="Review", by=Doer.staff(lead))


def entry(draft: CatalogueVersion) -> CatalogueEntry:
    return CatalogueEntry.objects.get(version=draft, code=OWN)


def take_out_and_add_again(draft: CatalogueVersion, lead: User, clause: dict[str, Any]) -> None:
    by = Doer.staff(lead)
    reworking.remove_clause(version=draft, code=OWN, sign=sign_of(clause), reason="Away", seen_edits=entry(draft).edits, by=by)
    reworking.save_clause(version=draft, code=OWN, sign="", clause=clause, reason="Back", seen_edits=entry(draft).edits, by=by)


def test_a_block_that_was_taken_out_and_added_behind_a_milder_clause_is_told(draft: CatalogueVersion, lead: User) -> None:
    take_out_and_add_again(draft, lead, BLOCK)
    assert entry(draft).body["clauses"] == [ADULT, BLOCK]
    (found,) = loosened.standing(draft)
    assert (found.before, found.reason, found.field) == (BLOCK, "Away", "clauses.2")
    (line,) = version_page.shown_loosened(draft, {"body"})
    assert "laxer clause" in line
    # with the milder one behind it again, nothing is looser than it was
    take_out_and_add_again(draft, lead, ADULT)
    assert entry(draft).body["clauses"] == [BLOCK, ADULT]
    assert loosened.standing(draft) == ()
    # and in a later version too the block that stands behind is told
    take_out_and_add_again(draft, lead, BLOCK)
    in_force(draft, lead)
    assert len(loosened.standing(catalogue.current())) == 1
    assert len(loosened.standing(next_draft(lead))) == 1


def test_a_second_edit_that_is_not_hard_does_not_hide_the_first(draft: CatalogueVersion, lead: User) -> None:
    """More words let the open wait stand before the block of a severe reaction; one word fewer leaves two of them there."""
    path = "clauses__1__when__any__2__is"
    change(draft, "scr-prior-reaction", lead, reason="Wide", **{path: ["not-assessed", "possible", "probable", "certain"]})
    assert [one.reason for one in loosened.standing(draft)] == ["Wide"]
    change(draft, "scr-prior-reaction", lead, reason="Less", **{path: ["not-assessed", "possible", "probable"]})
    (found,) = loosened.standing(draft)
    assert (found.before, found.after) == ("not-assessed", ["not-assessed", "possible", "probable"])
    change(draft, "scr-prior-reaction", lead, reason="As it was", **{path: "not-assessed"})
    assert loosened.standing(draft) == ()


def test_a_hard_row_in_the_middle_is_told_too(draft: CatalogueVersion, lead: User) -> None:
    """A clearance that became a block, a note, and a note that asks for more: the block in between is not forgotten."""
    by, at = Doer.staff(lead), sign_of(ADULT)
    for clause in ({**ADULT, "severity": "absolute"}, {**ADULT, "severity": "info"},
                   {"severity": "info", "when": {"age": {"at_least": 40}}}):  # fmt: skip
        reworking.save_clause(version=draft, code=OWN, sign=at, clause=clause, reason=clause["severity"], by=by,
                              seen_edits=entry(draft).edits)  # fmt: skip
        at = sign_of(clause)
    (found,) = loosened.standing(draft)
    assert (found.before, found.after["severity"], found.reason) == (ADULT, "info", "info")


def test_what_an_event_may_be_is_offered_and_nothing_else(client: Client, draft: CatalogueVersion, lead: User) -> None:
    """A word that no event can have would let it fire for none: an open event would no longer wait."""
    with pytest.raises(Refused, match="opened can never"):
        change(draft, "scr-prior-reaction", lead, reason="x", clauses__1__when__any__1__is=["opened"])
    make.signed_in(client, lead)
    page = client.get(reverse("catalogue-entry", args=[draft.public_id, "scr-prior-reaction"]))
    fields = page.context["form"].fields
    assert dict(fields["clauses.1.when.any.1.is"].choices) == {"open": "open", "closed": "closed"}
    assert dict(fields["clauses.1.when.any.2.is"].choices)["not-assessed"] == "Not yet assessed"
    assert len(fields["clauses.1.when.any.2.is"].choices) == 6
    measured = client.get(reverse("catalogue-entry", args=[draft.public_id, "scr-diabetes-other"])).context["form"].fields
    assert str(measured["clauses.2.when.above"].label).endswith(", %")


@pytest.mark.parametrize(("scope", "touched"), [(None, True), (["hair"], False), (["body"], True)])
def test_a_rule_of_the_house_that_blocked_and_is_gone_is_told(lead: User, scope: list[str] | None, touched: bool) -> None:
    first, by = next_draft(lead), Doer.staff(lead)
    body = BODY | {"clauses": [BLOCK]} | ({"scope": scope} if scope else {})
    editing.add_entry(version=first, kind="rule", code=OWN, body=body, reason="Ours", by=by)
    mild = BODY | {"clauses": [ADULT]}
    editing.add_entry(version=first, kind="rule", code="scr-own-mild", body=mild, reason="Ours", by=by)
    in_force(CatalogueVersion.objects.get(pk=first.pk), lead)
    draft = next_draft(lead)
    editing.remove_entry(version=draft, code="scr-own-mild", reason="Not needed", by=by)
    assert loosened.standing(draft) == ()
    editing.remove_entry(version=draft, code=OWN, reason="Nobody had it", by=by)
    (found,) = loosened.standing(draft)
    assert (found.code, found.reason, found.by) == (OWN, "Nobody had it", lead.name)
    lines = version_page.shown_loosened(draft, {"body"})
    assert [("Keloid was taken out" in line, lead.name in line, "Nobody had it" in line) for line in lines] == (
        [(True, True, True)] if touched else [])  # fmt: skip


def test_a_code_that_counted_once_is_not_used_again(draft: CatalogueVersion, lead: User) -> None:
    """A clearance is given for a rule and its version: under the same code an old one would do for another rule."""
    by = Doer.staff(lead)
    laxer = BODY | {"clauses": [{**BLOCK, "severity": "info"}]}
    editing.remove_entry(version=draft, code=OWN, reason="Away", by=by)
    with pytest.raises(Refused, match="stood for something else in version") as refused:
        editing.add_entry(version=draft, kind="rule", code=OWN, body=laxer, reason="Softer", by=by)
    assert refused.value.field == "code"
    assert not draft.entries.filter(code=OWN).exists()
    # what was only written in this draft never counted: a slip is mended
    slip = "scr-own-slip"
    editing.add_entry(version=draft, kind="rule", code=slip, body=laxer, reason="Ours", by=by)
    editing.remove_entry(version=draft, code=slip, reason="A slip", by=by)
    editing.add_entry(version=draft, kind="rule", code=slip, body=BODY, reason="Again", by=by)
    assert loosened.standing(draft)[0].code == OWN
    # nor in a draft made from before the rule was there, while a version in force had it
    versions.give_up(version=draft, seen_version=CatalogueVersion.objects.get(pk=draft.pk).version, reason="x", by=by)
    older = versions.make_draft(based_on=catalogue.current().based_on, note="Older", by=by)
    with pytest.raises(Refused, match="stood for something else in version"):
        editing.add_entry(version=older, kind="rule", code=OWN, body=laxer, reason="Softer", by=by)
