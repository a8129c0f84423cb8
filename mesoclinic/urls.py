"""The table of contents. Every view declares who may see it (clinic/permissions.py)."""
from django.conf import settings
from django.urls import include, path, register_converter

from clinic.converters import PublicIdConverter

register_converter(PublicIdConverter, "public")

urlpatterns = [
    path("", include("sessions.urls")),  # before the patients': p/appointment/ is no token of a link
    path("", include("patients.urls")),
    path("", include("protocols.urls")),
    path("", include("clinic.urls")),
    path("account/", include("allauth.urls")),
]
if settings.EMAIL_PROVIDER:
    urlpatterns.append(path("anymail/", include("anymail.urls")))  # its own checks of secret and signature
