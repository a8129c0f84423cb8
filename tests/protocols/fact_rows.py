"""What is measured and what is taken, and what the screening rules make of it. One row, one sentence about a patient."""

from __future__ import annotations

from datetime import date, timedelta

from tests.protocols.healthy import DAY, measured, plan
from tests.protocols.screening_plans import (
    ABSOLUTE,
    BODY,
    CREAM,
    DRAIN,
    FACE,
    HAIR,
    HAIR_FINA,
    INFO,
    PAIN,
    PAIN_KETO,
    PRP,
    RELATIVE,
    TXA,
    WAIT,
)

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
