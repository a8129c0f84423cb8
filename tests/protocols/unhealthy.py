"""One answer for each thing that a rule can do to who is healthy: block, ask for a clearance, wait, note."""

from __future__ import annotations

from datetime import timedelta

from tests.protocols.healthy import DAY

BLOCK = {"q-stroke": "stroke"}
CLEAR = {"q-keloid": "yes"}
OPEN = {"q-illness": "now"}
DATED = {"q-vaccine": "yes", "q-vaccine-date": (DAY - timedelta(days=4)).isoformat()}
NOTE = {"q-faint": "yes"}
