from django.urls import path

from protocols.views import catalogue, services

urlpatterns = [
    path("protocols/", catalogue.protocols, name="protocols"),
    path("protocols/<public:public_id>/approve/", catalogue.catalogue_approve, name="catalogue-approve"),
    path("services/", services.services, name="services"),
    path("services/<public:public_id>/", services.service_edit, name="service-edit"),
]
