"""The words of the catalogue's fields and kinds for people: labels, units, values. `protocols.limits` knows the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from protocols.leaves import pattern_of

L = gettext_lazy
KINDS: Mapping[str, Any] = {
    "indication": L("Indications"), "mixture": L("Example mixtures"), "substance": L("Substances"), "region": L("Regions"),
    "technique": L("Techniques"), "delivery": L("Deliveries and devices"), "mixing_rule": L("Mixing rules"),
    "rule": L("Screening rules"), "lab": L("Labs and wash-outs"), "question": L("Questions"),
    "measurement": L("Measurements"), "medicine_class": L("Medicine classes"), "start_gate": L("Start gates"),
    "aftercare": L("Aftercare"), "reaction": L("Reactions"), "message": L("Messages"), "consent_item": L("Consent"),
    "combination": L("Combinations"), "planner_rule": L("Dates of a course"), "check_in": L("Check-in answers"),
    "refused": L("Not offered"),
}  # fmt: skip
ONE: Mapping[str, Any] = {
    "indication": L("Indication"), "mixture": L("Example mixture"), "substance": L("Substance"), "region": L("Region"),
    "technique": L("Technique"), "delivery": L("Delivery or device"), "mixing_rule": L("Mixing rule"),
    "rule": L("Screening rule"), "question": L("Question"), "measurement": L("Measurement"),
    "medicine_class": L("Medicine class"), "start_gate": L("Start gate"), "aftercare": L("Aftercare instruction"),
    "reaction": L("Reaction"), "message": L("Message"), "consent_item": L("Consent item"), "refused": L("Not offered"),
    "combination": L("Combination"), "planner_rule": L("Date of a course"), "check_in": L("Check-in answer"),
}  # fmt: skip

FIELDS: Mapping[str, Any] = {
    "name": L("Name"), "title": L("Name"), "class": L("Class"), "status": L("State"), "strength": L("Usual strength"),
    "typical": L("Typical amount per session"), "hard_max": L("Hard maximum per session"), "mg_per_kg": L("Most mg per kg"),
    "final_strength_max": L("Strongest in the mix"), "max_ml_per_point": L("Most ml per point"),
    "max_points": L("Most points"), "max_sessions": L("Most sessions"),
    "min_interval_days": L("Shortest interval, days"), "lidocaine_mg_per_g": L("Counts as lidocaine, mg per g"),
    "max_ml": L("Most ml per session"), "depth_mm": L("Depth, mm"), "slot_minutes": L("Minutes in the calendar"),
    "hard_depth_mm": L("Deepest, mm"), "ml_per_point": L("ml per point"), "spacing_mm": L("Spacing, mm"),
    "needle": L("Needle"), "allowed": L("Allowed only for"), "categories": L("Categories"),
    "indications": L("Indications"), "regions": L("Regions"), "techniques": L("Techniques"), "sexes": L("Sex"),
    "groups": L("Groups for mixing rules"), "no_allergy_test": L("Needs no allergy test"),
    "never_in": L("Never in these countries"), "source": L("Source"), "mark": L("Mark"), "note": L("Note for staff"),
    "only_substances": L("Only with these substances"), "evidence": L("Evidence grade"),
    "evidence_note": L("Evidence, in words"), "effect": L("Effect to expect"), "sessions": L("Sessions"),
    "interval_days": L("Interval, days"), "default": L("usual"), "min": L("least"), "max": L("most"),
    "maintenance": L("Maintenance"), "earliest_days": L("earliest, days"), "latest_days": L("latest, days"),
    "days": L("days"), "months": L("months"), "within_days": L("Within days"), "total_ml": L("Total ml"),
    "total_ml_for": L("Total ml for"), "substance": L("Substance"), "volume_ml": L("ml"), "technique": L("Technique"),
    "warns": L("Known warnings"), "text": L("Text"), "text_when_unknown": L("Text when a figure is missing"),
    "result": L("Result"), "limits": L("Limit"), "substances": L("Substances"), "with_substances": L("with"),
    "forms": L("Forms"), "sentence": L("Sentence for clinicians"), "explanation": L("Explanation for the patient"),
    "advice": L("What the patient can do"), "scope": L("Only in plans with"), "severity": L("Severity"),
    "wait": L("Wait"), "lifted_by": L("What lifts it"), "letter": L("Letter that is needed"),
    "valid_days": L("Valid for days"), "examples": L("Examples"), "lowest": L("Lowest accepted"),
    "highest": L("Highest accepted"), "required_with": L("Required with"), "always": L("Always required"),
    "why": L("Why we ask"), "help": L("Help"), "heading": L("Heading"), "hours_from": L("From hour"),
    "hours_until": L("Until hour"), "hours_until_with": L("Until hour, with"),
    "months_until_with": L("Until month, with"), "onset": L("When it begins"), "lasts": L("How long it lasts"),
    "grade_low": L("Lowest grade"), "grade_high": L("Highest grade"), "when": L("When"),
    "overridable": L("May be overridden"), "stop_if_vas_fell_less_than_percent": L("Stop if pain fell less than, %"),
    "at_least": L("at least"), "above": L("above"), "at_most": L("at most"), "below": L("below"), "en": L("English"),
    "tr": L("Turkish"), "warn_substances": L("warn from substances"), "most_substances": L("most substances"),
    "warn_ml": L("warn above, ml"), "most_ml": L("most ml"), "most_ml_per_point": L("most ml per point"),
    "most_mm": L("deepest, mm"), "tolerance_ml": L("tolerance, ml"), "percent": L("most, %"), "role": L("Role"),
    "by_region": L("In the region"), "category": L("Category"), "words": L("Other names"), "reviews": L("Review"), "days_before": L("Other treatment first, days"),
    "months_before": L("Other treatment first, months"), "days_after": L("Mesotherapy first, days"),
    "same_day": L("On the same day"), "urgency": L("How soon"), "rising": L("When it rises"),
    "after_hours": L("After hours"), "from_day": L("From day"), "until_day": L("Until day"), "about": L("About"),
    "procedures": L("Other treatment"), "hours": L("hours"), "number": L("Number"), "group": L("Area"),
    "both_sides": L("Both sides together"), "dose_unit": L("Counted in"), "form": L("Form"), "origin": L("Origin"),
    "strength_unit": L("Strength in"), "items": L("Components"), "is": L("is one of"), "answer": L("answer"),
    "measured": L("measured"), "medicine": L("medicine"), "looks_at": L("Looked at"), "shape": L("Check"),
    "scales": L("Scales"), "anchor": L("counted from"), "only_with": L("Asked only with"), "unit": L("Unit"),
    "everybody": L("For everybody"), "also": L("fires in addition"), "kind": L("Kind"), "each": L("For each of"),
    "required": L("Required"), "grade": L("Grade"), "reaction": L("Reaction"), "instead": L("Instead"), "not": L("not"),
    "within": L("counted from the date"), "item": L("item"), "in_area": L("in the area"), "template": L("Template"),
    "stopped_by_block": L("Stops when screening blocks"), "sent_at_once": L("Sent at once"), "version": L("Version"),
    "settable_hours": L("May be set to, hours"), "needle_free": L("Without a needle"), "values": L("Values"),
    "age": L("age"), "sex": pgettext_lazy("of a person", "sex"), "bmi": L("body mass index"), "plan": L("plan"),
    "options": L("Options"), "follow_ups": L("Follow-ups"), "aftercare_sets": L("Aftercare words"),
    "measurement": L("Measurement"), "labs": L("Lab values"), "again": L("Asked at every session"),
}  # fmt: skip
PARTS: Mapping[str, Any] = {
    "clauses": L("Clause %(number)s"), "phases": L("Phase %(number)s"), "items": L("Component %(number)s"),
    "effects": L("Effect %(number)s"), "variants": L("Variant %(number)s"), "reviews": L("Review %(number)s"),
    "labs": L("Lab value %(number)s"), "when": L("condition %(number)s"), "all": L("part %(number)s"),
    "any": L("part %(number)s"), "follow_ups": L("Follow-up %(number)s"),
}  # fmt: skip
VALUES: Mapping[str, Any] = {
    "on": L("in use"), "off": pgettext_lazy("catalogue entry", "off"), "locked": pgettext_lazy("catalogue entry", "locked"),
    "withdrawn": pgettext_lazy("catalogue entry", "withdrawn"), "absolute": L("absolute: blocks"),
    "relative": L("relative: needs a clearance"), "temporary": L("temporary: waits"), "info": L("note"),
    "ok": L("ok"), "warning": L("warning"), "incomplete": L("incomplete"), "over-limit": L("over the limit"),
    "not-usable": L("not usable"), "incompatible": L("incompatible"), "must": L("must"), "should": L("should"),
    "tip": L("tip"), "aesthetic": L("aesthetic"), "hair": L("hair"), "body": L("body"), "pain": L("pain"),
    "vascular": L("vascular"), "skin disease": L("skin disease"), "female": L("female"), "male": L("male"),
    "other": pgettext_lazy("sex", "other"), "active": L("active"), "anaesthetic": L("anaesthetic"), "diluent": L("diluent"),
    "aqueous": L("aqueous"), "oily": L("oily"), "alcoholic": L("alcoholic"), "topical": L("topical"),
    "suspension": L("suspension"), "together": L("not together with"), "forbidden": L("never in a syringe"),
    "alone": L("only alone"), "at-most-one": L("at most one of"), "mix": L("one syringe"), "area": L("one area of the day"),
    "day": L("everything of the day"), "plan": L("the whole plan"), "region": L("one region"),
    "syringe": L("one syringe's needle"), "indication": L("indication"), "technique": L("technique"),
    "aftercare": L("aftercare"), "effect": L("claimed effect"), "practice": L("practice"),
}  # fmt: skip
LANGUAGE_ENDS = ("en", "tr")
_CODES = ("sub-", "reg-", "ind-", "tq-", "ck-")


def label_of(kind: str, path: str) -> str:
    """The field in words: "Clause 2 · Wait · months", "Name (Turkish)"."""
    words: list[str] = []
    steps = path.split(".")
    for place, step in enumerate(steps):
        if step.isdigit() and place:
            words[-1] = str(PARTS.get(steps[place - 1], L("part %(number)s"))) % {"number": step}
        elif step in LANGUAGE_ENDS and place == len(steps) - 1 and place:
            words[-1] = f"{words[-1]} ({FIELDS[step]})"
        else:
            words.append(str(FIELDS.get(step, step)))
    return " · ".join(words)


def shown(path: str, value: Any) -> str:
    """A value in words: lists joined, ranges with a dash, yes and no, closed words in the reader's language."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {shown(path, inner)}" for key, inner in value.items())
    if isinstance(value, list):
        if pattern_of(path).rpartition(".")[2] in ("strength", "typical", "depth_mm", "ml_per_point") and len(value) == 2:
            return f"{value[0]}–{value[1]}" if value[0] != value[1] else str(value[0])
        return ", ".join(shown("", inner) for inner in value)
    return str(VALUES.get(str(value), value)) if "." not in str(value) else str(value)


def word(value: str) -> str:
    """A closed word of the catalogue in the reader's language."""
    return str(VALUES.get(value, value))
