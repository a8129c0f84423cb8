from django.urls import path

from sessions.views import outcomes

urlpatterns = [
    path("courses/<public:public_id>/scores/", outcomes.course_scores, name="course-scores"),
    path("courses/<public:public_id>/go-on/", outcomes.course_go_on, name="course-go-on"),
    path("scores/<public:public_id>/withdraw/", outcomes.score_withdraw, name="score-withdraw"),
]
