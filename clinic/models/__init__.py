from clinic.models.audit import AccessEvent, AuditEvent
from clinic.models.base import OrderedJSON, PublicId, SameParent, Versioned, new_public_id
from clinic.models.idempotency import IdempotencyKey
from clinic.models.place import Closure, Device, OpeningHours, Organisation, OutOfService, Room, Site, SpecialHours
from clinic.models.staff import Absence, DayShift, Invitation, Shift, StaffRole, User

__all__ = [
    "Absence", "AccessEvent", "AuditEvent", "Closure", "DayShift", "Device", "IdempotencyKey", "Invitation",
    "OpeningHours", "OrderedJSON", "Organisation", "OutOfService", "PublicId", "Room", "SameParent", "Shift", "Site",
    "SpecialHours", "StaffRole", "User", "Versioned", "new_public_id",
]  # fmt: skip
