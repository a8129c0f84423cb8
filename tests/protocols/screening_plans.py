"""Plans to put before the screening rules, one for each thing a rule looks at, and how a row about an answer is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from protocols.findings import Severity
from protocols.plan import Plan
from tests.protocols.healthy import DAY, plan

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

# code, answers, plan, expected severity (None = does not fire), wait: None, "open", or days from the session day
AnswerRow = tuple[str, dict[str, Any], Plan | None, Severity | None, str | int | None]


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()
