"""The life of a version: who moves it where, what is frozen, and that what was decided keeps the version it had."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, User
from protocols import catalogue, editing, loosened, versions
from protocols.findings import Stage
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion, Service
from protocols.models.catalogue import VersionState
from sessions import screenings
from tests import factories as make
from tests.clinic.test_places import post
from tests.protocols.drafts import change, form_values, in_force

pytestmark = pytest.mark.django_db


def test_a_draft_is_a_copy_and_counts_for_nobody(draft: CatalogueVersion, lead: User) -> None:
    before = catalogue.current()
    assert draft.based_on == before
    assert draft.made_by == lead
    assert draft.digest == before.digest
    assert catalogue.rows_of(draft) == catalogue.rows_of(before)
    change(draft, "sub-lidocaine", lead, hard_max="200")
    assert catalogue.in_force().substances["sub-lidocaine"].hard_max == 300
    assert versions.load_any(CatalogueVersion.objects.get(pk=draft.pk)).substances["sub-lidocaine"].hard_max == 200


def test_there_is_one_draft_at_a_time(draft: CatalogueVersion, lead: User) -> None:
    with pytest.raises(Refused, match="open already"):
        versions.make_draft(based_on=catalogue.current(), note="Another", by=Doer.staff(lead))
    versions.give_up(version=draft, seen_version=draft.version, reason="Not needed", by=Doer.staff(lead))
    assert versions.make_draft(based_on=catalogue.current(), note="Another", by=Doer.staff(lead)).number == draft.number + 1


def test_it_is_published_only_approved_and_looked_at(draft: CatalogueVersion, lead: User) -> None:
    doer, before = Doer.staff(lead), catalogue.current()
    with pytest.raises(Refused, match="approves the draft first"):
        versions.publish(version=draft, seen_version=draft.version, by=doer)
    versions.mark_impact_seen(version=draft, by=doer)
    draft.refresh_from_db()
    assert draft.impact_is_seen
    change(draft, "sub-lidocaine", lead, hard_max="200")
    draft.refresh_from_db()
    assert not draft.impact_is_seen
    versions.approve(version=draft, seen_version=draft.version, by=doer)
    draft.refresh_from_db()
    with pytest.raises(Refused, match="Look first"):
        versions.publish(version=draft, seen_version=draft.version, by=doer)
    assert catalogue.current() == before
    versions.mark_impact_seen(version=draft, by=doer)
    versions.publish(version=draft, seen_version=draft.version, by=doer)
    before.refresh_from_db()
    assert (catalogue.current(), before.state) == (draft, VersionState.RETIRED)
    assert before.retired_at is not None
    assert catalogue.in_force().substances["sub-lidocaine"].hard_max == 200
    assert AuditEvent.objects.filter(action="catalogue-published", object_public_id=draft.public_id).exists()


def test_an_impact_of_what_was_edited_meanwhile_is_not_seen(draft: CatalogueVersion, lead: User) -> None:
    seen = CatalogueVersion.objects.get(pk=draft.pk)
    change(draft, "sub-lidocaine", lead, hard_max="200")
    with pytest.raises(Stale):
        versions.mark_impact_seen(version=seen, by=Doer.staff(lead))
    with pytest.raises(Refused):
        versions.mark_impact_seen(version=catalogue.current(), by=Doer.staff(lead))


def test_every_move_is_in_the_table_and_every_other_is_refused(draft: CatalogueVersion, lead: User) -> None:
    doer = Doer.staff(lead)
    with pytest.raises(Refused, match="cannot become"):
        versions.reopen(version=draft, seen_version=draft.version, by=doer)
    versions.approve(version=draft, seen_version=draft.version, by=doer)
    draft.refresh_from_db()
    with pytest.raises(Refused, match="approved already"):
        versions.approve(version=draft, seen_version=draft.version, by=doer)
    with pytest.raises(Refused, match="Only a draft"):
        change(draft, "sub-lidocaine", lead, hard_max="200")
    versions.reopen(version=draft, seen_version=draft.version, by=doer)
    draft.refresh_from_db()
    assert (draft.state, draft.approved_at, draft.approved_by) == (VersionState.DRAFT, None, None)
    published = in_force(draft, lead)
    with pytest.raises(Refused, match="retires when the next"):
        versions.give_up(version=published, seen_version=published.version, reason="x", by=doer)
    assert set(versions.MOVES) == set(VersionState)


def test_what_was_looked_at_before_somebody_else_moved_it_is_stale(draft: CatalogueVersion, lead: User) -> None:
    seen = draft.version
    change(draft, "sub-lidocaine", lead, hard_max="200")
    with pytest.raises(Stale):
        versions.approve(version=draft, seen_version=seen, by=Doer.staff(lead))


def test_the_database_freezes_what_is_no_draft(draft: CatalogueVersion, lead: User) -> None:
    published = in_force(draft, lead)
    entry = published.entries.first()
    assert entry is not None
    for frozen in (
        lambda: CatalogueEntry.objects.filter(pk=entry.pk).update(code="reg-other"),
        lambda: CatalogueEntry.objects.filter(pk=entry.pk).delete(),
        lambda: CatalogueVersion.objects.filter(pk=published.pk).update(digest="0" * 64),
        lambda: CatalogueVersion.objects.filter(pk=published.pk).update(state="draft"),
        lambda: CatalogueVersion.objects.filter(pk=published.pk).update(based_on=None),
        lambda: CatalogueChange.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            frozen()


def test_a_faulty_version_leaves_the_published_one_untouched(draft: CatalogueVersion, lead: User) -> None:
    """Rows that no page would save, written past the verbs: nothing of them gets into force."""
    doer, before = Doer.staff(lead), catalogue.current()
    entry = draft.entries.get(code="ck-eye-pn")
    entry.body = {**entry.body, "technique": "tq-hammer"}
    entry.save()
    with pytest.raises(Refused, match="tq-hammer"):
        versions.approve(version=draft, seen_version=draft.version, by=doer)
    CatalogueVersion.objects.filter(pk=draft.pk).update(
        state="approved", approved_by=lead, approved_at=draft.created_at, impact_seen_digest=draft.digest,
        impact_seen_at=draft.created_at,
    )  # fmt: skip
    with pytest.raises(Refused, match="tq-hammer"):
        versions.publish(version=draft, seen_version=draft.version, by=doer)
    assert catalogue.current() == before
    assert catalogue.in_force().mixtures["ck-eye-pn"].technique != "tq-hammer"


def test_what_was_decided_keeps_the_version_it_was_decided_with(draft: CatalogueVersion, lead: User) -> None:
    doctor = make.make_user(Role.PRACTITIONER)
    before = catalogue.current()
    patient = make.make_patient(lead.roles.get().site or make.make_site())
    course = make.make_course(patient, doctor)
    judged = screenings.screen_now(patient=patient, stage=Stage.PLAN, course=course, by=Doer.staff(doctor))
    fired = list(judged.findings.values())
    change(draft, "scr-keloid", lead, clauses__1__severity="absolute")
    after = in_force(draft, lead)
    course.refresh_from_db()
    judged.refresh_from_db()
    assert (course.catalogue, judged.catalogue) == (before, before)
    assert list(judged.findings.values()) == fired
    assert catalogue.load(before).rules["scr-keloid"].version == 1
    again = screenings.screen_now(patient=patient, stage=Stage.PLAN, course=course, by=Doer.staff(doctor))
    assert again.catalogue == after
    assert catalogue.load(after).rules["scr-keloid"].version == 2


def test_going_back_to_earlier_questions_asks_them_again(draft: CatalogueVersion, lead: User) -> None:
    first = catalogue.current_questionnaire()
    original = catalogue.questions_of(first)["q-ulcer"].text.get("en")
    change(draft, "q-ulcer", lead, text__en="Have you ever had a stomach ulcer?")
    in_force(draft, lead)
    second = catalogue.current_questionnaire()
    assert second.number == first.number + 1
    again = versions.make_draft(based_on=catalogue.current(), note="As before", by=Doer.staff(lead))
    change(again, "q-ulcer", lead, text__en=original)
    in_force(again, lead)
    third = catalogue.current_questionnaire()
    assert (third.number, third.digest) == (second.number + 1, first.digest)


def test_a_new_indication_gets_its_service_with_the_publication(draft: CatalogueVersion, lead: User) -> None:
    body = dict(draft.entries.get(code="ind-hydration").body) | {"name": {"en": "Dry shins", "tr": "Kuru baldır"}}
    body.pop("code")
    editing.add_entry(version=draft, kind="indication", code="ind-shins", body=body, reason="Asked for", by=Doer.staff(lead))
    assert not Service.objects.filter(code="ind-shins").exists()
    in_force(draft, lead)
    assert Service.objects.get(code="ind-shins").name == "Dry shins"


def test_loosened_hard_limits_stand_until_they_are_taken_back(draft: CatalogueVersion, lead: User) -> None:
    change(draft, "sub-txa", lead, reason="Specialist clinic", hard_max="120")
    change(draft, "sub-lidocaine", lead, hard_max="200")
    change(draft, "sub-lidocaine", lead, reason="Back to the label", hard_max="300")
    first = in_force(draft, lead)
    assert [(one.code, one.before, one.after) for one in loosened.standing(first)] == [("sub-txa", 100, "120")]
    assert [one.code for one in loosened.touching(first, {"sub-txa", "ind-melasma"})] == ["sub-txa"]
    assert loosened.touching(first, {"sub-ha-nc", "ind-hydration"}) == []
    second = versions.make_draft(based_on=first, note="Next", by=Doer.staff(lead))
    assert [one.code for one in loosened.standing(second)] == ["sub-txa"]
    change(second, "sub-txa", lead, hard_max="100")
    assert loosened.standing(CatalogueVersion.objects.get(pk=second.pk)) == ()


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MANAGER])
def test_only_the_medical_lead_moves_a_version(draft: CatalogueVersion, role: str) -> None:
    other = Doer.staff(make.make_user(role))
    for deed in (
        lambda: versions.make_draft(based_on=draft, note="x", by=other),
        lambda: versions.approve(version=draft, seen_version=draft.version, by=other),
        lambda: versions.give_up(version=draft, seen_version=draft.version, reason="x", by=other),
        lambda: versions.mark_impact_seen(version=draft, by=other),
        lambda: versions.publish(version=draft, seen_version=draft.version, by=other),
        lambda: change(draft, "sub-lidocaine", other.user, hard_max="1"),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotPermitted):
            deed()
    draft.refresh_from_db()
    assert draft.state == VersionState.DRAFT


def test_the_walk_over_the_pages(client: Client, lead: User) -> None:
    make.signed_in(client, lead)
    current = catalogue.current()
    answer = post(client, reverse("catalogue-draft-new", args=[current.public_id]), note="Stricter")
    draft = versions.open_draft()
    assert draft is not None
    assert answer.url == reverse("catalogue-version", args=[draft.public_id])
    page = reverse("catalogue-entry", args=[draft.public_id, "sub-lidocaine"])
    values = form_values(client, page) | {"hard_max": "250"}
    assert post(client, page, **values).status_code == 302
    html = client.get(reverse("catalogue-difference", args=[draft.public_id])).content.decode()
    assert "Hard maximum per session" in html
    assert "tightened" in html
    page = reverse("catalogue-version", args=[draft.public_id])
    assert post(client, reverse("catalogue-approve", args=[draft.public_id]), page).status_code == 302
    assert "was not looked at yet" in client.get(reverse("catalogue-publish", args=[draft.public_id])).content.decode()


# --- how many questions a page asks the database ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "args", "queries"),
    [
        ("protocols", [], 6), ("catalogue-versions", [], 6), ("catalogue-version", ["draft"], 6),
        ("catalogue-entry", ["draft", "sub-lidocaine"], 9), ("catalogue-difference", ["draft"], 11),
        ("catalogue-publish", ["draft"], 12), ("enablements", [], 6),
    ],
)  # fmt: skip
def test_the_number_of_queries_does_not_grow(
    client: Client, draft: CatalogueVersion, lead: User, django_assert_num_queries: Any, name: str, args: list[str], queries: int
) -> None:
    for code in ("sub-lidocaine", "sub-procaine", "sub-caffeine"):
        change(draft, code, lead, reason="Why", hard_max="500")
    make.signed_in(client, lead)
    address = reverse(name, args=[draft.public_id if one == "draft" else one for one in args])
    client.get(address)  # the first look fills what is kept per process
    with django_assert_num_queries(queries):
        assert client.get(address).status_code == 200
