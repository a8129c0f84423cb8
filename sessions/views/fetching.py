"""What the clinicians' pages fetch, always by way of the patients this person may see: foreign and absent look alike."""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from clinic.http import StaffRequest
from patients.models import Patient
from sessions.models import (
    AdverseEvent,
    AllergyTest,
    Appointment,
    Clearance,
    Consent,
    Course,
    OutcomeScore,
    TreatmentSession,
    Upload,
)


def patient_or_404(request: StaffRequest, public_id: str) -> Patient:
    patients = Patient.objects.visible_to(request.user).select_related("registered_at", "merged_into")
    return get_object_or_404(patients, public_id=public_id)


def course_or_404(request: StaffRequest, public_id: str) -> Course:
    courses = Course.objects.select_related(
        "patient__registered_at", "site", "practitioner", "approved_by", "catalogue"
    )
    return get_object_or_404(courses, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def appointment_or_404(request: StaffRequest, public_id: str) -> Appointment:
    appointments = Appointment.objects.select_related("patient__registered_at", "site", "course", "service", "room")
    return get_object_or_404(appointments, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def record_or_404(request: StaffRequest, public_id: str) -> TreatmentSession:
    """The record of an appointment, by the appointment's public id."""
    records = TreatmentSession.objects.select_related(
        "appointment__site", "appointment__room", "patient__registered_at", "course__site", "course__practitioner",
        "practitioner", "planned_session", "signed_by",
    )  # fmt: skip
    return get_object_or_404(
        records, appointment__public_id=public_id, patient__in=Patient.objects.visible_to(request.user)
    )


def consent_or_404(request: StaffRequest, public_id: str) -> Consent:
    consents = Consent.objects.select_related("course__site", "course__practitioner", "patient", "patient_signature")
    return get_object_or_404(consents, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def clearance_or_404(request: StaffRequest, public_id: str) -> Clearance:
    """A clearance given for a course."""
    clearances = Clearance.objects.select_related("course__site", "patient__registered_at").filter(course__isnull=False)
    return get_object_or_404(clearances, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def upload_or_404(request: StaffRequest, public_id: str) -> Upload:
    uploads = Upload.objects.select_related("patient__registered_at")
    return get_object_or_404(uploads, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def allergy_test_or_404(request: StaffRequest, public_id: str) -> AllergyTest:
    tests = AllergyTest.objects.select_related("patient")
    return get_object_or_404(tests, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def event_or_404(request: StaffRequest, public_id: str) -> AdverseEvent:
    events = AdverseEvent.objects.select_related("patient__registered_at", "site")
    return get_object_or_404(events, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def score_or_404(request: StaffRequest, public_id: str) -> OutcomeScore:
    scores = OutcomeScore.objects.select_related("patient__registered_at", "course__site", "course__patient")
    return get_object_or_404(scores, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))
