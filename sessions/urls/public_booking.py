from django.urls import path

from sessions.views import online_requests, public_booking

urlpatterns = [
    path("book/", public_booking.public_booking_sites, name="public-booking-sites"),
    path("book/request/", public_booking.public_booking_request, name="public-booking-request"),
    path("book/request/confirm/", public_booking.public_booking_confirm, name="public-booking-confirm"),
    path("book/request/withdraw/", public_booking.public_booking_withdraw, name="public-booking-withdraw"),
    path("book/confirm/<str:token>/", public_booking.public_booking_link, name="public-booking-link"),
    path("book/<public:public_id>/", public_booking.public_booking_week, name="public-booking"),
    path("book/<public:public_id>/details/", public_booking.public_booking_details, name="public-booking-details"),
    path("book/<public:public_id>/sent/", public_booking.public_booking_sent, name="public-booking-sent"),
    path("sites/<public:public_id>/public-booking/", online_requests.site_public_booking, name="site-public-booking"),
    path("online-requests/", online_requests.online_requests, name="online-requests"),
    path("online-requests/<public:public_id>/decide/", online_requests.online_request_decide, name="online-request-decide"),
]
