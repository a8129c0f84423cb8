from django.urls import path

from sessions.views import calendar, calendar_moves, calendar_series, calendar_slot

urlpatterns = [
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/feed/", calendar.calendar_feed, name="calendar-feed"),
    path("calendar/slot/", calendar_slot.calendar_slot, name="calendar-slot"),
    path("calendar/slot/people/", calendar_slot.calendar_slot_people, name="calendar-slot-people"),
    path("calendar/dragging/", calendar_moves.calendar_dragging, name="calendar-dragging"),
    path("appointments/<public:public_id>/panel/", calendar.appointment_panel, name="appointment-panel"),
    path("appointments/<public:public_id>/drop/", calendar_moves.appointment_drop, name="appointment-drop"),
    path("appointments/<public:public_id>/moved/", calendar_moves.appointment_moved, name="appointment-moved"),
    path("appointments/<public:public_id>/take-back/", calendar_moves.appointment_take_back, name="appointment-take-back"),
    path("appointments/<public:public_id>/series/", calendar_series.appointment_series, name="appointment-series"),
    path("appointments/<public:public_id>/swap/", calendar_series.appointment_swap, name="appointment-swap"),
    path("appointments/<public:public_id>/freed/", calendar_series.appointment_freed, name="appointment-freed"),
    path("appointments/<public:public_id>/booked/", calendar_slot.appointment_booked, name="appointment-booked"),
]
