from django.urls import path

from sessions.views import patient_move, self_service

urlpatterns = [
    path("my/appointment/move/", patient_move.patient_appointment_move, name="patient-appointment-move"),
    path("my/appointment/calendar/", patient_move.patient_appointment_calendar, name="patient-appointment-calendar"),
    path("sites/<public:public_id>/self-service/", self_service.site_self_service, name="site-self-service"),
    path("account/calendar/", self_service.own_calendar, name="own-calendar"),
    path("account/calendar/new-address/", self_service.own_calendar_renew, name="own-calendar-renew"),
    path("account/calendar/end/", self_service.own_calendar_end, name="own-calendar-end"),
    path("calendar-file/<str:token>.ics", self_service.calendar_file, name="calendar-file"),
]
