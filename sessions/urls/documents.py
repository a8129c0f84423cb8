from django.urls import path

from sessions.views import documents

urlpatterns = [
    path("patients/<public:public_id>/documents/", documents.patient_documents, name="patient-documents"),
    path("patients/<public:public_id>/documents/new/", documents.document_new, name="document-new"),
    path("documents/blank-consent/", documents.document_blank, name="document-blank"),
    path("documents/<public:public_id>/", documents.document, name="document"),
    path("documents/<public:public_id>/state/", documents.document_state, name="document-state"),
    path("documents/<public:public_id>/pdf/", documents.document_pdf, name="document-pdf"),
    path("documents/<public:public_id>/retry/", documents.document_retry, name="document-retry"),
    path("verify/", documents.verify, name="verify-form"),
    path("verify/<str:code>/", documents.verify, name="verify"),
]
