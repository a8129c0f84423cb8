"""A clinic where care is given: one site, a doctor, a healthy patient with a course, and steps on the way to the end."""
from __future__ import annotations

import dataclasses
import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import Room, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions import allergy_testing, consenting, coursework, recording
from sessions.models import Appointment, Consent, Course, Lot, TreatmentSession
from tests import factories as make
from tests.healthy import make_healthy
from tests.sessions.test_treatment_walk import wish_for

MORNING = "2026-03-12T08:50:00+00:00"  # Thursday, 09:50 in Rome
THURSDAY = dt.date(2026, 3, 12)
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*name="(form_token|seen_version)"[^>]*value="([^"]*)"')


@dataclasses.dataclass
class CareDay:
    site: Site
    doctor: User
    room: Room
    service: Service
    patient: Patient

    @property
    def by(self) -> Doer:
        return Doer.staff(self.doctor, self.site)

    def course(self, patient: Patient | None = None, *, approved: bool = True) -> Course:
        course = coursework.propose(patient=patient or self.patient, wish=wish_for(self.site, self.doctor), by=self.by)
        if approved:
            coursework.approve(course=course, seen_version=course.version, by=self.by)
        return Course.objects.get(pk=course.pk)

    def arrived(self, course: Course, *, number: int = 1, **fields: Any) -> Appointment:
        fields = {"starts_at": timezone.now(), "status": "arrived"} | fields
        return make.make_appointment(
            course.patient, practitioner=self.doctor, room=self.room, service=self.service, course=course,
            planned_session=course.planned_sessions.get(number=number), **fields,
        )  # fmt: skip

    def open_record(self, course: Course | None = None) -> TreatmentSession:
        return recording.open_record(appointment=self.arrived(course or self.course()), by=self.by)

    def consent(self, course: Course, *, informed_hours_ago: int = 30, signed: bool = True) -> Consent:
        given = timezone.now() - dt.timedelta(hours=informed_hours_ago)
        consent = consenting.give_text(course=course, informed_at=given, language="en", by=self.by)
        if signed:
            consent = consenting.record_signature(
                consent=consent, signed_at=timezone.now(), photos_record=True, photos_teaching=False,
                photos_publicity=False, by=self.by,
            )  # fmt: skip
        return consent

    def tested(self, patient: Patient, substance: str = "sub-ha-nc", *, hours_ago: float = 25) -> None:
        placed = timezone.now() - dt.timedelta(hours=hours_ago)
        test = allergy_testing.place(patient=patient, site=self.site, substance=substance, placed_at=placed, by=self.by)
        allergy_testing.read(
            test=test, site=self.site, read_at=placed + dt.timedelta(hours=24), wheal_mm=0, rash=False, by=self.by
        )

    def fill(
        self, record: TreatmentSession, lot: Lot | None = None, *, drawn: str = "2.0", waste: str = "0.1", points: int = 38
    ) -> TreatmentSession:
        """2.0 ml drawn up = 38 points of 0.05 ml and 0.1 ml left over."""
        return recording.save_amounts(
            record=record, seen_version=record.version, by=self.by, wasted_ml=Decimal(waste), note="", reaction_note="",
            products=[recording.ProductLine(position=1, volume_ml=Decimal(drawn), lot=lot or make.make_lot(self.site))],
            areas=[recording.AreaLine(region="reg-face", points=points, ml_per_point=Decimal("0.05"), depth_mm=Decimal("1.5"))],
        )  # fmt: skip

    def ready(self, lot: Lot | None = None) -> TreatmentSession:
        """An open record whose every light is green."""
        course = self.course()
        self.consent(course)
        self.tested(course.patient)
        record = self.fill(self.open_record(course), lot)
        recording.check_identity(record=record, seen_version=record.version, identifiers="name, birth date", by=self.by)
        recording.confirm_history(record=record, seen_version=record.version, changes="", by=self.by)
        recording.pass_gate(
            record=record, seen_version=record.version, gate="gate-photos", reason="camera broken", by=self.by
        )
        return record

    def begun(self, lot: Lot | None = None) -> TreatmentSession:
        record = self.ready(lot)
        return recording.begin(record=record, seen_version=record.version, by=self.by)

    def ended(self) -> TreatmentSession:
        record = self.begun()
        return recording.end_treatment(record=record, seen_version=record.version, by=self.by)

    def signed(self) -> TreatmentSession:
        record = self.ended()
        return recording.sign(record=record, seen_version=record.version, password=make.PASSWORD, by=self.by)


def make_care_day() -> CareDay:
    """Call it with the clock frozen at MORNING."""
    site = make.make_site(name="Marylebone")
    doctor = make.make_user(Role.PRACTITIONER, name="Dr Amina Haddad")
    make.make_shift(doctor, site)
    return CareDay(
        site=site,
        doctor=doctor,
        room=make.make_room(site, name="Room 1"),
        service=make.make_service(indication="ind-hydration", code="hydration"),
        patient=make_healthy(make.make_patient(site), doctor),
    )


def hidden_of(html: str, form: str = "") -> dict[str, str]:
    """Token and version of a form on the page: the one that posts to `form`, else the last one."""
    if form:
        html = html[html.index(f'action="{form}"') :]
        html = html[: html.index("</form>")]
    return dict(HIDDEN.findall(html))


def send(client: Client, url: str, values: dict[str, Any], **changes: Any) -> Any:
    """GET the page, then POST `values` with its hidden fields; a value of None leaves the field out."""
    page = client.get(url)
    assert page.status_code == 200, page.status_code
    merged = {**hidden_of(page.content.decode()), **values, **changes}
    return client.post(url, {name: value for name, value in merged.items() if value is not None})


def press(client: Client, page_url: str, act_url: str, **changes: Any) -> Any:
    """Press the button of a form on another page (approve, begin, end)."""
    page = client.get(page_url)
    return client.post(act_url, {**hidden_of(page.content.decode(), act_url), **changes})


# What people and machines type into a text field that must not be stored: (why, value).
HOSTILE_TEXT = [
    ("empty", ""), ("spaces", "   "), ("null byte", "a\x00b"), ("right-to-left mark", "a\u202eb"),
    ("isolate", "a\u2066b"), ("control sign", "a\x07b"), ("too long", "x" * 2001),
]  # fmt: skip
# What may be stored, and must come back as text: markup and database language are words like any others.
HARMLESS_TEXT = ["<script>alert(1)</script>", "Robert'); DROP TABLE x;--", "{{ 7*7 }}", "محمد", "O’Neill – 2 ml"]
