"""The ready strip: what must be true before the needle (clinical reference, section 9). One list asked by page and verb.

Each gate is red until met; unknown never counts as met. Only photographs, a late interval and laboratory tests that no
rule needs may be passed with a named reason, which is kept on the record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from clinic import day_words
from patients import intake
from patients.facts import Measured, PatientFacts
from patients.models import Patient
from protocols import catalogue, combining
from protocols.definitions import Catalogue
from protocols.enabling import allowed_at
from protocols.findings import Screening
from protocols.lab_tests import lab_tests_of
from protocols.mixing import PlanError, check_plan
from protocols.plan import Plan
from protocols.planning import IntervalKind, gap_days, judge_interval, needs_full_rescreen
from protocols.screening import Act, Stage, clearance_needs, permits
from protocols.stop_rules import StopState
from sessions import changes_before, consenting, photo_permission, screenings
from sessions.choices import CourseStatus
from sessions.coursework import NEVER_GIVEN
from sessions.gathering import facts_of
from sessions.models import AllergyTest, TreatmentSession
from sessions.models.allergy_test import TestResult
from sessions.neighbours import in_words, neighbours_of
from sessions.outcomes import stop_rule_of
from sessions.planned import step_before
from sessions.plans import plan_of, same_day_plans, with_planned_needle

READY, MEND, BLOCKED = "ready", "mend", "blocked"
CREAM = "sub-la-cream"
OVERRIDABLE = frozenset({"gate-photos", "gate-interval", "gate-labs"})  # those that know how; the catalogue may say no


@dataclass(frozen=True, slots=True)
class Gate:
    """One light. `mend` names the act that mends it (the page knows its address); `detail` says what is missing."""

    code: str
    state: str
    detail: str
    mend: str = ""

    @property
    def is_met(self) -> bool:
        return self.state == READY


@dataclass(frozen=True, slots=True)
class Case:
    """What all gates look at, read once."""

    record: TreatmentSession
    patient: Patient
    facts: PatientFacts
    plan: Plan
    rules: Catalogue
    now: dt.datetime
    today: dt.date
    previous: TreatmentSession | None
    overridden: frozenset[str]
    screening: Screening
    same_day: tuple[Plan, ...]

    def is_passed(self, gate: str) -> bool:
        """Passed with a reason, where the catalogue still lets this gate be passed."""
        return gate in self.overridden and may_be_passed(gate, self.rules)

    def in_date(self, reading: Measured | None) -> bool:
        """Whether there is a reading, not older than its measurement allows."""
        if reading is None:
            return False
        days = self.rules.measurements[reading.code].valid_days
        return days is None or (self.today - reading.taken_on).days <= days

    def newest(self, code: str) -> Measured | None:
        """The newest reading up to today; of two of one day the one recorded last."""
        taken = [one for one in self.facts.measurements if one.code == code and one.taken_on <= self.today]
        return max(reversed(taken), key=lambda one: one.taken_on, default=None)


def may_be_passed(gate: str, rules: Catalogue) -> bool:
    """Whether this gate may be passed with a named reason."""
    return gate in OVERRIDABLE and rules.start_gates[gate].overridable


def case_of(record: TreatmentSession) -> Case:
    site = record.appointment.site
    now = timezone.now()
    previous = (
        TreatmentSession.objects.filter(course=record.course, ended_at__isnull=False)
        .exclude(pk=record.pk)
        .order_by("-ended_at")
        .first()
    )
    facts, today = facts_of(record.patient), now.astimezone(site.zone).date()
    return Case(
        record=record, patient=record.patient, facts=facts, plan=plan_of(record.course),
        rules=catalogue.in_force(), now=now, today=today, previous=previous,
        overridden=frozenset(one["gate"] for one in record.gate_overrides),
        screening=screenings.evaluate(
            patient=record.patient, stage=Stage.START, on=today, course=record.course, facts=facts
        ),
        same_day=tuple(same_day_plans(patient=record.patient, on=today, except_record=record)),
    )  # fmt: skip


def gates_of(record: TreatmentSession) -> list[Gate]:
    """All lights in their fixed order; the stop rule is one only where the indication has such a rule, the plan only
    where it must not be given as it stands."""
    case = case_of(record)
    return [
        _identity(case), _history(case), _screening(case), _consent(case), _thinking(case), _test(case), _labs(case),
        _weight(case), _interval(case), *_stop_rule(case), *_plan(case), _lots(case), _licence(case), _photos(case),
    ]  # fmt: skip


def open_gates(record: TreatmentSession) -> list[Gate]:
    return [gate for gate in gates_of(record) if not gate.is_met]


def _identity(case: Case) -> Gate:
    if case.record.identity_checked:
        return Gate("gate-identity", READY, case.record.identity_checked)
    return Gate("gate-identity", MEND, _("Ask for name and birth date."), "identity")


def _history(case: Case) -> Gate:
    again = full_rescreen_due(case)
    if again:
        return Gate("gate-history", MEND, again, "questions")
    confirmed = case.record.history_confirmed_at
    if confirmed is None:
        words = [_("Ask what changed since last time."), said_by_themselves(case)]
        return Gate("gate-history", MEND, " ".join(one for one in words if one), "history")
    return Gate("gate-history", READY, case.record.history_changes or _("Nothing changed"))


def said_by_themselves(case: Case) -> str:
    """What the patient answered on their own page before this session; they are asked all the same."""
    word = changes_before.last_word(case.record)
    if word is None:
        return ""
    said, language = word.at.astimezone(case.record.appointment.site.zone), get_language() or "en"
    when = day_words.at(day_words.day(said, language), f"{said:%H:%M}", language)
    if not word.changed:
        return _("Said on their own page, %(when)s: nothing has changed.") % {"when": when}
    return ngettext(
        "Said on their own page, %(when)s: %(count)s answer is another one.",
        "Said on their own page, %(when)s: %(count)s answers are others.", word.changed,
    ) % {"when": when, "count": word.changed}  # fmt: skip


def full_rescreen_due(case: Case) -> str:
    """Why all health questions are asked again, not only the short round: never asked, the last full round older than
    house-full-round says, or more days since the last session of the course than plan-gap says (section 0). Empty when
    they are not."""
    full = case.patient.responses.filter(purpose=intake.PURPOSE, submitted_at__isnull=False)
    newest = full.order_by("-submitted_at").values_list("submitted_at", flat=True).first()
    if newest is None:
        return _("Ask all health questions before the first session.")
    zone = case.record.appointment.site.zone
    asked_on = newest.astimezone(zone).date()
    most = case.rules.figure("house-full-round", "most_days")
    if (case.today - asked_on).days > most:
        words = _("The last full round of health questions is older than %(days)s days: ask all of them again.")
        return words % {"days": most}
    last = case.previous.ended_at if case.previous is not None else None
    gap = last is not None and needs_full_rescreen(last.astimezone(zone).date(), case.today, case.rules)
    if gap and needs_full_rescreen(asked_on, case.today, case.rules):
        days = gap_days(case.rules)
        return _("More than %(days)s days since the last session: ask all health questions again.") % {"days": days}
    return ""


def _screening(case: Case) -> Gate:
    result = case.screening
    verdict = permits(result, Act.START, case.today)
    if verdict.allowed:
        return Gate("gate-screening", READY, _("Cleared today"))
    state = BLOCKED if result.outcome == "blocked" else MEND
    detail = screenings.sentence(verdict.reason)
    if result.to_do:
        language = get_language() or "en"
        named = (case.rules.measurements[code].name.get(language) for code in result.to_do)
        detail = _("Still to measure: %(names)s") % {"names": ", ".join(named)}
    return Gate("gate-screening", state, detail, "measure" if result.to_do else "screening")


def _consent(case: Case) -> Gate:
    state = consenting.state_of(case.record.course, at=case.now, rules=case.rules)
    if state.holds and state.consent and state.consent.signed_at:
        day = state.consent.signed_at.astimezone(case.record.appointment.site.zone)
        return Gate("gate-consent", READY, _("Signed %(day)s") % {"day": f"{day:%d.%m.%Y}"})
    return Gate("gate-consent", MEND, state.sentence, "consent")


def _thinking(case: Case) -> Gate:
    if case.previous is not None:
        return Gate("gate-thinking", READY, _("Not the first session"))
    hours = {"hours": case.rules.start_gates["gate-thinking"].limits["least_hours"]}
    if consenting.thought_long_enough(case.record.course, at=case.now, rules=case.rules):
        return Gate("gate-thinking", READY, _("At least %(hours)s hours") % hours)
    words = _("%(hours)s hours must lie between the consent text and the first session.") % hours
    return Gate("gate-thinking", BLOCKED, words)


def _test(case: Case) -> Gate:
    missing = [
        case.rules.substances[code].name_in(get_language() or "en")
        for code in sorted(new_products(plan=case.plan, facts=case.facts, today=case.today, rules=case.rules))
        if not _tested(case, code)
    ]
    if missing:
        return Gate("gate-test", MEND, _("No valid negative test: %(names)s") % {"names": ", ".join(missing)}, "test")
    return Gate("gate-test", READY, _("No new product, or tested"))


def new_products(*, plan: Plan, facts: PatientFacts, today: dt.date, rules: Catalogue) -> frozenset[str]:
    """Products of the plan that were not given here lately without a reaction and that are tested."""
    return combining.new_products(plan=plan, facts=facts, on=today, catalogue=rules)


def _tested(case: Case, code: str) -> bool:
    newest = AllergyTest.objects.filter(patient=case.patient, substance=code).first()
    if newest is None or newest.result != TestResult.NEGATIVE or newest.read_at is None:
        return False
    age = (case.today - newest.placed_at.astimezone(case.record.appointment.site.zone).date()).days
    limits = case.rules.start_gates["gate-test"].limits
    return case.now - newest.placed_at >= dt.timedelta(hours=limits["least_hours"]) and age <= limits["most_days"]


def _labs(case: Case) -> Gate:
    strict = [name for name, needed, waivable in _labs_needed(case) if needed and not waivable]
    soft = [name for name, needed, waivable in _labs_needed(case) if needed and waivable]
    if strict:
        return Gate("gate-labs", MEND, _("Missing: %(labs)s") % {"labs": ", ".join(strict)}, "measure")
    if soft and not case.is_passed("gate-labs"):
        return Gate("gate-labs", MEND, _("Missing: %(labs)s") % {"labs": ", ".join(soft)}, "labs")
    return Gate("gate-labs", READY, _("Waived with a reason") if soft else _("In date"))


def _labs_needed(case: Case) -> Iterator[tuple[str, bool, bool]]:
    """(name, missing, may be waived) of every laboratory value this plan asks for (section 8, lab-*): each once, and
    waived only where nothing that asks for it forbids that."""
    language, ruled = get_language() or "en", labs_of_findings(case)
    waivable: dict[str, bool] = {}
    for test in lab_tests_of(plan=case.plan, facts=case.facts, on=case.today, catalogue=case.rules):
        waivable[test.measurement] = waivable.get(test.measurement, True) and test.waivable
    for code, may_be in waivable.items():
        newest = case.newest(code)
        missing = newest is None or not case.in_date(newest) or newest.text in {"abnormal", "positive"}
        yield case.rules.measurements[code].name.get(language), missing, may_be and code not in ruled


def labs_of_findings(case: Case) -> frozenset[str]:
    """The values a rule of the screening asks for today: these nobody waives."""
    return frozenset(
        need.measurement
        for finding in case.screening.findings
        for need in clearance_needs(finding, facts=case.facts, on=case.today, catalogue=case.rules, letter=True)
        if need.measurement
    )


def _weight(case: Case) -> Gate:
    given = case.plan.substances.union(*(plan.substances for plan in case.same_day))
    if CREAM in given:  # its lidocaine counts in the sum
        given |= {"sub-lidocaine"}
    limited = [code for code in given if code in case.rules.substances and case.rules.substances[code].mg_per_kg]
    if not limited:
        return Gate("gate-weight", READY, _("Not needed for this plan"))
    newest = case.newest("m-weight")
    if newest is None or not case.in_date(newest):
        return Gate("gate-weight", MEND, _("Weigh the patient: a dose limit depends on it."), "measure")
    return Gate("gate-weight", READY, f"{newest.value:f} kg")


def _interval(case: Case) -> Gate:
    beside = neighbours_of(
        patient=case.patient, around=[case.today], except_course=case.record.course, facts=case.facts,
        ignoring=[case.record.appointment_id],
    )  # fmt: skip
    for problem in beside.problems(case.plan, case.today):
        return Gate("gate-interval", BLOCKED, in_words(problem))
    others = TreatmentSession.objects.filter(course=case.record.course).exclude(pk=case.record.pk)
    if others.filter(begun_at__isnull=False, ended_at=None).exists():
        return Gate("gate-interval", BLOCKED, _("Another session of this course has begun and is not ended yet."))
    if case.previous is None or case.previous.ended_at is None:
        return Gate("gate-interval", READY, _("First session"))
    step = step_before(case.record.planned_session, case.record.course, case.rules)
    if step is None:
        return Gate("gate-interval", BLOCKED, _("The catalogue knows no interval for this course any more. Plan it anew."))
    last = case.previous.ended_at.astimezone(case.record.appointment.site.zone).date()
    verdict = judge_interval(previous=last, proposed=case.today, step=step, catalogue=case.rules)
    words = verdict.text(get_language() or "en")
    if verdict.kind is IntervalKind.TOO_EARLY:
        return Gate("gate-interval", BLOCKED, words)
    if verdict.kind is IntervalKind.LATE and not case.is_passed("gate-interval"):
        return Gate("gate-interval", MEND, words, "override-interval")
    return Gate("gate-interval", READY, words)


def _stop_rule(case: Case) -> Iterator[Gate]:
    """Pain after three sessions: stop, or a clinician goes on with a reason (section 1). Nothing before it is asked."""
    verdict = stop_rule_of(case.record.course)
    if verdict is None or verdict.state is StopState.NOT_DUE:
        return
    words = verdict.text(get_language() or "en")
    yield Gate("gate-stop-rule", MEND if verdict.stops else READY, words, "stop-rule" if verdict.stops else "")


def _plan(case: Case) -> Iterator[Gate]:
    """What is drawn up, by the rules of today: an approval is no leave for what was forbidden or stopped since. Silent
    while it holds; a missing weight has its own light."""
    course, site, language = case.record.course, case.record.appointment.site, get_language() or "en"
    if course.status == CourseStatus.PROPOSED:
        yield Gate("gate-plan", BLOCKED, _("The mixture was changed: the plan is not approved again yet."))
        return
    if course.status == CourseStatus.STOPPED:
        yield Gate("gate-plan", BLOCKED, _("This course is %(status)s.") % {"status": course.get_status_display().lower()})
        return
    try:
        found = check_plan(
            plan=with_planned_needle(case.record), same_day=case.same_day, facts=case.facts, on=case.today,
            catalogue=case.rules, enabled=allowed_at(site, case.rules), country=site.country, recent=case.facts.sessions,
        )  # fmt: skip
    except PlanError as error:
        yield Gate("gate-plan", BLOCKED, error.text(language))
        return
    forbidden = [problem.text(language) for problem in found.problems if problem.result in NEVER_GIVEN]
    if forbidden:
        yield Gate("gate-plan", BLOCKED, " ".join(dict.fromkeys(forbidden)))


def _lots(case: Case) -> Gate:
    products = list(case.record.products.select_related("lot"))
    drawn = [(product.lot, product.volume_ml) for product in products if product.lot is not None]
    if not products or len(drawn) < len(products):
        return Gate("gate-lots", MEND, _("Choose a lot for each component."), "lots")
    for lot, volume_ml in drawn:
        if lot.expires_on < case.today:
            return Gate("gate-lots", BLOCKED, _("Lot %(lot)s has expired.") % {"lot": lot.lot_number}, "lots")
        if lot.held_back_reason:
            return Gate("gate-lots", BLOCKED, _("Lot %(lot)s is held back: %(why)s") % {
                "lot": lot.lot_number, "why": lot.held_back_reason}, "lots")  # fmt: skip
        if lot.balance_ml < volume_ml:
            return Gate("gate-lots", MEND, _("Lot %(lot)s holds only %(ml)s ml.") % {
                "lot": lot.lot_number, "ml": f"{lot.balance_ml:f}"}, "lots")  # fmt: skip
    return Gate("gate-lots", READY, _("In date and enough"))


def _licence(case: Case) -> Gate:
    """A valid licence of the country of the site: what a nurse or a dentist may inject is that country's law."""
    who, site = case.record.practitioner, case.record.appointment.site
    if who.licensed_on(case.today):
        if who.licensed_in(site.country):
            return Gate("gate-licence", READY, who.licence_number)
        values = {"name": who.name, "country": site.country}
        return Gate("gate-licence", BLOCKED, _("No licence of %(country)s is recorded for %(name)s.") % values)
    return Gate("gate-licence", BLOCKED, _("No valid licence is recorded for %(name)s.") % {
        "name": case.record.practitioner.name})  # fmt: skip


def _photos(case: Case) -> Gate:
    number = case.record.planned_session.number if case.record.planned_session else 1
    if number != 1 and number % 3 != 0:
        return Gate("gate-photos", READY, _("Not due"))
    if case.is_passed("gate-photos"):
        return Gate("gate-photos", READY, next(
            one["reason"] for one in case.record.gate_overrides if one["gate"] == "gate-photos"))  # fmt: skip
    photos = photo_permission.permission_of(case.patient)
    if photos.newest is not None and not photos.allows("record"):
        return Gate("gate-photos", MEND, _("Due at session %(number)s, but the patient allows no photographs in the record: "
                                           "say so instead of taking any.") % {"number": number}, "photos")  # fmt: skip
    return Gate("gate-photos", MEND, _("Due at session %(number)s") % {"number": number}, "photos")
