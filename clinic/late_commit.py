"""A transaction whose journey to the disk is made while its owner goes on with what may be done meanwhile.

    late = LateCommit(thread)
    rows = late.begin(LOCK.of(room=5), TAKE.of(room=5, by=7))    # one journey to the database, whatever their number
    ...                # or late.roll_back()
    late.commit()      # begins the journey to the disk
    ...                # nothing here may ask the database
    late.wait()        # now it is on disk, or this raises

Each statement sees what was committed before it began: who waited for a lock in the first sees in the second what the
holder of the lock did.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import InternalError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from clinic.prepared import Asked, Rows, in_one_go


class LateCommit:
    """Inside another transaction, which alone decides what reaches the disk, this one is a part of it.

    It begins and ends in the words of the statements, not by Django's switch, which would be a journey of its own: outside of
    `begin` and `wait` the connection is as Django knows it, each statement by itself."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self.thread = thread
        self.connection = connections[DEFAULT_DB_ALIAS]
        self.part: Any = None
        self.is_begun = False  # by us: what somebody else began is not ours to end
        self.journey: Future[None] | None = None

    def begin(self, *asked: Asked) -> Rows:
        """The rows of the last statement."""
        if self.connection.in_atomic_block:
            self.part = transaction.atomic()
            self.part.__enter__()
            return in_one_go(asked)
        self.is_begun = True
        return in_one_go(asked, after="BEGIN")

    def commit(self) -> None:
        if self.part is not None:
            self.part.__exit__(None, None, None)
        elif self.is_begun:
            try:
                self.journey = self.thread.submit(say, self.connection.connection, "COMMIT")
            except RuntimeError:  # no thread to be had: then the journey is waited for
                try:
                    with self.connection.wrap_database_errors:
                        say(self.connection.connection, "COMMIT")
                finally:
                    back_to_normal(self.connection)

    def wait(self) -> None:
        """Returns at once when the journey is over or was none. A fault says that nobody knows whether it arrived."""
        journey, self.journey = self.journey, None
        if journey is None:
            return
        try:
            with self.connection.wrap_database_errors:
                journey.result()
        finally:
            back_to_normal(self.connection)

    def roll_back(self, error: BaseException) -> None:
        if self.part is not None:
            self.part.__exit__(type(error), error, error.__traceback__)
        elif self.is_begun:
            try:
                if is_under_way(self.connection):  # it may not even have begun
                    with self.connection.wrap_database_errors:
                        say(self.connection.connection, "ROLLBACK")
            finally:
                back_to_normal(self.connection)


def say(raw: Any, words: str) -> None:
    """By the driver's own cursor: the end of a transaction is no question, and any thread may say it."""
    with raw.cursor() as cursor:
        cursor.execute(words)
        if cursor.statusmessage != words:  # a transaction that has failed answers ROLLBACK to a COMMIT, and calls it no error
            raise InternalError("The transaction could not be committed.")


def is_under_way(connection: BaseDatabaseWrapper) -> bool:
    """As the driver knows it, without asking the server."""
    raw = connection.connection
    return raw is not None and not raw.closed and raw.get_transaction_status() != TRANSACTION_STATUS_IDLE


def back_to_normal(connection: BaseDatabaseWrapper) -> None:
    """A connection on which the transaction did not end is broken; the next use opens another."""
    if connection.connection is not None and (connection.connection.closed or is_under_way(connection)):
        try:
            connection.close()
        except Error:
            connection.connection = None
