from django.urls import path

from sessions.views import impact

urlpatterns = [
    path("protocols/versions/<public:public_id>/impact/", impact.catalogue_impact, name="catalogue-impact"),
    path("protocols/versions/<public:public_id>/impact/start/", impact.catalogue_impact_start, name="catalogue-impact-start"),
    path("protocols/versions/<public:public_id>/impact/seen/", impact.catalogue_impact_seen, name="catalogue-impact-seen"),
    path("protocols/versions/<public:public_id>/impact/again/", impact.catalogue_impact_again, name="catalogue-impact-again"),
]  # fmt: skip
