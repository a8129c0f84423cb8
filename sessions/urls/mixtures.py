from django.urls import path

from sessions.views import mixtures

urlpatterns = [
    path("patients/<public:public_id>/mixture/", mixtures.mixture_new, name="mixture-new"),
    path("courses/<public:public_id>/mixture/", mixtures.course_mixture, name="course-mixture"),
]
