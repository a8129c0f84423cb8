from django.urls import path

from clinic.views import gallery, health

urlpatterns = [
    path("gallery/", gallery.gallery, name="gallery"),
    path("live/", health.live, name="live"),
    path("ready/", health.ready, name="ready"),
]
