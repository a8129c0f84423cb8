from django.urls import path

from sessions.views import calendar

urlpatterns = [
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/feed/", calendar.calendar_feed, name="calendar-feed"),
    path("appointments/<public:public_id>/panel/", calendar.appointment_panel, name="appointment-panel"),
]
