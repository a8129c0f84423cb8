"""What has been migrated somewhere is never rewritten (docs/decisions/0008): a change of a model is a new migration."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FROZEN = {
    "clinic/migrations/0001_initial.py": "931b900505d1bfee",
    "patients/migrations/0001_initial.py": "cba38114d2b91a3b",
    "protocols/migrations/0001_initial.py": "1aab08a2151e772c",
    "sessions/migrations/0001_initial.py": "d19ade0473c52f4c",
}


@pytest.mark.parametrize("path", FROZEN)
def test_the_first_migrations_stay_as_they_were(path: str) -> None:
    assert sha256((ROOT / path).read_bytes()).hexdigest()[:16] == FROZEN[path], "add a migration instead of changing this one"
