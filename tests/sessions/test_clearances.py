"""Clearances as deeds: who, on what, how long, and what they never lift."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients.models import Measurement
from protocols import catalogue, editing, versions
from protocols.findings import Outcome
from protocols.models import CatalogueEntry
from protocols.screening import Stage
from sessions import clearing, coursework, screenings, uploading
from sessions.clearing_page import history_of
from sessions.models import Clearance, ClearanceUpload, Course, Upload, UploadKind
from sessions.standing_clearances import reason_in_words
from sessions.uploading import NewFile
from tests import factories as make
from tests.healthy import answered
from tests.papers import MARKERS, checked, new_letter, with_notes
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day

pytestmark = pytest.mark.django_db

# A rule that asks for nothing but a reason, one that asks for a letter, one for a value.
KELOID = {"q_keloid": "yes"}
HEART = {"q_heart": "yes", "q_heart_medicines": 0}
DIABETES = {"q_diabetes": "diet"}


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.fixture
def lead(day: CareDay) -> Doer:
    return Doer.staff(make.make_user(Role.MEDICAL_LEAD), day.site)


def clear(day: CareDay, course: Course, code: str = "scr-keloid", **fields: Any) -> Clearance:
    values = {"reason": "Old scar, far from the face.", "by": day.by} | fields
    return clearing.grant(patient=course.patient, course=course, rule_code=code, **values)


def judged(course: Course, on: dt.date = THURSDAY) -> Any:
    return screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=on, course=course)


def uncleared(course: Course, on: dt.date = THURSDAY) -> set[str]:
    return {finding.code for finding in judged(course, on).uncleared}


def asked(day: CareDay, **answers: Any) -> Course:
    answered(day.patient, **answers)
    return day.course(approved=False)


def kept(day: CareDay, **fields: Any) -> Upload:
    return uploading.keep(patient=fields.pop("patient", day.patient), new=new_letter(**fields), by=day.by)


# --- what it never lifts --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answers", "code", "outcome"),
    [
        ({"q_pregnant": "yes"}, "scr-pregnancy", Outcome.BLOCKED),
        ({"q_heart": "yes", "q_heart_medicines": 2}, "scr-heart-multi", Outcome.BLOCKED),
        ({"q_illness": "now"}, "scr-infection-general", Outcome.WAIT),
        ({"q_illness": "over", "q_illness_date": "2026-03-05"}, "scr-infection-general", Outcome.WAIT),
    ],
)
def test_it_never_lifts_an_absolute_or_a_wait(day: CareDay, lead: Doer, answers: Any, code: str, outcome: Outcome) -> None:
    course = day.course(approved=False)
    answered(day.patient, **answers)
    before = judged(course)
    assert (before.outcome, code in before.codes) == (outcome, True), before.codes
    for standing in before.uncleared:
        with pytest.raises(Refused, match="Only a finding that asks for a clearance"):
            clear(day, course, standing.code, by=lead, new_file=new_letter())
    after = judged(course)
    assert (after.outcome, after.codes) == (before.outcome, before.codes)
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 0)


def test_it_never_lifts_what_is_not_answered(day: CareDay, lead: Doer) -> None:
    stranger = make.make_patient(day.site)
    course = day.course(stranger, approved=False)
    assert judged(course).outcome is Outcome.INCOMPLETE
    with pytest.raises(Refused, match="does not stand any more"):
        clear(day, course, by=lead)
    assert judged(course).outcome is Outcome.INCOMPLETE
    # Nor does a clearance of one finding answer what is missing of another.
    answered(stranger, **KELOID, q_heart="yes")
    clear(day, course)
    assert judged(course).missing == ("q-heart-medicines",)
    assert judged(course).outcome is Outcome.INCOMPLETE


def test_a_wait_on_the_cleared_finding_stays(day: CareDay) -> None:
    """A high HbA1c is cleared by nobody: the clearance of the diabetes leaves the wait standing."""
    course = asked(day, **DIABETES)
    Measurement.objects.create(
        patient=day.patient, code="m-hba1c", value=Decimal("9.5"), taken_on=THURSDAY, recorded_at=timezone.now(),
        recorded_by=day.doctor,
    )  # fmt: skip
    clear(day, course, "scr-diabetes-other")
    after = judged(course)
    assert after.outcome is Outcome.WAIT
    assert after.open_ended
    assert [one.code for one in after.findings if one.cleared_by] == ["scr-diabetes-other"]


# --- what the rule asks for -----------------------------------------------------------------------------------------
def test_a_letter_is_attached_and_the_medical_lead_records_it(day: CareDay, lead: Doer) -> None:
    course = asked(day, **HEART)
    with pytest.raises(Refused, match="medical lead records"):
        clear(day, course, "scr-heart-other", new_file=new_letter())
    with pytest.raises(Refused, match="Please attach: a cardiologist's letter") as missing:
        clear(day, course, "scr-heart-other", by=lead, evidence="Letter of Dr Rossi, 2 March")
    assert missing.value.field == "file"
    with pytest.raises(Refused, match="Please attach"):
        clear(day, course, "scr-heart-other", by=lead, new_file=new_letter(kind=UploadKind.LABORATORY))
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 0)
    clearance = clear(day, course, "scr-heart-other", by=lead, new_file=new_letter())
    upload = Upload.objects.get()
    assert [link.upload for link in clearance.attachments.all()] == [upload]
    assert (upload.rule_code, upload.kind, upload.uploaded_by) == ("scr-heart-other", "letter", lead.user)
    assert "scr-heart-other" not in uncleared(course)


def test_a_letter_on_record_is_enough_unless_withdrawn(day: CareDay, lead: Doer) -> None:
    course = asked(day, **HEART)
    letter, wrong = kept(day), kept(day)
    uploading.withdraw(upload=wrong, reason="Another patient's", by=day.by)
    with pytest.raises(Refused, match="withdrawn meanwhile"):
        clear(day, course, "scr-heart-other", by=lead, uploads=[wrong])
    clearance = clear(day, course, "scr-heart-other", by=lead, uploads=[letter])
    assert [link.upload for link in clearance.attachments.all()] == [letter]


def test_another_patients_letter_is_no_letter(day: CareDay, lead: Doer) -> None:
    course = asked(day, **HEART)
    theirs = kept(day, patient=make.make_patient(day.site))
    with pytest.raises(Refused):
        clear(day, course, "scr-heart-other", by=lead, uploads=[theirs])
    assert not Clearance.objects.exists()


@pytest.mark.parametrize(("days_old", "enough"), [(0, True), (90, True), (91, False), (None, False)])
def test_a_value_must_be_measured_and_valid(day: CareDay, days_old: int | None, enough: bool) -> None:
    course = asked(day, **DIABETES)
    if days_old is not None:
        Measurement.objects.create(
            patient=day.patient, code="m-hba1c", value=Decimal("6.5"), taken_on=THURSDAY - dt.timedelta(days=days_old),
            recorded_at=timezone.now(), recorded_by=day.doctor,
        )  # fmt: skip
    if enough:
        clear(day, course, "scr-diabetes-other")
        assert "scr-diabetes-other" not in uncleared(course)
        return
    with pytest.raises(Refused, match="Please record first: HbA1c, not older than 90 days"):
        clear(day, course, "scr-diabetes-other", new_file=new_letter(kind=UploadKind.LABORATORY))
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 0)


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_who_may_not_clear_keeps_nothing(day: CareDay, role: str) -> None:
    course = asked(day, **KELOID)
    by = Doer.staff(make.make_user(role), day.site)
    with pytest.raises(NotPermitted):
        clear(day, course, by=by, new_file=new_letter())
    with pytest.raises(NotPermitted):
        uploading.keep(patient=day.patient, new=new_letter(), by=by)
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 0)


def test_a_lead_of_another_site_is_none_here(day: CareDay) -> None:
    course = asked(day, **HEART)
    elsewhere = make.make_user(Role.MEDICAL_LEAD, site=make.make_site())
    with pytest.raises(NotPermitted):
        clear(day, course, "scr-heart-other", by=Doer.staff(elsewhere), new_file=new_letter())


# --- how long -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "taken"), [(None, 180), (180, 180), (30, 30), (0, 0), (181, None), (-1, None), (5000, None)]
)
def test_it_is_shortened_never_lengthened(day: CareDay, days: int | None, taken: int | None) -> None:
    course = asked(day, **KELOID)
    until = None if days is None else THURSDAY + dt.timedelta(days=days)
    if taken is None:
        with pytest.raises(Refused) as refusal:
            clear(day, course, valid_until=until)
        assert refusal.value.field == "valid_until"
        assert not Clearance.objects.exists()
        return
    clearance = clear(day, course, valid_until=until)
    last = THURSDAY + dt.timedelta(days=taken)
    assert clearance.valid_until == last
    assert "scr-keloid" not in uncleared(course, last)
    assert "scr-keloid" in uncleared(course, last + dt.timedelta(days=1))


def test_it_counts_from_the_first_minute_wherever_the_site_is(at: Any) -> None:
    """Late in the evening in New York it is tomorrow in UTC already; the clearance holds today."""
    at("2026-03-12T23:50:00-04:00")
    site = make.make_site(time_zone="America/New_York", country="US")
    day = make_care_day()
    patient = make.make_patient(site)
    answered(patient, **KELOID)
    lead = Doer.staff(make.make_user(Role.MEDICAL_LEAD), site)
    clearing.grant(patient=patient, course=None, rule_code="scr-keloid", reason="Old scar.", by=lead)
    result = screenings.evaluate(patient=patient, stage=Stage.INTAKE, on=site.today())
    assert [one.cleared_by for one in result.findings if one.code == "scr-keloid"] == [lead.user.name]
    assert day.site.today() > site.today()


def test_it_ends_when_the_answer_changes_and_stays_ended(day: CareDay) -> None:
    """Changing the answer back does not bring it to life again."""
    course = asked(day, **KELOID)
    clearance = clear(day, course)
    for answer in ("unsure", "yes"):
        answered(day.patient, q_keloid=answer)
        screenings.rescreen(patient=day.patient, by=day.by)
        assert "scr-keloid" in uncleared(course), answer
    clearance.refresh_from_db()
    assert clearance.ended_reason == "What stood behind it changed: the answer, the plan or the rule."
    assert AuditEvent.objects.filter(action="clearance-ended", object_public_id=clearance.public_id).count() == 1
    assert clear(day, course).pk != clearance.pk


def test_another_answer_and_passing_time_leave_it_alone(day: CareDay, at: Any) -> None:
    course = asked(day, **KELOID)
    clearance = clear(day, course)
    answered(day.patient, **KELOID, q_smoking="yes")
    at("2026-04-20T09:00:00+00:00")
    screenings.rescreen(patient=day.patient, by=day.by)
    clearance.refresh_from_db()
    assert clearance.ended_at is None


def test_it_ends_with_the_course(day: CareDay) -> None:
    course = asked(day, **KELOID)
    clear(day, course)
    stopped = coursework.stop(course=course, seen_version=course.version, reason="Moved away", by=day.by)
    assert "scr-keloid" in uncleared(stopped)
    with pytest.raises(Refused, match="This course is stopped"):
        clear(day, stopped)


def test_taken_back_it_counts_no_more_and_cannot_end_twice(day: CareDay) -> None:
    course = asked(day, **KELOID)
    clearance = clear(day, course)
    ended = clearing.end(clearance=clearance, reason="New scar on the chin", by=day.by)
    assert (ended.ended_by, ended.ended_reason) == (day.doctor, "New scar on the chin")
    assert "scr-keloid" in uncleared(course)
    with pytest.raises(Refused, match="ended already"):
        clearing.end(clearance=clearance, reason="again", by=day.by)


def test_the_same_finding_is_not_cleared_twice(day: CareDay) -> None:
    course = asked(day, **KELOID)
    clear(day, course)
    with pytest.raises(Refused, match="does not stand any more"):
        clear(day, course)
    assert Clearance.objects.count() == 1


# --- history --------------------------------------------------------------------------------------------------------
def test_the_history_tells_everything(day: CareDay, lead: Doer, django_assert_num_queries: Any) -> None:
    from protocols import catalogue

    course = asked(day, **HEART)
    clearance = clear(day, course, "scr-heart-other", by=lead, new_file=new_letter(), evidence="Dr Rossi, 2 March")
    clearing.end(clearance=clearance, reason="New attack", by=day.by)
    rules = catalogue.in_force()
    with django_assert_num_queries(3):
        (shown,) = history_of(day.patient.clearances, rules)
    assert (shown.word, shown.ended, shown.can_end) == ("Ended", "New attack", False)
    assert shown.title == rules.rules["scr-heart-other"].title.get("en")
    assert shown.sentence
    assert [upload.original_name for upload in shown.uploads] == ["letter.pdf"]
    assert clearance.finding["answers"] == [["q-heart", "yes"], ["q-heart-medicines", "0"]]
    event = AuditEvent.objects.get(action="clearance-granted")
    assert event.detail["uploads"] == [Upload.objects.get().public_id]


def test_nothing_is_kept_when_the_deed_fails(day: CareDay, lead: Doer, monkeypatch: Any) -> None:
    course = asked(day, **HEART)
    files = list_files()

    def fail(**_: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr("sessions.uploading.audit.record", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        clear(day, course, "scr-heart-other", by=lead, new_file=new_letter())
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 0)
    assert list_files() == files, "the bytes are gone with their row"


def list_files() -> set[str]:
    storage = uploading.private_files()
    found: set[str] = set()
    top = uploading.FOLDER
    for folder in storage.listdir(top)[0] if storage.exists(top) else ():
        found |= {f"{top}/{folder}/{name}" for name in storage.listdir(f"{top}/{folder}")[1]}
    return found


def test_a_file_whose_row_never_came_is_swept_after_a_day(day: CareDay, at: Any) -> None:
    """And nothing else: not a young one, not a withdrawn one, not what others keep beside the uploads."""
    storage = uploading.private_files()
    first, second = kept(day), kept(day)
    uploading.withdraw(upload=second, reason="Wrong patient", by=day.by)
    stray = storage.save(f"{uploading.FOLDER}/ab/stray", ContentFile(b"x"))
    beside = storage.save("others/ab/file", ContentFile(b"x"))
    assert uploading.sweep_strays() == 0
    at(dt.datetime.now(dt.UTC) + dt.timedelta(days=4_000))
    swept = uploading.sweep_strays()
    left = list_files()
    assert swept >= 1
    assert stray not in left
    assert {first.storage_name, second.storage_name} <= left
    assert storage.exists(beside)


def test_only_the_app_itself_reads_the_files(day: CareDay) -> None:
    storage = uploading.private_files()
    path = Path(storage.path(kept(day).storage_name))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for served in (settings.STATIC_ROOT, settings.BASE_DIR / "static"):
        assert Path(served) not in path.parents


def test_nothing_of_a_camera_lies_in_the_storage(day: CareDay, record_property: Any) -> None:
    """Every stored byte is looked at, not only what a download shows."""
    for kind in ("JPEG", "PNG"):
        uploading.keep(patient=day.patient, new=NewFile(checked("IMG", with_notes(kind)), kind="other"), by=day.by)
    storage = uploading.private_files()
    names = list_files()
    for name in names:
        with storage.open(name) as stored:
            content = stored.read()
        if not content.startswith(b"%PDF-"):
            assert [marker for marker in MARKERS if marker in content] == [], name
    assert len(names) >= 2
    record_property("stored files", len(names))


# --- the database -------------------------------------------------------------------------------------------------
def in_the_database(change: Any) -> None:
    with transaction.atomic():
        change()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("field", ["reason", "valid_until", "rule_code", "granted_at"])
def test_a_clearance_is_never_rewritten(day: CareDay, field: str) -> None:
    clearance = clear(day, asked(day, **KELOID))
    value = {"valid_until": dt.date(2099, 1, 1), "granted_at": timezone.now() - dt.timedelta(days=9)}.get(field, "x")
    row = Clearance.objects.filter(pk=clearance.pk)
    with pytest.raises(DatabaseError, match="only ever ended"):
        in_the_database(lambda: row.update(**{field: value}))
    with pytest.raises(DatabaseError, match="only ever ended"):
        in_the_database(lambda: row.delete())
    clearing.end(clearance=clearance, reason="x", by=day.by)
    with pytest.raises(DatabaseError, match="only ever ended"):
        in_the_database(lambda: row.update(ended_at=None, ended_by=None, ended_reason=""))


@pytest.mark.parametrize("change", [{"note": "x"}, {"sha256": "0" * 64}, {"storage_name": "x"}, {"withdrawn_reason": "x"}])
def test_an_upload_is_never_rewritten(day: CareDay, change: dict[str, Any]) -> None:
    row = Upload.objects.filter(pk=kept(day).pk)
    with pytest.raises(DatabaseError, match="only ever withdrawn"):
        in_the_database(lambda: row.update(**change))
    with pytest.raises(DatabaseError, match="only ever withdrawn"):
        in_the_database(lambda: row.delete())


def test_a_clearance_cannot_rest_on_another_patients_paper(day: CareDay) -> None:
    clearance = clear(day, asked(day, **KELOID))
    theirs = kept(day, patient=make.make_patient(day.site))
    for patient, name in ((day.patient, "upload_upload_same"), (theirs.patient, "upload_clearance_same")):
        with pytest.raises(IntegrityError, match=name):
            in_the_database(
                lambda patient=patient: ClearanceUpload.objects.create(patient=patient, clearance=clearance, upload=theirs)
            )


def test_a_paper_that_carries_a_clearance_is_not_withdrawn(day: CareDay, lead: Doer) -> None:
    course = asked(day, **HEART)
    clearance = clear(day, course, "scr-heart-other", by=lead, new_file=new_letter())
    upload = Upload.objects.get()
    with pytest.raises(Refused, match="End that clearance first"):
        uploading.withdraw(upload=upload, reason="Wrong patient", by=day.by)
    clearing.end(clearance=clearance, reason="Wrong letter", by=lead)
    withdrawn = uploading.withdraw(upload=upload, reason="Wrong patient", by=day.by)
    assert (withdrawn.withdrawn_by, withdrawn.withdrawn_reason) == (day.doctor, "Wrong patient")
    with pytest.raises(Refused, match="withdrawn already"):
        uploading.withdraw(upload=upload, reason="again", by=day.by)


# --- a published rule that asks for more ----------------------------------------------------------------------------
LETTER = {"en": "a letter of the dermatologist", "tr": "dermatologun mektubu"}


def publish(day: CareDay, lead: Doer, code: str, values: dict[str, Any]) -> None:
    draft = versions.make_draft(based_on=catalogue.current(), note="Review", by=lead)
    seen = CatalogueEntry.objects.get(version=draft, code=code).edits
    editing.save_entry(version=draft, code=code, values=values, reason="Our own round", seen_edits=seen, by=lead)
    draft.refresh_from_db()
    catalogue.put_in_force(version=draft, by=lead)


def asking_for_a_letter(wanted: bool = True) -> dict[str, Any]:
    return {f"clauses.1.letter.{language}": words if wanted else None for language, words in LETTER.items()}


def test_a_clearance_without_the_letter_that_is_asked_for_now_counts_no_longer(day: CareDay, lead: Doer) -> None:
    course = asked(day, **KELOID)
    clearance = clear(day, course)
    publish(day, lead, "scr-keloid", asking_for_a_letter())
    assert uncleared(course) == {"scr-keloid"}  # at once, before anybody is screened anew
    screenings.rescreen(patient=day.patient, by=day.by)
    clearance.refresh_from_db()
    assert clearance.ended_at is not None
    assert "letter or a laboratory value" in reason_in_words(clearance)
    publish(day, lead, "scr-keloid", asking_for_a_letter(wanted=False))
    assert uncleared(course) == {"scr-keloid"}  # what ended does not come to life again


def test_a_clearance_with_a_letter_goes_on(day: CareDay, lead: Doer) -> None:
    course = asked(day, **KELOID)
    clearance = clear(day, course, by=lead, new_file=new_letter())
    publish(day, lead, "scr-keloid", asking_for_a_letter())
    screenings.rescreen(patient=day.patient, by=day.by)
    clearance.refresh_from_db()
    assert (clearance.ended_at, uncleared(course)) == (None, set())


def test_other_words_of_the_rule_end_no_clearance(day: CareDay, lead: Doer) -> None:
    course = asked(day, **KELOID)
    clear(day, course)
    publish(day, lead, "scr-keloid", {"title.en": "Thick scars"})
    screenings.rescreen(patient=day.patient, by=day.by)
    assert uncleared(course) == set()
