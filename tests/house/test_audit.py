"""Who looked at whom: every page about a patient says so, nothing typed is kept, and the log betrays a changed row."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from clinic import audit
from clinic.choices import AccessCategory
from clinic.doer import Doer
from clinic.models import AccessEvent
from clinic.models.audit import Logged
from clinic.permissions import POLICY
from sessions.models import Course
from tests import factories as make
from tests.house.world import addresses, behind_link, make_world, our_urls

pytestmark = pytest.mark.django_db
# Pages below a patient's address that show nothing of them: a picture of a link, a state that is polled.
ABOUT_PATIENTS = ("patients", "courses", "appointments", "consents", "clearances", "allergy-tests", "messages", "documents")
SHOWS_NOTHING = {"intake-qr", "document-state"}


def pages_about(world):
    for pattern in our_urls("staff"):
        if str(pattern.pattern).split("/")[0] in ABOUT_PATIENTS and "public_id" in pattern.pattern.converters:
            for url in addresses(pattern, world):
                yield str(pattern.name), pattern, url


def whose(world, url):
    """The patient a page is about, by the patient or course its address names."""
    for course in Course.objects.select_related("patient"):
        if course.public_id in url:
            return course.patient
    return world.stranger if world.stranger.public_id in url else world.patient


def test_every_page_about_a_patient_writes_who_looked():
    world = make_world()
    silent, seen = {}, 0
    for who in ("medical-lead", "front-desk", "manager"):
        client = make.signed_in(Client(raise_request_exception=False), world.people[who])
        for name, pattern, url in pages_about(world):
            if not set(pattern.callback.access[1]) <= POLICY[who]:
                continue
            last = AccessEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
            answer = client.get(url)
            if answer.status_code != 200 or name in SHOWS_NOTHING:
                continue
            seen += 1
            rows = AccessEvent.objects.filter(id__gt=last, doer_public_id=world.people[who].public_id)
            about = whose(world, url)
            if not rows.filter(patient_public_id=about.public_id).exists():
                silent[f"{who} {name}"] = url
    assert seen > 30
    assert not silent


def test_pages_that_show_nothing_of_the_patient_really_do():
    world = make_world(given_name="Zerynthia", family_name="Quexbury")
    client = make.signed_in(Client(), world.people["medical-lead"])
    for name, _pattern, url in pages_about(world):
        if name in SHOWS_NOTHING:
            body = client.get(url).content.decode(errors="replace")
            assert "Quexbury" not in body, name
            assert "Zerynthia" not in body, name


def test_a_patient_behind_a_link_is_written_down_too():
    world = make_world()
    for purpose, name in (("intake", "patient-intake"), ("appointment", "patient-appointment"), ("consent", "patient-consent")):
        client = behind_link(world, purpose)
        assert client.get(reverse(name)).status_code == 200
        event = AccessEvent.objects.filter(page=name).latest("id")
        assert (event.doer_kind, event.patient_public_id) == ("patient", world.patient.public_id)


@pytest.mark.parametrize("name", ["patients", "patient-search", "messages"])
def test_a_search_is_logged_without_its_words(name):
    world = make_world()
    client = make.signed_in(Client(), world.people["front-desk"])
    assert client.get(reverse(name), {"q": "Zerynthia 1984"}).status_code == 200
    event = AccessEvent.objects.filter(category=AccessCategory.SEARCH).latest("id")
    assert event.page == name
    for row in AccessEvent.objects.values_list("detail", "page", "doer_label"):
        assert "Zerynthia" not in str(row)


def test_a_denial_is_logged_with_what_was_missing():
    world = make_world()
    client = make.signed_in(Client(), world.people["manager"])
    assert client.get(reverse("measurements", args=[world.patient.public_id])).status_code == 403
    event = AccessEvent.objects.filter(category=AccessCategory.DENIED).latest("id")
    assert event.page == "measurements"
    assert event.detail["permission"]


def test_another_sites_patient_leaves_a_row_of_the_attempt():
    """Asking for a patient one may not see answers like an absent one; trying to guess leaves a trace."""
    world = make_world()
    client = make.signed_in(Client(), world.people["front-desk elsewhere"])
    assert client.get(reverse("patient", args=[world.patient.public_id])).status_code == 404
    assert AccessEvent.objects.filter(
        category=AccessCategory.DENIED, doer_public_id=world.people["front-desk elsewhere"].public_id
    ).exists()


# --- digests -----------------------------------------------------------------------------------------------------------
def recomputed(event: Logged) -> bytes:
    """The digest by the written recipe, apart from the code that made it."""
    fixed = [event.category, event.page] if isinstance(event, AccessEvent) else [event.action, event.sentence]
    columns = [
        event.at.isoformat(), event.doer_kind, event.doer_public_id, event.site_public_id, event.patient_public_id,
        event.object_kind, event.object_public_id, *fixed, bytes(event.detail_digest).hex(),
    ]  # fmt: skip
    return hashlib.sha256(audit.canonical(columns)).digest()


def holds(event: Logged) -> bool:
    return bytes(event.digest) == recomputed(event)


def detail_holds(event: Logged) -> bool:
    return bytes(event.detail_digest) == hashlib.sha256(audit.canonical([event.doer_label, event.detail])).digest()


def tampered(owner, event: Logged, column: str, value: object) -> Logged:
    owner.execute(f'UPDATE "{event._meta.db_table}" SET {column} = %s WHERE id = %s', [value, event.pk])  # noqa: S608
    return type(event).objects.get(pk=event.pk)


@pytest.mark.django_db(transaction=True)
def test_the_log_betrays_every_changed_column(owner):
    site = make.make_site()
    user, patient = make.make_user(site=None), make.make_patient(site)
    deed = audit.record(
        by=Doer.staff(user, site), action="patient-amended", sentence="changed the address", of=patient, patient=patient,
        site=site, detail={"address": ["Via Larga 1", "Via Roma 2"], "birth_date": patient.birth_date},
    )  # fmt: skip
    client = make.signed_in(Client(), make.make_user("front-desk"))
    client.get(reverse("patients"), {"q": "nadia"})
    look = AccessEvent.objects.latest("id")
    for event in (deed, look):
        stored = type(event).objects.get(pk=event.pk)
        assert holds(stored)
        assert detail_holds(stored)
        columns = {
            "doer_kind": "system", "doer_public_id": "x" * 22, "site_public_id": "x" * 22, "patient_public_id": "x" * 22,
            "object_kind": "lot", "object_public_id": "x" * 22, "at": "2020-01-01T00:00:00+00:00",
            **({"action": "other", "sentence": "did nothing"} if event is deed else {"category": "print", "page": "board"}),
        }  # fmt: skip
        for column, value in columns.items():
            before = getattr(stored, column)
            assert not holds(tampered(owner, stored, column, value)), column
            assert holds(tampered(owner, stored, column, before)), column
    redacted = tampered(owner, type(deed).objects.get(pk=deed.pk), "detail", '{"redacted": true}')
    assert holds(redacted), "lawful redaction of the detail keeps the proof of the rest"
    assert not detail_holds(redacted), "and shows that there was a redaction"
    renamed = tampered(owner, type(look).objects.get(pk=look.pk), "doer_label", "Somebody Else")
    assert holds(renamed)
    assert not detail_holds(renamed), "who did it cannot be renamed unseen"
