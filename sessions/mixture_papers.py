"""Issue the papers of a mixture: the worksheet to prepare it from, the labels for its syringes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.audit import canonical
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.permissions import check_doer
from patients.facts import PatientFacts
from patients.models import Patient
from patients.questionnaire import NONE, as_list
from protocols import catalogue as catalogues
from protocols.choices import CheckResult
from protocols.definitions import Catalogue
from protocols.dosing import newest_weight
from protocols.mixing import PlanCheck
from protocols.plan import Plan
from sessions import documents, papers
from sessions.choices import CourseStatus, DocumentKind, DocumentState
from sessions.coursework import check_of, next_day, problems_in_words
from sessions.explaining import option_in_words
from sessions.gathering import facts_of
from sessions.models import Course, Document, TreatmentSession
from sessions.paper_words import printable_language, word
from sessions.plans import plan_of, plan_to_json, same_day_plans, with_planned_needle
from sessions.worksheet import PreparedFacts, label_content, worksheet_content
from sessions.worksheet_words import LABEL_VERSION, WORKSHEET, WORKSHEET_VERSION

PREPARABLE = (CheckResult.OK, CheckResult.WARNING)
HINDERS = (CheckResult.INCOMPATIBLE, CheckResult.NOT_USABLE, CheckResult.OVER_LIMIT, CheckResult.INCOMPLETE)


@transaction.atomic
def issue_worksheet(*, course: Course, record: TreatmentSession | None, by: Doer, language: str) -> Document:
    """Freeze the worksheet of a course, or of an open session with the lots that were chosen."""
    return _issue(DocumentKind.WORKSHEET, course=course, record=record, by=by, language=language)


@transaction.atomic
def issue_labels(*, course: Course, record: TreatmentSession | None, by: Doer, language: str) -> Document:
    """Freeze one label for each syringe."""
    return _issue(DocumentKind.LABEL, course=course, record=record, by=by, language=language)


def check_preparable(course: Course, check: PlanCheck) -> None:
    """Raise `Refused` with the sentence the page shows beside the closed button: nothing is prepared from a plan that is
    not approved, or that the mixture check does not pass today."""
    if course.status != CourseStatus.APPROVED:
        raise Refused(_("The plan is not approved, so nothing is prepared from it."))
    if check.result not in PREPARABLE:
        raise Refused(problems_in_words(check, HINDERS), code="mixture")


def _issue(kind: DocumentKind, *, course: Course, record: TreatmentSession | None, by: Doer, language: str) -> Document:
    check_doer(by, Permission.TREAT, course.site)
    locked = Course.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "patient", "site", "practitioner").get(pk=course.pk)  # fmt: skip
    version = catalogues.current()
    rules = catalogues.load(version)
    spoken = printable_language(language)
    facts = prepared_facts(course=locked, record=record, rules=rules, language=spoken)
    check_preparable(locked, facts.check)
    is_label = kind is DocumentKind.LABEL
    content: Any = (label_content if is_label else worksheet_content)(facts, catalogue=rules, language=spoken)
    mixture = papers.digest_of([canonical(_values(facts)).decode()])
    earlier = Document.objects.filter(
        kind=kind, course=locked, appointment=record.appointment if record else None, superseded_by=None
    ).exclude(state=DocumentState.FAILED)
    return documents.queue(
        Document(
            kind=kind, patient=locked.patient, site=locked.site, course=locked,
            appointment=record.appointment if record else None, language=spoken,
            template_version=LABEL_VERSION if is_label else WORKSHEET_VERSION,
        ),
        content=content,
        template="label" if is_label else "worksheet",
        name=word(WORKSHEET["label_document" if is_label else "document"], spoken),
        head=papers.Head.of(locked.site, locked.practitioner),
        ids={
            "course": locked.public_id, "plan_version": locked.plan_version, "catalogue": version.number,
            "treatment_session": record.public_id if record else "", "mixture": mixture,
        },
        replaces=[
            one for one in earlier.defer("pdf") if one.language == spoken or one.source["ids"]["mixture"] != mixture
        ],
        by=by,
    )  # fmt: skip


def _values(facts: PreparedFacts) -> list[Any]:
    """What decides whether an earlier paper in another language still says the same."""
    return [plan_to_json(facts.plan), [[list(map(str, lot)) for lot in syringe] for syringe in facts.lots], str(facts.mixed_at)]


def prepared_facts(
    *, course: Course, record: TreatmentSession | None, rules: Catalogue, language: str
) -> PreparedFacts:
    """The record as it stands once a session is open, else the course for its next session."""
    facts = facts_of(course.patient)
    on = course.site.today() if record else next_day(course)
    plan = with_planned_needle(record) if record else plan_of(course)
    planned = record.planned_session if record else course.planned_sessions.filter(done_on=None).order_by("number").first()
    check = check_of(
        plan=plan, patient=course.patient, site=course.site, on=on, rules=rules,
        same_day=same_day_plans(patient=course.patient, on=on, except_course=course),
    )  # fmt: skip
    return PreparedFacts(
        patient=course.patient.name,
        record_number=course.patient.record_number,
        birth_date=course.patient.birth_date,
        weight=newest_weight(facts, on),
        allergies=allergies_of(course.patient, facts, rules, language),
        clinician=(record.practitioner if record else course.practitioner).name,
        indication=rules.indications[course.indication].name_in(language),
        session_number=planned.number if planned else None,
        sessions_total=course.planned_sessions.count(),
        on=on,
        zone=course.site.zone,
        plan=plan,
        lots=lots_of(record, plan),
        mixed_at=record.mixed_at if record else None,
        check=check,
    )


def lots_of(record: TreatmentSession | None, plan: Plan) -> list[list[tuple[str, dt.date | None]]]:
    """(lot number, expiry) by syringe and line; nothing where no lot is chosen yet."""
    if record is None:
        return [[("", None) for _one in syringe.components] for syringe in plan.syringes]
    found: dict[int, list[tuple[str, dt.date | None]]] = {}
    for product in record.products.select_related("lot").order_by("syringe", "position"):
        lot = (product.lot.lot_number, product.lot.expires_on) if product.lot else ("", None)
        found.setdefault(product.syringe, []).append(lot)
    return [found[number] for number in sorted(found)]


def allergies_of(patient: Patient, facts: PatientFacts, rules: Catalogue, language: str) -> list[str]:
    """What was answered and what staff wrote down, in the language of the paper; "none" only as an answer."""
    said = [str(one) for one in as_list(facts.answers.get("q-allergy"))]
    written = [allergy.allergen for allergy in patient.allergies.filter(ended_at=None)]
    codes = [code for code in dict.fromkeys([*said, *written]) if code != NONE or not written]
    with translation.override(language):
        return [option_in_words("q-allergy", code, rules) for code in codes]
