from django.urls import path

from sessions.views import consents

urlpatterns = [
    path("courses/<public:public_id>/consent-given/", consents.consent_given, name="consent-given"),
    path("consents/<public:public_id>/signed/", consents.consent_record, name="consent-record"),
    path("consents/<public:public_id>/withdraw/", consents.consent_withdraw, name="consent-withdraw"),
]
