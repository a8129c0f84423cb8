from django.urls import path

from sessions.views import mixtures

urlpatterns = [
    path("patients/<public:public_id>/mixture/", mixtures.mixture_new, name="mixture-new"),
    path("courses/<public:public_id>/mixture/", mixtures.course_mixture, name="course-mixture"),
    path("courses/<public:public_id>/papers/<slug:paper>/", mixtures.course_paper, name="course-paper"),
    path("appointments/<public:public_id>/papers/<slug:paper>/", mixtures.record_paper, name="record-paper"),
]
