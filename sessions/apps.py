"""Floor 3: giving care. The label differs because Django's own sessions app owns the name."""
from django.apps import AppConfig


class TreatmentSessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment_sessions"

    def ready(self) -> None:
        from clinic.context import BADGES
        from patients.records import ON_NEW_FACTS
        from sessions.models import Message
        from sessions.screenings import rescreen

        BADGES["messages"] = lambda site: Message.objects.needing_somebody().filter(site=site).count()
        ON_NEW_FACTS.append(lambda patient, by: rescreen(patient=patient, by=by))
