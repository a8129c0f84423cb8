from django.urls import path

from sessions.views import explanations

urlpatterns = [
    path("patients/<public:public_id>/explain/<slug:code>/", explanations.patient_explanation, name="patient-explanation"),
    path("courses/<public:public_id>/explain/<slug:code>/", explanations.course_explanation, name="course-explanation"),
]
