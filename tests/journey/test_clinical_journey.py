"""The clinical chain in a browser: what a patient with a heart disease can have, a mixture made to fit, the course proposed,
cleared with the cardiologist's letter, approved, booked, given and signed; and what the next session asks again."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.doer import Doer
from patients.models import Patient
from sessions import allergy_testing, consenting
from sessions.models import Clearance, Course, Screening, TreatmentSession
from tests import factories
from tests.browser import settled
from tests.healthy import answered, measured
from tests.journey.clinic import MONDAY, Clinic, a_clinic_in_istanbul
from tests.journey.conftest import Clock, Looked
from tests.journey.steps import FrontDesk, Practitioner, in_turkish
from tests.papers import pdf
from tests.screens import fits

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
HYALURONIC = "Volume of Non-cross-linked hyaluronic acid"
SIZES = {"desk": (1280, 900), "tablet": (820, 1180), "phone": (390, 844)}


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Any) -> None:
    settings.REQUIRE_MFA = False


class Clinician(Practitioner):
    """What a clinician does with the clinical core."""

    picture: Callable[[Page, str], None]

    def looks_at_every_size(self, name: str) -> None:
        """The page passes axe and fits a desk, a tablet and a phone; pictures of each are kept."""
        self.look(name)
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            fits(self.page)
            self.picture(self.page, f"chain-{name}-{size}".replace(" ", "-").replace(",", ""))
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def asks_what_she_can_have(self) -> None:
        self.click("What can this patient have?", "link")
        expect(self.page.get_by_role("heading", name="What can this patient have?")).to_be_visible()

    def plans(self, indication: str) -> None:
        option = self.page.locator("li.option").filter(has=self.page.get_by_role("heading", name=indication, exact=True)).first
        option.get_by_role("link", name="Plan this").click()
        self.settle()

    def opens_the_builder(self) -> None:
        self.click("Open in the mixture builder", "link")
        self.page.wait_for_url("**/mixture/**")
        settled(self.page)  # typed before its scripts are there, it is not judged

    def writes(self, label: str, figure: str) -> None:
        self.page.get_by_role("textbox", name=label, exact=True).fill(figure)
        self.page.get_by_role("textbox", name=label, exact=True).press("Tab")

    def sees_the_verdict(self, word: str) -> None:
        expect(self.page.locator("#verdict .verdict-word")).to_have_text(word)

    def sign_in_again(self) -> None:
        """A month later the browser has forgotten; the language of the account is known once it is signed in."""
        self.page.goto("/account/login/")
        self.page.locator("input[type=email]").fill(self.user.email)
        self.page.locator("input[type=password]").fill(factories.PASSWORD)
        self.page.locator("form button[type=submit]").last.click()
        expect(self.page.get_by_role("navigation", name=in_turkish("Main"))).to_be_visible()

    def adapts_it(self) -> None:
        self.click("Adapt to this patient")
        proposal = self.page.get_by_role("region", name="Adapted to this patient")
        expect(proposal).to_be_visible()
        self.looks_at_every_size("mixture builder, adapted")
        proposal.get_by_role("button", name="Take it over").click()
        self.settle()

    def clears_with(self, letter: Path, reason: str) -> None:
        self.page.get_by_role("link", name="Clear", exact=True).click()
        self.page.get_by_label("Why is this acceptable for this patient?").fill(reason)
        self.page.get_by_label("New file", exact=True).set_input_files(letter)
        self.page.get_by_label("What it rests on").fill("Dr Rossi, 27 February 2026")
        self.looks_at_every_size("clearance")
        self.click("Record the clearance")


def a_patient_with_a_heart_disease(clinic: Clinic) -> Patient:
    anna = factories.make_patient(clinic.site, given_name="Anna", family_name="Rossi", birth_date=clinic.birth_date)
    answered(anna, q_heart="yes", q_heart_medicines=0)
    measured(anna, clinic.doctor)
    return anna


def papers_and_tests_are_done(clinic: Clinic, course: Course, clock: Clock, day: dt.date) -> None:
    """Consent and allergy test have pages and journeys of their own; here they are simply there."""
    by = Doer.staff(clinic.doctor, clinic.site)
    clock.to(clinic.at(day - dt.timedelta(days=2), "09:00"))
    given = clinic.at(day - dt.timedelta(days=3), "09:00")
    consent = consenting.give_text(course=course, informed_at=given, language="en", by=by)
    consenting.record_signature(
        consent=consent, signed_at=clinic.at(day - dt.timedelta(days=2), "08:55"), photos_record=True, photos_teaching=False,
        photos_publicity=False, by=by,
    )  # fmt: skip
    placed = clinic.at(day - dt.timedelta(days=2), "08:50")
    clock.to(clinic.at(day - dt.timedelta(days=1), "09:00"))
    test = allergy_testing.place(patient=course.patient, site=clinic.site, substance="sub-ha-nc", placed_at=placed, by=by)
    allergy_testing.read(test=test, site=clinic.site, read_at=placed + dt.timedelta(hours=24), wheal_mm=0, rash=False, by=by)


def test_from_what_she_can_have_to_what_changed_since(
    at_a_screen: Callable[..., Page], clock: Clock, looked: Looked, picture: Any, tmp_path: Path, renderer: Any
) -> None:
    # Given a patient with a heart disease, measured and asked
    clock.to(MONDAY)
    clinic = a_clinic_in_istanbul()
    anna = a_patient_with_a_heart_disease(clinic)
    letter = tmp_path / "Kardiyoloji yazısı.pdf"
    letter.write_bytes(pdf(2))
    doctor = Clinician(at_a_screen(), clinic.doctor, looked)
    doctor.picture = picture
    doctor.sign_in()
    doctor.find("Anna Rossi")
    # When the practitioner asks what she can have, every treatment says why it needs a clearance
    doctor.asks_what_she_can_have()
    doctor.see("scr-heart-other")
    doctor.looks_at_every_size("options")
    # And opens the mixture for dry skin, where too much is told while it is typed
    doctor.plans("Dry, dehydrated skin")
    doctor.opens_the_builder()
    doctor.writes(HYALURONIC, "6")
    doctor.sees_the_verdict("Over-limit")
    expect(doctor.page.get_by_role("button", name="Propose this course")).to_be_disabled()
    doctor.adapts_it()
    expect(doctor.page.get_by_role("textbox", name=HYALURONIC, exact=True)).to_have_value("5")
    # And proposes the adapted mixture as a course
    doctor.click("Propose this course")
    doctor.page.wait_for_url("**/courses/**")
    course = Course.objects.get(patient=anna)
    doctor.see("Approve this course")
    doctor.looks_at_every_size("course, proposed")
    # When the medical lead clears the finding, the letter of the cardiologist goes with it
    lead = Clinician(at_a_screen(), clinic.lead, looked)
    lead.picture = picture
    lead.sign_in()
    lead.page.goto(f"/courses/{course.public_id}/")
    lead.clears_with(letter, "Well controlled for two years")
    lead.see("Cleared by Dr Chiara Conti.")
    assert Clearance.objects.get(course=course).attachments.count() == 1
    # Then the course is approved and booked whole
    doctor.page.reload()
    doctor.click("Approve this course")
    doctor.see("Book this course")
    desk = FrontDesk(at_a_screen(), clinic.desk, looked)
    desk.sign_in()
    desk.open_the_booking_of("Anna Rossi")
    desk.book_all()
    expect(desk.page.get_by_role("list").first).to_be_visible()
    desk.settle()
    first, second, *_more = course.planned_sessions.order_by("number")
    first_day, second_day = (one.fulfilments.get().appointment.local_start for one in (first, second))
    # On the day she arrives, every light is made green and the session is given
    papers_and_tests_are_done(clinic, course, clock, first_day.date())
    give_the_session(doctor, desk, clinic, clock, first_day)
    doctor.sign()
    # When she comes again a month later, heavier and with a beta blocker
    clock.to(second_day - dt.timedelta(minutes=30))
    clinic.doctor.language = "tr"
    clinic.doctor.save(update_fields=["language"])
    changed_since(anna, clinic)
    desk.sign_in()
    desk.says_arrived("Anna Rossi")
    doctor.sign_in_again()
    doctor.page.goto("/")
    card = doctor.page.locator("#lane-waiting").get_by_role("article").filter(has_text="Anna Rossi")
    start = in_turkish("Start session")
    card.get_by_role("button", name=start).or_(card.get_by_role("link", name=start)).click()
    # Then the page says in Turkish what changed since last time, before anything can begin
    since = doctor.page.locator("#since-last")
    expect(since).to_contain_text("65")
    expect(since).to_contain_text("71")
    expect(since).to_contain_text("bisoprolol")
    expect(doctor.page.get_by_role("button", name=in_turkish("Begin"))).to_be_disabled()
    doctor.looks_at_every_size("next session in Turkish")
    # And the short re-check asks again only what is asked at every session
    doctor.light("Öykü").get_by_role("link").first.click()
    expect(doctor.page.get_by_label(in_turkish("Nothing changed"))).to_be_visible()
    doctor.looks_at_every_size("re-check in Turkish")
    doctor.page.get_by_label(in_turkish("Nothing changed")).check()
    doctor.click(in_turkish("Confirm the history"))
    expect(doctor.light("Öykü")).to_have_class(re.compile("light-ready"))
    assert Screening.objects.filter(course=course, stage="start").count() >= 2


def changed_since(anna: Patient, clinic: Clinic) -> None:
    """What was recorded between the sessions: she is heavier, and takes a beta blocker."""
    by = clinic.doctor
    measured(anna, by, clinic.site.today())
    now = timezone.now()
    anna.measurements.create(code="m-weight", value=71, taken_on=clinic.site.today(), recorded_at=now, recorded_by=by)
    anna.medicines.create(name="bisoprolol 5 mg", classes=["med-beta-blocker"], classed_by=by, classed_at=now, recorded_at=now)


def give_the_session(doctor: Clinician, desk: FrontDesk, clinic: Clinic, clock: Clock, starts_at: dt.datetime) -> None:
    clock.to(starts_at - dt.timedelta(minutes=20))
    desk.sign_in()
    desk.says_arrived("Anna Rossi")
    doctor.sign_in()
    doctor.start_the_session_of("Anna Rossi")
    doctor.identify()
    doctor.confirm_that_nothing_changed()
    doctor.photograph()
    doctor.take_blood_pressure("120", "75")
    doctor.choose_the_lot("HA26A")
    doctor.write_points(98, "0.05", "1.5", "0.1")
    doctor.begin()
    doctor.end()
    assert TreatmentSession.objects.get().ended_at is not None
