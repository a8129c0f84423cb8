"""Every scoped clause against every word a plan can contain: it fires where the reference says, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocols.findings import Severity
from protocols.patient_case import words_of
from protocols.plan import Plan
from tests.protocols.healthy import catalogue, measured, person, plan, screened, syringe

ABSOLUTE, RELATIVE, WAIT, INFO = Severity.ABSOLUTE, Severity.RELATIVE, Severity.TEMPORARY, Severity.INFO
NSAIDS = {"sub-ketoprofen", "sub-diclofenac", "sub-piroxicam"}
FIVE_ARI = {"sub-finasteride", "sub-dutasteride"}
XANTHINES = {"sub-caffeine", "sub-aminophylline", "sub-pentoxifylline"}
FISH = {"sub-pn", "sub-pdrn", "sub-calcitonin"}
BODY_SHAPE = {"ind-local-fat", "ind-submental-fat", "ind-cellulite", "ind-body-laxity"}
BLEED = {"q-head-bleed-date": "2026-01-01"}


def severe(*items: str) -> dict[str, Any]:
    return {"q-anaphylaxis": "yes", "q-anaphylaxis-to": list(items)}


def allergic(*items: str) -> dict[str, Any]:
    return {"q-allergy": list(items)}


# rule, answers, severity, the words of a plan with which the rule has that severity
SCOPES: list[tuple[str, dict[str, Any], Severity, set[str]]] = [
    ("scr-childbearing-5ari", {"q-fertile": "yes"}, ABSOLUTE, FIVE_ARI),
    ("scr-thiocolch", {"q-contraception": "no"}, ABSOLUTE, {"sub-thiocolchicoside"}),
    ("scr-chc", {"q-chc": "yes"}, RELATIVE, {"sub-txa"}),
    ("scr-arrhythmia", {"q-arrhythmia": "yes"}, ABSOLUTE, {*XANTHINES, "sub-minoxidil"}),
    ("scr-cancer-history", {"q-cancer": "past", "q-cancer-end": "2010-01-01"}, ABSOLUTE, {"sub-prp", *FISH}),
    ("scr-thrombosis", {"q-clot": "yes"}, ABSOLUTE, {"sub-txa"}),
    ("scr-subarachnoid", {"q-head-bleed": "brain", **BLEED}, ABSOLUTE, {"sub-txa"}),
    ("scr-bleed-brain-eye", {"q-head-bleed": "brain", **BLEED}, ABSOLUTE, {"sub-pentoxifylline"}),
    (
        "scr-bleed-brain-eye",
        {"q-head-bleed": "brain", "q-head-bleed-date": "2010-01-01"},
        RELATIVE,
        {"sub-pentoxifylline"},
    ),
    ("wo-prp", {"q-steroid": "tablets", "q-steroid-date": "unknown"}, WAIT, {"sub-prp"}),
    ("scr-nsaid-allergy", {"q-nsaid-reaction": "yes"}, ABSOLUTE, NSAIDS),
    ("scr-asthma", {"q-asthma": "controlled"}, RELATIVE, {*NSAIDS, "sub-glutathione"}),
    ("scr-herpes-history", {"q-cold-sores": "yes"}, INFO, {"reg-face", "reg-lips", "reg-periocular"}),
    (
        "scr-epilepsy",
        {"q-epilepsy": "yes"},
        ABSOLUTE,
        {"dv-electroporation", "sub-txa", "sub-dmae", "sub-thiocolchicoside", "sub-aminophylline"},
    ),
    ("scr-mood", {"q-mood": "now"}, RELATIVE, {*FIVE_ARI, "sub-dmae"}),
    ("scr-mood", {"q-mood": "past"}, RELATIVE, {*FIVE_ARI, "sub-dmae"}),
    ("scr-eating-disorder", {"q-eating": "yes"}, RELATIVE, {"body"}),
    ("scr-pacemaker", {"q-implant": "other"}, ABSOLUTE, {"dv-electroporation", "dv-ultrasound"}),
    ("scr-pacemaker", {"q-implant": "pacemaker"}, ABSOLUTE, {"dv-electroporation", "dv-ultrasound"}),
    ("scr-metal-implant", {"q-metal": "yes"}, ABSOLUTE, {"dv-electroporation"}),
    ("scr-gallstones", {"q-gallstones": "yes"}, ABSOLUTE, {"sub-artichoke"}),
    ("scr-gallstones", {"q-gallstones": "yes"}, INFO, {"body"}),
    ("scr-gi-ulcer", {"q-ulcer": "yes"}, ABSOLUTE, NSAIDS),
    ("scr-dysphagia", {"q-swallow": "yes"}, ABSOLUTE, {"sub-dca"}),
    ("scr-g6pd", {"q-rare": ["g6pd"]}, ABSOLUTE, {"sub-vit-c"}),
    ("scr-g6pd", {"q-rare": ["g6pd"]}, RELATIVE, {"sub-la-cream"}),
    ("scr-iron-overload", {"q-rare": ["iron-overload"]}, ABSOLUTE, {"sub-vit-c"}),
    ("scr-oxalate", {"q-rare": ["oxalate-stones"]}, RELATIVE, {"sub-vit-c"}),
    ("scr-methb", {"q-rare": ["methaemoglobin"]}, ABSOLUTE, {"sub-la-cream"}),
    ("scr-porphyria", {"q-rare": ["porphyria"]}, ABSOLUTE, {"sub-pentoxifylline"}),
    ("scr-pseudochol", {"q-rare": ["pseudocholinesterase"]}, ABSOLUTE, {"sub-procaine"}),
    ("scr-low-calcium", {"q-rare": ["low-calcium"]}, ABSOLUTE, {"sub-calcitonin"}),
    ("scr-phaeo", {"q-rare": ["phaeochromocytoma"]}, ABSOLUTE, {"sub-minoxidil"}),
    ("scr-heart-block", {"q-rare": ["heart-block"]}, ABSOLUTE, {"sub-lidocaine", "sub-procaine"}),
    (
        "scr-dental",
        {"q-dental": "yes", "q-dental-date": "unknown"},
        WAIT,
        {"reg-face", "reg-lips", "reg-periocular", "reg-neck", "reg-submental"},
    ),
    ("scr-hairloss-unknown", {"q-hairloss": "yes"}, RELATIVE, {"hair"}),
    ("scr-redflags", {"q-redflags": ["chest-pain"]}, ABSOLUTE, {"pain", "vascular"}),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": "unknown"}, INFO, {"pain"}),
    *[
        row
        for code, answers in (("scr-allergy", allergic), ("scr-anaphylaxis", severe))
        for row in (
            (code, answers("amide"), ABSOLUTE, {"sub-lidocaine", "sub-la-cream"}),
            (code, answers("ester"), ABSOLUTE, {"sub-procaine"}),
            (code, answers("fish"), ABSOLUTE, FISH),
            (code, answers("soy"), ABSOLUTE, {"sub-pc-dc"}),
            (code, answers("daisy"), ABSOLUTE, {"sub-artichoke"}),
            (code, answers("xanthine"), ABSOLUTE, XANTHINES),
            (code, answers("painkiller"), ABSOLUTE, NSAIDS),
            (code, answers("chlorhexidine"), ABSOLUTE, {"chlorhexidine"}),
            (code, answers("iodine"), ABSOLUTE, {"iodine"}),
            (code, answers("sub-silicon"), ABSOLUTE, {"sub-silicon"}),
            (code, answers("sub-ha-nc"), ABSOLUTE, {"sub-ha-nc", "sub-ha-stab", "sub-poly-ha"}),
            (code, answers("sub-lidocaine"), ABSOLUTE, {"sub-lidocaine", "sub-la-cream"}),
        )
    ],
    ("scr-allergy", allergic("sulfonamide"), RELATIVE, {"sub-procaine"}),
    ("scr-allergy", allergic("preservative"), RELATIVE, {"sub-lidocaine", "sub-procaine"}),
    ("scr-allergy", allergic("bee-wasp"), RELATIVE, {"sub-hyaluronidase"}),
    ("scr-anaphylaxis", severe("sulfonamide"), ABSOLUTE, {"sub-procaine"}),
    ("scr-anaphylaxis", severe("preservative"), ABSOLUTE, {"sub-lidocaine", "sub-procaine"}),
    ("scr-anaphylaxis", severe("bee-wasp"), ABSOLUTE, set()),
]


def plans() -> dict[str, Plan]:
    """One plan per word, as plain as possible otherwise (hydration of a place that no rule names)."""
    loaded = catalogue()
    base = plan("ind-hydration", regions=("reg-upper-back",))
    made = {code: replace(base, syringes=(syringe(code),)) for code in loaded.substances if code != "sub-la-cream"}
    made["sub-la-cream"] = replace(base, numbing_cream_g=5)
    made |= {code: replace(base, regions=(code,)) for code in loaded.regions}
    made |= {code: replace(base, delivery=code) for code in loaded.deliveries}
    made |= {code: replace(base, indication=code) for code in loaded.indications}
    made |= {one.category.value: replace(base, category=one.category.value) for one in loaded.indications.values()}
    made |= {code: replace(base, antiseptic=code) for code in ("chlorhexidine", "iodine")}
    return made


PLANS = plans()


@pytest.mark.parametrize(("code", "answers", "severity", "words"), SCOPES)
def test_a_scoped_rule_fires_with_its_words_and_with_no_other(
    code: str, answers: dict[str, Any], severity: Severity, words: set[str]
) -> None:
    facts = person(answers)
    fired = {
        word
        for word, one in PLANS.items()
        if any(found.code == code and found.severity is severity for found in screened(facts, one).findings)
    }
    assert fired == words


@pytest.mark.parametrize(
    ("bmi", "severity", "words"),
    [
        ("18.4", ABSOLUTE, BODY_SHAPE),
        ("18.5", ABSOLUTE, set()),
        ("29.9", RELATIVE, set()),
        ("30", RELATIVE, BODY_SHAPE),
        ("30.1", RELATIVE, {*BODY_SHAPE, "ind-migraine-acute"}),
    ],
)
def test_the_bmi_matters_only_for_treatments_of_shape(bmi: str, severity: Severity, words: set[str]) -> None:
    facts = replace(person(), measurements=(measured("m-bmi", bmi),))
    fired = {
        word
        for word, one in PLANS.items()
        if any(found.code == "scr-bmi" and found.severity is severity for found in screened(facts, one).findings)
    }
    assert fired == words


def test_the_plans_cover_every_word_of_a_scope() -> None:
    named = {word for rule in catalogue().rules.values() for clause in rule.clauses for word in clause.scope}
    assert named <= {word for one in PLANS.values() for word in words_of(one)}


LISTS = [
    ("scr-infection-local", "q-skin", ("infection", "wound", "rash", "cold-sore", "pimples", "fungus")),
    ("scr-skin-disease", "q-skin-disease", ("psoriasis", "vitiligo", "lichen", "eczema", "other")),
    ("scr-immunosuppressed", "q-immune", ("transplant", "biologic", "steroid-tablets", "hiv-low", "other")),
]


@pytest.mark.parametrize(("code", "question", "items"), LISTS)
def test_each_item_of_a_list_fires_by_itself(code: str, question: str, items: tuple[str, ...]) -> None:
    assert items == catalogue().questions[question].values[1:], "an item was added: decide what it does"
    for item in items:
        assert screened(person({question: [item]}), PLANS["reg-upper-arm"]).codes == (code,)


@pytest.mark.parametrize("skin_type", ["IV", "V", "VI"])
def test_each_darker_skin_type_is_noted(skin_type: str) -> None:
    facts = person(measurements=(measured("m-fitzpatrick", text=skin_type),))
    assert screened(facts, PLANS["reg-face"]).codes == ("scr-fitzpatrick",)


@pytest.mark.parametrize("answers", [{"q-pregnant": "yes"}, {"q-breastfeeding": "yes"}, {"q-pregnant": "unsure"}])
def test_rules_of_pregnancy_do_not_speak_of_men(answers: dict[str, Any]) -> None:
    """The questions are hidden from men and such answers refused; what was stored before the sex was corrected is
    then no finding either. The sex `other` keeps both."""
    test = (measured("m-pregnancy-test", text="positive"),)
    assert screened(person(answers, sex="male", measurements=test), PLANS["reg-face"]).codes == ()
    assert screened(person(answers, sex="other"), PLANS["reg-face"]).codes != ()


def test_vitiligo_may_be_treated_where_vitiligo_is_the_indication() -> None:
    def codes(item: str, indication: str) -> tuple[str, ...]:
        facts = person({"q-skin-disease": [item], f"q-skin-disease.{item}.state": "quiet"})
        return screened(facts, PLANS[indication]).codes

    assert codes("vitiligo", "ind-vitiligo") == ()
    assert codes("vitiligo", "ind-hydration") == ("scr-skin-disease",)
    assert codes("psoriasis", "ind-vitiligo") == ("scr-skin-disease",)
