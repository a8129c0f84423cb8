"""Several prepared questions asked with one statement: a page that knows what it will ask pays for one round trip.

    day = together(ROOMS, VISITS, MESSAGES).of(site=1, visits=[5, 6])
    with day.ahead() as mark:
        ROOMS(site=1)             # no query
        MESSAGES(visits=[5, 6])   # none
    day.mark() == mark            # has any of it changed since?

The code between asks as it always does and need not know: a question with other values, or asked a second time, goes to
the database. All answers are of one moment. Values of the same name are the same value, so name them after what they are.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.contrib.postgres.fields import ArrayField

from clinic.prepared import AHEAD, Asking, Prepared, Rows, in_order

Mark = tuple[Any, ...]


class Together:
    def __init__(self, *questions: Prepared) -> None:
        self.questions = questions

    @cached_property
    def rows(self) -> Asking:
        """One row: of each question its mark, and each column as an array, in the order in which its rows come."""
        parts = []
        for number, question in enumerate(self.questions):
            _refuse_lists(question)
            names = [f"c{place}" for place in range(question.made.width)]
            columns = ", ".join(f"array_agg({name})" for name in names)
            parts.append(f"(SELECT {MARK}, {columns} FROM ({question.made.asked}) AS r ({', '.join(names)})) AS q{number}")  # noqa: S608
        # Explicit joins are planned a few at a time; a list of twenty would be searched for its best order.
        return self._statement(f"SELECT * FROM {' CROSS JOIN '.join(parts)}")  # noqa: S608

    @cached_property
    def marks(self) -> Asking:
        """One row with the marks alone."""
        return self._statement(f"SELECT {', '.join(f'(SELECT {MARK} FROM ({one.made.asked}) AS r)' for one in self.questions)}")  # noqa: S608

    def _statement(self, asked: str) -> Asking:
        parameters = [parameter for question in self.questions for parameter in question.made.parameters]
        return Asking(self.questions[0].made.alias, "together", asked, parameters)

    def of(self, **values: Any) -> Questions:
        return Questions(self, values)


def _refuse_lists(question: Prepared) -> None:
    """PostgreSQL makes no array of arrays that differ in length: what works for one row would fail for two."""
    for column, *_rest in question.made.compiler.select:
        if isinstance(column.output_field, ArrayField):
            raise TypeError(f"{question.made.name} reads a list ({column}); ask for it by itself.")


# What no row can change without changing it. Text, numbers, moments, spans and jsonb all have one. It is blind to the order
# of the rows: what orders them must be among their columns.
MARK = "sum(hash_record_extended(r, 0))"


@dataclass(frozen=True)
class Questions:
    """With their values."""

    together: Together
    values: Mapping[str, Any]

    def answers(self) -> dict[Prepared, tuple[Any, Rows]]:
        """Mark and rows of each question, in one query."""
        (row,) = self.together.rows.answer(self.values)
        found: dict[Prepared, tuple[Any, Rows]] = {}
        place = 0
        for question in self.together.questions:
            mark, *columns = row[place : place + 1 + question.made.width]
            place += 1 + question.made.width
            rows = list(zip(*columns, strict=True)) if columns[0] is not None else []
            found[question] = (mark, question.made.read(rows))
        return found

    def mark(self) -> Mark:
        """What changes with any of the rows; one query that brings none of them."""
        return self.together.marks.answer(self.values)[0]

    @contextmanager
    def ahead(self, *beside: Prepared) -> Iterator[Mark]:
        """Until the end of the block, each of these questions with these values is answered already, once; so are those
        `beside`, which the mark says nothing of. Ask nothing ahead that the block itself changes."""
        given = {name: in_order(value) for name, value in self.values.items()}
        found = Questions(together(*self.together.questions, *beside), self.values).answers()
        known = {
            question: ({name: given[name] for name in question.made.names}, rows) for question, (_mark, rows) in found.items()
        }
        outer = AHEAD.get() or {}
        inner = {**outer, **known}
        token = AHEAD.set(inner)
        try:
            yield tuple(found[question][0] for question in self.together.questions)
        finally:
            AHEAD.reset(token)
            for question in {*outer} - {*inner} | {*outer} & {*known}:  # used up in here, or older than what was
                del outer[question]


@lru_cache(maxsize=64)
def together(*questions: Prepared) -> Together:
    """The same questions are one statement, wherever they are put together."""
    return Together(*questions)
