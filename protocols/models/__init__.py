from protocols.models.catalogue import CatalogueChange, CatalogueEntry, CatalogueText, CatalogueVersion, Enablement
from protocols.models.service import Service

__all__ = ["CatalogueChange", "CatalogueEntry", "CatalogueText", "CatalogueVersion", "Enablement", "Service"]
