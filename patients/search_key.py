"""One pure function makes the search key of a patient row and of a query alike.

Accents off, the four Turkish i alike, full case folding, digits of the phone. Pure: no Django.
"""

from __future__ import annotations

import unicodedata

_ALIKE = str.maketrans({"ı": "i", "İ": "i", "I": "i", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d"})


def fold(text: str) -> str:
    """Lower, accentless, single-spaced: "Şükrü  IŞIK" and "sukru ışık" become "sukru isik"."""
    plain = unicodedata.normalize("NFKD", text.translate(_ALIKE).casefold().translate(_ALIKE))
    without_marks = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(without_marks.split())


def digits(text: str) -> str:
    """Only the digits, so that "+90 (532) 111" is found by 532111."""
    return "".join(sign for sign in text if sign.isdecimal())


def search_key(
    *, given_name: str, family_name: str, phone: str, email: str, birth_date_iso: str, record_number: str
) -> str:
    """Everything a patient can be found by, folded, each part once. Parts are divided by " | " so none runs into another."""
    year, _, rest = birth_date_iso.partition("-")
    month, _, day = rest.partition("-")
    parts = [
        fold(f"{given_name} {family_name} {given_name}"),
        digits(phone),
        fold(email),
        f"{birth_date_iso} {day}.{month}.{year} {day}/{month}/{year}" if birth_date_iso else "",
        fold(record_number),
    ]
    return " | ".join(part for part in parts if part)


def query_terms(typed: str) -> list[str]:
    """The folded words of a query; a word made of phone signs only counts by its digits."""
    terms = []
    for word in fold(typed[:200]).split():
        bare = word.strip("+()-")
        only_digits = digits(bare)
        is_date = any(sign in bare for sign in "./") or (bare.count("-") == 2 and len(only_digits) == 8)
        phone_like = only_digits and not is_date and all(sign.isdecimal() or sign in "+()-" for sign in word)
        terms.append(only_digits if phone_like else bare)
    return [term for term in terms if term]


LETTERS_INSIDE = 3  # what the index can look up anywhere in a word; fewer it finds where a word begins


def begins_only(terms: list[str]) -> bool:
    """Whether a query is so short that it means beginnings of words: no word of it has three signs."""
    return bool(terms) and all(len(term) < LETTERS_INSIDE for term in terms)


def parts_of_key(terms: list[str]) -> list[str]:
    """What must occur in the key. Both names stand in it behind a blank, the given one because it is there twice."""
    return [f" {term}" for term in terms] if begins_only(terms) else terms
