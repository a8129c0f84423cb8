from protocols.models.catalogue import CatalogueChange, CatalogueEntry, CatalogueText, CatalogueVersion, Enablement
from protocols.models.service import Service, ServiceGiver

__all__ = [
    "CatalogueChange", "CatalogueEntry", "CatalogueText", "CatalogueVersion", "Enablement", "Service",
    "ServiceGiver",
]  # fmt: skip
