"""What the tests of giving care share."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sinks import Sink, mail_to_sink


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """A real SMTP server that every mail of this test goes to."""
    with mail_to_sink(settings) as sink:
        yield sink
