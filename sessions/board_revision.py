"""Has anything on the board or in the calendar changed? One short fingerprint of every row that was read for it.

Every open page asks every half minute. PostgreSQL then reads what the page would draw, and answers with a mark of it
(`clinic.together`); only another mark brings the rows and draws them. What is no row goes into the fingerprint beside it:
what the reader may do, the language, the zone, and the clock.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

REDRAWN_EVERY_SECONDS = 300  # notes that hang on the clock alone; waiting minutes count on in the browser


def fingerprint(now: dt.datetime, *shown: Any) -> str:
    clock = int(now.timestamp() // REDRAWN_EVERY_SECONDS)
    return hashlib.sha256(repr((clock, shown)).encode()).hexdigest()[:16]
