"""What people do in a journey, click by click. Elements are found as people find them: by label, role and words."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils import translation
from playwright.sync_api import Locator, Page, expect

from clinic.models import User
from patients.asking import patient_questions
from patients.questionnaire import NONE, Kind, Question
from protocols import catalogue
from tests import factories
from tests.browser import settled
from tests.journey.conftest import PATIENCE, Clock, Looked, Post

expect.set_options(timeout=PATIENCE)


def in_turkish(words: str) -> str:
    with translation.override("tr"):
        return translation.gettext(words)


def local(moment: dt.datetime) -> str:
    """As a field for day and time takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M")


# --- staff ----------------------------------------------------------------------------------------------------------
@dataclass
class Staff:
    """A member of staff at a screen of their own."""

    page: Page
    user: User
    looked: Looked

    def look(self, name: str) -> None:
        self.looked.at(self.page, name)

    def sign_in(self) -> None:
        self.page.goto("/account/login/")
        if self.page.get_by_label("Password").count():
            self.look("sign-in")
            self.page.get_by_label("Email").fill(self.user.email)
            self.page.get_by_label("Password").fill(factories.PASSWORD)
            self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()
        self.look(f"board of {self.user.role_label}")

    def click(self, name: str, role: str = "button") -> None:
        self.page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]

    def see(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()

    def settle(self) -> None:
        """Scripts are there and nothing is on its way: whoever works at a machine's speed has to look first."""
        settled(self.page)

    def find(self, words: str) -> None:
        """By the one search box, from anywhere."""
        self.settle()
        box = self.page.get_by_role("searchbox", name="Find a patient")
        box.fill(words)
        self.page.locator("#finder-results").get_by_role("link").first.click()
        expect(self.page.get_by_role("navigation", name="Patient")).to_be_visible()

    def audit_rows(self, whom: str) -> list[str]:
        """Every row of the log about this patient, newest first."""
        self.page.get_by_label("Patient", exact=True).fill(whom)
        self.click("Show")
        self.settle()
        rows = []
        while True:
            rows += self.page.locator("main tbody tr").all_inner_texts()
            older = self.page.get_by_role("link", name="Next")
            if not older.count():
                return rows
            older.first.click()
            self.settle()

    def tab(self, name: str) -> None:
        self.page.get_by_role("navigation", name="Patient").get_by_role("link", name=re.compile(name)).click()


class FrontDesk(Staff):
    def register(self, **typed: str) -> None:
        self.click("Patients", "link")
        self.look("patients")
        self.click("Register a patient", "link")
        self.look("patient-new")
        for label in ("Given name", "Family name", "Birth date", "Phone", "E-mail", "Address"):
            self.page.get_by_label(label).fill(typed.get(label, ""))
        self.page.get_by_label("Sex for clinical use").select_option(label=typed["Sex"])
        self.page.get_by_label("Language", exact=False).last.select_option(label=typed["Language"])
        self.click("Save")

    def say_it_is_another_person(self) -> None:
        self.look("patient-new with a likely duplicate")
        self.page.get_by_label("It is a different person: save").check()
        self.click("Save")
        expect(self.page.get_by_role("navigation", name="Patient")).to_be_visible()
        self.look("patient of the desk")

    def send_the_health_questions(self) -> None:
        self.click("Health questions", "link")
        self.look("intake-send")
        self.click("Send the link")

    def open_the_health_questions(self) -> None:
        self.click("Health questions", "link")
        self.look("intake-send")

    def show_the_code(self) -> None:
        self.click("Show the code")
        self.look("intake-qr")

    def hand_over_the_tablet(self) -> None:
        self.click("Sign out and open for the patient")

    # booking a course
    def open_the_booking_of(self, words: str) -> None:
        self.find(words)
        self.click("Book next", "link")
        self.look("course-book")

    def row(self, number: int) -> Locator:
        return self.page.locator("li.course-row").nth(number - 1)

    def book_all(self) -> None:
        self.click("Book all")

    def take_the_offered_time(self, number: int) -> None:
        self.row(number).get_by_role("button").first.click()
        expect(self.row(number).get_by_text("Does not fit")).to_have_count(0)

    # papers
    def record_the_signed_consent(self, signed_at: dt.datetime) -> None:
        self.tab("Forms")
        self.look("patient, forms")
        self.click("Record the signed paper", "link")
        self.page.get_by_label("When was it signed?").fill(local(signed_at))
        for group, choice in (
            ("Photos in the record", "Yes"), ("Photos to teach staff", "No"), ("Photos in publicity", "No"),
        ):  # fmt: skip
            self.page.get_by_role("group", name=group).get_by_label(choice).check()
        self.page.get_by_label("The paper carries both signatures").check()
        self.look("consent-record")
        self.click("Record the signature")
        self.see("Signed on paper")

    def make_a_paper(self, kind: str) -> bytes:
        self.tab("Documents")
        self.look("patient, documents")
        self.click("New paper", "link")
        self.look("document-new")
        options = self.page.get_by_label("Paper", exact=False).locator("option").all_inner_texts()
        self.page.get_by_label("Paper", exact=False).first.select_option(
            label=next(option for option in options if option.startswith(kind))
        )
        self.click("Make the paper")
        return self.opened_pdf("Open and print", "document")

    def make_a_blank_consent(self) -> bytes:
        self.page.goto("/documents/blank-consent/")
        self.look("document-blank")
        self.click("Make the paper")
        return self.opened_pdf("Open and print", "document of nobody")

    def opened_pdf(self, link: str, page_name: str) -> bytes:
        """What the browser gets behind a link that opens a tab of its own."""
        found = self.page.get_by_role("link", name=re.compile(link)).first
        expect(found).to_have_attribute("target", "_blank")
        self.look(page_name)
        answer = self.page.request.get(str(found.evaluate("link => link.href")))
        assert answer.status == 200, answer.status
        return answer.body()

    def print_the_aftercare(self, name: str) -> bytes:
        """One click on the board, as soon as the treatment has ended."""
        self.page.goto("/")
        expect(self.page.locator("#lane-done").get_by_role("article").filter(has_text=name)).to_be_visible()
        return self.opened_pdf("Aftercare", "board with somebody done")

    # the day
    def says_arrived(self, name: str) -> None:
        self.page.goto("/")
        card = self.page.locator("#lane-expected").get_by_role("article").filter(has_text=name)
        card.get_by_role("button", name="Arrived").click()
        expect(self.page.locator("#lane-waiting").get_by_text(name)).to_be_visible()
        self.look("board with somebody waiting")

    def open_the_appointment(self, words: str, session: str) -> None:
        self.find(words)
        card = self.page.get_by_role("article").filter(has_text=session)
        card.get_by_role("link", name="Appointment").click()
        self.look("appointment")

    def move_the_appointment(self, words: str, session: str, time: str) -> None:
        self.open_the_appointment(words, session)
        self.click("Move", "link")
        self.page.get_by_label("Time of arrival").fill(time)
        self.look("appointment-move")
        self.click("Move")
        expect(self.page.get_by_text(time).first).to_be_visible()

    def cancel_the_appointment(self, words: str, session: str, reason: str) -> None:
        self.open_the_appointment(words, session)
        self.click("Cancel the appointment", "link")
        self.page.get_by_label("Why is it cancelled?").fill(reason)
        self.look("appointment-cancel")
        self.click("Cancel the appointment")
        expect(self.page.get_by_text(reason).first).to_be_visible()

    def read_the_messages(self, words: str) -> list[str]:
        self.click("Messages", "link")
        self.look("messages")
        self.page.get_by_role("searchbox", name="Patient").or_(self.page.locator("main input[name=q]")).first.fill(words)
        self.click("Show")
        return self.page.locator("table.log-table tbody tr:not(.now-line)").all_inner_texts()


class Practitioner(Staff):
    def measure(self, **readings: str) -> None:
        self.click("Measurements", "link")
        self.look("measurements")
        for label, value in readings.items():
            field = self.page.get_by_label(re.compile(re.escape(label))).first
            if field.evaluate("e => e.tagName") == "SELECT":
                field.select_option(value=value)
            else:
                field.fill(value)
        self.click("Save")
        self.see("Withdraw")
        self.look("measurements with a history")


    def plan(self, indication: str, first_day: dt.date, time: str) -> None:
        self.click("New course", "link")
        self.settle()
        self.look("course-new, empty")
        self.page.get_by_label("Indication").select_option(label=indication)
        expect(self.page.get_by_label("First session from")).to_be_visible()
        self.page.get_by_label("First session from").fill(first_day.isoformat())
        self.page.get_by_label("Usual time").fill(time)
        self.page.get_by_label("Usual time").blur()
        self.settle()

    def propose_and_approve(self) -> None:
        self.click("Propose this course")
        self.see("Approve this course")
        self.look("course, proposed")
        self.click("Approve this course")
        self.see("Book this course")
        self.look("course, approved")

    def give_the_consent_text(self) -> None:
        self.click("Record that the text was given", "link")
        self.look("consent-given")
        self.click("Record")
        self.see("Not signed yet")

    # the session
    def take_blood_pressure(self, upper: str, lower: str) -> None:
        session_screen = self.page.url
        self.mend("Screening", "Measure")
        self.measure(**{"Blood pressure, upper": upper, "Blood pressure, lower": lower})
        self.page.goto(session_screen)
        self.sees_green("Screening")

    def start_the_session_of(self, name: str) -> None:
        self.page.goto("/")
        card = self.page.locator("#lane-waiting").get_by_role("article").filter(has_text=name)
        card.get_by_role("button", name="Start session").or_(card.get_by_role("link", name="Start session")).click()
        expect(self.page.get_by_role("button", name="Begin")).to_be_disabled()
        self.look("record, locked")

    def light(self, name: str) -> Locator:
        return self.page.locator("li.light").filter(has_text=name)

    def sees_green(self, light: str) -> None:
        expect(self.light(light)).to_have_class(re.compile("light-ready"))

    def mend(self, light: str, act: str) -> None:
        self.light(light).get_by_role("link", name=act, exact=True).click()

    def identify(self) -> None:
        self.mend("Identity", "Check")
        self.page.get_by_label("Full name").check()
        self.page.get_by_label("Birth date").check()
        self.look("record-identity")
        self.click("They match")
        self.sees_green("Identity")

    def confirm_that_nothing_changed(self) -> None:
        self.mend("History", "Ask")
        self.page.get_by_label("Nothing changed").check()
        self.look("record-history")
        self.click("Confirm the history")

    def photograph(self) -> None:
        self.mend("Photographs", "Record")
        self.page.get_by_label("Why may it be passed?").fill("Taken with the clinic's camera, face, three views")
        self.look("record-gate")
        self.click("Pass with this reason")

    def test_for_allergy(self, placed_at: dt.datetime) -> None:
        self.mend("Allergy test", "Test")
        record = self.page.get_by_role("link", name="Open session").get_attribute("href")
        self.page.get_by_label("Placed on the forearm at").fill(local(placed_at))
        self.look("allergy-tests")
        self.click("Record the test")
        self.click("Read", "link")
        self.page.get_by_label("Wheal in mm").fill("0")
        self.page.get_by_role("group", name="Rash or hives?").get_by_label("No").check()
        self.look("allergy-test-read")
        self.click("Record")
        expect(self.page).not_to_have_url(re.compile("/read/"))
        self.page.goto(record)
        self.sees_green("Allergy test")

    def choose_the_lot(self, number: str) -> None:
        field = self.page.get_by_label("Lot", exact=True).first
        option = next(text for text in field.locator("option").all_inner_texts() if number in text)
        field.select_option(label=option)
        self.saved()

    def write_points(self, points: int, ml_per_point: str, depth_mm: str, waste_ml: str) -> None:
        self.page.get_by_label("Points").fill(str(points))
        self.page.get_by_label("ml per point").fill(ml_per_point)
        self.page.get_by_label("Depth in mm").fill(depth_mm)
        self.page.get_by_label("Left over, recorded as waste").fill(waste_ml)
        self.page.get_by_label("Left over, recorded as waste").blur()
        self.saved()

    def saved(self) -> None:
        """Saving runs by itself; a press on the button makes sure that it is done."""
        self.page.get_by_role("button", name="Save", exact=True).click()
        settled(self.page)
        expect(self.page.locator("#figures").get_by_text(re.compile("saved", re.IGNORECASE)).first).to_be_visible()

    def begin(self) -> None:
        self.look("record, ready")
        self.click("Begin")
        self.see("End treatment")
        self.look("record, begun")

    def end(self) -> None:
        self.click("End treatment")
        self.see("Correct the end")
        self.look("record, ended")

    def sign(self) -> None:
        self.click("Sign", "link")
        self.page.get_by_label("Your password").fill(factories.PASSWORD)
        self.look("record-sign")
        self.click("Sign")
        self.see("Add to the record")
        self.look("record, signed")


# --- the patient ----------------------------------------------------------------------------------------------------
@dataclass
class PatientAtAPhone:
    """Somebody with a link, who reads Turkish."""

    page: Page
    looked: Looked
    birth_date: str
    sex: str = "female"

    def look(self, name: str) -> None:
        self.looked.at(self.page, name)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.look("patient-gate")

    def say_the_birth_date(self, date: str = "") -> None:
        self.page.locator("input[type=date]").fill(date or self.birth_date)
        self.press("Go on")

    def press(self, words: str) -> None:
        name = in_turkish(words)
        self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        ).click()

    def questions(self) -> dict[str, Question]:
        every = catalogue.questions_of(catalogue.current_questionnaire())
        return {question.key: question for question in patient_questions(every, sex=self.sex)}

    def at_question(self) -> Question:
        expect(self.page.locator("form[data-intake]")).to_be_visible()
        return self.questions()[urlsplit(self.page.url).path.rstrip("/").split("/")[-1]]

    def choose(self, value: str) -> None:
        """The radio or tick box of this value; its label is the catalogue's text, checked for the language elsewhere."""
        self.page.locator(f".choice input[value='{value}']").first.check()

    def answer(self, **different: str) -> str:
        """The question in view: the healthy answer, or what is given for it. Returns its key."""
        question = self.at_question()
        given = different.get(question.key.replace("-", "_"))
        self.choose(given or (question.healthy if question.kind is Kind.CHOICE else NONE))
        return question.key

    def answer_until(self, last: str, *, leaving_out: str = "", **different: str) -> None:
        """Page by page with Next, up to and with the question `last`."""
        while True:
            key = self.at_question().key
            if key != leaving_out:
                self.answer(**different)
            if key == last:
                return
            self.next_page()

    def next_page(self) -> None:
        before = self.page.url
        self.press("Next")
        self.page.wait_for_url(lambda url: url != before)

    def say_when(self, day: dt.date) -> None:
        """The date the answer calls for, which is saved without a click."""
        field = self.page.locator(".follow-up:not([hidden]) input[type=date]")
        settled(self.page)
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            field.fill(day.isoformat())
        expect(self.page.locator("[data-saved]")).to_contain_text(in_turkish("Saved"))

    def reload(self, day: dt.date) -> None:
        """Nothing typed is lost."""
        self.page.reload()
        expect(self.page.locator(".follow-up:not([hidden]) input[type=date]")).to_have_value(day.isoformat())

    def sign_off(self, name: str) -> None:
        self.page.get_by_label(in_turkish("Your name, as your signature")).fill(name)
        self.press("Sign")
        expect(self.page.get_by_role("heading", name=in_turkish("Thank you"))).to_be_visible()
        self.look("patient-intake-thanks")


# --- the post -------------------------------------------------------------------------------------------------------
def link_in(post: Post, address: str) -> str:
    """The patient's link in the newest mail to this address."""
    found = re.findall(r"http://\S+/p/[\w-]+/", post.to(address)[-1].part("plain"))
    assert found, post.to(address)[-1].part("plain")
    return found[0]


__all__ = ["Clock", "FrontDesk", "PatientAtAPhone", "Practitioner", "Staff", "in_turkish", "link_in", "local"]
