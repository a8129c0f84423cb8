"""Floor 3: giving care. The label differs because Django's own sessions app owns the name."""
from django.apps import AppConfig


class TreatmentSessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment_sessions"
