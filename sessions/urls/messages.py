from django.urls import path

from sessions.views import messages, patient_appointment, unsubscribe

urlpatterns = [
    path("messages/", messages.messages, name="messages"),
    path("messages/<public:public_id>/", messages.message, name="message"),
    path("messages/<public:public_id>/mail/", messages.message_mail, name="message-mail"),
    path("messages/<public:public_id>/send-again/", messages.message_send_again, name="message-send-again"),
    path("messages/<public:public_id>/arrived/", messages.message_arrived, name="message-arrived"),
    path("mail/stop/<str:token>/", unsubscribe.mail_stop, name="mail-stop"),
    path("p/appointment/", patient_appointment.patient_appointment, name="patient-appointment"),
    path(
        "p/appointment/confirm/", patient_appointment.patient_appointment_confirm, name="patient-appointment-confirm"
    ),
    path("p/appointment/cancel/", patient_appointment.patient_appointment_cancel, name="patient-appointment-cancel"),
]
