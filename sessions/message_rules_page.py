"""What the pages of message rules show: every kind with its rule, one rule with its texts and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from clinic.languages import NAMES
from clinic.models import User
from protocols import catalogue
from sessions.message_places import FIGURES, PLACES, RANGES, may_be_off, shipped_lead, shipped_text
from sessions.message_rules import holding, narrowness
from sessions.message_texts import KINDS
from sessions.models import MessageRule, MessageRuleVersion
from sessions.rule_following import Effect
from sessions.sample_letters import subject

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Line:
    """One kind in the list. `narrower`: how many rules of their own sites and protocols have."""

    kind: str
    label: str
    when: str
    is_sent: bool
    may_be_off: bool
    figures: str
    languages: list[str]
    narrower: int


def lines() -> list[Line]:
    by_kind: dict[str, list[MessageRule]] = {}
    for row in MessageRule.objects.in_force():
        by_kind.setdefault(row.kind, []).append(row)
    found = []
    for kind in PLACES:
        rows = by_kind.get(kind, [])
        wide = next((row for row in rows if row.everywhere), None)
        found.append(
            Line(
                kind=kind, label=str(KINDS[kind].label), when=str(KINDS[kind].when),
                is_sent=wide is None or wide.is_sent is not False, may_be_off=may_be_off(kind),
                figures=figures_in_words(wide) if wide else "", languages=sorted(wide.words) if wide else [],
                narrower=sum(not row.everywhere for row in rows),
            )
        )  # fmt: skip
    return found


def figures_in_words(rule: MessageRule) -> str:
    return ", ".join(f"{FIGURES[name]}: {figure}" for name, figure in sorted(rule.figures.items()))


def timing_of(rule: MessageRule, wider: list[MessageRule]) -> list[str]:
    """The figures that hold for this rule and differ from the catalogue's: its own, then those it takes from a wider one."""
    found = []
    for name in RANGES.get(rule.kind, {}):
        from_rule = next((row for row in [rule, *wider] if name in row.figures), None)
        if from_rule is not None:
            whose = "" if from_rule is rule else f" ({scope_of(from_rule)})"
            found.append(f"{FIGURES[name]}: {from_rule.figures[name]}{whose}")
    return found


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a figure left empty would be, and whose."""

    figure: int | None
    whose: str


def inherited_figures(rule: MessageRule, wider: list[MessageRule]) -> dict[str, Inherited]:
    known = catalogue.in_force().messages.get(rule.kind)
    found = {}
    for name in RANGES.get(rule.kind, {}):
        from_rule = next((row for row in wider if name in row.figures), None)
        if from_rule is not None:
            found[name] = Inherited(from_rule.figures[name], scope_of(from_rule))
        else:
            found[name] = Inherited(known.limits.get(name) if known else None, _("the catalogue"))
    return found


@dataclass(frozen=True, slots=True)
class SentLine:
    """Is it sent, and which wider rule says so; empty: this one."""

    is_sent: bool
    whose: str


def sent_lines(rule: MessageRule, rows: Sequence[MessageRule]) -> list[SentLine]:
    """One line, or, for a protocol that leaves it open, one for each site that has a rule and one for all others."""
    if rule.is_sent is not None:
        return [SentLine(rule.is_sent, "")]
    wider = wider_than(rule, rows)
    apart = [row for row in goes_before(rule, rows) if row not in wider]
    found = [SentLine(row.is_sent, scope_of(row)) for row in apart if row.is_sent is not None]
    said = next((row for row in wider if row.is_sent is not None), None)
    return [*found, SentLine(said is None or bool(said.is_sent), scope_of(said) if said else _("Everywhere"))]


def goes_before(rule: MessageRule, rows: Sequence[MessageRule]) -> list[MessageRule]:
    """The rules this one overrules where both hold."""
    return sorted((row for row in _meeting(rule, rows) if narrowness(row) > narrowness(rule)), key=narrowness)


def gives_way_to(rule: MessageRule, rows: Sequence[MessageRule]) -> list[MessageRule]:
    """The rules that overrule this one where both hold."""
    return sorted((row for row in _meeting(rule, rows) if narrowness(row) < narrowness(rule)), key=narrowness)


def _meeting(rule: MessageRule, rows: Sequence[MessageRule]) -> list[MessageRule]:
    """Those with which it has a site and a protocol in common."""
    return [
        row for row in rows
        if row.pk != rule.pk
        and (row.site_id == rule.site_id or None in {row.site_id, rule.site_id})
        and (row.indication == rule.indication or "" in {row.indication, rule.indication})
    ]  # fmt: skip


def with_state(row: MessageRule) -> str:
    """A rule in a list of others: for whom it holds, and whether it sends."""
    said = {None: "", True: _("goes out"), False: _("switched off")}[row.is_sent]
    return f"{scope_of(row)} ({said})" if said else scope_of(row)


def scope_of(rule: MessageRule) -> str:
    """For whom a rule holds, in words."""
    parts = [indication_name(rule.indication)] if rule.indication else []
    parts += [rule.site.name] if rule.site is not None else []
    return ", ".join(parts) or _("Everywhere")


def indication_name(code: str) -> str:
    known = catalogue.in_force().indications.get(code)
    return known.name_in(get_language() or "en") if known is not None else code


@dataclass(frozen=True, slots=True)
class TextLine:
    language: str
    name: str
    is_own: bool
    from_wider: str
    subject: str


def texts_of(rule: MessageRule, wider: list[MessageRule]) -> list[TextLine]:
    """The text of every language: the rule's own, that of a wider rule, or the shipped one."""
    found = []
    for language, name in NAMES.items():
        from_rule = next((row for row in [rule, *wider] if language in row.words), None)
        words = from_rule.words[language]["subject"] if from_rule else shipped_subject(rule.kind, language)
        found.append(
            TextLine(
                language=language, name=name, is_own=from_rule is rule, subject=words,
                from_wider=scope_of(from_rule) if from_rule is not None and from_rule is not rule else "",
            )
        )  # fmt: skip
    return found


def shipped_subject(kind: str, language: str) -> str:
    """With its placeholder, as a clinic would write it."""
    return subject(kind, language, "{day}")


def words_without(rule: MessageRule, rows: Sequence[MessageRule], language: str) -> Mapping[str, str]:
    """What is sent while the rule has no words of its own: those of a wider rule, else the shipped ones."""
    from_rule = next((row for row in wider_than(rule, rows) if language in row.words), None)
    if from_rule is not None:
        words: Mapping[str, str] = from_rule.words[language]
        return words
    return {
        "subject": shipped_subject(rule.kind, language), "lead": shipped_lead(rule.kind, language),
        "text": shipped_text(rule.kind),
    }  # fmt: skip


def whose_words(rule: MessageRule, rows: Sequence[MessageRule], language: str) -> str:
    """The wider rule those words come from; empty for the shipped ones."""
    from_rule = next((row for row in wider_than(rule, rows) if language in row.words), None)
    return scope_of(from_rule) if from_rule is not None else ""


@dataclass(frozen=True, slots=True)
class VersionLine:
    number: int
    who: str
    at: Any
    changes: list[str]


def versions_of(rule: MessageRule) -> list[VersionLine]:
    if rule.pk is None:
        return []
    rows = MessageRuleVersion.objects.filter(rule=rule).select_related("by")
    return [
        VersionLine(row.number, row.by.name if row.by else "–", row.at, [in_words(*one) for one in row.changes])
        for row in rows
    ]


def in_words(what: str, before: Any, now: Any) -> str:
    """One change, said to staff."""
    if what == "is_sent":
        return {None: _("as the wider rules say"), True: _("switched on"), False: _("switched off")}[now]
    if what == "is_active":
        return _("taken up again") if now else _("given up")
    if what.startswith("words-"):
        language = NAMES.get(what.removeprefix("words-"), what)
        if before and now:
            return _("%(language)s: other words") % {"language": language}
        return (_("%(language)s: own words") if now else _("%(language)s: own words taken back")) % {"language": language}
    shown = {"before": "–" if before is None else before, "now": "–" if now is None else now}
    return f"{FIGURES.get(what, what)}: {shown['before']} → {shown['now']}"


def effect_in_words(effect: Effect) -> list[str]:
    """What a change does to messages that are not sent yet."""
    return [
        ngettext("%(n)s message changes", "%(n)s messages change", effect.changed) % {"n": effect.changed},
        ngettext("%(n)s message is added", "%(n)s messages are added", effect.added) % {"n": effect.added},
        ngettext("%(n)s message is withdrawn", "%(n)s messages are withdrawn", effect.withdrawn) % {"n": effect.withdrawn},
    ]


def wider_than(rule: MessageRule, rows: Sequence[MessageRule]) -> list[MessageRule]:
    """The rules that would hold without this one, the narrowest first."""
    fitting = holding(rows, kind=rule.kind, site=rule.site_id, indication=rule.indication)
    return [row for row in fitting if row.pk != rule.pk]


def has_timing(kind: str) -> bool:
    return kind in RANGES or may_be_off(kind)


def reader(user: User) -> str:
    return str(user.language)
