from django.urls import path

from sessions.views import allergy_tests, questions, records

urlpatterns = [
    path("appointments/<public:public_id>/record/", records.record, name="record"),
    path("appointments/<public:public_id>/record/open/", records.record_open, name="record-open"),
    path("appointments/<public:public_id>/record/save/", records.record_save, name="record-save"),
    path("appointments/<public:public_id>/record/identity/", records.record_identity, name="record-identity"),
    path("appointments/<public:public_id>/record/history/", records.record_history, name="record-history"),
    path("appointments/<public:public_id>/record/questions/", questions.record_questions, name="record-questions"),
    path("appointments/<public:public_id>/record/pass/<slug:gate>/", records.record_gate, name="record-gate"),
    path("appointments/<public:public_id>/record/begin/", records.record_begin, name="record-begin"),
    path("appointments/<public:public_id>/record/end/", records.record_end, name="record-end"),
    path("appointments/<public:public_id>/record/correct-end/", records.record_correct_end, name="record-correct-end"),
    path("appointments/<public:public_id>/record/take-back/", records.record_take_back, name="record-take-back"),
    path("appointments/<public:public_id>/record/sign/", records.record_sign, name="record-sign"),
    path("appointments/<public:public_id>/record/add/", records.record_addendum, name="record-addendum"),
    path("courses/<public:public_id>/allergy-tests/", allergy_tests.allergy_tests, name="allergy-tests"),
    path("allergy-tests/<public:public_id>/read/", allergy_tests.allergy_test_read, name="allergy-test-read"),
]
