"""Dates in words: what Django would write, for every day, format and language."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation
from django.utils.dateformat import format as date_format

from clinic.day_words import CAPITALS, FORMATS, day


@pytest.mark.parametrize("language", FORMATS)
def test_is_what_django_writes_on_every_day_of_four_years(language: str) -> None:
    date = dt.date(2024, 1, 1)
    with translation.override(language):
        while date.year < 2028:
            for place, how in enumerate(FORMATS[language]):
                expected = date_format(date, how)
                expected = expected if language in CAPITALS else expected.lower()
                assert day(date, language, year=bool(place % 2), long=place >= 2) == expected
            date += dt.timedelta(days=1)


def test_a_year_of_three_digits_has_four() -> None:
    assert day(dt.date(800, 12, 25), "en", year=True) == date_format(dt.date(800, 12, 25), "D j F Y")
