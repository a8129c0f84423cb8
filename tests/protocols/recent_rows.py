"""What patients answer about the last days and months, and what hurts now: rows like those of the other answers."""

from __future__ import annotations

from tests.protocols.screening_plans import ABSOLUTE, FACE, HAIR, HANDS, INFO, PAIN, RELATIVE, WAIT, AnswerRow, ago

LATELY: list[AnswerRow] = [
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
