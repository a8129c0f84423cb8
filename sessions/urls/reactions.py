from django.urls import path

from sessions.views import reactions

urlpatterns = [
    path("patients/<public:public_id>/reactions/", reactions.patient_reactions, name="patient-reactions"),
    path("patients/<public:public_id>/reactions/new/", reactions.reaction_new, name="reaction-new"),
    path("reactions/<public:public_id>/assess/", reactions.reaction_assess, name="reaction-assess"),
    path("reactions/<public:public_id>/close/", reactions.reaction_close, name="reaction-close"),
    path("reactions/<public:public_id>/reopen/", reactions.reaction_reopen, name="reaction-reopen"),
]
