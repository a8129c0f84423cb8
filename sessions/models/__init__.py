from sessions.models.allergy_test import AllergyTest
from sessions.models.appointment import Appointment, Fulfilment
from sessions.models.batch import PaperBatch
from sessions.models.calls import CallNote, CallOutcome, CallReason
from sessions.models.check_in import CheckIn
from sessions.models.consent import Consent, ConsentSignature
from sessions.models.course import Course, CourseItem, CourseSyringe, PlannedSession
from sessions.models.document import Document
from sessions.models.given_paper import GivenPaper
from sessions.models.message import Message, MessageStep
from sessions.models.message_rule import MessageRule, MessageRuleVersion
from sessions.models.outcome import AdverseEvent, CourseDecision, OutcomeScore
from sessions.models.record import Addendum, TreatedArea, TreatmentSession, UsedProduct
from sessions.models.request import BookingRequest, PublicBooking, RequestState, RequestToken
from sessions.models.rescreening import RescreenChange, RescreenRun
from sessions.models.screening import Clearance, Finding, Screening
from sessions.models.self_service import CalendarFeed, SelfServiceRules
from sessions.models.stock import Lot, StockMovement
from sessions.models.upload import ClearanceUpload, Upload, UploadKind
from sessions.models.waitlist import FreedTime, Urgency, WaitEntry, WaitStatus

__all__ = [
    "Addendum", "AdverseEvent", "AllergyTest", "Appointment", "BookingRequest", "CalendarFeed", "CallNote",
    "CallOutcome", "CallReason", "CheckIn", "Clearance", "ClearanceUpload", "Consent", "ConsentSignature", "Course",
    "CourseDecision", "CourseItem", "CourseSyringe", "Document", "Finding", "FreedTime", "Fulfilment", "GivenPaper",
    "Lot",
    "Message", "MessageRule", "MessageRuleVersion", "MessageStep", "OutcomeScore", "PaperBatch", "PlannedSession",
    "PublicBooking", "RequestState", "RequestToken", "RescreenChange", "RescreenRun", "Screening", "SelfServiceRules",
    "StockMovement", "TreatedArea", "TreatmentSession", "Upload", "UploadKind", "Urgency", "UsedProduct",
    "WaitEntry", "WaitStatus",
]  # fmt: skip
