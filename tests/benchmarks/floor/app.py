"""The floor's whole application in one file: `gunicorn tests.benchmarks.floor.app:application`.

FLOOR_DATABASE_URL names its database. `python -m tests.benchmarks.floor.app migrate` makes the tables of Django's own
users and sessions there; `... app user` the one who signs in.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

HERE = Path(__file__).resolve().parent
NAME = WORD = "floor"
place = urlsplit(os.environ["FLOOR_DATABASE_URL"])
settings.configure(
    SECRET_KEY="floor", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True, TIME_ZONE="UTC",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": place.path.lstrip("/"), "USER": place.username,
            "PASSWORD": unquote(place.password or ""), "HOST": place.hostname, "PORT": place.port, "CONN_MAX_AGE": None,
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [HERE / "templates"],
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", LOGGING_CONFIG=None,
)  # fmt: skip
django.setup()

from django.contrib.auth import authenticate, get_user_model, login  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


class Patient(models.Model):
    first_name = models.TextField()
    last_name = models.TextField()
    phone = models.TextField()
    born = models.DateField()

    class Meta:
        app_label, db_table, managed = "floor", "patient", False

    def __str__(self) -> str:
        return self.last_name


class Appointment(models.Model):
    resource_id = models.IntegerField()
    patient = models.ForeignKey(Patient, models.DO_NOTHING)
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    status = models.TextField()
    service = models.TextField()

    class Meta:
        app_label, db_table, managed = "floor", "appointment", False

    def __str__(self) -> str:
        return self.service


@login_required
def day(request: HttpRequest) -> HttpResponse:
    """The signed-in day page: one query, one template, one row for each of 60 appointments."""
    start = dt.datetime.fromisoformat(request.GET["d"]).replace(tzinfo=dt.UTC)
    rows = Appointment.objects.filter(resource_id=request.GET["r"], starts__gte=start, starts__lt=start + dt.timedelta(days=1))
    return render(request, "day.html", {"rows": rows.select_related("patient").order_by("starts"), "day": start})


@login_required
def search(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, first_name, last_name, phone, born FROM patient"
            " WHERE lower(last_name || ' ' || first_name) LIKE %s LIMIT 20",
            [f"%{request.GET['q'].lower()}%"],
        )
        return JsonResponse({"rows": cursor.fetchall()})


def sign_in(request: HttpRequest) -> HttpResponse:
    login(request, authenticate(request, username=NAME, password=WORD))
    return HttpResponse("signed in")


urlpatterns = [path("day", day), path("search", search), path("sign-in", sign_in)]
application = get_wsgi_application()

if __name__ == "__main__":
    if sys.argv[1:] == ["user"]:
        get_user_model().objects.create_user(NAME, password=WORD)
    else:
        call_command(*sys.argv[1:])
