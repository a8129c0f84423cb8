"""A transaction whose journey to the disk is made while its owner goes on with what may be done meanwhile.

    late = LateCommit(thread)
    late.begin()
    ...                # or late.roll_back()
    late.commit()      # begins the journey
    ...                # nothing here may ask the database
    late.wait()        # now it is on disk, or this raises
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import Error, connection, transaction


class LateCommit:
    """Inside another transaction, which alone decides what reaches the disk, this one is a part of it."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self.thread = thread
        self.part: Any = None
        self.journey: Future[None] | None = None

    def begin(self) -> None:
        if connection.in_atomic_block:
            self.part = transaction.atomic()
            self.part.__enter__()
        else:
            transaction.set_autocommit(False)

    def commit(self) -> None:
        if self.part is not None:
            self.part.__exit__(None, None, None)
            return
        try:
            self.journey = self.thread.submit(connection.connection.commit)
        except RuntimeError:  # no thread to be had: then the journey is waited for
            try:
                connection.commit()
            finally:
                back_to_normal()

    def wait(self) -> None:
        """Returns at once when the journey is over or was none. A fault says that nobody knows whether it arrived."""
        journey, self.journey = self.journey, None
        if journey is None:
            return
        try:
            with connection.wrap_database_errors:
                journey.result()
        finally:
            back_to_normal()

    def roll_back(self, error: BaseException) -> None:
        if self.part is not None:
            self.part.__exit__(type(error), error, error.__traceback__)
            return
        try:
            connection.rollback()
        finally:
            back_to_normal()


def back_to_normal() -> None:
    """Each statement by itself again. A connection that cannot even do that is broken; the next use opens another."""
    try:
        transaction.set_autocommit(True)
    except Error:
        connection.close()
