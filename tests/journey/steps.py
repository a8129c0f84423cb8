"""What people do in a journey, click by click. Elements are found as people find them: by label, role and words."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from django.utils import translation
from playwright.sync_api import Page, expect

from clinic.models import User
from patients.asking import patient_questions
from patients.questionnaire import NONE, Kind, Question
from protocols import catalogue
from tests import factories
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

    def find(self, words: str) -> None:
        """By the one search box, from anywhere."""
        box = self.page.get_by_role("searchbox", name="Find a patient")
        box.fill(words)
        self.page.locator("#finder-results").get_by_role("link").first.click()
        expect(self.page.get_by_role("navigation", name="Patient")).to_be_visible()

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

    def show_the_code(self) -> None:
        self.click("Health questions", "link")
        self.click("Show the code")
        self.look("intake-qr")

    def hand_over_the_tablet(self) -> None:
        self.click("Health questions", "link")
        self.click("Sign out and open for the patient")

    def row(self, number: int) -> Page:
        return self.page.locator("li.course-row").nth(number - 1)  # type: ignore[return-value]

    def choose_times(self, time: str) -> None:
        for number in range(1, self.page.locator("li.course-row").count() + 1):
            self.row(number).get_by_label("Time", exact=True).fill(time)

    def print_paper(self, link: str) -> bytes:
        """The PDF behind a printing link that opens a tab of its own."""
        found = self.page.get_by_role("link", name=link, exact=True).first
        assert found.get_attribute("target") == "_blank"
        return self.page.request.get(self.page.url.split("/", 3)[0] + "//" + self.page.url.split("/")[2] + str(
            found.get_attribute("href"))).body()  # fmt: skip


class Practitioner(Staff):
    def measure(self, **readings: str) -> None:
        self.click("Measurements", "link")
        self.look("measurements")
        for label, value in readings.items():
            field = self.page.get_by_label(re.compile(f"^{label}", re.IGNORECASE)).first
            if field.evaluate("e => e.tagName") == "SELECT":
                field.select_option(value=value)
            else:
                field.fill(value)
        self.click("Save")
        self.see("Withdraw")
        self.look("measurements with a history")


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
        key = self.page.url.rstrip("/").split("/")[-1].split("?")[0]
        return self.questions()[key]

    def choose(self, value: str) -> None:
        """The radio or tick box of this value; its label is the catalogue's text, checked for the language elsewhere."""
        self.page.locator(f".choice input[value='{value}']").first.check()

    def answer(self, **different: str) -> str:
        """The question in view: the healthy answer, or what is given for it. Returns its key."""
        question = self.at_question()
        given = different.get(question.key.replace("-", "_"))
        self.choose(given or (question.healthy if question.kind is Kind.CHOICE else NONE))
        return question.key

    def answer_until(self, last: str, **different: str) -> None:
        """Page by page with Next, up to and with the question `last`."""
        while True:
            key = self.answer(**different)
            before = self.page.url
            if key == last:
                return
            self.press("Next")
            self.page.wait_for_url(lambda url, before=before: url != before)


# --- the post -------------------------------------------------------------------------------------------------------
def link_in(post: Post, address: str) -> str:
    """The patient's link in the newest mail to this address."""
    found = re.findall(r"http://\S+/p/[\w-]+/", post.to(address)[-1].part("plain"))
    assert found, post.to(address)[-1].part("plain")
    return found[0]


__all__ = ["Clock", "FrontDesk", "PatientAtAPhone", "Practitioner", "Staff", "in_turkish", "link_in", "local"]
