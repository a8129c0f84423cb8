"""Consent on a screen, verb by verb: what is kept, what is refused, and that nothing is kept on refusal."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from patients import links
from patients.labels import LinkPurpose
from sessions import consent_signing, consenting, documents, gates
from sessions.models import Consent, ConsentSignature, Course, Document
from tests import factories as make
from tests.house.world import given_for
from tests.papers import picture as png
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db

STROKES = [[[10 * step, 20 + 7 * (step % 3), 16 * step] for step in range(12)]]


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.make_lot(care.site)
    return care


@pytest.fixture
def course(day: CareDay) -> Course:
    course = day.course()
    Course.objects.filter(pk=course.pk).update(price_per_session=120, currency="EUR")
    return Course.objects.get(pk=course.pk)


@pytest.fixture
def consent(day: CareDay, course: Course) -> Consent:
    return consent_signing.give(course=course, language="en", by=day.by)


def patient_of(consent: Consent) -> Doer:
    return Doer(kind="patient", label=consent.patient.name, public_id=consent.patient.public_id)


def signed(consent: Consent, **instead: Any) -> Consent:
    given = given_for(consent, **instead)
    return consent_signing.sign(consent=consent, given=given, address="203.0.113.9", by=patient_of(consent))


def nothing_kept(consent: Consent) -> bool:
    consent.refresh_from_db()
    return consent.signed_at is None and not ConsentSignature.objects.exists() and not AuditEvent.objects.filter(
        action="consent-signed"
    ).exists()  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------- given
def test_the_text_is_frozen_and_the_same_text_given_twice_is_one_consent(day: CareDay, consent: Consent) -> None:
    assert consent.given_text.source["content"]["blanks"] == []
    again = consent_signing.give(course=consent.course, language="en", by=day.by)
    assert again.pk == consent.pk
    other = consent_signing.give(course=consent.course, language="tr", by=day.by)
    assert other.language == "tr"
    assert other.given_text.source["content"]["lead"] != consent.given_text.source["content"]["lead"]


@pytest.mark.parametrize(
    ("missing", "words"),
    [("price", "price per session"), ("licence", "licence number of Dr Amina Haddad"), ("insurer", "the insurer"),
     ("lot", "the maker of")],
)  # fmt: skip
def test_a_part_that_would_be_written_by_hand_is_named(day: CareDay, course: Course, missing: str, words: str) -> None:
    if missing == "price":
        Course.objects.filter(pk=course.pk).update(price_per_session=None)
    elif missing == "licence":
        type(day.doctor).objects.filter(pk=day.doctor.pk).update(licence_number="")
    elif missing == "insurer":
        type(day.site).objects.filter(pk=day.site.pk).update(insurer="")
    else:
        day.site.lots.update(held_back_reason="recalled")
    with pytest.raises(Refused, match=words):
        consent_signing.give(course=Course.objects.get(pk=course.pk), language="en", by=day.by)
    assert not Consent.objects.exists()
    assert not Document.objects.exists()


def test_nobody_under_eighteen_is_given_a_text_to_sign(day: CareDay, course: Course) -> None:
    today = day.site.today()
    type(day.patient).objects.filter(pk=day.patient.pk).update(birth_date=today.replace(year=today.year - 18) + dt.timedelta(1))
    with pytest.raises(Refused, match="under 18"):
        consent_signing.give(course=Course.objects.get(pk=course.pk), language="en", by=day.by)
    type(day.patient).objects.filter(pk=day.patient.pk).update(birth_date=today.replace(year=today.year - 18))
    assert consent_signing.give(course=Course.objects.get(pk=course.pk), language="en", by=day.by).pk


def test_a_manager_gives_no_text(course: Course) -> None:
    with pytest.raises(NotPermitted):
        consent_signing.give(course=course, language="en", by=Doer.staff(make.make_user(Role.MANAGER), course.site))


# --------------------------------------------------------------------------------------------------------------- signed
def test_a_typed_signature_keeps_who_what_when_and_where(consent: Consent) -> None:
    done = signed(consent, questions="May I swim?", interpreter="Ali")
    signature = ConsentSignature.objects.get()
    assert (signature.role, signature.method, signature.name) == ("patient", "typed", "Nadia Rahman")
    assert (signature.address, signature.signed_at) == ("203.0.113.9", timezone.now())
    assert signature.text_sha256 == consent.given_text.source["content_sha256"] == done.text_sha256
    assert signature.meaning == "I have read and understood this form and consent to this treatment."
    assert (done.method, done.photos_record, done.photos_teaching, done.photos_publicity) == ("typed", True, False, False)
    assert done.answers["consent-questions"] == "yes"
    assert (done.answers["questions"], done.answers["interpreter"]) == ("May I swim?", "Ali")


def test_a_drawn_signature_keeps_strokes_and_picture(consent: Consent) -> None:
    signed(consent, strokes=STROKES, picture=png("PNG"))
    signature = ConsentSignature.objects.get()
    assert signature.method == "drawn"
    assert signature.strokes[0][1] == [10.0, 27.0, 16.0]
    assert bytes(signature.picture) == png("PNG")
    paper = Document.objects.get(kind="signed-consent")
    assert paper.source["content"]["signatures"][0]["picture"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "strokes",
    [[], [[]], [[[1, 2, 3]]], [[[5, 5, t] for t in range(50)]], "scribble", [["a", "b"]], [[[1, 2]] * 20],
     [[[float("nan"), 1, 1]] * 20], [[[True, 1, 1]] * 20], {"points": []}, [[[1, 2, 3]] * 20_001], [[]] * 201],
)  # fmt: skip
def test_what_is_no_signature_is_refused(consent: Consent, strokes: Any) -> None:
    with pytest.raises(Refused) as refused:
        signed(consent, strokes=strokes, picture=png("PNG"))
    assert refused.value.field == "strokes"
    assert nothing_kept(consent)


@pytest.mark.parametrize("code", ["consent-photos-record", "consent-photos-teaching", "consent-photos-publicity"])
@pytest.mark.parametrize("answer", ["", "perhaps", None])
def test_every_separate_choice_is_made(consent: Consent, code: str, answer: Any) -> None:
    answers = dict(given_for(consent).answers) | {code: answer}
    with pytest.raises(Refused) as refused:
        signed(consent, answers=answers)
    assert refused.value.field == code
    assert nothing_kept(consent)


def test_an_open_question_is_answered_first(consent: Consent) -> None:
    with pytest.raises(Refused, match="open question"):
        signed(consent, answers=dict(given_for(consent).answers) | {"consent-questions": "no"})
    with pytest.raises(Refused, match="Type your name"):
        signed(consent, name="   ")
    assert nothing_kept(consent)


def test_only_the_patient_of_this_consent_signs(day: CareDay, consent: Consent) -> None:
    stranger = make.make_patient(day.site)
    for by in (day.by, Doer(kind="patient", label="X", public_id=stranger.public_id)):
        with pytest.raises(Refused):
            consent_signing.sign(consent=consent, given=given_for(consent), address="", by=by)
    assert nothing_kept(consent)


def test_a_changed_plan_a_newer_text_and_another_text_are_stale(day: CareDay, consent: Consent) -> None:
    with pytest.raises(Stale, match="another text"):
        signed(consent, text_sha256="0" * 64)
    Course.objects.filter(pk=consent.course_id).update(plan_version=2)
    with pytest.raises(Stale, match="plan has changed"):
        signed(consent)
    Course.objects.filter(pk=consent.course_id).update(plan_version=1, price_per_session=150)
    newer = consent_signing.give(course=Course.objects.get(pk=consent.course_id), language="en", by=day.by)
    assert newer.pk != consent.pk
    with pytest.raises(Stale, match="newer one"):
        signed(Consent.objects.get(pk=consent.pk))
    assert nothing_kept(consent)
    assert signed(newer).signed_at


def test_withdrawn_meanwhile_cannot_be_signed(day: CareDay, consent: Consent) -> None:
    consenting.withdraw(consent=consent, reason="by phone", by=day.by)
    with pytest.raises(Stale, match="withdrawn"):
        signed(consent)
    consent.refresh_from_db()
    assert consent.signed_at is None


def test_signing_spends_the_link_and_happens_once(day: CareDay, consent: Consent) -> None:
    _link, token = links.issue(
        patient=day.patient, site=day.site, purpose=LinkPurpose.CONSENT, subject=consent,
        expires_at=timezone.now() + dt.timedelta(days=1), by=day.by,
    )  # fmt: skip
    assert links.open_link(token)
    signed(consent)
    assert links.open_link(token) is None
    with pytest.raises(Stale, match="signed this consent already"):
        signed(consent)
    assert ConsentSignature.objects.count() == 1


# ---------------------------------------------------------------------------------------------------------- the clinician
def countersigned(consent: Consent, by: Doer, **instead: Any) -> Consent:
    fields = {"password": make.PASSWORD, "seen_version": Consent.objects.get(pk=consent.pk).version} | instead
    return consent_signing.countersign(consent=consent, by=by, **fields)


def test_it_holds_only_with_both_signatures(day: CareDay, consent: Consent) -> None:
    done = signed(consent)
    state = consenting.state_of(consent.course)
    assert not state.holds
    assert "the clinician who treats has not" in state.sentence
    countersigned(done, day.by)
    state = consenting.state_of(consent.course)
    assert state.holds
    assert state.until == dt.date(2027, 3, 12)
    mine = ConsentSignature.objects.get(role="clinician")
    assert (mine.name, mine.user, mine.method) == (day.doctor.name, day.doctor, "password")
    old, new = Document.objects.filter(kind="signed-consent").order_by("requested_at", "id")
    assert old.superseded_by == new
    assert [one["role"] for one in new.source["content"]["signatures"]] == ["Patient", "Clinician who treats"]


def test_the_ready_strip_asks_for_the_missing_signature(day: CareDay, consent: Consent) -> None:
    record = day.open_record(consent.course)
    gate = next(one for one in gates.gates_of(record) if one.code == "gate-consent")
    assert (gate.state, gate.mend) == ("mend", "consent")
    countersigned(signed(consent), day.by)
    gate = next(one for one in gates.gates_of(record) if one.code == "gate-consent")
    assert gate.is_met
    consenting.withdraw(consent=consent, reason="said so", by=day.by)
    gate = next(one for one in gates.gates_of(record) if one.code == "gate-consent")
    assert "withdrew" in gate.detail


def test_a_countersignature_needs_the_password_the_role_and_the_patients_signature(day: CareDay, consent: Consent) -> None:
    with pytest.raises(Refused, match="does not wait"):
        countersigned(consent, day.by)
    done = signed(consent)
    with pytest.raises(Refused, match="password"):
        countersigned(done, day.by, password="wrong")
    with pytest.raises(Stale):
        countersigned(done, day.by, seen_version=done.version + 7)
    colleague = make.make_user(Role.PRACTITIONER)
    with pytest.raises(Refused, match="Dr Amina Haddad treats this course"):
        countersigned(done, Doer.staff(colleague, day.site))
    for role in (Role.FRONT_DESK, Role.MANAGER):
        with pytest.raises(NotPermitted):
            countersigned(done, Doer.staff(make.make_user(role), day.site))
    assert not ConsentSignature.objects.filter(role="clinician").exists()
    countersigned(done, day.by)
    with pytest.raises(Refused, match="does not wait"):
        countersigned(done, day.by)


# ------------------------------------------------------------------------------------------------- renewal, withdrawal
def test_a_text_given_for_renewal_does_not_end_what_was_signed(day: CareDay, consent: Consent, at: Any) -> None:
    countersigned(signed(consent), day.by)
    at("2027-03-12T08:50:00+00:00")
    Course.objects.filter(pk=consent.course_id).update(price_per_session=150)
    newer = consent_signing.give(course=Course.objects.get(pk=consent.course_id), language="en", by=day.by)
    assert consenting.state_of(consent.course).holds, "the last day of the twelve months"
    at("2027-03-13T08:50:00+00:00")
    state = consenting.state_of(consent.course)
    assert "older than 12 months" in state.sentence
    countersigned(signed(newer), day.by)
    assert consenting.state_of(consent.course).consent == newer


def test_a_changed_plan_needs_a_new_consent(day: CareDay, consent: Consent) -> None:
    countersigned(signed(consent), day.by)
    Course.objects.filter(pk=consent.course_id).update(plan_version=2)
    assert "plan changed" in consenting.state_of(Course.objects.get(pk=consent.course_id)).sentence


def test_a_withdrawal_ends_every_consent_of_the_course(day: CareDay, consent: Consent) -> None:
    countersigned(signed(consent), day.by)
    Course.objects.filter(pk=consent.course_id).update(price_per_session=150)
    newer = consent_signing.give(course=Course.objects.get(pk=consent.course_id), language="en", by=day.by)
    consenting.withdraw(consent=newer, reason="by mail", by=day.by)
    assert not Consent.objects.filter(withdrawn_at=None).exists()
    assert "withdrew" in consenting.state_of(consent.course).sentence
    paper = Document.objects.get(kind="signed-consent", superseded_by=None)
    assert documents.is_withdrawn(paper)


# --------------------------------------------------------------------------------------------------------- the database
@transaction.atomic
def done_at_once(act: Any) -> None:
    """Past the code, up to the moment of the commit."""
    act()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refuses(act: Any) -> bool:
    with pytest.raises((IntegrityError, DatabaseError)):
        done_at_once(act)
    return True


def test_the_database_knows_no_signed_consent_with_an_empty_part(consent: Consent) -> None:
    rows = Consent.objects.filter(pk=consent.pk)
    choices = {"photos_record": True, "photos_teaching": False, "photos_publicity": False}
    now = timezone.now()
    assert refuses(lambda: rows.update(signed_at=now, method="typed", text_sha256="a" * 64, answers={"x": "yes"}, **choices))
    assert refuses(lambda: rows.update(signed_at=now, method="scan", recorded_by=consent.informed_by, **choices))
    assert refuses(lambda: rows.update(signed_at=now, method="paper", recorded_by=consent.informed_by))
    fields = {"consent": consent, "patient": consent.patient, "role": "patient", "meaning": "m", "signed_at": now,
              "text_sha256": "a" * 64, "method": "typed", "name": "N"}  # fmt: skip
    for instead in ({"name": ""}, {"meaning": ""}, {"text_sha256": ""}, {"method": "drawn"}, {"method": "password"},
                    {"role": "clinician"}, {"picture": b"x"}, {"method": "drawn", "picture": b"x", "strokes": []}):  # fmt: skip
        assert refuses(lambda instead=instead: ConsentSignature.objects.create(**fields | instead))
    signature = ConsentSignature.objects.create(**fields)
    stamped = {"signed_at": now, "method": "typed", "patient_signature": signature}
    assert refuses(lambda: rows.update(**stamped, text_sha256="a" * 64, answers={"x": "y"})), "a choice is missing"
    assert refuses(lambda: rows.update(**stamped, text_sha256="", answers={"x": "y"}, **choices))
    assert refuses(lambda: rows.update(**stamped, text_sha256="a" * 64, answers={}, **choices))
    assert refuses(lambda: rows.update(**stamped, text=None, text_sha256="a" * 64, answers={"x": "y"}, **choices))
    rows.update(**stamped, text_sha256="a" * 64, answers={"x": "y"}, **choices)


def test_what_is_signed_is_frozen(day: CareDay, consent: Consent) -> None:
    done = countersigned(signed(consent), day.by)
    rows = Consent.objects.filter(pk=done.pk)
    for change in ({"signed_at": timezone.now() + dt.timedelta(1)}, {"answers": {"x": "y"}}, {"photos_teaching": True},
                   {"clinician_signature": None},
                   {"patient_signature": None}, {"method": "paper"}, {"plan_version": 2}):  # fmt: skip
        assert refuses(lambda change=change: rows.update(**change))
    assert refuses(rows.delete)
    assert refuses(lambda: ConsentSignature.objects.update(name="Somebody else"))
    assert refuses(ConsentSignature.objects.all().delete)
    rows.update(withdrawn_at=timezone.now(), withdrawn_reason="said so")
    assert refuses(lambda: rows.update(withdrawn_at=None))
