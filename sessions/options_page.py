"""“What can this patient have?” in words: options by outcome with their reasons, substitutes, and what is not done at all.

One gather of facts, one pure evaluation (protocols.options); here results only become words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.components.drawing import figure
from clinic.components.safety import OUTCOMES
from clinic.models import Site
from patients.models import Patient
from protocols import catalogue as catalogues
from protocols.choices import CheckResult, Status
from protocols.definitions import Catalogue, Mixture, text_in
from protocols.enabling import allowed_at
from protocols.findings import Finding
from protocols.mixing_rules import CATEGORY_WORDS
from protocols.options import ORDER, Change, Judge, Judged, Option, Substitute, Verdict, options_for
from protocols.plan import Component
from protocols.sources import titles_of
from sessions.course_page import CHECK_PILL, check_words
from sessions.explaining import (
    Shown,
    asked_in_words,
    name_of,
    outcome_pill,
    shown_findings,
    standing_alone,
)
from sessions.gathering import facts_of
from sessions.screenings import clearances_of

PILLS = {
    Verdict.CLEARED: "cleared", Verdict.WAIT: "wait", Verdict.NEEDS_CLEARANCE: "needs-clearance",
    Verdict.INCOMPLETE: "incomplete", Verdict.NOT_USABLE: "neutral", Verdict.BLOCKED: "blocked",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way or is to be thought of. `word` names its kind beside the pill's colour,
    `concerns` the components it is about, `trigger` the answers behind it."""

    kind: str
    word: str
    title: str
    sentence: str
    code: str
    concerns: str = ""
    trigger: str = ""
    until: str = ""
    lifts: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """One permitted substitute."""

    text: str
    pill: tuple[str, str]
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """One indication with one mixture."""

    indication: str
    category: str
    evidence: str
    mixture: str
    contents: tuple[str, ...]
    pill: tuple[str, str]
    reasons: tuple[Reason, ...]
    shared: tuple[str, ...]
    missing: tuple[str, ...]
    instead: tuple[Instead, ...]
    plan_url: str


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one outcome."""

    anchor: str
    title: str
    lead: str
    pill: str
    rows: tuple[Row, ...]


def options_shown(patient: Patient, *, site: Site, category: str, may_plan: bool) -> dict[str, Any]:
    """Everything the page says, judged for the site's today. `category` empty: all of them."""
    version = catalogues.current()
    rules = catalogues.load(version)
    today = site.today()
    judge = Judge(
        facts=facts_of(patient), on=today, catalogue=rules, clearances=clearances_of(patient, None),
        enabled=allowed_at(site, rules), country=site.country,
    )  # fmt: skip
    options = options_for(judge)
    page = _Page(patient, rules, common_codes(options), may_plan)
    chosen = [one for one in options if not category or one.indication.category == category]
    return {
        "patient": patient,
        "site": site,
        "judged_on": today,
        "catalogue": version,
        "category": category,
        "categories": categories_of(options, category),
        "groups": page.groups(chosen),
        "for_all": page.for_all(options),
        "refused": refused_here(rules),
    }


def common_codes(options: Sequence[Option]) -> frozenset[str]:
    """Findings that say the same of every option: said once above all rows."""
    if not options:
        return frozenset()
    said = [{(one.code, one.sentence, one.severity, one.cleared_by) for one in findings_of(option)} for option in options]
    return frozenset(code for code, *_rest in set.intersection(*said))


def findings_of(option: Option) -> tuple[Finding, ...]:
    return option.judged.screening.findings


def categories_of(options: Sequence[Option], chosen: str) -> list[dict[str, Any]]:
    """The filter: every category there is, with how many options may be given of how many."""
    language = get_language() or "en"
    names = {"": _("All"), **{code: standing_alone(text_in(CATEGORY_WORDS[code], language)) for code in _codes(options)}}
    return [
        {"label": name, "url": f"?category={code}" if code else "?", "active": code == chosen, "count": _permitted(options, code)}
        for code, name in names.items()
    ]


def _codes(options: Iterable[Option]) -> list[str]:
    present = {one.indication.category.value for one in options}
    return [code for code in CATEGORY_WORDS if code in present]


def _permitted(options: Iterable[Option], category: str) -> str:
    own = [one for one in options if not category or one.indication.category == category]
    return f"{sum(one.verdict.permitted for one in own)}/{len(own)}"


def refused_here(rules: Catalogue) -> list[dict[str, str]]:
    """What sources offer and nobody here does, with the reason, and what is offered in its place."""
    language = get_language() or "en"
    return [
        {
            "name": standing_alone(one.name_in(language)),
            "text": one.text(language),
            "instead": name_of(one.instead, rules.indications) if one.instead in rules.indications else "",
            "source": "; ".join(titles_of(one.source, language)),
            "code": one.code,
        }
        for one in rules.refused.values()
        if one.about in {"indication", "technique", "substance", "practice"}
    ]


def group_words(verdict: Verdict) -> tuple[str, str]:
    """Heading and one sentence of a group."""
    return {
        Verdict.CLEARED: (_("Cleared"), _("Nothing stands in the way today.")),
        Verdict.WAIT: (_("Wait"), _("Possible from the day that is named, or once something has healed.")),
        Verdict.NEEDS_CLEARANCE: (_("Needs clearance"), _("A clinician looks at it first and records why it is acceptable.")),
        Verdict.INCOMPLETE: (_("Incomplete"), _("An answer or a figure is missing; nothing unknown counts as fine.")),
        Verdict.NOT_USABLE: (_("Not usable"), _("Off, locked, withdrawn, banned here, or outside its limits.")),
        Verdict.BLOCKED: (_("Blocked"), _("Not with this mixture for this patient.")),
    }[verdict]


class _Page:
    """Turns options into rows in the reader's language."""

    def __init__(self, patient: Patient, rules: Catalogue, common: frozenset[str], may_plan: bool) -> None:
        self.patient, self.rules, self.common, self.may_plan = patient, rules, common, may_plan
        self.language = get_language() or "en"

    def groups(self, options: Sequence[Option]) -> list[Group]:
        found = []
        for verdict in ORDER:
            rows = tuple(self._row(one) for one in options if one.verdict is verdict)
            if rows:
                title, lead = group_words(verdict)
                found.append(Group(f"is-{verdict.value}", title, lead, PILLS[verdict], rows))
        return found

    def for_all(self, options: Sequence[Option]) -> list[Shown]:
        """The findings that hold for every option, as on the patient page."""
        if not options:
            return []
        shown = shown_findings(
            options[0].judged.screening, self.rules,
            lambda code: reverse("patient-explanation", args=[self.patient.public_id, code]),
        )  # fmt: skip
        return [one for one in shown if one.code in self.common]

    def _row(self, option: Option) -> Row:
        screening = option.judged.screening
        shown = shown_findings(screening, self.rules)
        own = [
            self._of_finding(one, finding)
            for one, finding in zip(shown, screening.findings, strict=True)
            if one.code not in self.common
        ]
        return Row(
            indication=name_of(option.indication.code, self.rules.indications),
            category=option.indication.category.value,
            evidence=option.indication.evidence,
            mixture=standing_alone(option.mixture.name_in(self.language)) if option.mixture else "",
            contents=tuple(self._component(one) for syringe in option.judged.plan.syringes for one in syringe.components),
            pill=self._pill(option.judged),
            reasons=(*own, *self._of_check(option)),
            shared=tuple(one.title for one in shown if one.code in self.common and one.outcome != "note"),
            missing=tuple(asked_in_words(code, self.rules) for code in screening.missing),
            instead=tuple(self._instead(one, option) for one in option.substitutes),
            plan_url=self._plan_url(option.indication.code, option.mixture) if option.verdict.permitted else "",
        )

    def _pill(self, judged: Judged) -> tuple[str, str]:
        if judged.verdict is Verdict.NOT_USABLE:
            return PILLS[judged.verdict], check_words(judged.check.result)
        if judged.verdict is Verdict.INCOMPLETE:
            return PILLS[judged.verdict], _("Incomplete")
        screening = judged.screening
        return outcome_pill(screening.outcome, screening.wait_until, screening.open_ended)

    def _of_finding(self, shown: Shown, finding: Finding) -> Reason:
        """A day that is named says all about what lifts it; a note or a cleared finding has nothing to lift."""
        until_a_day = finding.wait_until is not None and not finding.open_ended
        return Reason(
            kind=shown.outcome,
            word=str(OUTCOMES[shown.outcome]),
            title=shown.title,
            sentence=shown.sentence,
            code=shown.code,
            concerns=", ".join(name_of(code, self.rules.substances) for code in finding.substances),
            trigger=shown.trigger,
            until=shown.until,
            lifts="" if shown.outcome in {"note", "cleared"} or until_a_day else shown.lifts,
            source="; ".join(titles_of(finding.source, self.language)),
        )

    def _of_check(self, option: Option) -> list[Reason]:
        problems = [
            Reason(
                kind=CHECK_PILL[problem.result],
                word=check_words(problem.result),
                title="",
                sentence=problem.text(self.language),
                code=problem.code,
                lifts=self._lifts(problem.substances) if problem.code == "ix-status" else "",
                source="; ".join(titles_of(problem.source, self.language)),
            )
            for problem in option.judged.check.problems
        ]
        if option.mixture is None and option.indication.status is Status.ON:
            problems.append(
                Reason(
                    kind="incomplete",
                    word=check_words(CheckResult.INCOMPLETE),
                    title="",
                    sentence=_("The catalogue has no example mixture for it, so only the screening could be judged."),
                    code="",
                )
            )
        return problems

    def _lifts(self, codes: Iterable[str]) -> str:
        """Who can open what is off or locked; nobody what is withdrawn or banned."""
        kinds = (self.rules.substances, self.rules.indications, self.rules.techniques, self.rules.deliveries)
        found = [kind[code] for code in codes for kind in kinds if code in kind]
        if not found or any(one.status in {Status.WITHDRAWN, Status.ON} for one in found):
            return ""
        if any(one.status is Status.LOCKED for one in found):
            return _("The medical lead records the legal basis for this country.")
        return _("The medical lead enables it for this site.")

    def _component(self, component: Component) -> str:
        """“Lidocaine 20 mg/ml, 0.5 ml”."""
        name = name_of(component.substance, self.rules.substances)
        strength = f" {figure(component.strength)} {component.strength_unit}" if component.strength is not None else ""
        return f"{name}{strength}, {figure(component.volume_ml)} ml"

    def _instead(self, substitute: Substitute, option: Option) -> Instead:
        return Instead(
            text=self._change(substitute),
            pill=self._pill(substitute.judged),
            url=self._plan_url(option.indication.code, substitute.mixture),
        )

    def _change(self, substitute: Substitute) -> str:
        leaves = name_of(substitute.leaves, self.rules.substances) if substitute.leaves else ""
        if substitute.change is Change.MIXTURE:
            return standing_alone(substitute.mixture.name_in(self.language))
        if substitute.change is Change.ANTISEPTIC:
            return _("The same mixture with iodine as antiseptic")
        if substitute.change is Change.WITHOUT:
            return _("The same mixture without: %(substance)s") % {"substance": leaves}
        if substitute.change is Change.PRODUCT:
            return _("A product free of preservatives of: %(substance)s") % {"substance": leaves}
        takes = self._component(substitute.takes) if substitute.takes else ""
        return _("%(takes)s instead of: %(substance)s") % {"takes": takes, "substance": leaves}

    def _plan_url(self, indication: str, mixture: Mixture | None) -> str:
        if not self.may_plan or mixture is None:
            return ""
        chosen = urlencode({"indication": indication, "mixture": mixture.code})
        return f"{reverse('course-new', args=[self.patient.public_id])}?{chosen}"
