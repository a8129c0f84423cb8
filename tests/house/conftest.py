"""What the attacks share."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator

import pytest
from django.core.signals import got_request_exception


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """The exceptions behind error pages, each with the last line of ours it came through."""
    seen: list[str] = []

    def note(**_more: object) -> None:
        kind, error, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)
        ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
        place = f"{ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}"
        seen.append(f"{kind.__name__ if kind else ''} at {place}: {str(error)[:200]}")

    got_request_exception.connect(note)
    yield seen
    got_request_exception.disconnect(note)
