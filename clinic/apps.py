"""Ground floor: sites, rooms, staff and roles, audit, refusals, PDF engine, form base."""
from django.apps import AppConfig


class ClinicConfig(AppConfig):
    name = "clinic"

    def ready(self) -> None:
        from clinic import checks, grants

        grants.connect(self)
        checks.connect()
