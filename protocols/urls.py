from django.urls import path

from protocols.views import catalogue

urlpatterns = [
    path("protocols/", catalogue.protocols, name="protocols"),
    path("protocols/<public:public_id>/approve/", catalogue.catalogue_approve, name="catalogue-approve"),
]
