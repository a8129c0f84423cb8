from patients.models.clinical import Allergy, Measurement, Medicine
from patients.models.data_request import DataRequest
from patients.models.link import LinkAttempt, PatientLink
from patients.models.person import Patient, PatientSite, PrivacyChoice
from patients.models.questionnaire import QuestionnaireResponse, QuestionnaireVersion

__all__ = [
    "Allergy", "DataRequest", "LinkAttempt", "Measurement", "Medicine", "Patient", "PatientLink", "PatientSite", "PrivacyChoice",
    "QuestionnaireResponse", "QuestionnaireVersion",
]  # fmt: skip
