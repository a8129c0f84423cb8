from django.urls import path

from sessions.views import chart

urlpatterns = [path("patients/<public:public_id>/", chart.patient, name="patient")]
