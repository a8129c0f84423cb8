from django.urls import path

from clinic.views import account, gallery, health, places, shifts, sites, staff

urlpatterns = [
    path("staff/", staff.staff, name="staff"),
    path("staff/invite/", staff.staff_invite, name="staff-invite"),
    path("staff/<public:public_id>/", staff.staff_edit, name="staff-edit"),
    path("staff/<public:public_id>/invite-again/", staff.staff_invite_again, name="staff-invite-again"),
    path("staff/<public:public_id>/shifts/", shifts.shifts, name="shifts"),
    path("staff/<public:public_id>/shifts/<public:site_id>/", shifts.shifts_change, name="shifts-change"),
    path("staff/<public:public_id>/absences/new/", shifts.absence_new, name="absence-new"),
    path("staff/<public:public_id>/absences/end/", shifts.absence_end, name="absence-end"),
    path("sites/", places.sites, name="sites"),
    path("sites/new/", places.site_new, name="site-new"),
    path("sites/<public:public_id>/", places.site, name="site"),
    path("sites/<public:public_id>/edit/", places.site_edit, name="site-edit"),
    path("sites/<public:public_id>/hours/", places.site_hours, name="site-hours"),
    path("sites/<public:public_id>/rooms/new/", places.room_new, name="room-new"),
    path("sites/<public:public_id>/devices/new/", places.device_new, name="device-new"),
    path("sites/<public:public_id>/closures/new/", places.closure_new, name="closure-new"),
    path("sites/<public:public_id>/closures/remove/", places.closure_remove, name="closure-remove"),
    path("rooms/<public:public_id>/", places.room_edit, name="room-edit"),
    path("devices/<public:public_id>/", places.device_edit, name="device-edit"),
    path("invitation/<str:token>/", staff.invitation, name="invitation"),
    path("switch-site/", sites.switch_site, name="switch-site"),
    path("language/", sites.set_language, name="set_language"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("account/email/", account.account_email, name="account_email"),
    path("live/", health.live, name="live"),
    path("ready/", health.ready, name="ready"),
]
