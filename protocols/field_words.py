"""The words of the catalogue's fields and kinds for people: labels, units, values. `protocols.limits` knows the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from protocols.leaves import leaves, pattern_of, same

KINDS: Mapping[str, Any] = {
    "indication": _("Indications"), "mixture": _("Example mixtures"), "substance": _("Substances"), "region": _("Regions"),
    "technique": _("Techniques"), "delivery": _("Deliveries and devices"), "mixing_rule": _("Mixing rules"),
    "rule": _("Screening rules"), "lab": _("Labs and wash-outs"), "question": _("Questions"),
    "measurement": _("Measurements"), "medicine_class": _("Medicine classes"), "start_gate": _("Start gates"),
    "aftercare": _("Aftercare"), "reaction": _("Reactions"), "message": _("Messages"), "consent_item": _("Consent"),
    "combination": _("Combinations"), "planner_rule": _("Dates of a course"), "check_in": _("Check-in answers"),
    "house_rule": _("House rules"), "refused": _("Not offered"),
}  # fmt: skip
ONE: Mapping[str, Any] = {
    "indication": _("Indication"), "mixture": _("Example mixture"), "substance": _("Substance"), "region": _("Region"),
    "technique": _("Technique"), "delivery": _("Delivery or device"), "mixing_rule": _("Mixing rule"),
    "rule": _("Screening rule"), "question": _("Question"), "measurement": _("Measurement"),
    "medicine_class": _("Medicine class"), "start_gate": _("Start gate"), "aftercare": _("Aftercare instruction"),
    "reaction": _("Reaction"), "message": _("Message"), "consent_item": _("Consent item"), "refused": _("Not offered"),
    "combination": _("Combination"), "planner_rule": _("Date of a course"), "check_in": _("Check-in answer"),
    "house_rule": _("House rule"),
}  # fmt: skip

FIELDS: Mapping[str, Any] = {
    "name": _("Name"), "title": _("Name"), "class": _("Class"), "status": _("State"), "strength": _("Usual strength"),
    "typical": _("Typical amount per session"), "hard_max": _("Hard maximum per session"), "mg_per_kg": _("Most mg per kg"),
    "final_strength_max": _("Strongest in the mix"), "max_ml_per_point": _("Most ml per point"),
    "max_per_cm2": _("Most per cm²"), "max_area_cm2": _("Largest area, cm²"),
    "max_points": _("Most points"), "max_sessions": _("Most sessions"),
    "min_interval_days": _("Shortest interval, days"), "lidocaine_mg_per_g": _("Counts as lidocaine, mg per g"),
    "max_ml": _("Most ml per session"), "depth_mm": _("Depth, mm"), "slot_minutes": _("Minutes in the calendar"),
    "hard_depth_mm": _("Deepest, mm"), "ml_per_point": _("ml per point"), "spacing_mm": _("Spacing, mm"),
    "needle": _("Needle"), "allowed": _("Allowed only for"), "categories": _("Categories"),
    "indications": _("Indications"), "regions": _("Regions"), "techniques": _("Techniques"), "sexes": _("Sex"),
    "groups": _("Groups for mixing rules"), "no_allergy_test": _("Needs no allergy test"),
    "never_in": _("Never in these countries"), "source": _("Source"), "mark": _("Mark"), "note": _("Note for staff"),
    "only_substances": _("Only with these substances"), "evidence": _("Evidence grade"),
    "evidence_note": _("Evidence, in words"), "effect": _("Effect to expect"), "sessions": pgettext_lazy("course", "Sessions"),
    "interval_days": _("Interval, days"), "default": _("usual"), "min": _("least"), "max": _("most"),
    "maintenance": _("Maintenance"), "earliest_days": _("earliest, days"), "latest_days": _("latest, days"),
    "days": _("days"), "months": _("months"), "within_days": _("Within days"), "total_ml": _("Total ml"),
    "total_ml_for": _("Total ml for"), "substance": _("Substance"), "volume_ml": _("ml"), "technique": _("Technique"),
    "warns": _("Known warnings"), "text": _("Text"), "text_when_unknown": _("Text when a figure is missing"),
    "result": _("Result"), "limits": _("Limit"), "substances": _("Substances"), "with_substances": _("with"),
    "forms": _("Forms"), "sentence": _("Sentence for clinicians"), "explanation": _("Explanation for the patient"),
    "advice": _("What the patient can do"), "scope": _("Only in plans with"), "severity": _("Severity"),
    "wait": _("Wait"), "lifted_by": _("What lifts it"), "letter": _("Letter that is needed"),
    "valid_days": _("Valid for days"), "examples": _("Examples"), "lowest": _("Lowest accepted"),
    "highest": _("Highest accepted"), "required_with": _("Required with"), "always": _("Always required"),
    "why": _("Why we ask"), "help": _("Help"), "heading": _("Heading"), "hours_from": _("From hour"),
    "hours_until": _("Until hour"), "hours_until_with": _("Until hour, with"),
    "months_until_with": _("Until month, with"), "onset": _("When it begins"), "lasts": _("How long it lasts"),
    "grade_low": _("Lowest grade"), "grade_high": _("Highest grade"), "when": _("When"),
    "overridable": _("May be overridden"), "stop_if_vas_fell_less_than_percent": _("Stop if pain fell less than, %"),
    "at_least": _("at least"), "above": _("above"), "at_most": _("at most"), "below": _("below"), "en": _("English"),
    "tr": _("Turkish"), "warn_substances": _("warn from substances"), "most_substances": _("most substances"),
    "warn_ml": _("warn above, ml"), "most_ml": _("most ml"), "most_ml_per_point": _("most ml per point"),
    "most_mm": _("deepest, mm"), "tolerance_ml": _("tolerance, ml"), "percent": _("most, %"), "role": _("Role"),
    "by_region": _("In the region"), "category": _("Category"), "words": _("Other names"), "reviews": _("Review"),
    "days_before": _("Other treatment first, days"),
    "months_before": _("Other treatment first, months"), "days_after": _("Mesotherapy first, days"),
    "same_day": _("On the same day"), "most_new": _("Most new products"),
    "least_hours": _("at least, hours"), "read_hours": _("Read after, hours"), "positive_mm": _("Positive from, mm"),
    "most_days": _("at most, days"), "most_months": _("at most, months"), "known_months": _("Known for, months"),
    "body_days": _("body courses, days"), "inject_minutes": _("Inject within, minutes"),
    "never_after_hours": _("Never after, hours"), "opened_vial_days": _("Opened vial, days"),
    "quiet_from_hour": _("Quiet from, hour of the day"), "quiet_until_hour": _("Quiet until, hour of the day"),
    "usual_hour": _("Usual hour of the day"), "look_back_days": _("Looked back, days"),
    "urgency": _("How soon"), "rising": _("When it rises"),
    "after_hours": _("After hours"), "from_day": _("From day"), "until_day": _("Until day"), "about": _("About"),
    "procedures": _("Other treatment"), "hours": _("hours"), "number": _("Number"), "group": _("Area"),
    "both_sides": _("Both sides together"), "dose_unit": _("Counted in"), "form": _("Form"), "origin": _("Origin"),
    "strength_unit": _("Strength in"), "items": _("Components"), "is": _("is one of"), "answer": _("answer"),
    "measured": _("measured"), "medicine": _("medicine"), "looks_at": _("Looked at"), "shape": _("Check"),
    "scales": _("Scales"), "anchor": _("counted from"), "only_with": _("Asked only with"), "unit": _("Unit"),
    "everybody": _("For everybody"), "also": _("fires in addition"), "kind": _("Kind"), "each": _("For each of"),
    "required": _("Required"), "grade": _("Grade"), "reaction": _("Reaction"), "instead": _("Instead"), "not": _("not"),
    "within": _("counted from the date"), "item": _("item"), "in_area": _("in the area"), "template": _("Template"),
    "stopped_by_block": _("Stops when screening blocks"), "sent_at_once": _("Sent at once"), "version": _("Version"),
    "settable_hours": _("May be set to, hours"), "needle_free": _("Without a needle"), "values": _("Values"),
    "age": _("age"), "sex": pgettext_lazy("of a person", "sex"), "bmi": _("body mass index"), "plan": _("in the plan"),
    "options": _("Options"), "follow_ups": _("Follow-ups"), "aftercare_sets": _("Aftercare words"),
    "measurement": _("Measurement"), "labs": _("Lab values"),
    "tests": _("Tests before a session"), "waivable": _("May be waived with a reason"), "again": _("Asked at every session"),
}  # fmt: skip
PARTS: Mapping[str, Any] = {
    "clauses": _("Clause %(number)s"), "phases": _("Phase %(number)s"), "items": _("Component %(number)s"),
    "effects": _("Effect %(number)s"), "variants": _("Variant %(number)s"), "reviews": _("Review %(number)s"),
    "labs": _("Lab value %(number)s"), "tests": _("Test %(number)s"),
    "when": _("condition %(number)s"), "all": _("part %(number)s"),
    "any": _("part %(number)s"), "follow_ups": _("Follow-up %(number)s"),
}  # fmt: skip
VALUES: Mapping[str, Any] = {
    "on": _("in use"), "off": pgettext_lazy("catalogue entry", "off"), "locked": pgettext_lazy("catalogue entry", "locked"),
    "withdrawn": pgettext_lazy("catalogue entry", "withdrawn"), "absolute": _("absolute: blocks"),
    "relative": _("relative: needs a clearance"), "temporary": _("temporary: waits"), "info": _("note"),
    "ok": _("ok"), "warning": _("warning"), "incomplete": _("incomplete"), "over-limit": _("over the limit"),
    "not-usable": _("not usable"), "incompatible": _("incompatible"), "must": _("must"), "should": _("should"),
    "tip": _("tip"), "aesthetic": _("aesthetic"), "hair": _("hair"), "body": _("body"), "pain": _("pain"),
    "vascular": _("vascular"), "skin disease": _("skin disease"), "female": _("female"), "male": _("male"),
    "other": pgettext_lazy("sex", "other"), "active": pgettext_lazy("substance", "active"),
    "anaesthetic": _("anaesthetic"), "diluent": _("diluent"),
    "aqueous": _("aqueous"), "oily": _("oily"), "alcoholic": _("alcoholic"), "topical": _("topical"),
    "suspension": _("suspension"), "together": _("not together with"), "forbidden": _("never in a syringe"),
    "alone": _("only alone"), "at-most-one": _("at most one of"), "mix": _("one syringe"), "area": _("one area of the day"),
    "day": _("everything of the day"), "plan": _("the whole plan"), "region": _("one region"),
    "syringe": _("one syringe's needle"), "indication": _("indication"), "technique": _("technique"),
    "grp-5ari": _("all 5-alpha-reductase inhibitors"), "grp-alone": _("everything that is used alone"),
    "grp-always-test": _("everything that is always tested for allergy"), "grp-ha": _("all hyaluronic acids"),
    "grp-lidocaine": _("everything that counts as lidocaine"), "grp-nsaid": _("all NSAIDs"),
    "grp-pn": _("all polynucleotides"), "grp-steroid": _("all steroids"),
    "grp-vasoconstrictor": _("all vasoconstrictors"), "grp-vasodilator": _("all vasodilators"),
    "grp-vitamin-b12": _("everything with vitamin B12"), "grp-vitamin-c": _("everything with vitamin C"),
    "grp-xanthine": _("all xanthines"),
    "aftercare": _("aftercare"), "effect": _("claimed effect"), "practice": _("practice"),
    "yes": _("yes"), "no": _("no"), "unsure": _("Unsure"),
}  # fmt: skip
EVENT_WORDS: Mapping[str, Any] = {
    "open": pgettext_lazy("event", "open"), "closed": pgettext_lazy("event", "closed"), "certain": _("Certain"),
    "probable": _("Probable"), "possible": _("Possible"), "unlikely": _("Unlikely"), "unrelated": _("Unrelated"),
    "not-assessed": _("Not yet assessed"),
}  # fmt: skip
"""What an earlier event may be, and how likely the treatment caused it."""
LANGUAGE_ENDS = ("en", "tr")
_CODES = ("sub-", "reg-", "ind-", "tq-", "ck-")


def label_of(kind: str, path: str) -> str:
    """The field in words: "Clause 2 · Wait · months", "Name (Turkish)"."""
    words: list[str] = []
    steps = path.split(".")
    for place, step in enumerate(steps):
        if step.isdigit() and place:
            words[-1] = str(PARTS.get(steps[place - 1], _("part %(number)s"))) % {"number": step}
        elif step in LANGUAGE_ENDS and place == len(steps) - 1 and place:
            words[-1] = f"{words[-1]} ({FIELDS[step]})"
        else:
            words.append(str(FIELDS.get(step, step)))
    return " · ".join(words)


def with_unit(label: str, path: str, body: Mapping[str, Any]) -> str:
    """A dose without its unit could be read as another one: "Hard maximum per session, mg"."""
    unit = body.get({"typical": "dose_unit", "hard_max": "dose_unit", "strength": "strength_unit"}.get(path, ""))
    return f"{label}, {unit}" if unit else label


def shown(path: str, value: Any) -> str:
    """A value in words: lists joined, ranges with a dash, yes and no, closed words in the reader's language."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Mapping):
        return "; ".join(f"{FIELDS.get(key, key)}: {shown(path, inner)}" for key, inner in value.items())
    if isinstance(value, list):
        if pattern_of(path).rpartition(".")[2] in ("strength", "typical", "depth_mm", "ml_per_point") and len(value) == 2:
            return f"{value[0]}–{value[1]}" if value[0] != value[1] else str(value[0])
        return ", ".join(shown("", inner) for inner in value)
    return str(VALUES.get(str(value), value)) if "." not in str(value) else str(value)


def shown_pair(kind: str, path: str, before: Any, after: Any) -> tuple[str, str]:
    """Before and after in words; of a clause as a whole only what differs, each with its field."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return shown(path, before), shown(path, after)
    old, new = leaves(before), leaves(after)
    differs = [one for one in {**old, **new} if not same(old.get(one), new.get(one))]
    if old and not differs:
        return words_of_clause(before), str(_("unchanged, but a laxer clause is tested before it now"))
    sides = ["; ".join(f"{label_of(kind, one)}: {shown(one, side[one])}" for one in differs if one in side)
             for side in (old, new)]  # fmt: skip
    return sides[0] or "–", sides[1] or "–"


def words_of_clause(clause: Mapping[str, Any]) -> str:
    """Everything a clause says, in one line."""
    return shown_pair("rule", "", {}, clause)[1]


def word(value: str) -> str:
    """A closed word of the catalogue in the reader's language."""
    return str(VALUES.get(value, value))
