from django.urls import path

from sessions.views import patient_aftercare, patient_consent, patient_intake

urlpatterns = [
    path("my/consent/", patient_consent.patient_consent, name="patient-consent"),
    path("my/consent/text.pdf", patient_consent.patient_consent_pdf, name="patient-consent-pdf"),
    path("my/consent/sign/", patient_consent.patient_consent_sign, name="patient-consent-sign"),
    path("my/consent/done/", patient_consent.patient_consent_done, name="patient-consent-done"),
    path("my/consent/copy.pdf", patient_consent.patient_consent_copy, name="patient-consent-copy"),
    path("my/consent/leave/", patient_consent.patient_consent_leave, name="patient-consent-leave"),
    path("my/aftercare/", patient_aftercare.patient_aftercare, name="patient-aftercare"),
    path("my/intake/", patient_intake.patient_intake, name="patient-intake"),
    path("my/intake/overview/", patient_intake.patient_intake_overview, name="patient-intake-overview"),
    path("my/intake/sign/", patient_intake.patient_intake_sign, name="patient-intake-sign"),
    path("my/intake/thank-you/", patient_intake.patient_intake_thanks, name="patient-intake-thanks"),
    path("my/intake/<str:key>/", patient_intake.patient_intake_question, name="patient-intake-question"),
]
