"""The closed word lists of floor 2. Changing a value means rewriting every stored catalogue that uses it.

Pure: no Django. Labels for people live in the catalogue texts and in the templates.
"""
from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class CheckResult(StrEnum):
    """What a plan check found, from best to worst; the declaration order is the ranking."""

    OK = "ok"
    WARNING = "warning"
    INCOMPLETE = "incomplete"
    OVER_LIMIT = "over-limit"
    NOT_USABLE = "not-usable"
    INCOMPATIBLE = "incompatible"

    @property
    def rank(self) -> int:
        """0 for ok, rising with severity."""
        return _RANK[self]

    @classmethod
    def worst(cls, results: Iterable[CheckResult]) -> CheckResult:
        """The worst of the given results; ok when there are none."""
        return max(results, key=lambda result: result.rank, default=cls.OK)


_RANK = {result: rank for rank, result in enumerate(CheckResult)}


class Status(StrEnum):
    """Whether an entry may be used: `off` needs the medical lead, `locked` also a recorded legal basis,
    `withdrawn` is kept for history and can never be enabled."""

    ON = "on"
    OFF = "off"
    LOCKED = "locked"
    WITHDRAWN = "withdrawn"


class Category(StrEnum):
    """Category of an indication; screening rules and aftercare are scoped by it."""

    AESTHETIC = "aesthetic"
    HAIR = "hair"
    BODY = "body"
    PAIN = "pain"
    VASCULAR = "vascular"
    SKIN_DISEASE = "skin disease"


class Form(StrEnum):
    """What the product is physically; only aqueous products belong in a syringe mix."""

    AQUEOUS = "aqueous"
    OILY = "oily"
    ALCOHOLIC = "alcoholic"
    TOPICAL = "topical"
    SUSPENSION = "suspension"


class Role(StrEnum):
    """What a substance does in a mix; diluents are not counted as active substances."""

    ACTIVE = "active"
    ANAESTHETIC = "anaesthetic"
    DILUENT = "diluent"


class DoseUnit(StrEnum):
    """Unit in which a substance is summed and limited."""

    MG = "mg"
    ML = "ml"
    G = "g"
    U = "U"
    IU = "IU"


class Mark(StrEnum):
    """How sure a figure is: background knowledge, to be confirmed by a clinician, our own decision, or several."""

    NONE = ""
    BACKGROUND = "bg"
    CHECK = "check"
    DECISION = "dec"


class InstructionSeverity(StrEnum):
    """How binding an aftercare instruction is, most binding first."""

    MUST = "must"
    SHOULD = "should"
    TIP = "tip"


class LooksAt(StrEnum):
    """What a mixing rule sums or compares over (facts of section 6): one syringe, the syringes in one region group on
    one day, everything the patient gets on one day, one region of the day, one syringe's needle, or the whole plan."""

    MIX = "mix"
    AREA = "area"
    DAY = "day"
    REGION = "region"
    SYRINGE = "syringe"
    PLAN = "plan"


class MixingShape(StrEnum):
    """The closed set of checks a mixing rule can ask for. There are no expressions to evaluate."""

    FORBIDDEN_FORM = "forbidden-form"
    FORBIDDEN = "forbidden"
    TOGETHER = "together"
    ALONE = "alone"
    AT_MOST_ONE = "at-most-one"
    ANAESTHETIC_SUM = "anaesthetic-sum"
    FINAL_STRENGTH = "final-strength"
    SHARE_OF_MIX = "share-of-mix"
    COUNT = "count"
    STATUS = "status"
    SCOPE = "scope"
    DOSE_MAX = "dose-max"
    DOSE_KG = "dose-kg"
    DOSE_TYPICAL = "dose-typical"
    VOLUME_REGION = "volume-region"
    VOLUME_SESSION = "volume-session"
    VOLUME_POINT = "volume-point"
    DEPTH_MAX = "depth-max"
    DEPTH_RANGE = "depth-range"
    STATED_TOTAL = "stated-total"


class Antiseptic(StrEnum):
    """What the skin is cleaned with; a rule can be scoped to it."""

    CHLORHEXIDINE = "chlorhexidine"
    IODINE = "iodine"
