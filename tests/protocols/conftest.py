from __future__ import annotations

import pytest

from protocols.definitions import Catalogue
from protocols.loading import load_reference


@pytest.fixture(scope="session")
def reference() -> Catalogue:
    return load_reference()
