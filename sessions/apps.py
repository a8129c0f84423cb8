"""Floor 3: giving care. The label differs because Django's own sessions app owns the name."""
from django.apps import AppConfig
from django.conf import settings


class TreatmentSessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment_sessions"

    def ready(self) -> None:
        from clinic.context import BADGES
        from clinic.ground import NEXT_PAGE, ON_CHANGE
        from clinic.office import OPEN_DATA_REQUESTS
        from patients.records import ON_NEW_FACTS
        from sessions import data_requests, displacing
        from sessions.needs import messages_waiting
        from sessions.screenings import rescreen

        if settings.EMAIL_PROVIDER:
            from anymail.signals import tracking

            from sessions.providers import heard

            tracking.connect(heard, dispatch_uid="sessions.providers")
        OPEN_DATA_REQUESTS.append(lambda user: data_requests.answerable_by(user).open().count())
        BADGES["messages"] = messages_waiting
        ON_CHANGE.append(displacing.look_again)
        NEXT_PAGE.append(displacing.next_page)
        ON_NEW_FACTS.append(lambda patient, by: rescreen(patient=patient, by=by))
