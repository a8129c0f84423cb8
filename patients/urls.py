from django.urls import path

from patients.views import audit, gate, people, search

urlpatterns = [
    path("patients/", search.patients, name="patients"),
    path("patients/search/", search.patient_search, name="patient-search"),
    path("patients/new/", people.patient_new, name="patient-new"),
    path("patients/<public:public_id>/edit/", people.patient_edit, name="patient-edit"),
    path("patients/<public:public_id>/open/", people.patient_open, name="patient-open"),
    path("audit/", audit.audit_log, name="audit-log"),
    path("p/", gate.gate, name="patient-gate"),
    path("p/<str:token>/", gate.open_link, name="patient-link"),
]
