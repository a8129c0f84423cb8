"""Floor 3: giving care. The label differs because Django's own sessions app owns the name."""
from django.apps import AppConfig


class TreatmentSessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment_sessions"

    def ready(self) -> None:
        from clinic.context import BADGES
        from sessions.models import Message

        BADGES["messages"] = lambda site: Message.objects.needing_somebody().filter(site=site).count()
