"""Floor 2: what may be given."""
from django.apps import AppConfig


class ProtocolsConfig(AppConfig):
    name = "protocols"
