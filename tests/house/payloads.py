"""Hostile values, each with what it is an example of. Bytes are sent percent-encoded as they are."""

from __future__ import annotations

LONG = "x" * 100_000
BIDI = "Nadia\u202eadiaR\u2066"
TEXTS: dict[str, str | bytes] = {
    "endless": LONG,
    "null byte": "Na\x00dia",
    "only null": "\x00",
    "right to left": BIDI,
    "zero width": "Na\u200b\u200d\ufeffdia",
    "control": "Na\x1b[31m\x07\x08dia",
    "private use": "\ue000\U000f0000",
    "lone surrogate": b"Na\xed\xa0\x80dia",
    "broken utf-8": b"\xff\xfe\xc3\x28",
    "overlong utf-8": b"\xc0\xaf..\xc0\xaf",
    "sql": "'; DROP TABLE patients_patient; --",
    "sql or": "x' OR '1'='1",
    "sql like": "%_\\%' ESCAPE '",
    "html": '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "attribute": "' autofocus onfocus=alert(1) x='",
    "template": "{{7*7}}{% load log %}${7*7}#{7*7}%(name)s%s{0}",
    "header": "a@b.example\r\nBcc: all@evil.example\r\n\r\nHello",
    "line ends": "a\nb\r\nc\u2028d",
    "combining": "a" + "\u0301" * 900,
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 30,
    "blank": "   \t ",
    "empty": "",
    "json": '{"$ne": null, "__proto__": {"admin": true}}',
    "path": "../../../../etc/passwd\x00.pdf",
    "address": "javascript:alert(1)//https://evil.example/",
}
NUMBERS: dict[str, str | bytes] = {
    "not a number": "NaN", "signalling": "sNaN", "infinite": "Infinity", "minus infinite": "-inf", "huge power": "1e999",
    "tiny power": "1e-999", "negative": "-1", "absurd": "9" * 40, "just too large": "2147483648",
    "larger": "9223372036854775808", "digits": "1" * 5_000, "hex": "0x1F", "arabic digits": "\u0661\u0662", "comma": "1,5,0",
    "underscore": "1_0", "minus zero": "-0",
}  # fmt: skip
DATES: dict[str, str | bytes] = {
    "no such day": "2026-02-30", "year nought": "0000-00-00", "first year": "0001-01-01", "last year": "9999-12-31",
    "year 9999999": "9999999-01-01", "leap": "2023-02-29", "time": "2026-03-29T02:30", "zone": "2026-03-12T10:00+99:99",
    "week": "2026-W60", "words": "yesterday", "25 hours": "25:61", "slashes": "31/31/2026",
}  # fmt: skip
IMPOSSIBLE_NUMBERS = frozenset(
    {"not a number", "signalling", "infinite", "minus infinite", "huge power", "negative", "absurd", "digits"}
)
# What must never be stored, with the part of it by which it would be found.
UNPRINTABLE = {
    "endless": "x" * 3_000, "right to left": "\u202e", "control": "[31m", "private use": "\ue000", "null byte": "Na\x00",
    "zero width": "\u200b",
}  # fmt: skip
ALL = TEXTS | NUMBERS | DATES
