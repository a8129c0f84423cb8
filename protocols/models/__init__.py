from protocols.models.catalogue import CatalogueEntry, CatalogueText, CatalogueVersion, Enablement
from protocols.models.service import Service

__all__ = ["CatalogueEntry", "CatalogueText", "CatalogueVersion", "Enablement", "Service"]
