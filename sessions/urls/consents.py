from django.urls import path

from sessions.views import consent_giving, consents

urlpatterns = [
    path("courses/<public:public_id>/consent/", consent_giving.consent_text, name="consent-text"),
    path("courses/<public:public_id>/consent/mail/", consent_giving.consent_mail, name="consent-mail"),
    path("courses/<public:public_id>/consent/qr/", consent_giving.consent_qr, name="consent-qr"),
    path("courses/<public:public_id>/consent/desk/", consent_giving.consent_desk, name="consent-desk"),
    path("consents/<public:public_id>/countersign/", consent_giving.consent_countersign, name="consent-countersign"),
    path("courses/<public:public_id>/consent-given/", consents.consent_given, name="consent-given"),
    path("consents/<public:public_id>/signed/", consents.consent_record, name="consent-record"),
    path("consents/<public:public_id>/withdraw/", consents.consent_withdraw, name="consent-withdraw"),
]
