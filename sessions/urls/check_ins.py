from django.urls import path

from sessions.views import check_ins, patient_check_in

urlpatterns = [
    path("my/check-in/", patient_check_in.patient_check_in, name="patient-check-in"),
    path("my/check-in/answer/", patient_check_in.patient_check_in_answer, name="patient-check-in-answer"),
    path("check-ins/<public:public_id>/", check_ins.check_in, name="check-in"),
    path("check-ins/<public:public_id>/seen/", check_ins.check_in_seen, name="check-in-seen"),
    path("check-ins/<public:public_id>/photo/", check_ins.check_in_photo, name="check-in-photo"),
]
