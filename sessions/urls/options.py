from django.urls import path

from sessions.views import options

urlpatterns = [path("patients/<public:public_id>/options/", options.patient_options, name="patient-options")]
