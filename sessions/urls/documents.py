from django.urls import path

from sessions.views import documents, papers

urlpatterns = [
    path("patients/<public:public_id>/documents/", documents.patient_documents, name="patient-documents"),
    path("patients/<public:public_id>/documents/new/", documents.document_new, name="document-new"),
    path("documents/blank-consent/", documents.document_blank, name="document-blank"),
    path("documents/blank-questions/", papers.blank_intake, name="document-blank-intake"),
    path("documents/day-list/", papers.day_list, name="day-list"),
    path("documents/day-sheets/", papers.day_sheets, name="day-sheets"),
    path("paper-batches/<public:public_id>/", papers.paper_batch, name="paper-batch"),
    path("paper-batches/<public:public_id>/state/", papers.paper_batch_state, name="paper-batch-state"),
    path("paper-batches/<public:public_id>/pdf/", papers.paper_batch_pdf, name="paper-batch-pdf"),
    path("patients/<public:public_id>/letter/", papers.letter_new, name="letter-new"),
    path("documents/<public:public_id>/", documents.document, name="document"),
    path("documents/<public:public_id>/state/", documents.document_state, name="document-state"),
    path("documents/<public:public_id>/pdf/", documents.document_pdf, name="document-pdf"),
    path("documents/<public:public_id>/retry/", documents.document_retry, name="document-retry"),
    path("verify/", documents.verify, name="verify-form"),
    path("verify/<str:code>/", documents.verify, name="verify"),
    path("verify/<str:code>/open/", documents.verify_open, name="verify-open"),
]
