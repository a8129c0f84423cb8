"""A walk over every model: who belongs to whom, what can be named from outside, and what history is kept of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from clinic.grants import GROWING, history_tables
from clinic.models import PublicId, SameParent
from patients.models import Patient
from tests import factories as make
from tests.house.world import every_url, is_ours, make_world

pytestmark = pytest.mark.django_db
OURS = {"clinic", "patients", "protocols", "treatment_sessions"}

# Neither row history nor append-only, and why that is right.
WITHOUT_HISTORY = {
    "clinic_idempotencykey": "a form that was sent; says nothing but where its first answer led",
    "clinic_invitation": "the deed is in the audit log; the row holds a hash and its end",
    "patients_linkattempt": "a counter without a name",
    "patients_patientsite": "written once, by registering or booking, which are in the audit log",
    "protocols_catalogueentry": "frozen with its version by a trigger",
    "protocols_catalogueversion": "frozen by its trigger, approved once",
    "patients_questionnaireversion": "frozen by its trigger",
    "treatment_sessions_bookingrequest": "what a stranger typed is erased with the hold; the deeds are in the audit log",
    "treatment_sessions_requesttoken": "a hash, gone with its request",
    "treatment_sessions_freedtime": "written once by a move or cancellation, which are in the audit log",
    "treatment_sessions_paperbatch": "a progress bar over documents that have their own; who asked is in the audit log",
    "treatment_sessions_rescreenrun": "a progress bar; who asked for it is in the audit log",
    "treatment_sessions_rescreenchange": "written once by its run; what it changed are screenings, which only grow",
}


def our_models() -> list[type[models.Model]]:
    """Every table of ours but the history of another."""
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in OURS and getattr(model, "pgh_tracked_model", None) is None
    ]


def owned_links(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    """Foreign keys of a row that names a patient to other rows that name a patient."""
    if not any(field.name == "patient" for field in model._meta.fields):
        return []
    return [
        field
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey)
        and field.name != "patient"
        and any(other.name == "patient" for other in field.related_model._meta.fields)
        and not isinstance(field.related_model, str)
    ]


LINKS = [(model, field) for model in our_models() for field in owned_links(model)]


def test_the_walk_finds_the_links():
    assert len(LINKS) > 12


@pytest.mark.parametrize(("model", "link"), LINKS, ids=[f"{m.__name__}.{f.name}" for m, f in LINKS])
def test_rows_that_belong_together_agree_on_the_patient(model, link):
    guards = [one for one in model._meta.constraints if isinstance(one, SameParent) and one.fields == (link.name, "patient")]
    assert guards, f"{model.__name__}.{link.name} may lead to another patient"


@transaction.atomic
def give_away(row, stranger) -> None:
    """Past the code, up to the moment of the commit."""
    type(row)._default_manager.filter(pk=row.pk).update(patient=stranger)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_refuses_another_patients_things():
    """Each row of the world is pointed at a stranger; the deferred key refuses it before the commit."""
    world = make_world()
    tried = []
    for model, link in LINKS:
        row = model._default_manager.filter(**{f"{link.name}__isnull": False}).first()
        if row is None:
            continue
        with pytest.raises(DatabaseError):
            give_away(row, world.stranger)
        tried.append(f"{model.__name__}.{link.name}")
    assert len(tried) >= 10, tried


def test_a_new_row_cannot_join_two_patients():
    world = make_world()
    theirs = make.make_course(world.stranger, world.doctor)
    make.make_appointment(
        world.patient, practitioner=world.doctor, room=make.make_room(world.site), course=theirs,
        starts_at=world.appointment.ends_at.replace(year=2098, day=1),
    )  # fmt: skip
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="appointment_same_patient"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_every_constraint_has_a_name_of_its_own():
    names = [one.name for model in our_models() for one in model._meta.constraints]
    assert all(names)
    assert len(names) == len(set(names))
    assert len(names) > 60
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        known = {name for (name,) in cursor.fetchall()}
    assert set(names) <= known


def test_no_address_names_a_row_by_its_number():
    """Ours take random public ids, words and dates; a running number would tell how many there are."""
    counted = {
        f"{one.name} <{name}>"
        for one in every_url()
        if is_ours(one)
        for name, converter in one.pattern.converters.items()
        if type(converter).__name__ == "IntConverter" and name != "number"
    }
    assert not counted


def test_public_ids_are_random_and_unique():
    named = [model for model in our_models() if issubclass(model, PublicId)]
    assert len(named) > 15
    for model in named:
        field = model._meta.get_field("public_id")
        assert field.unique, model
        assert not field.editable, model
        ids = {field.get_default() for _ in range(50)}
        assert len(ids) == 50, model
        assert {len(one) for one in ids} == {22}, model


def test_every_table_keeps_its_history_or_says_why_not():
    tracked = {model.pgh_tracked_model._meta.db_table for model in apps.get_models() if getattr(model, "pgh_tracked_model", None)}
    for model in our_models():
        table = model._meta.db_table
        kept = (table in tracked) + (table in GROWING) + (table in WITHOUT_HISTORY)
        assert kept >= 1, f"{table}: track it, let it only grow, or say why not"
    assert set(WITHOUT_HISTORY) <= {model._meta.db_table for model in our_models()}
    assert not set(WITHOUT_HISTORY) & (tracked | set(GROWING))


def test_what_only_grows_cannot_be_rewritten():
    """As the app role; the grants refuse, whatever the code does."""
    make_world()
    for table in sorted(set(GROWING) | history_tables()):
        for statement in (f'DELETE FROM "{table}"', f'TRUNCATE "{table}"'):  # noqa: S608 - names of our own tables
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


def test_changes_past_the_code_are_history_too():
    """A bulk update and raw SQL leave the same event rows as a save."""
    patient = make.make_patient(make.make_site())
    event = apps.get_model("patients", "PatientEvent")
    before = event.objects.filter(pgh_obj_id=patient.pk).count()
    Patient.objects.filter(pk=patient.pk).update(address="Via Nuova 1")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET address = 'Via Nuova 2' WHERE id = %s", [patient.pk])
    found = list(event.objects.filter(pgh_obj_id=patient.pk).order_by("pgh_id").values_list("address", flat=True))
    assert len(found) == before + 2
    assert found[-2:] == ["Via Nuova 1", "Via Nuova 2"]
