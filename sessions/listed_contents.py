"""What each listed paper says: rows and words gathered from the record, the course, the patient or the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.utils import translation

from clinic.components.drawing import figure
from clinic.models import Site, User
from patients.asking import patient_questions
from patients.models import Patient
from patients.questionnaire import UNSURE, Field, Question
from protocols import catalogue as catalogues
from protocols.definitions import Catalogue, text_in
from protocols.plan import Plan
from sessions.board_cards import Card, cards_of
from sessions.choices import CANCELLED, AppointmentStatus
from sessions.consent_text import limit_lines
from sessions.listing import ListingContent, Section
from sessions.listing_words import LISTING
from sessions.models import Appointment, Course, PlannedSession, TreatmentSession
from sessions.paper_words import SHARED, word
from sessions.papers import birth_day, day, day_and_time, money_figure
from sessions.plans import plan_of
from sessions.sheet import upper_first


class Writer:
    """Words, figures and days of one paper: its language and the clock of its site."""

    def __init__(self, language: str, site: Site) -> None:
        self.language, self.site = language, site

    def __call__(self, key: str, **values: object) -> str:
        return word(LISTING[key], self.language).format(**values)

    def figure(self, value: Any, unit: str = "") -> str:
        if value is None:
            return "–"
        with translation.override(self.language):
            return f"{figure(value)} {unit}".strip()

    def patient(self, patient: Patient) -> tuple[str, str]:
        born = word(SHARED["born"], self.language).format(date=birth_day(patient.birth_date, self.language))
        return word(SHARED["patient"], self.language), f"{patient.name}, {born}"

    def moment(self, moment: dt.datetime) -> str:
        return day_and_time(moment, self.site.zone, self.language, year=True)

    def day(self, on: dt.date) -> str:
        return day(on, self.language)


def name_in(entries: Any, code: str, language: str) -> str:
    """The name of a catalogue entry; its code where the catalogue in use no longer knows it."""
    return str(entries[code].name_in(language)) if code in entries else code


def summary_of(record: TreatmentSession, language: str) -> ListingContent:
    write, rules = Writer(language, record.appointment.site), catalogues.load(record.catalogue)
    number = record.planned_session.number if record.planned_session else None
    total = record.course.planned_sessions.count()
    waste, drawn = record.wasted_ml or 0, record.drawn_up_ml
    ended_at = record.ended_at
    if ended_at is None:
        raise ValueError("the treatment has not ended")
    facts = [
        write.patient(record.patient),
        (write("treatment"), name_in(rules.indications, record.course.indication, language)),
        (write("session"), write("session_of", number=number, total=total) if number else "–"),
        (write("ended"), write.moment(ended_at)),
    ]
    areas = tuple(
        (name_in(rules.regions, one.region, language), str(one.points), write.figure(one.ml_per_point),
         write.figure(one.depth_mm, "mm"))
        for one in record.areas.all()
    )  # fmt: skip
    amounts = (
        (write("amounts", drawn=write.figure(drawn), injected=write.figure(drawn - waste), waste=write.figure(waste)),)
        if drawn is not None
        else ()
    )
    sections = [
        Section(title=write("products"), columns=product_columns(write), rows=given_rows(record, rules, write)),
        Section(
            title=write("where"), paragraphs=amounts,
            columns=(write("region"), write("points"), write("per_point"), write("depth")), rows=areas,
        ),
    ]  # fmt: skip
    if record.reaction_note.strip():
        sections.append(Section(title=write("reaction"), paragraphs=(record.reaction_note.strip(),)))
    sections.append(Section(title=write("signature"), paragraphs=(signed_words(record, write),)))
    return ListingContent(write("summary"), write("summary_lead"), tuple(facts), tuple(sections))


def signed_words(record: TreatmentSession, write: Writer) -> str:
    """Name, time and meaning of the signature on the record."""
    if record.signed_at is None or record.signed_by is None:
        return write("unsigned")
    return f"{record.signed_by.name}, {write.moment(record.signed_at)}: {write('meaning_record')}"


def product_columns(write: Writer) -> tuple[str, ...]:
    return write("product"), write("strength"), write("amount"), write("lot")


def given_rows(record: TreatmentSession, rules: Catalogue, write: Writer) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (name_in(rules.substances, one.substance, write.language), write.figure(one.strength, one.strength_unit),
         write.figure(one.volume_ml, "ml"), one.lot_label or "–")
        for one in sorted(record.products.all(), key=lambda one: (one.syringe, one.position))
    )  # fmt: skip


def plan_content(course: Course, language: str) -> ListingContent:
    write, rules, plan = Writer(language, course.site), catalogues.load(course.catalogue), plan_of(course)
    planned = list(course.planned_sessions.prefetch_related("fulfilments__appointment"))
    products = tuple(
        (name_in(rules.substances, item.substance, language), write.figure(item.strength, item.strength_unit),
         write.figure(item.volume_ml, "ml"))
        for item in course.items.all()
    )  # fmt: skip
    indication = rules.indications.get(course.indication)
    sections = [
        Section(
            title=write("sessions"), columns=(write("session"), write("window"), write("booked")),
            rows=tuple((str(one.number), window_of(one, write), booked_of(one, write)) for one in planned),
        ),
        Section(title=write("per_session"), columns=product_columns(write)[:3], rows=products),
        Section(title=write("cost"), paragraphs=cost_of(course, len(planned), write)),
    ]  # fmt: skip
    if indication is not None:
        effect = upper_first(text_in(indication.effect, language), language)
        sections.append(Section(title=write("effect"), paragraphs=(f"{effect}.",)))
    if limits := limits_of(plan, language):
        sections.append(Section(title=write("limits"), bullets=limits))
    facts = (
        write.patient(course.patient),
        (write("treatment"), name_in(rules.indications, course.indication, language)),
        (write("clinician"), course.practitioner.name),
    )
    return ListingContent(write("plan"), write("plan_lead"), facts, tuple(sections), closing=(write("medicines"),))


def limits_of(plan: Plan, language: str) -> tuple[str, ...]:
    with translation.override(language):
        return tuple(limit_lines(catalogues.current(), plan))


def window_of(planned: PlannedSession, write: Writer) -> str:
    if planned.done_on is not None:
        return write("done", day=write.day(planned.done_on))
    if planned.latest is None or planned.latest == planned.earliest:
        return write.day(planned.ideal)
    return f"{write.day(planned.earliest)} – {write.day(planned.latest)}"


def booked_of(planned: PlannedSession, write: Writer) -> str:
    if planned.done_on is not None:
        return ""
    active = next((one.appointment for one in planned.fulfilments.all() if one.active), None)
    return write.moment(active.starts_at) if active is not None else write("not_booked")


def cost_of(course: Course, count: int, write: Writer) -> tuple[str, ...]:
    each = course.price_per_session
    if each is None or not course.currency:
        return (write("cost_open"), write("no_pressure"))
    money = {"currency": course.currency, "count": count}
    return (
        write("cost_each", each=money_figure(each, write.language), **money),
        write("cost_total", total=money_figure(each * count, write.language), **money),
        write("no_pressure"),
    )


def treatments_of(patient: Patient) -> list[TreatmentSession]:
    """Every treatment of this patient that has ended, the oldest first."""
    ended = TreatmentSession.objects.filter(patient=patient, ended_at__isnull=False).order_by("ended_at", "id")
    return list(ended.select_related("course", "catalogue", "appointment__site").prefetch_related("products"))


def passport_of(patient: Patient, site: Site, language: str) -> ListingContent:
    write = Writer(language, site)
    rows = []
    for record in treatments_of(patient):
        rules, when = catalogues.load(record.catalogue), record.ended_at
        if when is None:
            continue
        treated = write.day(when.astimezone(record.appointment.site.zone).date())
        rows += [(treated, *given) for given in given_rows(record, rules, write)]
    given = Section(title=write("products"), columns=(write("date"), *product_columns(write)), rows=tuple(rows))
    if not rows:
        given = Section(title=write("products"), paragraphs=(write("nothing_given"),))
    sections = [given, Section(title=write("allergies"), bullets=allergies_of(patient, write))]
    if events := events_of(patient, write):
        sections.append(Section(title=write("events"), bullets=events))
    return ListingContent(write("passport"), write("passport_lead"), (write.patient(patient),), tuple(sections))


def allergies_of(patient: Patient, write: Writer) -> tuple[str, ...]:
    """What is on record. None known is said with the day it was asked; nothing recorded is not the same."""
    known = tuple(f"{one.allergen}{f' ({one.note})' if one.note else ''}" for one in patient.allergies.filter(ended_at=None))
    if known:
        return known
    asked = patient.no_known_allergies_on
    return (write("none_known", day=write.day(asked)) if asked else write("not_asked"),)


def events_of(patient: Patient, write: Writer) -> tuple[str, ...]:
    return tuple(
        f"{write.day(one.onset_on) if one.onset_on else '–'}: {one.term}, {write('grade', grade=one.grade)}"
        for one in patient.adverse_events.order_by("reported_at")
    )


def letter_of(
    patient: Patient, site: Site, *, recipient: str, text: str, by: User, language: str
) -> ListingContent:
    write = Writer(language, site)
    rows = []
    for record in treatments_of(patient):
        rules, when = catalogues.load(record.catalogue), record.ended_at
        if when is None:
            continue
        products = "; ".join(
            f"{name} {strength}, {volume} ({lot})" for name, strength, volume, lot in given_rows(record, rules, write)
        )
        rows.append(
            (write.day(when.astimezone(record.appointment.site.zone).date()),
             name_in(rules.indications, record.course.indication, language), products)
        )  # fmt: skip
    own_words = tuple(line.strip() for line in text.splitlines() if line.strip())
    sections = [Section(paragraphs=(write("letter_dear"), *own_words))]
    if rows:
        sections.append(
            Section(title=write("letter_given"), columns=(write("date"), write("treatment"), write("products")), rows=tuple(rows))
        )
    sections.append(Section(title=write("allergies"), bullets=allergies_of(patient, write)))
    licence = f", {by.licence_number}" if by.licence_number else ""
    return ListingContent(
        title=write("letter"), lead="", facts=((write("letter_to"), recipient.strip()), write.patient(patient)),
        sections=tuple(sections), closing=(write("letter_close"), f"{by.name}{licence}"),
    )  # fmt: skip


def recall_of(course: Course, planned: PlannedSession, language: str) -> ListingContent:
    write, patient = Writer(language, course.site), course.patient
    last = TreatmentSession.objects.filter(course=course, ended_at__isnull=False).order_by("-ended_at").first()
    said = [write("recall_dear", name=patient.name)]
    if last is not None and last.ended_at is not None:
        said.append(write("recall_last", day=write.day(last.ended_at.astimezone(course.site.zone).date())))
    if planned.latest is None:
        said.append(write("recall_from", first=write.day(planned.earliest)))
    else:
        said.append(write("recall_due", first=write.day(planned.earliest), last=write.day(planned.latest)))
    said.append(write("recall_call", phone=course.site.phone or "______"))
    address = ((write("letter_to"), f"{patient.name}, {patient.address}" if patient.address else patient.name),)
    return ListingContent(
        title=write("recall_title"), lead="", facts=address,
        sections=(Section(paragraphs=tuple(said)), Section(paragraphs=(write("recall_lump"), write("medicines")), boxed=True)),
        closing=(write("letter_close"), course.site.name),
    )  # fmt: skip


def day_list_of(site: Site, on: dt.date, language: str) -> ListingContent:
    write = Writer(language, site)
    # What is held for ten minutes is nobody's yet, and over before the paper is read.
    visits = list(
        Appointment.objects.on_day(site, on).exclude(status__in=[*CANCELLED, AppointmentStatus.HELD])
        .select_related("patient", "practitioner", "room", "service", "course", "treatment_session", "site")
        .order_by("starts_at", "id")
    )  # fmt: skip
    cards = cards_of(visits, catalogues.in_force(), headline=True, clinical=False)
    columns = tuple(write(key) for key in ("time", "initials", "room", "protocol", "alert", "papers"))
    rows = tuple(day_row(card, write) for card in cards)
    section = Section(columns=columns, rows=rows) if rows else Section(paragraphs=(write("empty_day"),))
    lead = write("day_list_lead", day=write.day(on), count=len(rows))
    return ListingContent(write("day_list"), lead, (), (section,))


def day_row(card: Card, write: Writer) -> tuple[str, ...]:
    """Marks only: what the alert is about is not for a paper that lies on a desk."""
    visit = card.appointment
    missing = [
        write(key) for key, is_missing in (("paper_consent", card.consent_missing), ("paper_intake", card.intake_missing))
        if is_missing
    ]  # fmt: skip
    return (
        f"{visit.local_start:%H:%M}", visit.patient.initials, visit.room.name, visit.service.name,
        "▲" if "safety" in card.marks or card.is_flagged else "", ", ".join(missing),
    )  # fmt: skip


def blank_intake(language: str) -> ListingContent:
    """Every question a patient may be asked, with its choices to tick and room to write; those for one sex say so."""
    write = _Blank(language)
    questions = catalogues.questions_of(catalogues.current_questionnaire())
    asked = {question.key: question for sex in ("other", "female", "male") for question in patient_questions(questions, sex=sex)}
    return ListingContent(
        title=write("intake_title"), lead=write("intake_lead"), facts=((write("name_birth"), ""), (write("sign"), "")),
        sections=tuple(
            part for number, one in enumerate(asked.values(), start=1) for part in write.question(number, one)
        ),
        closing=(write("medicines"),), dense=True,
    )  # fmt: skip


class _Blank:
    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str) -> str:
        return word(LISTING[key], self.language)

    def question(self, number: int, question: Question) -> Iterable[Section]:
        only = ""
        if question.sexes:
            only = self("men") if "female" not in question.sexes else self("women") if "male" not in question.sexes else ""
        yield self.part(f"{number}. {only} {question.text.get(self.language)}".replace("  ", " "), question)
        for item in question.follow_ups:
            yield self.part(item.text.get(self.language), item)

    def part(self, title: str, field: Field) -> Section:
        options = tuple(option.text.get(self.language) for option in field.options)
        if options and not any(option.value == UNSURE for option in field.options):
            options = (*options, self("unsure"))
        return Section(title=title, options=options, lines=0 if field.options else 1)
