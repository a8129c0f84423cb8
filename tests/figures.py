"""How often the long proofs repeat: a tenth in bin/test, everything in bin/prove (PROVE=1)."""
from __future__ import annotations

import os


def scaled(full: int) -> int:
    """The full figure in bin/prove, a tenth of it otherwise, at least one."""
    return full if os.environ.get("PROVE") == "1" else max(1, full // 10)


def full_figures() -> bool:
    return os.environ.get("PROVE") == "1"
