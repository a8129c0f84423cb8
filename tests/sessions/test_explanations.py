"""A finding explained to the patient: in their words and language, on screen and on paper, for clinical eyes only."""
from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import AccessCategory, Role
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import AccessEvent, AuditEvent, User
from patients.models import Measurement, Medicine, Patient
from protocols import catalogue, versions
from protocols.findings import Finding, Severity
from protocols.rules import Clause
from sessions import documents, papers
from sessions.choices import DocumentState
from sessions.explanations import GOLDEN, Subject, explanation_of, subject_of
from sessions.gathering import facts_of
from sessions.models import Document
from tests import factories
from tests.healthy import answered, measured
from tests.renderer import RendererProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def doctor() -> User:
    return factories.make_user(Role.PRACTITIONER, name="Dr Amina Haddad")


@pytest.fixture
def patient(doctor: User) -> Patient:
    """On a blood thinner, vaccinated three days ago, scars thickly, too high a blood pressure."""
    site = factories.make_site(name="Halden Clinic")
    patient = factories.make_patient(site)
    three_days_ago = site.today() - dt.timedelta(days=3)
    answered(
        patient, q_anticoagulant="yes", q_anticoagulant_name="Eliquis", q_keloid="unsure", q_vaccine="yes",
        q_vaccine_date=three_days_ago.isoformat(), q_allergy=["amide"],
    )  # fmt: skip
    measured(patient, doctor)
    return patient


def address(patient: Patient, code: str) -> str:
    return reverse("patient-explanation", args=[patient.public_id, code])


def words_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def sent(browser: Client, url: str, **fields: str) -> Any:
    """The page's own form, sent."""
    page = browser.get(url).content.decode()
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    return browser.post(url, fields | ({"form_token": token[1]} if token else {}))


def issue(patient: Patient, doctor: User, code: str = "scr-anticoagulant", **more: Any) -> Document:
    by = Doer.staff(doctor, patient.registered_at)
    return documents.issue_explanation(patient=patient, course=None, code=code, by=by, **more)


# ------------------------------------------------------------------------------------------------------------ the words
def subject_with(patient: Patient, finding: Finding) -> Subject:
    version = catalogue.current()
    return Subject(
        patient, None, patient.registered_at.today(), (finding,), facts_of(patient), catalogue.load(version), version
    )


def finding_of(code: str, clause: Clause, title: Any, source: tuple[str, ...], **more: Any) -> Finding:
    waits = {"wait_until": dt.date(2026, 12, 24)} if clause.wait else {"open_ended": clause.open_ended}
    return Finding(
        **{
            "code": code, "severity": clause.severity, "title": title, "sentence": clause.sentence, "answers": (),
            "source": source, "rule_version": 1, "lifted_by": clause.lifted_by, "needs_letter": clause.letter,
        }
        | waits
        | more
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_clause_of_every_rule_can_be_explained(patient: Patient, language: str) -> None:
    rules = catalogue.in_force().rules
    clauses = [(rule, clause) for rule in rules.values() for clause in rule.clauses]
    assert len(clauses) > 100
    for rule, clause in clauses:
        finding = finding_of(rule.code, clause, rule.title, rule.source, substances=clause.scope and ("sub-lidocaine",))
        said = explanation_of(subject_with(patient, finding), language=language)
        everything = [said.title, said.headline, *said.why, *said.changes, *said.to_do, said.source, said.standing]
        assert all(line.strip() for line in everything), rule.code
        assert not any(sign in line for line in everything for sign in "{}"), rule.code
        assert rule.explanation is not None
        assert said.why == (rule.explanation.get(language),), rule.code
        assert "sub-" not in " ".join(everything)


def test_what_looks_at_medicines_always_carries_the_golden_rule(doctor: User) -> None:
    """Whoever is told that a medicine stands in the way must not draw the conclusion to stop it."""
    nobody = factories.make_patient(factories.make_site())
    rules = catalogue.in_force().rules
    golden = rules[GOLDEN].sentence
    assert golden is not None
    for code in ("scr-anticoagulant", "scr-antiplatelet", "scr-isotretinoin", "scr-immunosuppressed", "scr-chc", "wo-prp"):
        rule = rules[code]
        said = explanation_of(
            subject_with(nobody, finding_of(code, rule.clauses[0], rule.title, rule.source)), language="tr"
        )
        assert said.golden == golden.get("tr"), code
    keloid = rules["scr-keloid"]
    plain = finding_of("scr-keloid", keloid.clauses[0], keloid.title, keloid.source)
    assert explanation_of(subject_with(nobody, plain), language="en").golden == ""
    Medicine.objects.create(patient=nobody, name="Ramipril 5 mg", recorded_at=timezone.now())
    assert explanation_of(subject_with(nobody, plain), language="en").golden == golden.get("en")


def test_headlines_and_what_would_change_it_follow_the_kind_of_finding(patient: Patient) -> None:
    rules = catalogue.in_force().rules

    def said(code: str, severity: Severity, **more: Any) -> tuple[str, tuple[str, ...]]:
        rule = rules[code]
        clause = next(one for one in rule.clauses if one.severity is severity)
        written = explanation_of(
            subject_with(patient, finding_of(code, clause, rule.title, rule.source, **more)), language="en"
        )
        return written.headline, written.changes

    assert said("scr-stroke", Severity.ABSOLUTE) == (
        "We do not offer you this treatment as things are.",
        ("It stays like this as long as your answer holds. If something about it changes, please tell us.",),
    )
    assert said("scr-allergy", Severity.ABSOLUTE, substances=("sub-lidocaine",)) == (
        "We do not use lidocaine without adrenaline for you.",
        ("A treatment without lidocaine without adrenaline can be looked at anew.",),
    )
    turkish = explanation_of(
        subject_with(
            patient,
            finding_of(
                "scr-allergy", rules["scr-allergy"].clauses[0], rules["scr-allergy"].title, ("S2",),
                substances=("sub-lidocaine",),
            ),
        ),
        language="tr",
    )  # fmt: skip
    assert turkish.changes == ("Adrenalinsiz lidokain içermeyen bir tedavi yeniden değerlendirilebilir.",)
    assert said("scr-metal-implant", Severity.ABSOLUTE)[1] == ("Another treatment can be looked at anew.",)
    assert said("scr-age-min", Severity.ABSOLUTE)[1] == ("The 18th birthday.",)
    assert said("scr-heart-other", Severity.RELATIVE)[1] == (
        "A doctor of this clinic looks at it with you and decides.", "For this we need a cardiologist's letter.",
    )  # fmt: skip
    assert said("scr-vaccine", Severity.TEMPORARY) == (
        "Please wait until Thu 24 December 2026.",
        ("From Thu 24 December 2026 on this no longer stands in the way, if nothing new is added.",),
    )
    assert said("scr-faint", Severity.INFO)[1] == ("Nothing has to change.",)
    cleared = said("scr-keloid", Severity.RELATIVE, cleared_by="Dr Weber")
    assert cleared[0] == "Dr Weber has looked at this and agreed."


def test_each_medicine_says_what_it_does_with_what_we_give(patient: Patient, doctor: User) -> None:
    for name, classes in (("Warfarin", ["med-anticoagulant"]), ("Theophylline", ["med-xanthine"])):
        now = timezone.now()
        Medicine.objects.create(
            patient=patient, name=name, classes=classes, recorded_at=now, classed_by=doctor, classed_at=now
        )
    course = factories.make_course(patient, doctor, indication="ind-cellulite", category="body", regions=["reg-thigh"])
    course.items.update(substance="sub-pentoxifylline", strength=20)
    subject = subject_of(patient=patient, course=course, code="scr-medicines")
    assert subject is not None
    said = explanation_of(subject, language="en")
    assert said.about == "Cellulite"
    assert {one.answered for one in said.found} == {"Warfarin", "Theophylline"}
    assert set(said.why[1:]) == {
        "Warfarin and pentoxifylline: With a blood thinner this substance makes bleeding more likely.",
        "Theophylline and pentoxifylline: The stimulating effects on heart and nerves add up.",
    }
    assert said.golden
    assert "Theophylline ve pentoksifilin:" in " ".join(explanation_of(subject, language="tr").why)


def test_an_earlier_event_is_named_without_how_clinicians_graded_it(patient: Patient) -> None:
    rule = catalogue.in_force().rules["scr-prior-reaction"]
    evidence = (("events", "ae-granuloma"), ("events.ae-granuloma.grade", "3"), ("events.ae-granuloma.causality", "probable"))
    finding = finding_of(rule.code, rule.clauses[2], rule.title, rule.source, answers=evidence)
    said = explanation_of(subject_with(patient, finding), language="en")
    [basis] = said.found
    assert basis.asked == "After an earlier session"
    assert basis.answered == catalogue.in_force().reactions["ae-granuloma"].name["en"].capitalize()
    assert "probable" not in str(said)


def test_a_measurement_is_said_with_its_unit_and_day(patient: Patient) -> None:
    today, doctor = patient.registered_at.today(), factories.make_user()
    Measurement.objects.create(
        patient=patient, code="m-bp", value=185, second=112, taken_on=today, recorded_at=timezone.now(), recorded_by=doctor
    )
    subject = subject_of(patient=patient, course=None, code="scr-bp")
    assert subject is not None
    [basis] = explanation_of(subject, language="en").found
    assert basis.answered == f"185/112 mmHg, measured on {papers.day(today, 'en')}"


# ------------------------------------------------------------------------------------------------------------ on screen
def test_the_page_speaks_the_patients_language_whoever_shows_it(client: Client, patient: Patient, doctor: User) -> None:
    Patient.objects.filter(pk=patient.pk).update(language="tr")
    answer = factories.signed_in(client, doctor).get(address(patient, "scr-anticoagulant"))
    said = words_of(answer)
    assert '<html lang="tr"' in said
    assert "Kan sulandırıcı kullanıyor musunuz" in said
    assert "<dd>Eliquis</dd>" in said
    assert "Reçeteli hiçbir ilacı kendiniz kesmeyin; ilacı yazan doktora sorun." in said
    assert patient.registered_at.phone in said
    assert "henüz onaylanmadı" in said
    english = words_of(client.get(address(patient, "scr-anticoagulant") + "?language=en"))
    assert '<html lang="en"' in english
    assert "Do not stop any prescribed medicine yourself" in english
    assert AccessEvent.objects.filter(category=AccessCategory.VIEW, page="patient-explanation").count() == 2


def test_an_unsure_answer_and_a_day_are_said(client: Client, patient: Patient, doctor: User) -> None:
    browser = factories.signed_in(client, doctor)
    assert "You were not sure about this" in words_of(browser.get(address(patient, "scr-keloid")))
    assert "Please wait until" in words_of(browser.get(address(patient, "scr-vaccine")))


def test_an_approved_rule_names_who_stands_behind_it(client: Client, patient: Patient, doctor: User) -> None:
    lead = factories.make_user(Role.MEDICAL_LEAD, name="Dr Jonas Weber")
    version = catalogue.current()
    versions.approve(version=version, seen_version=version.version, by=Doer.staff(lead, patient.registered_at))
    assert "Approved by Dr Jonas Weber" in words_of(factories.signed_in(client, doctor).get(address(patient, "scr-keloid")))


def test_every_finding_of_patient_page_and_course_page_leads_to_its_explanation(
    client: Client, patient: Patient, doctor: User
) -> None:
    browser = factories.signed_in(client, doctor)
    course = factories.make_course(patient, doctor)
    for name, thing in (("patient", patient), ("course", course)):
        page = browser.get(reverse(name, args=[thing.public_id])).content.decode()
        target = reverse(f"{name}-explanation", args=[thing.public_id, "scr-keloid"])
        assert target in page
        assert browser.get(target).status_code == 200


def test_only_clinical_roles_see_it_and_absent_looks_like_foreign(client: Client, patient: Patient) -> None:
    for role in (Role.FRONT_DESK, Role.MANAGER):
        assert factories.signed_in(client, factories.make_user(role)).get(address(patient, "scr-keloid")).status_code == 403
    elsewhere = factories.make_user(Role.PRACTITIONER, site=factories.make_site())
    assert factories.signed_in(client, elsewhere).get(address(patient, "scr-keloid")).status_code == 404
    here = factories.make_user(Role.PRACTITIONER)
    browser = factories.signed_in(client, here)
    for code in ("scr-stroke", "nothing", "wo-golden"):
        assert browser.get(address(patient, code)).status_code == 404


def test_the_page_takes_the_same_queries_whatever_was_answered(
    client: Client, patient: Patient, doctor: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    browser = factories.signed_in(client, doctor)
    browser.get(address(patient, "scr-keloid"))
    for code in ("scr-keloid", "scr-anticoagulant"):
        with django_assert_num_queries(15):
            assert browser.get(address(patient, code)).status_code == 200


# ------------------------------------------------------------------------------------------------------------- on paper
@pytest.mark.parametrize(
    ("language", "why"), [("en", "A blood thinner protects you"), ("tr", "Kan sulandırıcı sizi pıhtıdan korur")]
)
def test_the_paper_says_what_the_screen_says(
    patient: Patient, doctor: User, renderer: RendererProcess, language: str, why: str
) -> None:
    paper = documents.finish(document=issue(patient, doctor, language=language))
    assert (paper.state, paper.pages) == (DocumentState.ISSUED, 1)
    text = " ".join(pypdf.PdfReader(io.BytesIO(documents.bytes_of(paper))).pages[0].extract_text().split())
    for words in (why, "Eliquis", "Halden Clinic", patient.registered_at.phone, "scr-anticoagulant", paper.verification_code):
        assert words in text, words


def test_printing_from_the_page_leads_to_the_paper_and_is_in_the_log(
    client: Client, patient: Patient, doctor: User
) -> None:
    answer = sent(factories.signed_in(client, doctor), address(patient, "scr-keloid"), language="tr")
    paper = Document.objects.get()
    assert answer["Location"] == reverse("document", args=[paper.public_id])
    assert (paper.kind, paper.language, paper.patient) == ("explanation", "tr", patient)
    assert AuditEvent.objects.filter(action="document-requested", object_public_id=paper.public_id).count() == 1


def test_the_same_explanation_is_one_paper_and_a_changed_one_supersedes_it(patient: Patient, doctor: User) -> None:
    first = issue(patient, doctor)
    assert issue(patient, doctor).pk == first.pk
    other = issue(patient, doctor, code="scr-keloid")
    answered(patient, q_anticoagulant="yes", q_anticoagulant_name="Marcoumar", q_keloid="yes")
    second = issue(patient, doctor)
    first.refresh_from_db()
    other.refresh_from_db()
    assert first.superseded_by == second
    assert other.superseded_by is None


def test_what_does_not_stand_any_more_is_not_printed(client: Client, patient: Patient, doctor: User) -> None:
    answered(patient)
    with pytest.raises(Refused, match="does not stand any more"):
        issue(patient, doctor)
    answer = sent(factories.signed_in(client, doctor), address(patient, "scr-anticoagulant"), language="en")
    assert 400 <= answer.status_code < 500
    assert not Document.objects.exists()


def test_a_language_nobody_offers_is_refused_beside_the_field(client: Client, patient: Patient, doctor: User) -> None:
    answer = sent(factories.signed_in(client, doctor), address(patient, "scr-keloid"), language="xx")
    assert answer.status_code == 422
    assert not Document.objects.exists()


def test_the_front_desk_does_not_learn_that_there_is_such_a_paper(client: Client, patient: Patient, doctor: User) -> None:
    paper = issue(patient, doctor)
    desk = factories.signed_in(client, factories.make_user(Role.FRONT_DESK))
    for name in ("document", "document-state", "document-pdf"):
        assert desk.get(reverse(name, args=[paper.public_id])).status_code == 404
    listed = desk.get(reverse("patient-documents", args=[patient.public_id])).content.decode()
    assert paper.public_id not in listed
    chart = desk.get(reverse("patient", args=[patient.public_id]) + "?tab=documents").content.decode()
    assert paper.public_id not in chart
    assert factories.signed_in(client, doctor).get(reverse("document", args=[paper.public_id])).status_code == 200
