"""Floor 1: who it is given to."""
from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"
