"""Every kind of catalogue entry as a frozen value, and the `Catalogue` that holds one version of them all.

Pure: no Django, no files. `protocols.loading` builds these from YAML or from stored rows; nothing here is ever edited.
Amounts are `Decimal` with the unit in the name; codes are those of the clinical reference.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from protocols.choices import (
    Category,
    CheckResult,
    DoseUnit,
    Form,
    InstructionSeverity,
    LooksAt,
    MixingShape,
    Role,
    Status,
)
from protocols.figures import HOUSE

if TYPE_CHECKING:
    from patients.questionnaire import Question
    from protocols.rules import MeasurementDefinition, MedicineClass, Rule

Texts = Mapping[str, str]
"""One text per language code; English is always there."""


def text_in(texts: Texts, lang: str) -> str:
    """The text in `lang` ("tr", "tr-TR"), falling back to English."""
    return texts.get(lang) or texts.get(lang.split("-")[0]) or texts["en"]


@dataclass(frozen=True, slots=True)
class DecimalRange:
    """Both ends included. The unit is in the name of the field that holds the range."""

    low: Decimal
    high: Decimal

    def __contains__(self, amount: Decimal) -> bool:
        return self.low <= amount <= self.high


@dataclass(frozen=True, slots=True)
class WholeRange:
    """A default with its smallest and largest allowed value; `high` is None where the source gives no maximum."""

    default: int
    low: int
    high: int | None

    def __contains__(self, number: int) -> bool:
        return self.low <= number and (self.high is None or number <= self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What every catalogue entry has: a stable code, a name per language, where it comes from and how sure it is."""

    code: str
    name: Texts
    source: str
    mark: str = ""
    note: str = ""

    def name_in(self, lang: str) -> str:
        return text_in(self.name, lang)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDefinition(Definition):
    """An entry whose point is a text that people read."""

    body: Texts

    def text(self, lang: str) -> str:
        return text_in(self.body, lang)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a course with its own rhythm: its interval (calendar days) leads up to each of its sessions."""

    name: str
    sessions: WholeRange
    interval_days: WholeRange | None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Sessions after the course: due `latest_days` after the last one, possible from `earliest_days` on."""

    earliest_days: int
    latest_days: int
    only_if_it_helps: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """A look back: `days` after the first or last session date, or a task after session `session` or after hours."""

    anchor: str
    days: int | None = None
    session: int | None = None
    hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indication(Definition):
    """What is treated, where, how often. `sessions` is the total of all phases; `effect` is what may be expected;
    `evidence` is the grade, `evidence_note` says what it depends on where one letter is not enough."""

    category: Category
    status: Status
    regions: tuple[str, ...]
    techniques: tuple[str, ...]
    only_substances: tuple[str, ...]
    evidence: str
    evidence_note: Texts | None
    sessions: WholeRange
    phases: tuple[Phase, ...]
    maintenance: Maintenance | None
    effect: Texts
    reviews: tuple[Review, ...]
    scales: tuple[str, ...]
    stop_if_vas_fell_less_than_percent: int | None
    never_in: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Definition):
    """Where. `max_ml` is per session, both sides together where `both_sides`; `group` is the area that reactions,
    recent procedures and area rules share; `aftercare_sets` are the words aftercare uses for several regions."""

    group: str
    depth_mm: DecimalRange
    max_ml: Decimal
    both_sides: bool
    slot_minutes: int
    aftercare_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique(Definition):
    """How the needle is used. `hard_depth_mm` replaces the general hard limit where the technique has its own."""

    status: Status
    depth_mm: DecimalRange | None
    ml_per_point: DecimalRange
    spacing_mm: str
    needle: str
    hard_depth_mm: Decimal | None
    only_substances: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Definition):
    """With what: hand, gun, device. `needle_free` deliveries do not pierce the skin."""

    status: Status
    depth_mm: DecimalRange | None
    needle_free: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """Where alone a substance may be used; an empty tuple does not restrict."""

    categories: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    sexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionFigure:
    """A substance's own figures for one region; they replace the region's for a syringe of it."""

    max_ml: Decimal | None = None
    depth_mm: DecimalRange | None = None
    typical: DecimalRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Substance(Definition):
    """What is injected. `typical` and `hard_max` are amounts per session in `dose_unit`, all regions together;
    `strength` is the usual range in `strength_unit`; `hard_max` None means no maximum of its own.
    `max_per_cm2` is in `dose_unit` per square centimetre of skin treated, `max_area_cm2` the most skin it may cover.
    `lidocaine_mg_per_g` is what one gram of a numbing cream adds to the injected lidocaine."""

    substance_class: Texts
    role: Role
    form: Form
    status: Status
    groups: frozenset[str]
    origin: str
    strength: DecimalRange | None
    strength_unit: str
    dose_unit: DoseUnit
    typical: DecimalRange | None
    hard_max: Decimal | None
    mg_per_kg: Decimal | None
    final_strength_max: Decimal | None
    lidocaine_mg_per_g: Decimal | None
    max_ml_per_point: Decimal | None
    max_points: int | None
    max_per_cm2: Decimal | None
    max_area_cm2: Decimal | None
    max_sessions: int | None
    min_interval_days: int | None
    by_region: Mapping[str, RegionFigure]
    allowed: Scope
    never_in: tuple[str, ...]
    needs_allergy_test: bool


@dataclass(frozen=True, slots=True)
class MixtureItem:
    """One line of an example mixture. `strength` is per ml in `strength_unit`; None where the dose counts in ml."""

    substance: str
    volume_ml: Decimal
    strength: Decimal | None
    strength_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture(Definition):
    """An example for a clinician to adapt. `total_ml_for` holds the total where an indication takes less; all volumes
    are then scaled by one factor. Expected findings of the mixture itself are named in `warns`."""

    indications: tuple[str, ...]
    technique: str
    items: tuple[MixtureItem, ...]
    total_ml: Decimal
    total_ml_for: Mapping[str, Decimal]
    sexes: tuple[str, ...]
    never_in: tuple[str, ...]
    warns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixingRule(TextDefinition):
    """One check of a plan. `shape` chooses the evaluator; what the shape needs stands in the other fields.
    `limits` are named figures with the unit in their name; `substances` and `with_substances` hold `sub-` codes only,
    groups are resolved when the catalogue is built. `unknown` is the sentence when a needed figure is missing."""

    looks_at: LooksAt
    shape: MixingShape
    result: CheckResult
    substances: frozenset[str]
    with_substances: frozenset[str]
    forms: frozenset[Form]
    within_days: int
    limits: Mapping[str, Decimal]
    unknown: Texts | None


@dataclass(frozen=True, slots=True)
class HoursVariant:
    """A longer time for part of an instruction ("hair dye"), with its own words."""

    hours_until: int
    body: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class AftercareRule(TextDefinition):
    """One instruction with its elapsed hours from the session end. Who gets it: `everybody`, or whoever meets one of
    `regions` (codes or aftercare sets), `categories` or `substances`. `settable_hours` is the clinic's whole range."""

    severity: InstructionSeverity
    hours_from: int
    hours_until: int | None
    everybody: bool
    regions: tuple[str, ...]
    categories: tuple[str, ...]
    substances: tuple[str, ...]
    settable_hours: tuple[int, int] | None
    hours_until_with: Mapping[str, int]
    months_until_with: Mapping[str, int]
    doubled_for_dark_skin: bool
    doubled_for_indications: tuple[str, ...]
    at_least_as_long_as: str
    variants: tuple[HoursVariant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionDefinition(TextDefinition):
    """An expected reaction (`exp-`), an adverse event (`ae-`) or a red flag (`rf-`). Empty scopes mean every plan."""

    kind: str
    onset: Texts
    lasts: Texts
    grade_low: int | None
    grade_high: int | None
    substances: frozenset[str]
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDefinition(TextDefinition):
    """An automatic mail. The subject (`name`) never names a diagnosis or treatment. `when` says in words what
    `protocols.message_times` computes from `limits`; `stopped_by_block` mails end when screening blocks the course."""

    when: Texts
    template: str
    sent_at_once: bool
    stopped_by_block: bool
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentItem(TextDefinition):
    """One thing a consent must say. Empty scopes: every consent. `answer` asks the patient for a separate yes or no."""

    number: int
    categories: tuple[str, ...]
    indications: tuple[str, ...]
    substances: tuple[str, ...]
    answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartGate(TextDefinition):
    """What must be true before a session starts; only a few gates can be overridden, with a named reason. `limits` are
    its figures, whole numbers with the unit in their name; which a gate has is fixed (`protocols.parsing_texts`)."""

    overridable: bool
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChoice(TextDefinition):
    """Something a source offers or a patient may ask for that is not done here, and why. `about` says what it would
    have been; `words` are other names it is asked by, in every language; `instead` is a code that is offered."""

    about: str
    words: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationRule(TextDefinition):
    """What else may be done to the same area, and when (section 14). With the other treatment first, mesotherapy follows
    after `days_before` (or calendar `months_before`); with mesotherapy first, the other after `days_after`. `procedures`
    are the answers of `q-procedure` it stands for; `substances` what one of two plans holds. `same_day`: allowed.
    `most_new`: products of one day that may be new. Days with `procedures` are for information: screening
    (`scr-recent-procedure`) and aftercare (`ac-no-procedures`) decide by their own entries; those of two plans are read by
    `protocols.combining`."""

    procedures: tuple[str, ...]
    substances: tuple[str, ...]
    days_before: int | None
    months_before: int | None
    days_after: int | None
    same_day: bool
    most_new: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerRule(TextDefinition):
    """How a course is dated, in words (section 14); `protocols.planning` computes it. `days` is its figure, if any:
    with `plan-gap` the days without a session after which everything is asked again. The others only explain."""

    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRule(TextDefinition):
    """Figures of the house that belong to no single treatment; which an entry has is fixed (`protocols.figures`)."""

    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInAnswer(TextDefinition):
    """An answer of the check-in after a session and how fast somebody must look at it (section 11). It counts from
    `at_least` on where it is a figure, `rising`: when higher than the answer before, after `after_hours`, from day
    `from_day` to day `until_day`; `reaction` is then suspected. For information: staff read it, nothing computes it yet."""

    urgency: str
    at_least: Decimal | None
    rising: bool
    after_hours: int
    from_day: int | None
    until_day: int | None
    reaction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One version of everything that may be given and everything that must be asked. Each mapping keeps file order.

    `lacking`: how many texts patients read are not approved in a language and are shown in English instead."""

    version: str
    indications: Mapping[str, Indication]
    regions: Mapping[str, Region]
    techniques: Mapping[str, Technique]
    deliveries: Mapping[str, Delivery]
    substances: Mapping[str, Substance]
    mixtures: Mapping[str, Mixture]
    mixing_rules: Mapping[str, MixingRule]
    questions: Mapping[str, Question]
    measurements: Mapping[str, MeasurementDefinition]
    rules: Mapping[str, Rule]
    medicine_classes: Mapping[str, MedicineClass]
    aftercare: Mapping[str, AftercareRule]
    reactions: Mapping[str, ReactionDefinition]
    messages: Mapping[str, MessageDefinition]
    consent_items: Mapping[str, ConsentItem]
    start_gates: Mapping[str, StartGate]
    refused: Mapping[str, RefusedChoice]
    combinations: Mapping[str, CombinationRule]
    planner_rules: Mapping[str, PlannerRule]
    check_ins: Mapping[str, CheckInAnswer]
    house: Mapping[str, HouseRule]
    lacking: Mapping[str, int] = field(default_factory=dict)

    def figure(self, code: str, name: str) -> int:
        """A figure of the house; a version stored before it could be edited has what was computed with then."""
        entry = self.house.get(code)
        return entry.limits[name] if entry is not None else HOUSE[code][name]

    def mixtures_for(self, indication: str) -> tuple[Mixture, ...]:
        """Example mixtures of an indication, in file order."""
        return tuple(mixture for mixture in self.mixtures.values() if indication in mixture.indications)

    def region_group(self, region: str) -> str:
        """The area a region belongs to; two regions are "the same area" when their groups are equal."""
        return self.regions[region].group
