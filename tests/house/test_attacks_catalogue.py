"""A medical lead in a hurry, or one who means no good: every way around what a catalogue may never say."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import Site, User
from protocols import catalogue, editing, enabling, versions
from protocols.models import CatalogueEntry, CatalogueVersion
from tests import factories as make
from tests.protocols.drafts import change, form_values, in_force

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make.make_site()


@pytest.fixture
def lead(site: Site) -> User:
    return make.make_user(Role.MEDICAL_LEAD)


@pytest.fixture
def draft(lead: User) -> CatalogueVersion:
    return new_draft(lead)


def new_draft(lead: User, based_on: CatalogueVersion | None = None) -> CatalogueVersion:
    return versions.make_draft(based_on=based_on or catalogue.current(), note="Review", by=Doer.staff(lead))


@pytest.mark.parametrize(
    ("code", "field", "value"),
    [("sub-ha-nc", "status", "withdrawn"), ("sub-ha-nc", "status", "locked"), ("sub-ha-nc", "never_in", ["IT"]),
     ("ck-face-hydra", "never_in", ["IT"])],
)  # fmt: skip
def test_an_older_version_does_not_bring_back_what_is_forbidden_since(
    lead: User, draft: CatalogueVersion, code: str, field: str, value: Any
) -> None:
    first = catalogue.current()
    change(draft, code, lead, **{field: value})
    in_force(draft, lead)
    again = new_draft(lead, based_on=first)
    with pytest.raises(Refused):
        in_force(again, lead)
    assert catalogue.current() == CatalogueVersion.objects.get(pk=draft.pk)
    change(again, code, lead, **{field: value})
    assert in_force(CatalogueVersion.objects.get(pk=again.pk), lead).number == again.number


@pytest.mark.parametrize("path", ["cfg", "settable_hours"])
def test_a_range_is_not_widened_to_get_outside_of_it(draft: CatalogueVersion, lead: User, path: str) -> None:
    code = "ac-no-water" if path == "settable_hours" else "scr-isotretinoin"
    before = draft.entries.get(code=code).body
    for value in (None, ["0", "100"]):
        with pytest.raises(Refused):
            change(draft, code, lead, reason="Because", **{path: value})
    assert CatalogueEntry.objects.get(version=draft, code=code).body == before


def test_a_banned_mixture_stays_banned_whatever_becomes_of_its_entry(draft: CatalogueVersion, lead: User) -> None:
    change(draft, "ck-face-hydra", lead, never_in=["IT"])
    with pytest.raises(Refused):
        editing.remove_entry(version=draft, code="ck-face-hydra", reason="Not used", by=Doer.staff(lead))
    items = draft.entries.get(code="ck-face-hydra").body["items"]
    with pytest.raises(Refused):
        change(draft, "ck-face-hydra", lead, reason="Because", **{f"items.{len(items) + 1}.substance": "sub-vitc",
               f"items.{len(items) + 1}.volume_ml": "0.1", f"items.{len(items) + 1}.strength": "100"})  # fmt: skip


def test_what_was_off_when_it_was_allowed_asks_for_its_law_once_it_is_locked(site: Site, lead: User) -> None:
    off = next(one.code for one in catalogue.in_force().substances.values() if one.status == "off" and not one.never_in)
    enabling.enable(site=site, code=off, reason="Needed", legal_basis="", by=Doer.staff(lead, site))
    assert off in enabling.allowed_at(site, catalogue.in_force())
    draft = new_draft(lead)
    change(draft, off, lead, status="locked")
    in_force(draft, lead)
    assert off not in enabling.allowed_at(site, catalogue.in_force())
    with pytest.raises(Refused, match="locked"):
        enabling.enable(site=site, code=off, reason="Needed", legal_basis="", by=Doer.staff(lead, site))
    enabling.enable(site=site, code=off, reason="Needed", legal_basis="Permit 12/2026", by=Doer.staff(lead, site))
    assert off in enabling.allowed_at(site, catalogue.in_force())


def test_no_row_leaves_or_enters_a_published_version(draft: CatalogueVersion) -> None:
    published = catalogue.current()
    for entry, target in ((published.entries.first(), draft), (draft.entries.first(), published)):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            CatalogueEntry.objects.filter(pk=entry.pk).update(version=target, code="moved-away")


@pytest.mark.parametrize("typed", ["1e-999999", "1e-9999999999", "1e999999", "NaN", "Infinity", "-0", "0x10", "1_000"])
def test_a_limit_takes_a_plain_figure_or_nothing(draft: CatalogueVersion, lead: User, typed: str) -> None:
    client = make.signed_in(Client(raise_request_exception=False), lead)
    url = reverse("catalogue-entry", args=[draft.public_id, "sub-lidocaine"])
    before = draft.entries.get(code="sub-lidocaine").body
    answer = client.post(url, form_values(client, url) | {"hard_max": typed, "reason": "x"})
    after = CatalogueEntry.objects.get(version=draft, code="sub-lidocaine").body
    assert answer.status_code in {302, 422}
    assert (answer.status_code == 422) == (after == before)
    assert len(str(after["hard_max"])) < 12


def test_a_lead_of_one_site_changes_nothing_that_holds_for_all(site: Site, lead: User, draft: CatalogueVersion) -> None:
    local = make.make_user(Role.MEDICAL_LEAD, site=site)
    by = Doer.staff(local, site)
    client = make.signed_in(Client(raise_request_exception=False), local)
    entry = draft.entries.get(code="sub-lidocaine")
    deeds: list[Any] = [
        lambda: versions.make_draft(based_on=catalogue.current(), note="x", by=by),
        lambda: versions.approve(version=draft, seen_version=draft.version, by=by),
        lambda: versions.publish(version=draft, seen_version=draft.version, by=by),
        lambda: versions.mark_impact_seen(version=draft, by=by),
        lambda: versions.give_up(version=draft, seen_version=draft.version, reason="x", by=by),
        lambda: editing.save_entry(version=draft, code=entry.code, values={"hard_max": "1"}, reason="x", seen_edits=1, by=by),
        lambda: editing.add_entry(version=draft, kind="rule", code="scr-x", body={}, reason="x", by=by),
        lambda: editing.remove_entry(version=draft, code="ck-face-hydra", reason="x", by=by),
        lambda: enabling.enable(site=make.make_site(), code="sub-dca", reason="x", legal_basis="x", by=by),
    ]  # fmt: skip
    for deed in deeds:
        with pytest.raises(NotPermitted):
            deed()
    for name in ("catalogue-approve", "catalogue-publish", "catalogue-reopen", "catalogue-give-up", "catalogue-draft-new"):
        form = {"seen_version": str(draft.version), "note": "x", "reason": "x", "form_token": f"{name}-0123456789"}
        answer = client.post(reverse(name, args=[draft.public_id]), form)
        assert answer.status_code == 403, name
    assert CatalogueVersion.objects.get(pk=draft.pk).version == draft.version
