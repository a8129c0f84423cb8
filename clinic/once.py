"""Answers that are asked for once in a block of work: who writes forty mails need not look up the clinic's name forty times.

Outside a block every question is asked afresh. Keep a block short: what it was told may be older than what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

T = TypeVar("T")

_known: ContextVar[dict[Hashable, object] | None] = ContextVar("answers asked for once", default=None)


@contextmanager
def asked_once() -> Iterator[None]:
    """A block of work. One inside another knows nothing of the outer one."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def once(key: Hashable, ask: Callable[[], T]) -> T:
    """The answer to this question, asked the first time it is needed in a block."""
    known = _known.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    return cast(T, known[key])


def tell(key: Hashable, answer: object) -> None:
    """Put an answer into the block, for whoever read many with one query."""
    known = _known.get()
    if known is not None:
        known[key] = answer
