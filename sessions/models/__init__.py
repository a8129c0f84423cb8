from sessions.models.allergy_test import AllergyTest
from sessions.models.appointment import Appointment, Fulfilment
from sessions.models.consent import Consent
from sessions.models.course import Course, CourseItem, PlannedSession
from sessions.models.document import Document
from sessions.models.message import Message, MessageStep
from sessions.models.record import Addendum, TreatedArea, TreatmentSession, UsedProduct
from sessions.models.screening import Clearance, Finding, Screening
from sessions.models.stock import Lot, StockMovement

__all__ = [
    "Addendum", "AllergyTest", "Appointment", "Clearance", "Consent", "Course", "CourseItem", "Document", "Finding", "Fulfilment",
    "Lot", "Message", "MessageStep", "PlannedSession", "Screening", "StockMovement", "TreatedArea",
    "TreatmentSession", "UsedProduct",
]  # fmt: skip
