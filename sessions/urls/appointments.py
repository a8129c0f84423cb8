from django.urls import path

from sessions.views import appointment_forms, appointments, course_booking, displaced, slot_search

urlpatterns = [
    path("appointments/new/", appointment_forms.appointment_new, name="appointment-new"),
    path("appointments/free/", slot_search.slot_search, name="slot-search"),
    path("appointments/displaced/", displaced.displaced, name="displaced"),
    path("appointments/displaced/move/", displaced.displaced_move, name="displaced-move"),
    path("appointments/displaced/cancel/", displaced.displaced_cancel, name="displaced-cancel"),
    path("appointments/<public:public_id>/", appointments.appointment, name="appointment"),
    path("appointments/<public:public_id>/move/", appointment_forms.appointment_move, name="appointment-move"),
    path("appointments/<public:public_id>/cancel/", appointment_forms.appointment_cancel, name="appointment-cancel"),
    path("appointments/<public:public_id>/arrive/", appointments.appointment_arrive, name="appointment-arrive"),
    path("appointments/<public:public_id>/confirm/", appointments.appointment_confirm, name="appointment-confirm"),
    path("appointments/<public:public_id>/no-show/", appointments.appointment_no_show, name="appointment-no-show"),
    path("appointments/<public:public_id>/undo/", appointments.appointment_undo, name="appointment-undo"),
    path("courses/<public:public_id>/book/", course_booking.course_book, name="course-book"),
]
