"""A letter in the clinic's own words: subject, first sentence and text are theirs, all else stays as it was composed."""

from __future__ import annotations

from clinic.models import Site
from sessions.letter_parts import Letter
from sessions.own_words import Words, filled, paragraphs_around_link

SUBJECT_FITS = 200


def put_into(letter: Letter, words: Words, *, site: Site, clinic_name: str) -> None:
    """Facts, buttons, sections and warning signs stay; what the mail had to say beside them stands at `{advice}`."""
    values = {**letter.values, "clinic": clinic_name, "site": site.name, "phone": site.phone}
    advice = [*letter.opening, *letter.paragraphs]
    letter.subject = " ".join(filled(words.subject, values).split())[:SUBJECT_FITS]
    if not letter.lead_stays:
        letter.lead = filled(words.lead, values)
    letter.opening, letter.paragraphs = paragraphs_around_link(words.text, values, advice)
