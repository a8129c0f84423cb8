"""Two people at the very same moment: one deed counts, the other is refused in words, and nothing is half-done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from protocols import catalogue, editing, versions
from protocols.models import CatalogueChange, CatalogueVersion
from protocols.models.catalogue import VersionState
from sessions import clearing, uploading
from sessions.models import Clearance, Upload
from sessions.standing_clearances import Standing, standing_of
from sessions.uploading import NewFile
from tests import factories as make
from tests.healthy import answered
from tests.papers import checked
from tests.sessions.careday import make_care_day

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each deed gave back, or the error it met; all begin together, each on its own connection."""
    start = threading.Barrier(len(deeds))
    results: list[Any] = [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        start.wait(timeout=20)
        try:
            results[number] = deed()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def leads() -> tuple[Doer, Doer]:
    make.make_site()
    return Doer.staff(make.make_user(Role.MEDICAL_LEAD)), Doer.staff(make.make_user(Role.MEDICAL_LEAD))


def refused(results: list[Any]) -> int:
    unexpected = [one for one in results if isinstance(one, Exception) and not isinstance(one, Refused)]
    assert not unexpected
    return sum(isinstance(one, Refused) for one in results)


def test_two_drafts_made_at_once_are_one() -> None:
    one, two = leads()
    now = catalogue.current()
    results = at_once(*(lambda by=by: versions.make_draft(based_on=now, note="x", by=by) for by in (one, two)))
    assert refused(results) == 1
    assert CatalogueVersion.objects.filter(state=VersionState.DRAFT).count() == 1


def test_two_edits_of_one_entry_and_an_approval() -> None:
    one, two = leads()
    draft = versions.make_draft(based_on=catalogue.current(), note="x", by=one)

    def edit(by: Doer, most: str) -> Any:
        return editing.save_entry(
            version=draft, code="sub-lidocaine", values={"hard_max": most}, reason="", seen_edits=1, by=by
        )

    results = at_once(
        lambda: edit(one, "250"), lambda: edit(two, "240"),
        lambda: versions.approve(version=draft, seen_version=draft.version, by=one),
    )  # fmt: skip
    assert 1 <= refused(results) <= 2
    after = CatalogueVersion.objects.get(pk=draft.pk)
    assert after.digest == catalogue.digest_of(catalogue.rows_of(after))
    assert CatalogueChange.objects.filter(version=draft).count() <= 1
    assert any(isinstance(one, Stale | Refused) for one in results)


def test_published_twice_at_once_is_published_once_and_an_edit_is_too_late() -> None:
    one, two = leads()
    draft = versions.make_draft(based_on=catalogue.current(), note="x", by=one)
    editing.save_entry(version=draft, code="sub-lidocaine", values={"hard_max": "250"}, reason="", seen_edits=1, by=one)
    draft.refresh_from_db()
    versions.approve(version=draft, seen_version=draft.version, by=one)
    draft.refresh_from_db()
    versions.mark_impact_seen(version=draft, by=one)
    draft.refresh_from_db()
    seen = draft.digest
    results = at_once(
        lambda: versions.publish(version=draft, seen_version=draft.version, by=one),
        lambda: versions.publish(version=draft, seen_version=draft.version, by=two),
        lambda: versions.reopen(version=draft, seen_version=draft.version, by=two),
    )  # fmt: skip
    assert refused(results) == 2
    assert CatalogueVersion.objects.in_force().count() == 1
    published = catalogue.current()
    assert published.digest == catalogue.digest_of(catalogue.rows_of(published))
    assert published.pk != draft.pk or published.digest == seen


def test_a_letter_is_not_withdrawn_under_the_clearance_that_rests_on_it() -> None:
    day = make_care_day()
    answered(day.patient, q_heart="yes", q_heart_medicines=0)
    course = day.course(approved=False)
    lead = Doer.staff(make.make_user(Role.MEDICAL_LEAD), day.site)
    letter = uploading.keep(patient=day.patient, new=NewFile(checked("letter.pdf"), kind="letter"), by=lead)
    results = at_once(
        lambda: clearing.grant(
            patient=day.patient, course=course, rule_code="scr-heart-other", reason="Stable", by=lead, uploads=[letter]
        ),
        lambda: uploading.withdraw(upload=letter, reason="Wrong patient", by=lead),
    )
    assert refused(results) == 1, results
    standing = [one for one in Clearance.objects.all() if standing_of(one, day.site.today()) is Standing.VALID]
    assert bool(standing) != bool(Upload.objects.get(pk=letter.pk).withdrawn_at)
