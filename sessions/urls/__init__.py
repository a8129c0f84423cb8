"""The table of contents of giving care, one module per noun."""
from importlib import import_module

NOUNS = (
    "self_service", "check_ins",
    "board", "calendar", "chart", "courses", "mixtures", "appointments", "records", "consents", "impact", "stock",
    "documents", "messages", "message_rules", "patient_pages", "intake", "health", "reactions", "outcomes", "explanations",
    "options", "uploads", "waiting", "public_booking",
)  # fmt: skip

urlpatterns = [pattern for noun in NOUNS for pattern in import_module(f"sessions.urls.{noun}").urlpatterns]
