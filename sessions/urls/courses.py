from django.urls import path

from sessions.views import courses, questions

urlpatterns = [
    path("patients/<public:public_id>/courses/new/", courses.course_new, name="course-new"),
    path("courses/<public:public_id>/", courses.course, name="course"),
    path("courses/<public:public_id>/questions/", questions.course_questions, name="course-questions"),
    path("courses/<public:public_id>/approve/", courses.course_approve, name="course-approve"),
    path("courses/<public:public_id>/stop/", courses.course_stop, name="course-stop"),
]
