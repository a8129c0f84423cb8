"""Every screening rule: fired, not fired, and at its boundary. One row, one sentence about a patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from patients.facts import PriorEvent, RecordedMedicine
from protocols.findings import Outcome, Severity, Stage
from protocols.plan import Plan
from tests.protocols.healthy import DAY, catalogue, measured, person, plan, screened, syringe

D = Severity.ABSOLUTE, Severity.RELATIVE, Severity.TEMPORARY, Severity.INFO
ABSOLUTE, RELATIVE, WAIT, INFO = D

FACE = plan("ind-hydration", "sub-ha-nc", regions=("reg-face",))
HANDS = plan("ind-hydration", "sub-ha-nc", regions=("reg-hands",))
LIPS = plan("ind-hydration", "sub-ha-nc", regions=("reg-lips",))
EYES = plan("ind-under-eye", "sub-pn")
PAIN = plan("ind-msk-pain", "sub-lidocaine", "sub-nacl", regions=("reg-lumbar",))
PAIN_KETO = plan("ind-msk-pain", "sub-ketoprofen", regions=("reg-lumbar",))
HAIR = plan("ind-aga", "sub-minoxidil")
HAIR_FINA = plan("ind-aga", "sub-finasteride")
BODY = plan("ind-cellulite", "sub-caffeine", "sub-carnitine", "sub-procaine", regions=("reg-thigh",))
DRAIN = plan("ind-cellulite", "sub-pentoxifylline", "sub-melilotus-rutin", "sub-procaine", regions=("reg-thigh",))
TXA = plan("ind-melasma", "sub-txa")
PRP = plan("ind-aga-prp", "sub-prp")
CREAM = replace(FACE, numbing_cream_g=5)
ELECTRO = replace(FACE, delivery="dv-electroporation")
CHLORHEXIDINE = replace(FACE, antiseptic="chlorhexidine")
IODINE = replace(FACE, antiseptic="iodine")


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()


def date_after(days: int) -> date:
    return DAY + timedelta(days=days)


def pres_free(*substances: str) -> Plan:
    return plan("ind-msk-pain", syringes=(syringe(*substances, preservative_free=True),))


# code, answers, plan, expected severity (None = does not fire), wait: None, "open", or days from the session day
ANSWERS: list[tuple[str, dict[str, Any], Plan | None, Severity | None, str | int | None]] = [
    ("scr-pregnancy", {"q-pregnant": "yes"}, FACE, ABSOLUTE, None),
    ("scr-pregnancy", {"q-pregnant": "unsure"}, FACE, WAIT, "open"),
    ("scr-pregnancy", {"q-pregnant": "na"}, FACE, None, None),
    ("scr-breastfeeding", {"q-breastfeeding": "yes"}, FACE, ABSOLUTE, None),
    ("scr-breastfeeding", {"q-breastfeeding": "unsure"}, FACE, ABSOLUTE, None),
    ("scr-childbearing-5ari", {"q-fertile": "yes"}, HAIR_FINA, ABSOLUTE, None),
    ("scr-childbearing-5ari", {"q-fertile": "na"}, HAIR_FINA, None, None),
    ("scr-childbearing-5ari", {"q-fertile": "yes"}, HAIR, None, None),
    ("scr-thiocolch", {"q-contraception": "no"}, plan("ind-msk-pain", "sub-thiocolchicoside"), ABSOLUTE, None),
    ("scr-thiocolch", {"q-contraception": "unsure"}, plan("ind-msk-pain", "sub-thiocolchicoside"), ABSOLUTE, None),
    ("scr-thiocolch", {"q-contraception": "na"}, plan("ind-msk-pain", "sub-thiocolchicoside"), None, None),
    ("scr-chc", {"q-chc": "yes"}, TXA, RELATIVE, None),
    ("scr-chc", {"q-chc": "yes"}, FACE, None, None),
    ("scr-diabetes-insulin", {"q-diabetes": "insulin"}, FACE, ABSOLUTE, None),
    ("scr-diabetes-insulin", {"q-diabetes": "tablets"}, FACE, None, None),
    ("scr-diabetes-other", {"q-diabetes": "tablets"}, FACE, RELATIVE, None),
    ("scr-diabetes-other", {"q-diabetes": "diet"}, FACE, RELATIVE, None),
    ("scr-diabetes-other", {"q-diabetes": "insulin"}, FACE, None, None),
    ("scr-stroke", {"q-stroke": "stroke"}, FACE, ABSOLUTE, None),
    ("scr-stroke", {"q-stroke": "tia"}, FACE, RELATIVE, None),
    ("scr-heart-multi", {"q-heart": "yes", "q-heart-medicines": 2}, FACE, ABSOLUTE, None),
    ("scr-heart-multi", {"q-heart": "yes", "q-heart-medicines": 1}, FACE, None, None),
    ("scr-heart-other", {"q-heart": "yes", "q-heart-medicines": 1}, FACE, RELATIVE, None),
    ("scr-heart-other", {"q-heart": "yes", "q-heart-medicines": 0}, FACE, RELATIVE, None),
    ("scr-heart-other", {"q-heart": "yes", "q-heart-medicines": 2}, FACE, None, None),
    ("scr-heart-other", {"q-implant": "pacemaker"}, FACE, RELATIVE, None),
    ("scr-heart-multi", {"q-implant": "pacemaker", "q-heart-medicines": 2}, FACE, ABSOLUTE, None),
    ("scr-heart-other", {"q-implant": "other"}, FACE, None, None),
    ("scr-mi", {"q-mi": "yes", "q-mi-date": "2025-09-21"}, FACE, ABSOLUTE, None),
    ("scr-mi", {"q-mi": "yes", "q-mi-date": "2025-09-20"}, FACE, None, None),
    ("scr-mi", {"q-mi": "yes", "q-mi-date": "2025-09-19"}, FACE, None, None),
    ("scr-mi", {"q-mi": "yes", "q-mi-date": "unknown"}, FACE, ABSOLUTE, None),
    ("scr-arrhythmia", {"q-arrhythmia": "yes"}, FACE, RELATIVE, None),
    ("scr-arrhythmia", {"q-arrhythmia": "yes"}, HAIR, ABSOLUTE, None),
    ("scr-arrhythmia", {"q-arrhythmia": "yes"}, BODY, ABSOLUTE, None),
    ("scr-arrhythmia", {"q-arrhythmia": "yes"}, DRAIN, ABSOLUTE, None),
    ("scr-cancer-active", {"q-cancer": "now"}, FACE, ABSOLUTE, None),
    ("scr-cancer-active", {"q-cancer": "past", "q-cancer-end": "2025-03-21"}, FACE, ABSOLUTE, None),
    ("scr-cancer-active", {"q-cancer": "past", "q-cancer-end": "unknown"}, FACE, ABSOLUTE, None),
    ("scr-cancer-active", {"q-cancer": "past", "q-cancer-end": "2025-03-20"}, FACE, None, None),
    ("scr-cancer-history", {"q-cancer": "past", "q-cancer-end": "2025-03-20"}, FACE, RELATIVE, None),
    ("scr-cancer-history", {"q-cancer": "past", "q-cancer-end": "2025-03-21"}, FACE, None, None),
    ("scr-cancer-history", {"q-cancer": "past", "q-cancer-end": "2020-01-01"}, EYES, ABSOLUTE, None),
    (
        "scr-cancer-history",
        {"q-cancer": "past", "q-cancer-end": "2020-01-01", "q-cancer-area": ["reg-lips"]},
        EYES,
        ABSOLUTE,
        None,
    ),
    (
        "scr-cancer-history",
        {"q-cancer": "past", "q-cancer-end": "2020-01-01", "q-cancer-area": ["reg-breast"]},
        EYES,
        RELATIVE,
        None,
    ),
    (
        "scr-cancer-history",
        {"q-cancer": "past", "q-cancer-end": "2020-01-01", "q-cancer-area": ["reg-scalp"]},
        PRP,
        ABSOLUTE,
        None,
    ),
    ("scr-bleeding-disorder", {"q-bleeding": "yes"}, FACE, ABSOLUTE, None),
    ("scr-thrombosis", {"q-clot": "yes"}, FACE, RELATIVE, None),
    ("scr-thrombosis", {"q-clot": "yes"}, TXA, ABSOLUTE, None),
    ("scr-subarachnoid", {"q-head-bleed": "brain", "q-head-bleed-date": "2001-01-01"}, TXA, ABSOLUTE, None),
    ("scr-subarachnoid", {"q-head-bleed": "eye", "q-head-bleed-date": "2001-01-01"}, TXA, None, None),
    ("scr-bleed-brain-eye", {"q-head-bleed": "eye", "q-head-bleed-date": "2025-09-21"}, DRAIN, ABSOLUTE, None),
    ("scr-bleed-brain-eye", {"q-head-bleed": "eye", "q-head-bleed-date": "2025-09-20"}, DRAIN, RELATIVE, None),
    ("scr-bleed-brain-eye", {"q-head-bleed": "eye", "q-head-bleed-date": "2026-03-01"}, FACE, None, None),
    ("scr-anticoagulant", {"q-anticoagulant": "yes", "q-anticoagulant-name": "apixaban"}, FACE, RELATIVE, None),
    ("scr-antiplatelet", {"q-antiplatelet": "yes", "q-antiplatelet-name": "clopidogrel"}, FACE, RELATIVE, None),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": ago(6)}, FACE, WAIT, 1),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": ago(7)}, FACE, None, None),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": ago(0)}, FACE, WAIT, 7),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": "unknown"}, FACE, WAIT, "open"),
    ("scr-nsaid-otc", {"q-nsaid": "unsure"}, FACE, WAIT, "open"),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": ago(6)}, PAIN, INFO, None),
    ("scr-nsaid-otc", {"q-nsaid": "yes", "q-nsaid-date": ago(7)}, PAIN, None, None),
    ("scr-supplements", {"q-supplements": "yes", "q-supplements-date": ago(6)}, FACE, INFO, None),
    ("scr-supplements", {"q-supplements": "yes", "q-supplements-date": ago(7)}, FACE, None, None),
    ("wo-prp", {"q-steroid": "tablets", "q-steroid-date": ago(13)}, PRP, WAIT, 1),
    ("wo-prp", {"q-steroid": "tablets", "q-steroid-date": ago(14)}, PRP, None, None),
    ("wo-prp", {"q-steroid": "injection", "q-steroid-date": ago(27)}, PRP, WAIT, 1),
    ("wo-prp", {"q-steroid": "injection", "q-steroid-date": ago(28)}, PRP, None, None),
    ("wo-prp", {"q-steroid": "tablets", "q-steroid-now": "yes", "q-steroid-date": ago(0)}, PRP, WAIT, "open"),
    ("wo-prp", {"q-steroid": "tablets", "q-steroid-date": ago(1)}, FACE, None, None),
    ("scr-liver-kidney", {"q-liver-kidney": "now"}, FACE, ABSOLUTE, None),
    ("scr-liver-kidney", {"q-liver-kidney": "past"}, FACE, RELATIVE, None),
    ("scr-urticaria", {"q-hives": "recurrent"}, FACE, ABSOLUTE, None),
    ("scr-urticaria", {"q-hives": "once"}, FACE, RELATIVE, None),
    ("scr-mastocytosis", {"q-mast-cell": "yes"}, FACE, ABSOLUTE, None),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["fish"]}, EYES, ABSOLUTE, None),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["fish"]}, FACE, RELATIVE, None),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["latex", "amide"]}, PAIN, ABSOLUTE, None),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["sulfonamide"]}, BODY, ABSOLUTE, None),
    (
        "scr-anaphylaxis",
        {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["bee-wasp"]},
        plan("ind-hydration", "sub-hyaluronidase"),
        RELATIVE,
        None,
    ),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["none"]}, FACE, RELATIVE, None),
    ("scr-anaphylaxis", {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["sub-ha-nc"]}, FACE, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["amide"]}, PAIN, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["amide"]}, CREAM, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["amide"]}, FACE, None, None),
    ("scr-allergy", {"q-allergy": ["ester"]}, BODY, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["fish"]}, EYES, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["fish"]}, FACE, None, None),
    ("scr-allergy", {"q-allergy": ["soy"]}, plan("ind-local-fat", "sub-pc-dc"), ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["daisy"]}, plan("ind-cellulite", "sub-artichoke"), ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["xanthine"]}, BODY, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["painkiller"]}, PAIN_KETO, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["chlorhexidine"]}, CHLORHEXIDINE, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["chlorhexidine"]}, IODINE, None, None),
    ("scr-allergy", {"q-allergy": ["iodine"]}, IODINE, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["sub-ha-nc"]}, FACE, ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["sub-ha-nc"]}, plan("ind-face-rejuv", "sub-poly-ha"), ABSOLUTE, None),
    ("scr-allergy", {"q-allergy": ["sub-ha-nc"]}, PAIN, None, None),
    ("scr-allergy", {"q-allergy": ["sulfonamide"]}, BODY, RELATIVE, None),
    ("scr-allergy", {"q-allergy": ["preservative"]}, PAIN, RELATIVE, None),
    ("scr-allergy", {"q-allergy": ["preservative"]}, pres_free("sub-lidocaine"), None, None),
    ("scr-allergy", {"q-allergy": ["bee-wasp"]}, plan("ind-hydration", "sub-hyaluronidase"), RELATIVE, None),
    ("scr-allergy", {"q-allergy": ["other"], "q-allergy-other": "kiwi"}, FACE, RELATIVE, None),
    (
        "scr-allergy",
        {"q-allergy": ["other"], "q-allergy-other": "kiwi", "q-allergy-other-mapped": ["none"]},
        FACE,
        None,
        None,
    ),
    (
        "scr-allergy",
        {"q-allergy": ["other"], "q-allergy-other": "x", "q-allergy-other-mapped": ["sub-ha-nc"]},
        FACE,
        ABSOLUTE,
        None,
    ),
    ("scr-allergy", {"q-allergy": ["latex"]}, FACE, INFO, None),
    ("scr-nsaid-allergy", {"q-nsaid-reaction": "yes"}, PAIN_KETO, ABSOLUTE, None),
    ("scr-nsaid-allergy", {"q-nsaid-reaction": "yes"}, PAIN, None, None),
    ("scr-asthma", {"q-asthma": "uncontrolled"}, FACE, RELATIVE, None),
    ("scr-asthma", {"q-asthma": "controlled"}, FACE, None, None),
    ("scr-asthma", {"q-asthma": "controlled"}, PAIN_KETO, RELATIVE, None),
    ("scr-infection-local", {"q-skin": ["rash"], "q-skin.rash.state": "still"}, FACE, WAIT, "open"),
    ("scr-infection-local", {"q-skin": ["rash"]}, FACE, WAIT, "open"),
    (
        "scr-infection-local",
        {"q-skin": ["rash"], "q-skin.rash.state": "healed", "q-skin.rash.date": ago(6)},
        FACE,
        WAIT,
        1,
    ),
    (
        "scr-infection-local",
        {"q-skin": ["rash"], "q-skin.rash.state": "healed", "q-skin.rash.date": ago(7)},
        FACE,
        None,
        None,
    ),
    (
        "scr-infection-local",
        {"q-skin": ["rash"], "q-skin.rash.state": "still", "q-skin-area": ["reg-thigh"]},
        FACE,
        None,
        None,
    ),
    (
        "scr-infection-local",
        {"q-skin": ["rash"], "q-skin.rash.state": "still", "q-skin-area": ["reg-lips"]},
        FACE,
        WAIT,
        "open",
    ),
    ("scr-infection-general", {"q-illness": "now"}, FACE, WAIT, "open"),
    ("scr-infection-general", {"q-illness": "over", "q-illness-date": ago(13)}, FACE, WAIT, 1),
    ("scr-infection-general", {"q-illness": "over", "q-illness-date": ago(14)}, FACE, None, None),
    ("scr-antibiotics", {"q-antibiotic": "now"}, FACE, WAIT, "open"),
    ("scr-antibiotics", {"q-antibiotic": "over", "q-antibiotic-date": ago(13)}, FACE, WAIT, 1),
    ("scr-antibiotics", {"q-antibiotic": "over", "q-antibiotic-date": ago(14)}, FACE, None, None),
    ("scr-herpes-history", {"q-cold-sores": "yes"}, FACE, INFO, None),
    ("scr-herpes-history", {"q-cold-sores": "yes"}, HANDS, None, None),
    ("scr-herpes-history", {"q-skin": ["cold-sore"], "q-skin.cold-sore.state": "still"}, LIPS, INFO, None),
    ("scr-skin-disease", {"q-skin-disease": ["eczema"], "q-skin-disease.eczema.state": "active"}, FACE, WAIT, "open"),
    (
        "scr-skin-disease",
        {
            "q-skin-disease": ["eczema"],
            "q-skin-disease.eczema.state": "active",
            "q-skin-disease.eczema.areas": ["reg-hands"],
        },
        FACE,
        RELATIVE,
        None,
    ),
    (
        "scr-skin-disease",
        {"q-skin-disease": ["psoriasis"], "q-skin-disease.psoriasis.state": "quiet"},
        FACE,
        RELATIVE,
        None,
    ),
    (
        "scr-skin-disease",
        {"q-skin-disease": ["vitiligo"], "q-skin-disease.vitiligo.state": "active"},
        plan("ind-vitiligo", regions=("reg-face",)),
        None,
        None,
    ),
    ("scr-lesion", {"q-mole": "yes"}, FACE, RELATIVE, None),
    ("scr-lesion", {"q-mole": "yes", "q-mole-area": ["reg-leg"]}, FACE, None, None),
    ("scr-permanent-filler", {"q-filler": "yes", "q-filler-area": ["reg-lips"]}, FACE, RELATIVE, None),
    ("scr-permanent-filler", {"q-filler": "yes", "q-filler-area": ["reg-lips"]}, HANDS, None, None),
    ("scr-lymphoedema", {"q-lymph": "yes", "q-lymph-area": ["reg-hands"]}, HANDS, RELATIVE, None),
    ("scr-lymphoedema", {"q-lymph": "yes", "q-lymph-area": ["reg-hands"]}, FACE, None, None),
    ("scr-autoimmune", {"q-autoimmune": "quiet"}, FACE, RELATIVE, None),
    ("scr-autoimmune", {"q-autoimmune": "flare"}, FACE, RELATIVE, "open"),
    ("scr-thyroid-autoimmune", {"q-thyroid": "yes"}, FACE, RELATIVE, None),
    ("scr-immunosuppressed", {"q-immune": ["biologic"]}, FACE, RELATIVE, None),
    ("scr-keloid", {"q-keloid": "yes"}, FACE, RELATIVE, None),
    ("scr-epilepsy", {"q-epilepsy": "yes"}, FACE, RELATIVE, None),
    ("scr-epilepsy", {"q-epilepsy": "yes"}, ELECTRO, ABSOLUTE, None),
    ("scr-epilepsy", {"q-epilepsy": "yes"}, TXA, ABSOLUTE, None),
    ("scr-mood", {"q-mood": "past"}, HAIR_FINA, RELATIVE, None),
    ("scr-mood", {"q-mood": "past"}, HAIR, None, None),
    ("scr-eating-disorder", {"q-eating": "yes"}, BODY, RELATIVE, None),
    ("scr-eating-disorder", {"q-eating": "yes"}, FACE, None, None),
    ("scr-pacemaker", {"q-implant": "pacemaker"}, FACE, INFO, None),
    ("scr-pacemaker", {"q-implant": "other"}, ELECTRO, ABSOLUTE, None),
    ("scr-pacemaker", {"q-implant": "pacemaker"}, replace(FACE, delivery="dv-ultrasound"), ABSOLUTE, None),
    ("scr-metal-implant", {"q-metal": "yes"}, ELECTRO, ABSOLUTE, None),
    ("scr-metal-implant", {"q-metal": "yes", "q-metal-area": ["reg-knee"]}, ELECTRO, None, None),
    ("scr-metal-implant", {"q-metal": "yes"}, FACE, None, None),
    ("scr-gallstones", {"q-gallstones": "yes"}, BODY, INFO, None),
    ("scr-gallstones", {"q-gallstones": "yes"}, plan("ind-cellulite", "sub-artichoke"), ABSOLUTE, None),
    ("scr-gi-ulcer", {"q-ulcer": "yes"}, PAIN_KETO, ABSOLUTE, None),
    ("scr-gi-ulcer", {"q-ulcer": "yes"}, PAIN, None, None),
    ("scr-dysphagia", {"q-swallow": "yes"}, plan("ind-submental-fat", "sub-dca"), ABSOLUTE, None),
    ("scr-g6pd", {"q-rare": ["g6pd"]}, plan("ind-dull-tone", "sub-vit-c"), ABSOLUTE, None),
    ("scr-g6pd", {"q-rare": ["g6pd"]}, CREAM, RELATIVE, None),
    ("scr-g6pd", {"q-rare": ["g6pd"]}, FACE, None, None),
    ("scr-iron-overload", {"q-rare": ["iron-overload"]}, plan("ind-dull-tone", "sub-vit-c"), ABSOLUTE, None),
    ("scr-oxalate", {"q-rare": ["oxalate-stones"]}, plan("ind-dull-tone", "sub-vit-c"), RELATIVE, None),
    ("scr-methb", {"q-rare": ["methaemoglobin"]}, CREAM, ABSOLUTE, None),
    ("scr-methb", {"q-rare": ["methaemoglobin"]}, FACE, None, None),
    ("scr-porphyria", {"q-rare": ["porphyria"]}, DRAIN, ABSOLUTE, None),
    ("scr-pseudochol", {"q-rare": ["pseudocholinesterase"]}, BODY, ABSOLUTE, None),
    ("scr-pseudochol", {"q-rare": ["pseudocholinesterase"]}, PAIN, None, None),
    ("scr-low-calcium", {"q-rare": ["low-calcium"]}, plan("ind-msk-pain", "sub-calcitonin"), ABSOLUTE, None),
    ("scr-phaeo", {"q-rare": ["phaeochromocytoma"]}, HAIR, ABSOLUTE, None),
    ("scr-heart-block", {"q-rare": ["heart-block"]}, PAIN, ABSOLUTE, None),
    ("scr-heart-block", {"q-rare": ["heart-block"]}, BODY, ABSOLUTE, None),
    ("scr-heart-block", {"q-rare": ["heart-block"]}, FACE, None, None),
    ("scr-isotretinoin", {"q-isotretinoin": "now"}, FACE, WAIT, "open"),
    ("scr-isotretinoin", {"q-isotretinoin": "over", "q-isotretinoin-date": "2025-09-21"}, FACE, WAIT, 1),
    ("scr-isotretinoin", {"q-isotretinoin": "over", "q-isotretinoin-date": "2025-09-20"}, FACE, None, None),
    ("scr-retinoid-topical", {"q-retinoid": "yes", "q-retinoid-date": ago(2)}, FACE, WAIT, 1),
    ("scr-retinoid-topical", {"q-retinoid": "yes", "q-retinoid-date": ago(3)}, FACE, None, None),
    (
        "scr-retinoid-topical",
        {"q-retinoid": "yes", "q-retinoid-date": ago(0), "q-retinoid-area": ["reg-neck"]},
        FACE,
        None,
        None,
    ),
    *[
        (
            "scr-recent-procedure",
            {"q-procedure": [kind], f"q-procedure.{kind}.date": ago(days - short)},
            FACE,
            WAIT if short else None,
            short or None,
        )
        for days, kinds in {
            14: (
                "superficial-peel",
                "microdermabrasion",
                "roller-pen",
                "filler",
                "toxin",
                "radiofrequency",
                "ultrasound",
            ),
            7: ("home-roller",),
            28: ("laser-ipl", "non-ablative-laser", "deep-peel"),
        }.items()
        for kind in kinds
        for short in (1, 0)
    ],
    ("scr-recent-procedure", {"q-procedure": ["surgery"], "q-procedure.surgery.date": "2025-12-21"}, FACE, WAIT, 1),
    ("scr-recent-procedure", {"q-procedure": ["threads"], "q-procedure.threads.date": "2025-12-20"}, FACE, None, None),
    ("scr-recent-procedure", {"q-procedure": ["tattoo"], "q-procedure.tattoo.date": "unknown"}, FACE, WAIT, "open"),
    (
        "scr-recent-procedure",
        {"q-procedure": ["filler"], "q-procedure.filler.date": ago(1), "q-procedure-area": ["reg-lips"]},
        HANDS,
        None,
        None,
    ),
    ("scr-vaccine", {"q-vaccine": "yes", "q-vaccine-date": ago(13)}, HANDS, WAIT, 1),
    ("scr-vaccine", {"q-vaccine": "yes", "q-vaccine-date": ago(14)}, HANDS, None, None),
    ("scr-dental", {"q-dental": "yes", "q-dental-date": ago(13)}, FACE, WAIT, 1),
    ("scr-dental", {"q-dental": "yes", "q-dental-date": ago(14)}, FACE, None, None),
    ("scr-dental", {"q-dental": "yes", "q-dental-date": ago(1)}, HANDS, None, None),
    ("scr-sun", {"q-sunburn": "yes"}, FACE, WAIT, "open"),
    ("scr-sun", {"q-sunburn": "yes", "q-sunburn-area": ["reg-leg"]}, FACE, None, None),
    ("scr-sun", {"q-sun": "yes", "q-sun-date": ago(13)}, FACE, WAIT, 1),
    ("scr-sun", {"q-sun": "yes", "q-sun-date": ago(14)}, FACE, None, None),
    ("scr-alcohol", {"q-alcohol": "yes", "q-alcohol-date": ago(0)}, FACE, WAIT, 1),
    ("scr-alcohol", {"q-alcohol": "yes", "q-alcohol-date": ago(1)}, FACE, None, None),
    ("scr-faint", {"q-faint": "yes"}, FACE, INFO, None),
    ("scr-hairloss-unknown", {"q-hairloss": "yes"}, HAIR, RELATIVE, None),
    ("scr-hairloss-unknown", {"q-hairloss": "yes"}, FACE, None, None),
    *[
        ("scr-redflags", {"q-redflags": [flag]}, PAIN, ABSOLUTE, None)
        for flag in (
            "bladder-bowel",
            "numb-saddle",
            "new-weakness",
            "fever-with-pain",
            "recent-injury",
            "weight-loss",
            "worst-headache",
            "chest-pain",
            "swollen-calf",
            "hot-joint",
            "severe-pelvic-pain",
        )
    ],
    ("scr-redflags", {"q-redflags": ["chest-pain"]}, FACE, None, None),
    ("scr-prior-reaction", {"q-reaction": "yes"}, FACE, WAIT, "open"),
]


@pytest.mark.parametrize(("code", "answers", "given_plan", "severity", "wait"), ANSWERS)
def test_answers_fire_their_rule(
    code: str, answers: dict[str, Any], given_plan: Plan | None, severity: Severity | None, wait: str | int | None
) -> None:
    found = [one for one in screened(person(answers), given_plan).findings if one.code == code]
    assert [one.severity for one in found] == ([severity] if severity else [])
    if severity:
        assert found[0].open_ended is (wait == "open")
        assert found[0].wait_until == (date_after(wait) if isinstance(wait, int) else None)
        assert found[0].answers, "a finding must say which answers made it fire"
        assert found[0].source


def test_5ari_men() -> None:
    asked = person({"q-partner": "yes"}, sex="male")
    assert screened(asked, HAIR_FINA).codes == ("scr-5ari-men",)
    assert screened(asked, HAIR).codes == ()


# code, measurements, plan, severity
MEASURED = [
    ("scr-bp", [measured("m-bp", "180", "80")], FACE, WAIT),
    ("scr-bp", [measured("m-bp", "179", "80")], FACE, RELATIVE),
    ("scr-bp", [measured("m-bp", "160", "80")], FACE, RELATIVE),
    ("scr-bp", [measured("m-bp", "159", "99")], FACE, None),
    ("scr-bp", [measured("m-bp", "150", "110")], FACE, WAIT),
    ("scr-bp", [measured("m-bp", "150", "109")], FACE, RELATIVE),
    ("scr-bp", [measured("m-bp", "150", "100")], FACE, RELATIVE),
    ("scr-bp", [measured("m-bp", "90", "60")], FACE, None),
    ("scr-bp", [measured("m-bp", "89", "60")], FACE, WAIT),
    ("scr-bp", [measured("m-bp", "185", "80"), measured("m-bp", "130", "80")], FACE, WAIT),
    ("scr-bp", [measured("m-bp", "165", "80"), measured("m-bp", "130", "80")], FACE, None),
    ("scr-bp", [measured("m-bp", "185", "80", on=date(2026, 3, 19)), measured("m-bp", "130", "80")], FACE, None),
    ("scr-bp", [measured("m-bp", "185", "80", on=date(2025, 1, 1))], FACE, WAIT),
    ("scr-platelets", [measured("m-platelets", "99")], FACE, RELATIVE),
    ("scr-platelets", [measured("m-platelets", "99")], PRP, ABSOLUTE),
    ("scr-platelets", [measured("m-platelets", "100")], PRP, None),
    ("scr-haemoglobin", [measured("m-hb", "9.9")], PRP, RELATIVE),
    ("scr-haemoglobin", [measured("m-hb", "10.0")], PRP, None),
    ("scr-haemoglobin", [measured("m-hb", "9.9")], FACE, None),
    ("scr-bmi", [measured("m-weight", "53.46"), measured("m-height", "170")], BODY, ABSOLUTE),
    ("scr-bmi", [measured("m-weight", "53.465"), measured("m-height", "170")], BODY, None),
    ("scr-bmi", [measured("m-weight", "86.7"), measured("m-height", "170")], BODY, RELATIVE),
    ("scr-bmi", [measured("m-weight", "86.69"), measured("m-height", "170")], BODY, None),
    ("scr-bmi", [measured("m-weight", "120"), measured("m-height", "170")], FACE, None),
    ("scr-bmi", [measured("m-bmi", "30")], plan("ind-migraine-acute"), None),
    ("scr-bmi", [measured("m-bmi", "30.1")], plan("ind-migraine-acute"), RELATIVE),
    ("scr-asa", [measured("m-asa", text="II")], FACE, None),
    ("scr-asa", [measured("m-asa", text="III")], FACE, RELATIVE),
    ("scr-asa", [measured("m-asa", text="IV")], FACE, ABSOLUTE),
    ("scr-asa", [measured("m-asa", text="V")], FACE, ABSOLUTE),
    ("scr-bdd", [measured("m-cops", "39")], FACE, None),
    ("scr-bdd", [measured("m-cops", "40")], FACE, RELATIVE),
    ("scr-fitzpatrick", [measured("m-fitzpatrick", text="III")], FACE, None),
    ("scr-fitzpatrick", [measured("m-fitzpatrick", text="IV")], FACE, INFO),
    ("scr-pregnancy", [measured("m-pregnancy-test", text="positive", on=DAY - timedelta(days=300))], FACE, ABSOLUTE),
    ("scr-pregnancy", [measured("m-pregnancy-test", text="positive", on=DAY - timedelta(days=301))], FACE, None),
    ("scr-pregnancy", [measured("m-pregnancy-test", text="negative")], FACE, None),
]


@pytest.mark.parametrize(("code", "readings", "given_plan", "severity"), MEASURED)
def test_measurements_fire_their_rule(
    code: str, readings: list[Any], given_plan: Plan, severity: Severity | None
) -> None:
    kept = tuple(one for one in person().measurements if one.code not in {"m-bmi", *(r.code for r in readings)})
    facts = replace(person(), measurements=kept + tuple(readings))
    found = [one.severity for one in screened(facts, given_plan).findings if one.code == code]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(("days", "fires"), [(0, False), (3, False), (4, True)])
def test_a_negative_test_of_three_days_answers_unsure(days: int, fires: bool) -> None:
    test = measured("m-pregnancy-test", text="negative", on=DAY - timedelta(days=days))
    facts = person({"q-pregnant": "unsure"}, measurements=(test,))
    assert ("scr-pregnancy" in screened(facts, FACE).codes) is fires


@pytest.mark.parametrize(("hba1c", "waits"), [("8.0", False), ("8.1", True)])
def test_a_high_hba1c_adds_an_open_wait_to_the_clearance(hba1c: str, waits: bool) -> None:
    result = screened(person({"q-diabetes": "diet"}, measurements=(measured("m-hba1c", hba1c),)), FACE)
    assert result.codes == ("scr-diabetes-other",)
    assert result.outcome is Outcome.NEEDS_CLEARANCE
    assert result.open_ended is waits


@pytest.mark.parametrize(
    ("born", "on", "codes"),
    [
        (date(2008, 3, 21), DAY, ("scr-age-min",)),
        (date(2008, 3, 20), DAY, ()),
        (date(2008, 2, 29), date(2026, 2, 28), ("scr-age-min",)),
        (date(2008, 2, 29), date(2026, 3, 1), ()),
        (date(1950, 3, 21), DAY, ()),
        (date(1950, 3, 20), DAY, ("scr-age-max",)),
        (date(1950, 3, 19), DAY, ("scr-age-max",)),
    ],
)
def test_age(born: date, on: date, codes: tuple[str, ...]) -> None:
    facts = replace(person(), birth_date=born)
    assert tuple(code for code in screened(facts, FACE, on=on).codes if code.startswith("scr-age")) == codes


def test_young_and_old_are_treated_differently() -> None:
    assert screened(replace(person(), birth_date=date(2010, 1, 1)), FACE).outcome is Outcome.BLOCKED
    assert screened(replace(person(), birth_date=date(1940, 1, 1)), FACE).outcome is Outcome.NEEDS_CLEARANCE


# medicine classes, plan, expected (code, severity, substances) for each finding
MEDICINES = [
    (("med-anticoagulant",), FACE, [("scr-anticoagulant", RELATIVE, ())]),
    (
        ("med-anticoagulant",),
        DRAIN,
        [
            ("scr-anticoagulant", RELATIVE, ()),
            ("scr-medicines", RELATIVE, ("sub-melilotus-rutin",)),
            ("scr-medicines", RELATIVE, ("sub-pentoxifylline",)),
        ],
    ),
    (
        ("med-anticoagulant", "med-coumarin"),
        BODY,
        [
            ("scr-anticoagulant", RELATIVE, ()),
            ("wo-warfarin-carnitine", RELATIVE, ("sub-carnitine",)),
        ],
    ),
    (
        ("med-antiplatelet",),
        DRAIN,
        [
            ("scr-antiplatelet", RELATIVE, ()),
            ("scr-medicines", RELATIVE, ("sub-pentoxifylline",)),
        ],
    ),
    (("med-nsaid",), FACE, [("scr-medicines", INFO, ())]),
    (("med-nsaid",), DRAIN, [("scr-medicines", RELATIVE, ("sub-pentoxifylline",))]),
    (("med-nsaid", "med-ketorolac"), DRAIN, [("scr-medicines", ABSOLUTE, ("sub-pentoxifylline",))]),
    (("med-nsaid",), PRP, [("scr-medicines", RELATIVE, ("sub-prp",))]),
    (("med-antiarrhythmic",), PAIN, [("scr-medicines", RELATIVE, ("sub-lidocaine",))]),
    (("med-antiarrhythmic",), CREAM, [("scr-medicines", RELATIVE, ("sub-la-cream",))]),
    (("med-antiarrhythmic",), BODY, [("scr-medicines", RELATIVE, ("sub-procaine",))]),
    (("med-vasodilator",), HAIR, [("scr-medicines", RELATIVE, ("sub-minoxidil",))]),
    (("med-xanthine",), BODY, [("scr-medicines", RELATIVE, ("sub-caffeine",))]),
    (("med-cyp1a2",), BODY, [("scr-medicines", RELATIVE, ("sub-caffeine",))]),
    (("med-sulfonamide",), BODY, [("scr-medicines", RELATIVE, ("sub-procaine",))]),
    (("med-sulfonamide",), CREAM, [("scr-medicines", RELATIVE, ("sub-la-cream",))]),
    (("med-methb",), CREAM, [("scr-medicines", RELATIVE, ("sub-la-cream",))]),
    (("med-chc",), TXA, [("scr-chc", RELATIVE, ("sub-txa",))]),
    (("med-5ari",), HAIR_FINA, [("scr-medicines", RELATIVE, ("sub-finasteride",))]),
    (("med-isotretinoin",), FACE, [("scr-isotretinoin", WAIT, ())]),
    (("med-immunosuppressant",), FACE, [("scr-immunosuppressed", RELATIVE, ())]),
    (
        ("med-immunosuppressant",),
        PAIN_KETO,
        [
            ("scr-immunosuppressed", RELATIVE, ()),
            ("scr-medicines", RELATIVE, ("sub-ketoprofen",)),
        ],
    ),
    (("med-steroid",), PRP, [("wo-prp", WAIT, ("sub-prp",)), ("scr-immunosuppressed", RELATIVE, ())]),
    (("med-cancer-hormone",), TXA, [("scr-medicines", RELATIVE, ("sub-txa",))]),
    (("med-lithium",), PAIN_KETO, [("scr-medicines", RELATIVE, ("sub-ketoprofen",))]),
    (("med-cholinergic",), plan("ind-laxity-face", "sub-dmae"), [("scr-medicines", RELATIVE, ("sub-dmae",))]),
    (
        ("med-paracetamol-daily",),
        plan("ind-msk-pain", "sub-thiocolchicoside"),
        [
            ("scr-medicines", RELATIVE, ("sub-thiocolchicoside",)),
        ],
    ),
    (("med-beta-blocker",), FACE, [("scr-medicines", INFO, ())]),
    ((), FACE, []),
]


@pytest.mark.parametrize(("classes", "given_plan", "expected"), MEDICINES)
def test_medicine_classes(classes: tuple[str, ...], given_plan: Plan, expected: list[Any]) -> None:
    facts = person({"q-medicines": ["x"]}, medicines=(RecordedMedicine("x", classes),))
    found = [(one.code, one.severity, one.substances) for one in screened(facts, given_plan).findings]
    assert found == expected


def test_every_medicine_class_is_in_the_table_or_read_by_its_own_test() -> None:
    tested = {code for classes, _, _ in MEDICINES for code in classes} | {"med-antidiabetic"}
    assert tested == set(catalogue().medicine_classes)


def test_an_antidiabetic_without_diabetes_must_be_clarified() -> None:
    insulin = (RecordedMedicine("metformin", ("med-antidiabetic",)),)
    open_question = screened(person({"q-medicines": ["metformin"]}, medicines=insulin), FACE, stage=Stage.PLAN)
    assert open_question.outcome is Outcome.INCOMPLETE
    confirmed = person({"q-medicines": ["metformin"], "q-diabetes-confirmed": "yes"}, medicines=insulin)
    assert screened(confirmed, FACE).outcome is Outcome.CLEARED
    assert [one.substances for one in screened(confirmed, BODY).findings] == [("sub-carnitine",)]


@pytest.mark.parametrize(("stage", "outcome"), [(Stage.PLAN, Outcome.CLEARED), (Stage.START, Outcome.INCOMPLETE)])
def test_a_medicine_nobody_classed_holds_up_the_start(stage: Stage, outcome: Outcome) -> None:
    unclassed = person({"q-medicines": ["nettle tea"]}, medicines=(RecordedMedicine("Nettle tea", None),))
    named_only = person({"q-medicines": ["nettle tea"]})
    for facts in (unclassed, named_only):
        result = screened(facts, FACE, stage=stage)
        assert (result.outcome, result.codes) == (outcome, ("scr-medicines",))


def test_cancer_hormones_read_past_cancer_as_present() -> None:
    hormone = (RecordedMedicine("letrozole", ("med-cancer-hormone",)),)
    answers = {
        "q-cancer": "past",
        "q-cancer-end": "2015-01-01",
        "q-cancer-type": "breast",
        "q-medicines": ["letrozole"],
    }
    assert screened(person(answers, medicines=hormone), FACE).codes == ("scr-cancer-active",)


def event(
    grade: int, *, status: str = "closed", causality: str = "possible", substances: tuple[str, ...] = ()
) -> PriorEvent:
    return PriorEvent("lump", grade, status, causality, substances, date(2025, 6, 1))


@pytest.mark.parametrize(
    ("events", "severity", "open_ended"),
    [
        ((event(1),), None, False),
        ((event(2),), RELATIVE, False),
        ((event(3, substances=("sub-ha-nc",)),), ABSOLUTE, False),
        ((event(3),), ABSOLUTE, False),
        ((event(3, substances=("sub-pn",)),), RELATIVE, False),
        ((event(3, causality="unrelated"),), RELATIVE, False),
        ((event(1, status="open"),), WAIT, True),
        ((event(1, causality="not-assessed"),), WAIT, True),
        ((event(3, substances=("sub-ha-nc",)), event(1, status="open")), ABSOLUTE, True),
        ((event(2), event(1, status="open")), RELATIVE, True),
    ],
)
def test_prior_reactions(events: tuple[PriorEvent, ...], severity: Severity | None, open_ended: bool) -> None:
    result = screened(person({"q-reaction": "yes"}, events=events), FACE)
    found = [one for one in result.findings if one.code == "scr-prior-reaction"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert result.open_ended is open_ended


def test_ketorolac_under_both_of_its_classes_is_noted_once() -> None:
    taken = RecordedMedicine("ketorolac", ("med-nsaid", "med-ketorolac"))
    assert [one.severity for one in screened(person(medicines=(taken,)), FACE).findings] == [INFO]
    for one in ("med-nsaid", "med-ketorolac"):
        alone = person(medicines=(RecordedMedicine("ketorolac", (one,)),))
        assert [found.severity for found in screened(alone, PRP).findings] == [RELATIVE]
