"""The consent form: the eighteen things a consent must say (clinical reference, section 13), filled for one course.

The sentences are the catalogue's; what is listed beside them (products, grade, reactions, cost) comes from the course
as approved. The blank form says everything, with room to write. Nothing is ticked beforehand.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from django.utils import translation
from django.utils.translation import gettext as _

from clinic.components.drawing import figure
from clinic.day_words import birth_day, listed
from clinic.models import Site
from protocols import catalogue as catalogues
from protocols.aftercare import expected_reactions, possible_adverse_events
from protocols.definitions import Catalogue, ConsentItem, Substance, text_in
from protocols.models import CatalogueVersion
from protocols.patient_case import words_of
from protocols.plan import Plan
from protocols.version_page import shown_loosened
from sessions.models import Course, CourseItem, Lot
from sessions.paper_words import CONSENT, SHARED, word
from sessions.papers import money_figure
from sessions.plans import plan_of
from sessions.sheet import lower_first, upper_first

BLANK_ROWS = 4
MOST_MAKERS = 2
OFF_PAPER_EVENTS = frozenset({"ae-needlestick"})  # an accident of staff, not a risk of the treatment
SIGNATURES, PRODUCTS = "consent-signatures", "consent-products"


@dataclass(frozen=True)
class ProductLine:
    name: str
    strength: str
    maker: str
    amount: str
    origin: str
    status: str = ""


@dataclass(frozen=True)
class Choice:
    """A question the patient answers with yes or no. `answer` is empty until the patient has chosen."""

    code: str
    name: str
    text: str
    answer: str = ""


@dataclass(frozen=True)
class Paragraph:
    """`head` is printed bold before the text; `writes` lines to write on follow it. `code` names a line that is filled in
    when the form is signed on a screen."""

    text: str
    head: str = ""
    writes: int = 0
    code: str = ""


@dataclass(frozen=True)
class Entry:
    """One numbered entry of the form."""

    number: int
    title: str
    paragraphs: tuple[Paragraph, ...]
    products: tuple[ProductLine, ...] = ()
    choices: tuple[Choice, ...] = ()
    signatures: bool = False


@dataclass(frozen=True)
class SignatureLine:
    """A signature as printed: whose, its name, time, meaning and way; `picture` is the drawing as a data address."""

    role: str
    name: str
    when: str
    meaning: str
    method: str
    picture: str = ""


@dataclass(frozen=True)
class ConsentContent:
    """`received` and `signatures` are empty on the form that is given; `blanks` says in words for staff which parts would
    have to be written in by hand, and a form with blanks is not signed on a screen."""

    lead: str
    patient: str
    clinician: str
    off_label: str
    off_label_why: str
    grade: str
    entries: tuple[Entry, ...] = field(default_factory=tuple)
    limits: tuple[str, ...] = ()
    """What the plan's limits are worth: not yet approved by the medical lead, or loosened by whom and why."""
    received: str = ""
    signatures: tuple[SignatureLine, ...] = ()
    blanks: tuple[str, ...] = ()


Notes = Mapping[str, Callable[[], list[Paragraph]]]
"""What is listed beside the catalogue's sentence, by consent code."""


def consent_content(
    course: Course, *, catalogue: Catalogue, language: str, version: CatalogueVersion
) -> ConsentContent:
    """The form of an approved course, in one language, with what the limits of the version in force are worth."""
    with translation.override(language):
        filled = _Filled(course, plan_of(course), catalogue, language, makers_of(course))
        items = [item for item in catalogue.consent_items.values() if applies(item, filled.plan)]
        return ConsentContent(
            lead=filled.lead(),
            patient=filled.patient(),
            clinician=course.practitioner.name,
            off_label=word(CONSENT["off_label"], language),
            off_label_why=word(CONSENT["off_label_why"], language),
            grade=filled.grade(),
            entries=entries_of(items, language=language, notes=filled.notes(), products=filled.products()),
            limits=tuple(limit_lines(version, filled.plan)),
            blanks=tuple(blanks_of(course, makers=filled.makers)),
        )


def blank_consent_content(site: Site, *, catalogue: Catalogue, language: str) -> ConsentContent:
    """The form to be filled in by hand: every item of the catalogue, the scoped ones marked with what they are for."""
    with translation.override(language):
        blank = _Blank(site, catalogue, language)
        return ConsentContent(
            lead=word(CONSENT["lead_blank"], language),
            patient="",
            clinician="",
            off_label=word(CONSENT["off_label"], language),
            off_label_why=word(CONSENT["off_label_why"], language),
            grade="",
            entries=entries_of(
                catalogue.consent_items.values(), language=language, notes=blank.notes(),
                products=(ProductLine("", "", "", "", ""),) * BLANK_ROWS,
            ),
        )  # fmt: skip


MAKERLESS = frozenset({"own-blood"})


def makers_of(course: Course) -> dict[str, str]:
    """`product, maker` of the lots that would be used now, by substance: in date and in stock at the course's site."""
    found: dict[str, list[str]] = {}
    today = course.site.today()
    wanted = {item.substance for item in course.items.all()}
    lots = Lot.objects.filter(site=course.site, substance__in=wanted, expires_on__gte=today, held_back_reason="")
    for lot in lots.filter(balance_ml__gt=0).order_by("expires_on", "lot_number"):
        label = f"{lot.product}, {lot.maker}"
        if label not in found.setdefault(lot.substance, []):
            found[lot.substance].append(label)
    return {substance: " / ".join(labels[:MOST_MAKERS]) for substance, labels in found.items()}


def blanks_of(course: Course, *, makers: Mapping[str, str]) -> list[str]:
    """What the form cannot say yet, codes for `BLANK_WORDS`: nobody signs on a screen what is still to be written in."""
    blanks = []
    if course.price_per_session is None or not course.currency:
        blanks.append("price")
    if not course.practitioner.licence_number:
        blanks.append("licence")
    if not course.site.insurer:
        blanks.append("insurer")
    rules = catalogues.load(course.catalogue)
    for item in course.items.all():
        known = rules.substances.get(item.substance)
        if item.substance not in makers and not (known and known.origin in MAKERLESS):
            blanks.append(f"maker:{item.substance}")
    return blanks


def limit_lines(version: CatalogueVersion, plan: Plan) -> list[str]:
    """What prints on every plan: that its limits are a default nobody approved yet, and each loosened limit it touches,
    in the active language."""
    default = [] if version.approved_at else [_("Default limits, not yet approved by your medical lead.")]
    return default + [
        _("A limit of this plan was loosened: %(line)s") % {"line": line} for line in shown_loosened(version, words_of(plan))
    ]


def applies(item: ConsentItem, plan: Plan) -> bool:
    """Whether a consent item belongs on the form of this plan: unscoped, or any of its scopes meets the plan."""
    if not (item.categories or item.indications or item.substances):
        return True
    return (
        plan.category in item.categories
        or plan.indication in item.indications
        or bool(plan.substances & frozenset(item.substances))
    )


def entries_of(
    items: Iterable[ConsentItem], *, language: str, notes: Notes, products: tuple[ProductLine, ...]
) -> tuple[Entry, ...]:
    """Items of one number stand in one entry. Entries are counted as printed, so that none seems to be missing."""
    entries = []
    for printed, (_number, group) in enumerate(groupby(items, key=lambda item: item.number), start=1):
        first, *more = same = list(group)
        said = [item for item in same if not item.answer]
        paragraphs: list[Paragraph] = []
        for item in same:
            if not item.answer:
                paragraphs.append(Paragraph(item.text(language), head=f"{item.name_in(language)}."))
            paragraphs += notes.get(item.code, list)()
        entries.append(
            Entry(
                number=printed,
                title=f"{first.name_in(language)}." if said else word(CONSENT["photos"], language),
                paragraphs=tuple(paragraphs),
                products=products if any(item.code == PRODUCTS for item in (first, *more)) else (),
                choices=tuple(
                    Choice(item.code, item.name_in(language), item.text(language)) for item in same if item.answer
                ),
                signatures=any(item.code == SIGNATURES for item in same),
            )
        )
    return tuple(entries)


# -------------------------------------------------------------------------------------------------------------- filled
@dataclass(frozen=True)
class _Filled:
    """Everything on the form that comes from the course."""

    course: Course
    plan: Plan
    catalogue: Catalogue
    language: str
    makers: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        return word(CONSENT[key], self.language).format(**values)

    def lead(self) -> str:
        indication = self.catalogue.indications[self.plan.indication]
        treatment = indication.name_in(self.language)
        return self.say("lead", treatment=treatment, sessions=self.sessions())

    def sessions(self) -> str:
        planned = list(self.course.planned_sessions.all())
        intervals = {one.interval_days for one in planned[1:]}
        if len(planned) == 1:
            return self.say("one_session")
        if len(intervals) == 1:
            return self.say("sessions_apart", count=len(planned), days=intervals.pop())
        return self.say("sessions", count=len(planned))

    def patient(self) -> str:
        patient = self.course.patient
        born = word(SHARED["born"], self.language).format(date=birth_day(patient.birth_date, self.language))
        return f"{patient.name}, {born}"

    def grade(self) -> str:
        grade = self.catalogue.indications[self.plan.indication].evidence.strip()
        keys = [f"grade_{part.replace('−', '-')}" for part in grade.split("/")]
        words = [self.say(key if key in CONSENT else "grade_unknown") for key in keys]
        return self.say("grade", grade=grade or "–", words=self.say("grade_or").join(words))

    def products(self) -> tuple[ProductLine, ...]:
        return tuple(self.product(item) for item in self.course.items.all())

    def product(self, item: CourseItem) -> ProductLine:
        known = self.catalogue.substances.get(item.substance)
        volume = f"{figure(item.volume_ml)} ml"
        amount = volume
        if item.strength is not None and item.strength_unit.endswith("/ml"):
            unit = item.strength_unit.removesuffix("/ml")
            amount = f"{volume} = {figure(Decimal(item.strength * item.volume_ml).normalize())} {unit}"
        return ProductLine(
            name=known.name_in(self.language) if known else item.substance,
            strength=f"{figure(item.strength)} {item.strength_unit}" if item.strength is not None else "–",
            maker=self.maker(item, known),
            amount=amount,
            origin=self.origin(known),
            status=self.say(f"status_{known.status}" if known else "status_on"),
        )

    def maker(self, item: CourseItem, substance: Substance | None) -> str:
        if substance is not None and substance.origin in MAKERLESS:
            return self.say("maker_none")
        return self.makers.get(item.substance) or self.say("maker_open")

    def origin(self, substance: Substance | None) -> str:
        key = f"origin_{substance.origin}" if substance and substance.origin else "origin_none"
        return self.say(key) if key in CONSENT else substance.origin if substance else "–"

    def notes(self) -> Notes:
        return {
            PRODUCTS: self.how,
            "consent-evidence": lambda: [Paragraph(self.grade(), head=self.say("yours"))],
            "consent-results": self.results,
            "consent-risks": self.risks,
            "consent-clinician": self.clinician,
            "consent-costs": self.costs,
            "consent-questions": lambda: room_for_questions(self.language),
        }

    def how(self) -> list[Paragraph]:
        regions = listed([self.catalogue.regions[code].name_in(self.language) for code in self.plan.regions], self.language)
        technique = self.catalogue.techniques[self.plan.technique].name_in(self.language)
        sentences = [self.say("where", regions=regions, technique=technique)]
        depths = {figure(syringe.depth_mm) for syringe in self.plan.syringes if syringe.depth_mm is not None}
        if depths:
            sentences.append(self.say("depth", depth=" / ".join(sorted(depths))))
        if points := sum(syringe.points or 0 for syringe in self.plan.syringes):
            sentences.append(self.say("points", points=points))
        if self.course.numbing_cream_g is not None:
            sentences.append(self.say("numbing", grams=figure(self.course.numbing_cream_g)))
        sentences.append(self.say("lot_at_session"))
        return [Paragraph(" ".join(sentences))]

    def results(self) -> list[Paragraph]:
        indication = self.catalogue.indications[self.plan.indication]
        sentences = [f"{upper_first(text_in(indication.effect, self.language), self.language)}."]
        if keep := indication.maintenance:
            key = "maintenance_if" if keep.only_if_it_helps else "maintenance"
            sentences.append(self.say(key, first=keep.earliest_days, last=keep.latest_days))
        return [Paragraph(" ".join(sentences), head=self.say("effect"))]

    def risks(self) -> list[Paragraph]:
        expected = expected_reactions(self.plan, self.catalogue)
        possible = possible_adverse_events(self.plan, self.catalogue)
        return risk_lines(
            ((one.name_in(self.language), text_in(one.lasts, self.language)) for one in expected),
            ((one.code, one.name_in(self.language), text_in(one.onset, self.language)) for one in possible),
            self.language,
        )

    def clinician(self) -> list[Paragraph]:
        who = self.course.practitioner
        key = "treats" if who.licence_number else "treats_unknown"
        return [
            Paragraph(self.say(key, who=who.name, licence=who.licence_number)),
            *house_lines(self.course.site, self.language),
        ]

    def costs(self) -> list[Paragraph]:
        course, count = self.course, self.course.planned_sessions.count()
        if course.price_per_session is None or not course.currency:
            return [Paragraph(self.say("cost_blank"))]
        each, total = course.price_per_session, course.price_per_session * count
        money = {"each": money_figure(each, self.language), "total": money_figure(total, self.language)}
        return [Paragraph(self.say("cost", currency=course.currency, count=count, **money))]


@dataclass(frozen=True)
class _Blank:
    """What the blank form lists: everything that can happen, and lines for everything that is not known yet."""

    site: Site
    catalogue: Catalogue
    language: str

    def say(self, key: str, **values: object) -> str:
        return word(CONSENT[key], self.language).format(**values)

    def notes(self) -> Notes:
        scoped = {item.code: item for item in self.catalogue.consent_items.values()}
        found: dict[str, Callable[[], list[Paragraph]]] = {
            code: (lambda item=item: [Paragraph(self.only_for(item))])  # type: ignore[misc]
            for code, item in scoped.items()
            if item.categories or item.indications or item.substances
        }
        return found | {
            "consent-evidence": lambda: [Paragraph("", head=self.say("yours"), writes=1)],
            "consent-results": lambda: [Paragraph("", head=self.say("effect"), writes=1)],
            "consent-risks": self.risks,
            "consent-clinician": lambda: [
                Paragraph(self.say("treats_unknown", who="____________________")),
                *house_lines(self.site, self.language),
            ],
            "consent-costs": lambda: [Paragraph(self.say("cost_blank"))],
            "consent-questions": lambda: room_for_questions(self.language),
        }

    def only_for(self, item: ConsentItem) -> str:
        """`Only for: hair treatment` - from the item's own scopes, in words."""
        plans = [self.say(f"category_{code}") for code in item.categories if f"category_{code}" in CONSENT]
        plans += [
            lower_first(self.catalogue.indications[code].name_in(self.language), self.language)
            for code in item.indications if code in self.catalogue.indications
        ]  # fmt: skip
        plans += [
            self.catalogue.substances[code].name_in(self.language)
            for code in item.substances if code in self.catalogue.substances
        ]  # fmt: skip
        return self.say("only_if", plans=listed(plans, self.language))

    def risks(self) -> list[Paragraph]:
        reactions = self.catalogue.reactions.values()
        return risk_lines(
            ((r.name_in(self.language), text_in(r.lasts, self.language)) for r in reactions if r.kind == "expected"),
            (
                (r.code, r.name_in(self.language), text_in(r.onset, self.language))
                for r in reactions if r.kind == "adverse"
            ),
            self.language,
        )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- shared
def risk_lines(
    expected: Iterable[tuple[str, str]], possible: Iterable[tuple[str, str, str]], language: str
) -> list[Paragraph]:
    """Two lists: what usually happens and how long it lasts, what can happen and when it begins."""
    usual = listed([f"{name} ({lasts})" for name, lasts in expected], language, semicolon=True)
    rare = listed(
        [name if onset.strip("–- ") == "" else f"{name} ({onset})"
         for code, name, onset in possible if code not in OFF_PAPER_EVENTS],
        language, semicolon=True,
    )  # fmt: skip
    return [
        Paragraph(f"{usual}.", head=word(CONSENT["expected"], language)),
        Paragraph(f"{rare}.", head=word(CONSENT["possible"], language)),
    ]


def house_lines(site: Site, language: str) -> list[Paragraph]:
    """Emergency plan and insurer; a line to write on while the clinic has not entered its insurer."""
    number = site.emergency_number or "______"
    return [
        Paragraph(word(CONSENT["emergency"], language).format(number=number)),
        Paragraph(site.insurer, head=word(CONSENT["insurance"], language), writes=0 if site.insurer else 1),
    ]


def room_for_questions(language: str) -> list[Paragraph]:
    return [
        Paragraph("", head=word(CONSENT["questions"], language), writes=1, code="questions"),
        Paragraph("", head=word(CONSENT["interpreter"], language), writes=1, code="interpreter"),
    ]
