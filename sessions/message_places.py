"""What each kind of mail can fill in, its shipped first sentence, and how far its timing may be moved ([dec], section 12)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from sessions.message_texts import (
    AFTER_4H,
    AFTERCARE,
    ALERT,
    ALLERGY_TEST,
    CANCELLED,
    CHECK_IN,
    CONFIRM,
    CONSENT,
    DATA_ANSWERED,
    DATA_ASKED,
    FIRST_DAY,
    INTAKE,
    KINDS,
    LATE,
    LATE_LUMP,
    MAY_WASH,
    MOVED,
    NEXT,
    PAPERS,
    PREPARE,
    REMINDER,
    REQUEST,
    REQUEST_OFF,
    REVIEW_1M,
    REVIEW_6M,
    SENTENCES,
)  # fmt: skip
from sessions.own_words import ADVICE, LINK, Places

WHEN = ("day", "time")
_VISIT = Places(values=WHEN, in_subject=("day",), in_lead=WHEN)
_ABOUT_A_DAY = Places(values=("day",), in_lead=("day",), blocks=(ADVICE,))
_LINK_ALONE = Places()

PLACES: Mapping[str, Places] = {
    CONFIRM: _VISIT,
    REMINDER: _VISIT,
    MOVED: Places(values=WHEN, in_subject=("day",), in_lead=WHEN, blocks=(LINK,)),
    CANCELLED: Places(values=WHEN, in_subject=("day",), in_lead=WHEN, blocks=(ADVICE,)),
    PREPARE: _VISIT,
    ALLERGY_TEST: _ABOUT_A_DAY,
    AFTERCARE: Places(values=WHEN, in_lead=WHEN, blocks=(LINK,)),
    AFTER_4H: _ABOUT_A_DAY, MAY_WASH: _ABOUT_A_DAY, FIRST_DAY: _ABOUT_A_DAY,
    CHECK_IN: _LINK_ALONE,
    LATE_LUMP: _ABOUT_A_DAY,
    NEXT: _ABOUT_A_DAY, LATE: _ABOUT_A_DAY, REVIEW_1M: _ABOUT_A_DAY, REVIEW_6M: _ABOUT_A_DAY,
    INTAKE: _LINK_ALONE,
    CONSENT: _LINK_ALONE,
    REQUEST: Places(values=("day", "time", "until"), in_lead=("day", "time", "until")),
}  # fmt: skip
"""The kinds whose words the clinic may write."""

FIXED = frozenset({ALERT, PAPERS, DATA_ASKED, DATA_ANSWERED, REQUEST_OFF})
"""Always as shipped: what goes to the clinic itself, papers sent on request, answers to a request about one's data or that
nobody could keep."""

LEADS: Mapping[str, str] = {
    CONFIRM: "expect", REMINDER: "expect", PREPARE: "expect", MOVED: "moved", CANCELLED: "cancelled", ALLERGY_TEST: "test-for",
    AFTERCARE: "after", AFTER_4H: "about-visit", MAY_WASH: "about-visit", FIRST_DAY: "about-visit", CHECK_IN: "check-in",
    LATE_LUMP: "lump-asked", NEXT: "next-due", LATE: "late-since", REVIEW_1M: "review-due", REVIEW_6M: "review-due",
    INTAKE: "intake", CONSENT: "consent-read", REQUEST: "request",
}  # fmt: skip

RANGES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    PREPARE: {"days": (7, 14)},  # painkillers are left out for a week: never later
    ALLERGY_TEST: {"days": (4, 14)},  # the test stands 24 to 72 h before the session
    REMINDER: {"days": (1, 3)},
    AFTER_4H: {"hours": (2, 8)},
    FIRST_DAY: {"hours": (24, 36)},  # what it allows is allowed from 24 h on: never earlier
    CHECK_IN: {"hours": (48, 72)},  # sport from 48 h on
    NEXT: {"days": (3, 28)},
    LATE: {"days": (1, 14)},
    LATE_LUMP: {"days": (28, 42), "body_days": (28, 56)},
}
"""Figures a manager may move, and between which values. The medical lead's figure in the catalogue may be another one."""

FIGURES = {
    "days": _("Days"), "hours": _("Hours after the end of the session"), "body_days": _("Days, courses of the body"),
}  # fmt: skip
PARTS = {"subject": _("Subject"), "lead": _("First sentence"), "text": _("Text")}


def may_be_off(kind: str) -> bool:
    """What a patient may do without, a clinic may do without. On the others a visit or somebody's safety depends."""
    return KINDS[kind].optional


def shipped_lead(kind: str, language: str) -> str:
    """The shipped first sentence, with its placeholders."""
    return SENTENCES[LEADS[kind]].get(language)


def shipped_text(kind: str) -> str:
    """Where a clinic starts from: everything in its usual place."""
    order = (ADVICE, LINK) if kind == PREPARE else (LINK, ADVICE)
    return "\n\n".join(f"{{{name}}}" for name in order if name in PLACES[kind].blocks)
