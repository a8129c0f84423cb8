"""What the tests of giving care share."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from tests.database import kept
from tests.sessions.clinicday import MORNING
from tests.sessions.ownpages import make_own_world
from tests.sinks import Sink, mail_to_sink


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """A real SMTP server that every mail of this test goes to."""
    with mail_to_sink(settings) as sink:
        yield sink


@pytest.fixture(scope="module")
def kept_own_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[SimpleNamespace]:
    def build() -> SimpleNamespace:
        with time_machine.travel(MORNING, tick=False):
            return make_own_world()

    with kept(django_db_blocker, build) as world:
        yield world


@pytest.fixture
def own_world(kept_own_world: SimpleNamespace, at: Any) -> SimpleNamespace:
    """A patient with a visit tomorrow, at MORNING: made once a module, each test has its copy and takes its changes back."""
    at(MORNING)
    return copy.deepcopy(kept_own_world)
