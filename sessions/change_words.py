"""Differences between two screenings in the reader's language: why an outcome changed, what is new since last time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.health_forms import word_of
from protocols.definitions import Catalogue
from protocols.findings import Severity
from sessions.explaining import asked_in_words, day_in_words, in_words, option_in_words
from sessions.impact import OPEN, Fate, Kind, Reason

SEVERITIES: Mapping[str, str | Promise] = {
    Severity.ABSOLUTE: gettext_lazy("blocks"),
    Severity.INCOMPLETE: gettext_lazy("has to be completed"),
    Severity.RELATIVE: gettext_lazy("needs clearance"),
    Severity.TEMPORARY: gettext_lazy("asks to wait"),
    Severity.INFO: gettext_lazy("is a note"),
}


def stored_in_words(changes: Iterable[Mapping[str, Any]], rules: Catalogue) -> list[str]:
    """The stored differences of a screening or a change, each as one sentence."""
    return [in_a_sentence(Reason.from_json(one), rules) for one in changes]


def in_a_sentence(reason: Reason, rules: Catalogue) -> str:
    return WORDS[reason.kind](reason, rules)


def _severity(value: str) -> str:
    return str(SEVERITIES[Severity(value)])


def _new(reason: Reason, rules: Catalogue) -> str:
    said = {"title": in_words(reason.title), "effect": _severity(reason.after)}
    if reason.fate is Fate.ADDED:
        return _("%(title)s: a new rule, it %(effect)s.") % said
    if reason.fate is Fate.CHANGED:
        return _("%(title)s: the rule was changed and %(effect)s now.") % said
    return _("%(title)s: is new and %(effect)s.") % said


def _gone(reason: Reason, rules: Catalogue) -> str:
    said = {"title": in_words(reason.title)}
    if reason.fate is Fate.REMOVED:
        return _("%(title)s: the rule was taken out.") % said
    if reason.fate is Fate.CHANGED:
        return _("%(title)s: the rule was changed and no longer applies.") % said
    return _("%(title)s: no longer applies.") % said


def _other_severity(reason: Reason, rules: Catalogue) -> str:
    said = {"title": in_words(reason.title), "before": _severity(reason.before), "after": _severity(reason.after)}
    return _("%(title)s: %(after)s now, %(before)s before.") % said


def _wait(value: str) -> str:
    if value == OPEN:
        return _("open, until healed or clarified")
    return _("until %(day)s") % {"day": day_in_words(dt.date.fromisoformat(value))} if value else _("no wait")


def _other_wait(reason: Reason, rules: Catalogue) -> str:
    said = {"title": in_words(reason.title), "before": _wait(reason.before), "after": _wait(reason.after)}
    return _("%(title)s: the wait is “%(after)s” now, “%(before)s” before.") % said


def _cleared(reason: Reason, rules: Catalogue) -> str:
    said = {"title": in_words(reason.title)}
    return (_("%(title)s: cleared by a clinician.") if reason.after else _("%(title)s: no clearance counts.")) % said


def _other_answers(reason: Reason, rules: Catalogue) -> str:
    return _("%(title)s: stands as before, for other answers.") % {"title": in_words(reason.title)}


def _asked(reason: Reason, rules: Catalogue) -> str:
    return _("Still to be answered: %(question)s") % {"question": asked_in_words(reason.code, rules)}


def _answered(reason: Reason, rules: Catalogue) -> str:
    return _("No longer open: %(question)s") % {"question": asked_in_words(reason.code, rules)}


def _value(code: str, value: str, rules: Catalogue) -> str:
    return ", ".join(option_in_words(code, one.strip(), rules) for one in value.split(","))


def _answer(reason: Reason, rules: Catalogue) -> str:
    said = {
        "question": asked_in_words(reason.code, rules),
        "after": _value(reason.code, reason.after, rules) if reason.after else _("no answer"),
        "before": _value(reason.code, reason.before, rules) if reason.before else _("no answer"),
    }
    return _("%(question)s %(after)s (before: %(before)s)") % said


def _figures(code: str, value: str) -> str:
    """A reading as people write it: no zeros at the end, pressures as upper/lower, words of a scale in words."""
    try:
        return "/".join(number_format(_plain(Decimal(one))) for one in value.split("/"))
    except InvalidOperation:
        return str(word_of(code, value))


def _plain(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1)) if amount == amount.to_integral() else amount.normalize()


def _measured(reason: Reason, rules: Catalogue) -> str:
    known = rules.measurements.get(reason.code)
    unit = known.unit if known else ""
    said = {
        "name": asked_in_words(reason.code, rules),
        "after": f"{_figures(reason.code, reason.after)} {unit}".strip(),
        "before": _figures(reason.code, reason.before),
    }
    if not reason.before:
        return _("%(name)s: %(after)s, measured for the first time") % said
    return _("%(name)s: %(after)s (before: %(before)s)") % said


def _medicine_new(reason: Reason, rules: Catalogue) -> str:
    return _("New medicine: %(name)s") % {"name": reason.code}


def _medicine_ended(reason: Reason, rules: Catalogue) -> str:
    return _("No longer taken: %(name)s") % {"name": reason.code}


def _medicine_classed(reason: Reason, rules: Catalogue) -> str:
    named = [rules.medicine_classes.get(code.strip()) for code in reason.after.split(",") if code.strip()]
    kinds = ", ".join(in_words(one.name.to_json()) for one in named if one)
    return _("%(name)s is now known as: %(kinds)s") % {"name": reason.code, "kinds": kinds or _("none of the kinds that matter")}


def _event(reason: Reason, rules: Catalogue) -> str:
    return _("Reaction on record: %(term)s") % {"term": reason.code}


WORDS: Mapping[Kind, Callable[[Reason, Catalogue], str]] = {
    Kind.NEW: _new,
    Kind.GONE: _gone,
    Kind.SEVERITY: _other_severity,
    Kind.WAIT: _other_wait,
    Kind.CLEARED: _cleared,
    Kind.ANSWERS: _other_answers,
    Kind.ASKED: _asked,
    Kind.ANSWERED: _answered,
    Kind.ANSWER: _answer,
    Kind.MEASURED: _measured,
    Kind.MEDICINE_NEW: _medicine_new,
    Kind.MEDICINE_ENDED: _medicine_ended,
    Kind.MEDICINE_CLASSED: _medicine_classed,
    Kind.EVENT: _event,
}
