"""One card per appointment of the board, with everything its marks are made of.

Gathered for all cards at once, with a fixed number of queries. What a role may not see is not gathered: without the
headline permission no screening word and no paper mark enters a card.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.models import Site
from clinic.prepared import Prepared, many
from clinic.prepared import one as single
from clinic.quick_rows import Shape
from patients.models import Allergy, QuestionnaireResponse
from protocols.choices import Category
from protocols.definitions import Catalogue
from sessions import consenting
from sessions.choices import UPCOMING, AppointmentStatus, CourseStatus, DocumentKind, DocumentState, MessageState, RecordStatus
from sessions.day_rows import Known
from sessions.message_texts import REMINDER
from sessions.models import (
    Appointment,
    Consent,
    Document,
    Finding,
    Fulfilment,
    Message,
    PlannedSession,
    Screening,
    TreatmentSession,
)
from sessions.models.message import TROUBLE

STATUS = AppointmentStatus
LONG_WAIT_MINUTES = 15
WEIGHING = ("absolute", "incomplete", "relative", "temporary")  # findings that stand in the way, the worst first

CATEGORY_BAR = {
    Category.AESTHETIC: "face",
    Category.SKIN_DISEASE: "face",
    Category.HAIR: "hair",
    Category.BODY: "body",
    Category.VASCULAR: "body",
    Category.PAIN: "pain",
}


@dataclass
class Card:
    """One appointment on the board. `headline` is the screening's word, empty when all is well or not for this role;
    `is_flagged` means that the newest facts or rules no longer simply allow this booking, `flag_words` why."""

    appointment: Appointment
    title: str
    number: str
    category: str
    marks: list[str] = field(default_factory=list)
    headline: str = ""
    alert_words: str = ""
    is_flagged: bool = False
    flag_words: str = ""
    intake_missing: bool = False
    consent_missing: bool = False
    aftercare: Document | None = None
    next_visit: Appointment | None = None
    record: TreatmentSession | None = None
    window: tuple[dt.date, dt.date | None] | None = None

    @property
    def line(self) -> str:
        return f"{self.title} · {self.number}" if self.number else self.title

    @property
    def place(self) -> str:
        return f"{self.who} · {self.appointment.room.name}"

    @property
    def who(self) -> str:
        return short_name(self.appointment.practitioner.name)

    @property
    def waiting_minutes(self) -> int:
        return minutes_since(self.appointment.arrived_at)

    @property
    def waits_long(self) -> bool:
        return self.waiting_minutes >= LONG_WAIT_MINUTES

    @property
    def late_minutes(self) -> int:
        """Expected, but the time has passed."""
        return minutes_since(self.appointment.starts_at)

    @property
    def since(self) -> dt.datetime:
        """When the treatment really began, in the site's time; the booked start until that is known."""
        begun = self.record.begun_at if self.record else None
        return (begun or self.appointment.starts_at).astimezone(self.appointment.site.zone)

    @property
    def over_minutes(self) -> int:
        return minutes_since(self.appointment.ends_at)

    @property
    def left_minutes(self) -> int:
        return max(0, self.planned_minutes - self.elapsed_minutes)

    @property
    def planned_minutes(self) -> int:
        return max(1, int((self.appointment.ends_at - self.since).total_seconds() // 60))

    @property
    def elapsed_minutes(self) -> int:
        return min(minutes_since(self.since), self.planned_minutes)

    @property
    def is_displaced(self) -> bool:
        """Hours, people or things changed under it, and nobody has moved it yet."""
        return bool(self.appointment.displaced) and self.appointment.status in UPCOMING

    @property
    def has_complaints(self) -> bool:
        """Whether anything at all stands below its lines: most cards have nothing, and cost nothing."""
        visit = self.appointment
        missing = self.intake_missing or self.consent_missing
        return bool(self.headline or self.is_flagged or missing or self.is_displaced or visit.overbooked or visit.day_mark)

    @property
    def is_first(self) -> bool:
        return "first-visit" in self.marks

    @property
    def is_unsigned(self) -> bool:
        return "unsigned" in self.marks


def short_name(name: str) -> str:
    """As colleagues say it: "Dr Haddad", "E. Kaya"."""
    first, *rest = name.split() or [name]
    if not rest:
        return name
    return f"{first} {rest[-1]}" if first.rstrip(".") in {"Dr", "Prof"} else f"{first[0]}. {rest[-1]}"


def minutes_since(moment: dt.datetime | None) -> int:
    return 0 if moment is None else max(0, int((timezone.now() - moment).total_seconds() // 60))


def cards_of(
    appointments: list[Appointment], rules: Catalogue, *, headline: bool, clinical: bool, with_next: bool = True,
    now: dt.datetime | None = None,
) -> list[Card]:  # fmt: skip
    """A card each, with marks gathered for all at once. `with_next`: also the sheet and the next visit, for who leaves."""
    if not appointments:
        return []
    planned, totals = planned_for(appointments), totals_of(appointments)
    cards = [_plain_card(appointment, rules, planned[appointment.pk], totals) for appointment in appointments]
    _mark_first_visits(cards)
    _mark_messages(cards)
    if with_next:
        _add_aftercare_and_next(cards, now or timezone.now())
    if headline:
        _mark_papers(cards, rules)
        _mark_safety(cards, clinical=clinical)
    for card in cards:
        if card.record is not None and card.record.status == RecordStatus.ENDED:
            card.marks.append("unsigned")
        if card.appointment.course_id is not None:
            card.marks.append("course")
        if card.appointment.overbooked:
            card.marks.append("overbooked")
        if card.is_displaced:
            card.marks.append("displaced")
    return cards


def questions_of_cards(*, headline: bool, clinical: bool, with_next: bool = True) -> list[Prepared]:
    """What `cards_of` asks, for asking it ahead with `values_of_cards`."""
    asked = [NUMBERS, TOTALS, SEEN_BEFORE, REMINDERS]
    asked += [SHEETS, NEXT_VISITS] if with_next else []
    asked += [ANSWERED, TELLING, SCREENED, SEVERELY_ALLERGIC] if headline else []
    return asked + ([FINDINGS] if headline and clinical else [])


def values_of_cards(visits: Collection[Known], now: dt.datetime) -> dict[str, Any]:
    starts = [visit.starts_at for visit in visits]
    return {
        "appointments": [visit.key for visit in visits],
        "patients": list({visit.patient for visit in visits}),
        "courses": list({visit.course for visit in visits if visit.course is not None}),
        "first_start": min(starts, default=now),
        "after": max([now, *starts]),
    }


# Asked for every card of a day, so their SQL is made once (clinic.prepared).
NUMBERS = Prepared(
    lambda: Fulfilment.objects.filter(appointment__in=many("appointments"))
    .order_by("planned_session__number")
    .values_list("appointment", "planned_session__number", "active", "planned_session__earliest", "planned_session__latest")
)  # fmt: skip
TOTALS = Prepared(
    lambda: PlannedSession.objects.filter(course__in=many("courses")).order_by().values_list("course").annotate(Count("id"))
)
SEEN_BEFORE = Prepared(
    lambda: Appointment.objects.filter(
        patient__in=many("patients"), starts_at__lt=single("first_start", "timestamptz"),
        status__in=[STATUS.DONE, STATUS.IN_TREATMENT, STATUS.ARRIVED],
    ).order_by().values_list("patient").distinct()
)  # fmt: skip
REMINDERS = Prepared(
    lambda: Message.objects.filter(appointment__in=many("appointments"), kind=REMINDER)
    .order_by().values_list("appointment", "state")
)  # fmt: skip
ANSWERED = Prepared(
    lambda: QuestionnaireResponse.objects.filter(patient__in=many("patients"), submitted_at__isnull=False)
    .order_by().values_list("patient").distinct()
)  # fmt: skip
SHEET = Shape(Document, ["id", "public_id", "appointment_id", "state"])
SHEETS = Prepared(
    lambda: Document.objects.filter(
        appointment__in=many("appointments"), kind=DocumentKind.AFTERCARE,
        state__in=[DocumentState.ISSUED, DocumentState.QUEUED],
    ).values_list(*SHEET.read)
)  # fmt: skip
NEXT = Shape(Appointment, ["id", "public_id", "patient_id", "starts_at"], {"site": (Site, ["id", "time_zone"])})
NEXT_VISITS = Prepared(
    lambda: Appointment.objects.filter(
        patient__in=many("patients"), status__in=UPCOMING, starts_at__gt=single("after", "timestamptz")
    ).order_by("patient_id", "starts_at").distinct("patient_id").values_list(*NEXT.read)
)  # fmt: skip
CONSENT = Shape(Consent, [  # what `consenting.judged` looks at
    "id", "course_id", "plan_version", "method", "signed_at", "withdrawn_at", "patient_signature_id", "clinician_signature_id",
])  # fmt: skip
TELLING = Prepared(
    lambda: Consent.objects.filter(course__in=many("courses")).telling_first().distinct("course_id").values_list(*CONSENT.read)
)


def _newest_screenings() -> QuerySet[Screening]:
    """Of each patient and course."""
    rows = Screening.objects.filter(patient__in=many("patients"))
    return rows.order_by("patient_id", "course_id", "-evaluated_at", "-id").distinct("patient_id", "course_id")


SCREENED = Prepared(lambda: _newest_screenings().values_list("pk", "patient_id", "course_id", "outcome"))
FINDINGS = Prepared(
    lambda: Finding.objects.filter(screening__in=_newest_screenings().values("pk"), severity__in=WEIGHING, cleared_by="")
    .values_list("screening", "severity", "title", "position")
)  # fmt: skip
SEVERELY_ALLERGIC = Prepared(
    lambda: Allergy.objects.filter(patient__in=many("patients"), ended_at=None, severe=True)
    .order_by().values_list("patient").distinct()
)  # fmt: skip


@dataclass
class Planned:
    """Which sessions of its course an appointment is for, in order, and the window in which all of them may be."""

    numbers: list[int] = field(default_factory=list)
    earliest: dt.date | None = None
    latest: dt.date | None = None

    def add(self, number: int, active: bool, earliest: dt.date, latest: dt.date | None) -> None:
        self.numbers.append(number)
        if active:
            self.earliest = max(self.earliest or earliest, earliest)
            self.latest = min(self.latest or latest, latest) if latest else self.latest


def planned_for(appointments: Iterable[Appointment]) -> dict[int, Planned]:
    found: dict[int, Planned] = defaultdict(Planned)
    for appointment, *rest in NUMBERS(appointments=[one.pk for one in appointments]):
        found[appointment].add(*rest)
    return found


def totals_of(appointments: Iterable[Appointment]) -> dict[int, int]:
    """Sessions per course, for the n of "3/6"."""
    courses = {one.course_id for one in appointments if one.course_id is not None}
    return {course: count for course, count in TOTALS(courses=list(courses))}  # noqa: C416 - pairs of the right type


def _plain_card(appointment: Appointment, rules: Catalogue, planned: Planned, totals: Mapping[int, int]) -> Card:
    record = record_of(appointment)
    title, category = title_of(appointment, rules)
    total = totals.get(appointment.course_id or 0, 0)
    number = f"{'+'.join(map(str, planned.numbers))}/{total}" if planned.numbers else ""
    window = (planned.earliest, planned.latest) if planned.earliest else None
    return Card(appointment, title, number, category, record=record, window=window)


def record_of(appointment: Appointment) -> TreatmentSession | None:
    """Without the exception that Django makes, and costs most, where there is none."""
    known: dict[str, Any] = appointment._state.fields_cache
    return known["treatment_session"] if "treatment_session" in known else getattr(appointment, "treatment_session", None)


def title_of(appointment: Appointment, rules: Catalogue) -> tuple[str, str]:
    """What it is for, and the bar of its category."""
    indication = rules.indications.get(appointment.service.indication)
    return appointment.service.name, CATEGORY_BAR.get(indication.category, "") if indication else ""


def _mark_first_visits(cards: list[Card]) -> None:
    first = min(card.appointment.starts_at for card in cards)
    seen = {patient for (patient,) in SEEN_BEFORE(patients=_patients(cards), first_start=first)}
    for card in cards:
        if card.appointment.patient_id not in seen:
            card.marks.append("first-visit")


def _patients(cards: list[Card]) -> list[int]:
    return list({card.appointment.patient_id for card in cards})


def _mark_messages(cards: list[Card]) -> None:
    """One bell per card: failed before sent before planned, of the reminder for the current revision."""
    states: dict[int, set[str]] = defaultdict(set)
    for appointment, state in REMINDERS(appointments=[card.appointment.pk for card in cards]):
        states[appointment].add(state)
    for card in cards:
        found = states[card.appointment.pk]
        if found & {*TROUBLE, MessageState.MISSED}:
            card.marks.append("reminder-failed")
        elif found & {MessageState.SENT, MessageState.DELIVERED}:
            card.marks.append("reminder-sent")
        elif found & {MessageState.SCHEDULED, MessageState.SENDING}:
            card.marks.append("reminder-queued")


def _add_aftercare_and_next(cards: list[Card], now: dt.datetime) -> None:
    after = max(now, *(card.appointment.starts_at for card in cards))
    sheets = SHEET.rows(SHEETS(appointments=[card.appointment.pk for card in cards]))
    later = NEXT.rows(NEXT_VISITS(patients=_patients(cards), after=after))
    sheet_of = {sheet.appointment_id: sheet for sheet in sheets}
    upcoming = {visit.patient_id: visit for visit in later}
    for card in cards:
        card.aftercare = sheet_of.get(card.appointment.pk)
        card.next_visit = upcoming.get(card.appointment.patient_id)


def _mark_papers(cards: list[Card], rules: Catalogue) -> None:
    """Health questions never signed off, or no consent that holds for the plan as it is now."""
    answered = {patient for (patient,) in ANSWERED(patients=_patients(cards))}
    courses = {card.appointment.course_id for card in cards if card.appointment.course_id}
    newest: dict[int | None, Consent] = {row.course_id: row for row in CONSENT.rows(TELLING(courses=list(courses)))}
    zones = {card.appointment.site.zone for card in cards}
    today = {zone: timezone.now().astimezone(zone).date() for zone in zones}
    for card in cards:
        appointment = card.appointment
        card.intake_missing = appointment.patient_id not in answered
        course = appointment.course if appointment.course_id is not None else None
        if course is not None and appointment.service.is_gated:
            zone = appointment.site.zone
            card.consent_missing = not consenting.holds(
                newest.get(course.pk), plan_version=course.plan_version, zone=zone, today=today[zone], rules=rules
            )
        card.marks += ["intake-missing"] if card.intake_missing else []
        card.marks += ["consent-missing"] if card.consent_missing else []


def _mark_safety(cards: list[Card], *, clinical: bool) -> None:
    """The newest screening of the course, else of the patient; a triangle for what blocks and for severe allergies."""
    patients = _patients(cards)
    by_key = {(patient, course): (key, outcome) for key, patient, course, outcome in SCREENED(patients=patients)}
    severe = {patient for (patient,) in SEVERELY_ALLERGIC(patients=patients)}
    titles = _titles(patients) if clinical else {}
    for card in cards:
        appointment = card.appointment
        key = (appointment.patient_id, appointment.course_id)
        screening, outcome = by_key.get(key) or by_key.get((appointment.patient_id, None)) or (0, "")
        if outcome in {"blocked", "needs-clearance", "wait", "incomplete"}:
            card.headline = outcome
            card.alert_words = titles.get(screening, {}).get("absolute", "")
        _mark_flag(card, titles.get(screening, {}))
        if appointment.patient_id in severe or card.headline == "blocked":
            card.marks.insert(0, "safety")


def _mark_flag(card: Card, titles: Mapping[str, str]) -> None:
    """A booking ahead that the newest facts or rules no longer simply allow. Why, in the reader's language, is what the
    newest screening found; the sentence on the row is in the language of whoever changed something."""
    card.is_flagged = bool(card.appointment.flagged) and card.appointment.status in UPCOMING
    course = card.appointment.course
    if card.is_flagged and course is not None and course.status == CourseStatus.STOPPED:
        card.flag_words = _("The course was stopped.")
    elif card.is_flagged:
        card.flag_words = ", ".join(titles.values())


def _titles(patients: list[int]) -> dict[int, dict[str, str]]:
    """Titles of what still counts in their newest screenings, by severity and the worst first, for those who may see findings."""
    language = (get_language() or "en").split("-")[0]
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: {severity: [] for severity in WEIGHING})
    for screening, severity, title, _position in FINDINGS(patients=patients):
        found[screening][severity].append(title.get(language) or title.get("en", ""))
    return {
        key: {severity: ", ".join(words) for severity, words in by_severity.items() if words}
        for key, by_severity in found.items()
    }
