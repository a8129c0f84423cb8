"""A small clinic with one thing of every kind in every state that has a page, and the way to each page of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from clinic import inviting
from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import DayShift, OutOfService, SpecialHours
from patients import links
from patients.models import Allergy, DataRequest, Measurement, Medicine
from protocols import catalogue, versions
from protocols.models import CatalogueText, CatalogueVersion, Enablement
from protocols.patient_texts import digest_of
from sessions import consent_signing, documents, rescreening, uploading, waiting
from sessions.models import (
    AdverseEvent,
    AllergyTest,
    Appointment,
    BookingRequest,
    CheckIn,
    Clearance,
    Consent,
    Course,
    Document,
    Message,
    OutcomeScore,
    PaperBatch,
    PublicBooking,
    RescreenChange,
    TreatedArea,
    TreatmentSession,
    UsedProduct,
)
from tests import factories as make
from tests.healthy import answered
from tests.papers import new_letter

# Which object a URL speaks of, by the first word of its path; a new noun must be named here.
NOUNS = {
    "patients": "patient", "courses": "course", "appointments": "appointment", "consents": "consent",
    "clearances": "clearance", "allergy-tests": "test", "messages": "message", "documents": "document",
    "stock": "lot", "protocols": "version", "staff": "doctor", "sites": "site", "site_id": "site", "rooms": "room",
    "devices": "device", "services": "service", "measurement_id": "measurement",
    "medicine_id": "medicine", "allergy_id": "allergy", "reactions": "event", "scores": "score",
    "uploads": "upload", "wait-list": "entry", "book": "site", "online-requests": "request", "allowed-at-site": "enablement",
    "paper-batches": "batch", "data-requests": "data_request", "document_id": "given_paper",
    "consent_id": "signed", "check-ins": "check_in", "catalogue-texts": "text",
}  # fmt: skip
WORDS = {
    "code": "scr-keloid", "gate": "gate-photos", "token": "x" * 43, "number": "1", "sign": "0" * 12, "key": "q-pregnant",
    "uidb36": "1",
    "kind": "aftercare", "entry_kind": "substance", "language": "en", "section": "screening", "paper": "worksheet",
    "in_language": "fr", "mail_kind": "msg-24h", "where": "everywhere", "field": "title", "use": "teaching",
    "data_kind": "copy",
}  # fmt: skip
# allauth's own views carry no declaration of ours.
THIRD_PARTY = ("allauth.", "django.views.")
GATES = {
    "intake": "patient-intake", "appointment": "patient-appointment", "consent": "patient-consent",
    "aftercare": "patient-aftercare", "check-in": "patient-check-in",
    "papers": "patient-papers", "privacy": "patient-privacy", "changes": "patient-changes",
}  # fmt: skip


def every_url(patterns: Any = None) -> Iterator[URLPattern]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from every_url(pattern.url_patterns)
        else:
            yield pattern


def is_ours(pattern: URLPattern) -> bool:
    return not pattern.callback.__module__.startswith(THIRD_PARTY)


def our_urls(kind: str = "") -> list[URLPattern]:
    """Our own addresses; of one kind of access ("staff", "public", "patient-link") if it is named."""
    return [one for one in every_url() if is_ours(one) and (not kind or one.callback.access[0] == kind)]


def address(pattern: URLPattern, world: SimpleNamespace, **instead: Any) -> str:
    """The address of a page about the things of this world; `instead` puts another thing in the place of one noun."""
    kwargs: dict[str, Any] = {}
    for name in pattern.pattern.converters:
        noun = str(pattern.pattern).split("/")[0] if name == "public_id" else name
        if noun in NOUNS:
            kwargs[name] = instead.get(NOUNS[noun], getattr(world, NOUNS[noun])).public_id
        else:
            assert name in WORDS, f"{pattern.name}: say in NOUNS or WORDS what <{name}> of /{noun}/ may be"
            kwargs[name] = int(WORDS[name]) if name == "number" else WORDS[name]
    return reverse(str(pattern.name), kwargs=kwargs)


def addresses(pattern: URLPattern, world: SimpleNamespace) -> list[str]:
    """The page once for every state its first thing can be in."""
    first = NOUNS.get(str(pattern.pattern).split("/")[0], "") if "public_id" in pattern.pattern.converters else ""
    variants = world.variants.get(first, [])
    return [address(pattern, world), *(address(pattern, world, **{first: variant}) for variant in variants)]


def make_world(**patient_fields: Any) -> SimpleNamespace:
    """One object of every kind at one site, and one person of every role, two of them limited to another site."""
    site, other = make.make_site(), make.make_site()
    doctor = make.make_user(Role.PRACTITIONER)
    make.make_shift(doctor, site)
    patient = make.make_patient(site, **patient_fields)
    stranger = make.make_patient(site)
    course = make.make_course(patient, doctor)
    room, now = make.make_room(site), timezone.now()
    device = make.make_device(site)
    service = make.make_service()
    appointment = make.make_appointment(patient, practitioner=doctor, room=room, course=course, service=service)
    world = SimpleNamespace(
        site=site, device=device, other=other, doctor=doctor, patient=patient, stranger=stranger, course=course, room=room,
        appointment=appointment, service=service, lot=make.make_lot(site), version=catalogue.current(), variants={},
    )  # fmt: skip
    world.people = {
        "front-desk": make.make_user(Role.FRONT_DESK), "practitioner": doctor,
        "medical-lead": make.make_user(Role.MEDICAL_LEAD), "manager": make.make_user(Role.MANAGER),
        "front-desk elsewhere": make.make_user(Role.FRONT_DESK, site=other),
        "practitioner elsewhere": make.make_user(Role.PRACTITIONER, site=other),
    }  # fmt: skip
    world.record = make_record(world, appointment, course)
    add_ground(world, now)
    add_paperwork(world, now)
    add_states(world, now)
    return world


def add_ground(world: SimpleNamespace, now: dt.datetime) -> None:
    """Single days and stretches out of service, each a year ahead: their pages offer the forms that take them back."""
    later = world.site.today() + dt.timedelta(days=360)
    hours = {"day": later, "reason": "Fair"}
    SpecialHours.objects.create(site=world.site, opens=dt.time(9), closes=dt.time(12), **hours)
    DayShift.objects.create(user=world.doctor, site=world.site, starts=dt.time(9), ends=dt.time(12), **hours)
    span = (now + dt.timedelta(days=360), now + dt.timedelta(days=361))
    OutOfService.objects.create(room=world.room, span=span, reason="Painted")
    OutOfService.objects.create(device=world.device, span=span, reason="Repaired")


def add_paperwork(world: SimpleNamespace, now: dt.datetime) -> None:
    """What hangs below a patient and a course."""
    patient, course, doctor, site = world.patient, world.course, world.doctor, world.site
    world.consent = Consent.objects.create(
        patient=patient, course=course, plan_version=1, language="en", informed_at=now, informed_by=doctor
    )
    world.consent_to_sign, world.consent_to_countersign = on_screen(world, now), patient_signed(world, now)
    world.clearance = Clearance.objects.create(
        patient=patient, course=course, rule_code="scr-keloid", answer_fingerprint="x", granted_by=doctor,
        granted_at=now, reason="seen", valid_until=dt.date(2099, 1, 1),
    )  # fmt: skip
    world.test = AllergyTest.objects.create(
        patient=patient, substance="sub-ha-nc", placed_at=now - dt.timedelta(hours=30), placed_by=doctor
    )
    world.upload = uploading.keep(patient=patient, new=new_letter(), by=Doer.staff(doctor, site))
    world.medicine = Medicine.objects.create(patient=patient, name="Ramipril 5 mg", recorded_at=now)
    world.allergy = Allergy.objects.create(patient=patient, allergen="latex", note="Gloves", recorded_at=now, recorded_by=doctor)
    world.measurement = Measurement.objects.create(
        patient=patient, code="m-weight", value=Decimal(70), taken_on=site.today(), recorded_at=now, recorded_by=doctor
    )
    world.event = AdverseEvent.objects.create(
        patient=patient, site=site, reaction="ae-haematoma", term="haematoma", grade=1, reported_at=now,
        reported_by_label=doctor.name, elsewhere="Clinic abroad",
    )  # fmt: skip
    world.score = OutcomeScore.objects.create(
        patient=patient, course=course, scale="GAIS", value=Decimal(2), taken_at=now, recorded_at=now, recorded_by=doctor
    )
    world.enablement = Enablement.objects.create(
        site=site, code="sub-dmae", reason="Asked for", country=site.country, enabled_at=now, enabled_by=doctor
    )
    world.text = CatalogueText.objects.create(
        kind="rule", code="scr-keloid", field="title", language="fr", number=1, english="Thick scars (keloid)",
        text="Cicatrices épaisses (chéloïde)", english_digest=digest_of("Thick scars (keloid)"), made_at=now,
    )  # fmt: skip
    world.message = make_message(world, "scheduled")
    PublicBooking.objects.create(site=site, is_on=True)
    world.request = online_request(world, now)
    world.entry = waiting.add(
        patient=patient, by=Doer.staff(doctor, site),
        wish=waiting.WaitWish(sites=[site], service=make.make_service("consultation")),
    )
    world.data_request = DataRequest.objects.create(
        patient=patient, site=site, kind="erase", asked_at=now, due_on=site.today() + dt.timedelta(days=30)
    )
    world.check_in = CheckIn.objects.create(
        patient=patient, site=site, treatment_session=world.record, answered_at=now, pain=8, codes=["ci-pain"],
        urgency="same-day", answers={"signs": [], "pain": 8, "swelling": "same", "fever": "no", "lump": "no", "note": "It burns"},
    )  # fmt: skip


def add_states(world: SimpleNamespace, now: dt.datetime) -> None:
    """The same kinds of things in the other states that offer other forms. Each stands on an hour of its own."""
    visits = [make_visit(world, hours=6 + 2 * number) for number in range(5)]
    arrived, begun, ended, signed, cancelled = visits
    set_fields(arrived, status="arrived", arrived_at=now)
    set_fields(cancelled, status="cancelled", cancelled_at=now, cancel_reason="Ill")
    stamps = {"history_confirmed_at": now, "begun_at": now}
    for visit, status in ((begun, "in-treatment"), (ended, "done"), (signed, "done")):
        set_fields(visit, status=status, arrived_at=now)
    lead = Doer.staff(world.people["medical-lead"])
    Appointment.objects.filter(pk=world.appointment.pk).update(displaced="hours")
    draft = versions.make_draft(based_on=world.version, note="Review", by=lead)
    preview_of(world, draft, lead, now)
    make_record(world, begun, begun.course, status="begun", **stamps)
    sheet = make_record(world, ended, ended.course, status="ended", ended_at=now, **stamps)
    world.document, *papers = make_documents(world, sheet)
    world.batch = PaperBatch.objects.create(
        site=world.site, day=world.site.today(), total=1, papers=[world.document.public_id], requested_at=now,
        requested_by=world.people["front-desk"],
    )  # fmt: skip
    world.signed, world.given_paper = signed_consent(world, now), papers[-1]
    done = make_record(world, signed, signed.course, status="ended", ended_at=now, **stamps)
    set_fields(done, status="signed", signed_at=now, signed_by=world.doctor, content_digest="0" * 64)
    proposed = make.make_course(world.patient, world.doctor, approved=False)
    to_clear = make_course_to_clear(world)
    world.variants = {
        "appointment": visits, "course": [proposed, arrived.course, to_clear],
        "message": [make_message(world, state) for state in ("failed", "unknown", "sent", "suppressed")],
        "document": papers,
        "consent": [world.signed, world.consent_to_countersign], "medicine": [], "patient": [world.stranger],
        "doctor": [world.people["front-desk"]], "event": [closed_event(world, now)],
        "version": [draft],
    }  # fmt: skip


def preview_of(world: SimpleNamespace, draft: CatalogueVersion, lead: Doer, now: dt.datetime) -> None:
    """What the draft would change: a patient, a course and an appointment of each list."""
    run = rescreening.start_preview(version=draft, by=lead)
    reason = {"kind": "severity", "code": "scr-keloid", "title": {"en": "Thick scars"}, "before": "relative",
              "after": "absolute", "fate": "changed"}  # fmt: skip
    for about in ({}, {"course": world.course}, {"appointment": world.appointment, "may_before": "yes", "may_after": "no"}):
        RescreenChange.objects.create(
            run=run, patient=world.patient, before_outcome="needs-clearance", after_outcome="blocked",
            before_codes=["scr-keloid"], after_codes=["scr-keloid"], reasons=[reason], **about,
        )  # fmt: skip
    set_fields(run, state="done", done=run.total, changed=1, started_at=now, heartbeat_at=now, finished_at=now)


def make_course_to_clear(world: SimpleNamespace) -> Course:
    """A course of somebody whose finding (WORDS names its rule) waits for a clearance, with a letter to choose."""
    patient = make.make_patient(world.site)
    answered(patient, q_keloid="yes")
    uploading.keep(patient=patient, new=new_letter(), by=Doer.staff(world.doctor, world.site))
    course: Course = make.make_course(patient, world.doctor, approved=False)
    return course


def set_fields(row: Any, **fields: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()


def make_visit(world: SimpleNamespace, *, hours: int) -> Appointment:
    starts = timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=hours)
    course: Course = make.make_course(world.patient, world.doctor)
    return make.make_appointment(
        world.patient, practitioner=world.doctor, room=world.room, course=course, service=world.service,
        starts_at=starts, planned_session=course.planned_sessions.get(number=1),
    )  # fmt: skip


def make_record(world: SimpleNamespace, visit: Appointment, course: Course, **fields: Any) -> TreatmentSession:
    record = TreatmentSession.objects.create(
        **{
            "appointment": visit, "patient": world.patient, "course": course, "catalogue": catalogue.current(),
            "opened_at": timezone.now(), "opened_by": world.doctor, "practitioner": world.doctor,
            "technique": "tq-papule", "delivery": "dv-manual", "drawn_up_ml": Decimal(2), "wasted_ml": Decimal("0.2"),
        }
        | fields
    )  # fmt: skip
    UsedProduct.objects.create(
        treatment_session=record, patient=world.patient, position=1, substance="sub-ha-nc", strength=Decimal(10),
        strength_unit="mg/ml", volume_ml=Decimal(2), lot=world.lot, lot_label=str(world.lot),
    )  # fmt: skip
    TreatedArea.objects.create(
        treatment_session=record, patient=world.patient, region="reg-face", points=60, ml_per_point=Decimal("0.03"),
        depth_mm=Decimal("1.5"),
    )  # fmt: skip
    return record


def make_message(world: SimpleNamespace, state: str) -> Message:
    now = timezone.now()
    number = Message.objects.count() + 1
    return Message.objects.create(
        kind="msg-24h", patient=world.patient, site=world.site, appointment=world.appointment,
        cause_kind="appointment", cause_public_id=world.appointment.public_id, cause_revision=number, language="en",
        due_at=now, rfc_message_id=f"<{number}@halden.example>", recipient="a@b.example", state=state,
        reason="the mail server refused" if state in {"failed", "suppressed"} else "",
        sent_at=now if state == "sent" else None, claimed_at=now if state == "unknown" else None,
    )  # fmt: skip


def make_documents(world: SimpleNamespace, ended: TreatmentSession) -> list[Document]:
    """The paper in its states: queued (it belongs to the treatment that ended), failed, issued."""
    by = Doer.staff(world.doctor, world.site)
    now = timezone.now()
    failed = documents.issue_consent(course=world.course, by=by, language="en")
    set_fields(failed, state="failed", failure="broken")
    issued = documents.issue_consent(course=ended.course, by=by, language="en")
    set_fields(issued, state="issued", pdf=b"%PDF-1.7 a page", sha256="a" * 64, issued_at=now, pages=1)
    return [documents.issue_aftercare(treatment_session=ended, by=by, language="en"), failed, issued]


def closed_event(world: SimpleNamespace, now: dt.datetime) -> AdverseEvent:
    return AdverseEvent.objects.create(
        patient=world.patient, site=world.site, term="fainting", grade=1, reported_at=now, reported_by_label="A",
        causality="possible", weighed_at=now, weighed_by=world.doctor, outcome="recovered", closed_at=now,
        closed_by=world.doctor, treatment_session=world.record,
    )  # fmt: skip


def signed_consent(world: SimpleNamespace, now: dt.datetime) -> Consent:
    return Consent.objects.create(
        patient=world.patient, course=world.course, plan_version=1, language="en", informed_at=now,
        informed_by=world.doctor, signed_at=now, method="paper", recorded_by=world.doctor, photos_record=True,
        photos_teaching=False, photos_publicity=False,
    )  # fmt: skip


def on_screen(world: SimpleNamespace, now: dt.datetime) -> Consent:
    """A text that was given to be signed on a screen, and opened."""
    course = make.make_course(world.patient, world.doctor, price_per_session=Decimal(100), currency="EUR")
    consent = consent_signing.give(course=course, language="en", by=Doer.staff(world.doctor, world.site))
    set_fields(consent, opened_at=now)
    return consent


def patient_signed(world: SimpleNamespace, now: dt.datetime) -> Consent:
    """Signed by the patient; the clinician's signature is missing."""
    consent = on_screen(world, now)
    patient = Doer(kind="patient", label=world.patient.name, public_id=world.patient.public_id, site=world.site)
    return consent_signing.sign(consent=consent, given=given_for(consent), address="127.0.0.1", by=patient)


def given_for(consent: Consent, **instead: Any) -> consent_signing.Given:
    """What a patient hands in who says yes to the record, no to the rest, and types their name."""
    answers = {
        "consent-photos-record": "yes", "consent-photos-teaching": "no", "consent-photos-publicity": "no",
        "consent-questions": "yes",
    }  # fmt: skip
    given = {
        "name": "Nadia Rahman", "answers": answers, "text_sha256": consent.given_text.source["content_sha256"]
    } | instead  # fmt: skip
    return consent_signing.Given(**given)


def online_request(world: SimpleNamespace, now: dt.datetime) -> BookingRequest:
    """A request whose visit stands, and that somebody has to decide about."""
    world.service.is_public = True
    world.service.save(update_fields=["is_public"])
    make.make_service("consultation", is_public=True)
    return BookingRequest.objects.create(
        site=world.site, service=world.service, appointment=world.appointment, state="confirmed", language="en",
        source="x", email_hash="x", hold_ends_at=now, settled_at=now, looks_like=True,
    )  # fmt: skip


def behind_link(world: SimpleNamespace, purpose: str) -> Client:
    """A patient's browser that has opened a link of this purpose and passed the gate."""
    client = Client(raise_request_exception=False)
    about = {"appointment": "appointment", "changes": "appointment", "consent": "consent_to_sign"}
    subject = getattr(world, about.get(str(purpose), ""), None)
    _link, token = links.issue(
        patient=world.patient, site=world.site, purpose=purpose, expires_at=timezone.now() + dt.timedelta(days=2),
        by=Doer(kind="system", label="test"), subject=subject,
    )  # fmt: skip
    assert client.get(reverse("patient-link", args=[token])).status_code == 302
    answer = client.post(reverse("patient-gate"), birth_date_fields(world.patient.birth_date))
    assert answer.status_code == 302, answer.content
    assert reverse(GATES[purpose]) in answer["Location"]
    return client


def birth_date_fields(day: dt.date) -> dict[str, str]:
    return {
        "birth_date_0": str(day.day), "birth_date_1": str(day.month), "birth_date_2": str(day.year),
        "birth_date_day": str(day.day), "birth_date_month": str(day.month), "birth_date_year": str(day.year),
        "birth_date": day.isoformat(),
    }  # fmt: skip


def open_invitation(world: SimpleNamespace) -> str:
    """The address an invited person gets by mail."""
    by = Doer.staff(world.people["manager"], world.site)
    _invitation, token = inviting.invite(
        email="new@halden.example", name="New Person", language="en", roles=[(Role.MANAGER, None)], by=by
    )
    return reverse("invitation", args=[token])
