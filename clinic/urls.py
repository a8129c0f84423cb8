from django.urls import path

from clinic.views import account, gallery, health, sites, staff

urlpatterns = [
    path("staff/", staff.staff, name="staff"),
    path("staff/invite/", staff.staff_invite, name="staff-invite"),
    path("staff/<public:public_id>/", staff.staff_edit, name="staff-edit"),
    path("staff/<public:public_id>/invite-again/", staff.staff_invite_again, name="staff-invite-again"),
    path("invitation/<str:token>/", staff.invitation, name="invitation"),
    path("switch-site/", sites.switch_site, name="switch-site"),
    path("language/", sites.set_language, name="set_language"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("account/email/", account.account_email, name="account_email"),
    path("live/", health.live, name="live"),
    path("ready/", health.ready, name="ready"),
]
