from django.urls import path

from sessions.views import patient_intake

urlpatterns = [
    path("my/intake/", patient_intake.patient_intake, name="patient-intake"),
    path("my/intake/overview/", patient_intake.patient_intake_overview, name="patient-intake-overview"),
    path("my/intake/sign/", patient_intake.patient_intake_sign, name="patient-intake-sign"),
    path("my/intake/thank-you/", patient_intake.patient_intake_thanks, name="patient-intake-thanks"),
    path("my/intake/<str:key>/", patient_intake.patient_intake_question, name="patient-intake-question"),
]
