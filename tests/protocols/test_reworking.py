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
from protocols import catalogue, editing, loosened, reworking, version_page, versions
from protocols.clause_forms import initial_of
from protocols.clauses import sign_of
from protocols.conditions import Age, AllOf, Answered, AnyOf, Not, Number, Takes, Within
from protocols.findings import Severity
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from tests import factories as make
from tests.clinic.test_places import post
from tests.protocols.test_versions import in_force

pytestmark = pytest.mark.django_db
OWN = "scr-own-heart"
BODY: dict[str, Any] = {
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


# --- a mixing rule of the clinic's own -------------------------------------------------------------------------------
MIX = "ix-own-pair"
MIX_BODY: dict[str, Any] = {
    "name": {"en": "Pair", "tr": "Çift"}, "text": {"en": "Not {substances}.", "tr": "{substances} olmaz."}, "source": "dec",
    "shape": "together", "looks_at": "area", "within_days": 7, "result": "incompatible", "substances": ["sub-txa", "sub-biotin"],
    "with_substances": ["sub-vit-c"], "note": "ours",
}  # fmt: skip
MIX_TYPED: dict[str, Any] = {
    "name_en": "Pair", "name_tr": "Çift", "text_en": "Never {substances}.", "text_tr": "{substances} asla.", "source": "dec",
    "shape": "alone", "looks_at": "mix", "result": "warning", "substances": ["sub-txa"], "reason": "Measured again",
}  # fmt: skip


@pytest.fixture
def mixing(draft: CatalogueVersion, lead: User) -> CatalogueVersion:
    editing.add_entry(version=draft, kind="mixing_rule", code=MIX, body=MIX_BODY, reason="Ours", by=Doer.staff(lead))
    return draft


def mix_entry(draft: CatalogueVersion) -> CatalogueEntry:
    return CatalogueEntry.objects.get(version=draft, code=MIX)


def test_a_mixing_rule_of_the_house_is_written_anew(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    assert page in client.get(reverse("catalogue-entry", args=[mixing.public_id, MIX])).content.decode()
    form = client.get(page).context["form"]
    assert [form[name].value() for name in ("shape", "looks_at", "within_days", "with_substances")] == [
        "together", "area", 7, ["sub-vit-c"]]  # fmt: skip
    answer = post(client, page, seen_version=1, **MIX_TYPED)
    assert answer.status_code == 302, answer.context["form"].errors
    rule = versions.load_any(CatalogueVersion.objects.get(pk=mixing.pk)).mixing_rules[MIX]
    assert (rule.shape, rule.looks_at, rule.result, rule.substances) == ("alone", "mix", "warning", {"sub-txa"})
    assert mix_entry(mixing).body["note"] == "ours"  # what the form does not ask stays
    changes = CatalogueChange.objects.filter(version=mixing, code=MIX).exclude(field="")
    rows = {row.field: (row.direction, row.is_hard) for row in changes}
    assert rows["shape"] == rows["looks_at"] == rows["result"] == rows["substances"] == ("loosened", True)
    assert rows["text.en"] == ("reworded", False)
    assert AuditEvent.objects.filter(action="catalogue-mixing-rule-reworked").count() == 1


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"reason": ""}, "reason"), ({"text_en": "{substances!r}"}, "text_en"), ({"text_tr": "{what}"}, "text_tr"),
        ({"substances": []}, "substances"), ({"with_substances": ["sub-biotin"]}, "with_substances"),
        ({"looks_at": "day"}, "looks_at"), ({"within_days": "3"}, "within_days"), ({"within_days": "36501"}, "within_days"),
        ({"within_days": "-1"}, "within_days"), ({"shape": "dose-max"}, "shape"), ({"result": "ok"}, "result"),
        ({"source": "hearsay"}, "source"), ({"name_tr": ""}, "name_tr"),
    ],
)  # fmt: skip
def test_what_makes_no_mixing_rule_is_refused_beside_its_field(
    client: Client, mixing: CatalogueVersion, lead: User, typed: dict[str, Any], beside: str
) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    answer = post(client, page, seen_version=1, **{**MIX_TYPED, **typed})
    assert answer.status_code == 422
    assert beside in answer.context["form"].errors, answer.context["form"].errors
    assert mix_entry(mixing).body == {"code": MIX, **MIX_BODY}
    assert not CatalogueChange.objects.filter(version=mixing, code=MIX).exclude(field="").exists()


def test_who_comes_second_with_a_mixing_rule_sees_what_is_saved(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    assert post(client, page, seen_version=1, **MIX_TYPED).status_code == 302
    second = post(client, page, seen_version=1, **{**MIX_TYPED, "substances": ["sub-biotin"]})
    assert second.status_code == 409
    assert [label for label, _text in second.context["theirs"]] == ["Substances"]
    assert mix_entry(mixing).body["substances"] == ["sub-txa"]
    assert post(client, page, seen_version=2, **{**MIX_TYPED, "substances": ["sub-biotin"]}).status_code == 302


def test_mixing_rules_of_the_reference_and_other_roles_are_refused(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    for code in ("ix-pc-lidocaine", OWN, "sub-biotin"):
        assert client.get(reverse("catalogue-mixing-rule", args=[mixing.public_id, code])).status_code == 404
    tried: dict[str, Any] = {"version": mixing, "body": MIX_BODY, "reason": "x", "seen_edits": 1}
    with pytest.raises(Refused, match="belongs to the reference"):
        reworking.save_mixing_rule(code="ix-pc-lidocaine", by=Doer.staff(lead), **tried)
    doctor = make.make_user(Role.PRACTITIONER)
    with pytest.raises(NotPermitted):
        reworking.save_mixing_rule(code=MIX, by=Doer.staff(doctor), **tried)
    make.signed_in(client, doctor)
    assert client.get(reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])).status_code == 403
    now = CatalogueVersion.objects.get(pk=mixing.pk)
    versions.approve(version=now, seen_version=now.version, by=Doer.staff(lead))
    with pytest.raises(Refused, match="Only a draft"):
        reworking.save_mixing_rule(code=MIX, by=Doer.staff(lead), **tried)
