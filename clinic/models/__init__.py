from clinic.models.audit import AccessEvent, AuditEvent
from clinic.models.base import OrderedJSON, PublicId, SameParent, Versioned, new_public_id
from clinic.models.idempotency import IdempotencyKey
from clinic.models.place import Closure, Device, OpeningHours, Organisation, Room, Site
from clinic.models.staff import Absence, Invitation, Shift, StaffRole, User

__all__ = [
    "Absence", "AccessEvent", "AuditEvent", "Closure", "Device", "IdempotencyKey", "Invitation", "OpeningHours",
    "OrderedJSON", "Organisation", "PublicId", "Room", "SameParent", "Shift", "Site", "StaffRole", "User",
    "Versioned", "new_public_id",
]  # fmt: skip
