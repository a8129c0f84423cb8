from django.urls import path

from sessions.views import intake

urlpatterns = [
    path("patients/<public:public_id>/intake/", intake.intake_send, name="intake-send"),
    path("patients/<public:public_id>/intake/qr/", intake.intake_qr, name="intake-qr"),
    path("patients/<public:public_id>/intake/desk/", intake.intake_desk, name="intake-desk"),
]
