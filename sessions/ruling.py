"""The manager's deeds on message rules. Each is a version with who, when and what; what is not sent yet follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.forms import LONGEST_TEXT, check_plain_text
from clinic.languages import NAMES
from clinic.models import Site
from clinic.permissions import check_doer
from protocols import catalogue
from sessions import message_rules, rule_following
from sessions.mail_hours import mail_hours
from sessions.message_places import FIGURES, PARTS, PLACES, RANGES, may_be_off
from sessions.models import MessageRule, MessageRuleVersion
from sessions.own_words import LEAD_LETTERS, SUBJECT_LETTERS, TEXT_LETTERS, Fault, Words, faults_of
from sessions.rule_following import Effect

ESSENTIAL = gettext_lazy("A visit or somebody's safety depends on this message: it cannot be switched off.")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a rule is to be. `words` is the whole of its texts by language."""

    is_sent: bool | None  # None: as the wider rules say
    figures: Mapping[str, int]
    words: Mapping[str, Mapping[str, str]]
    is_active: bool = True

    @classmethod
    def of(cls, rule: MessageRule) -> Wish:
        return cls(rule.is_sent, dict(rule.figures), dict(rule.words), rule.is_active)

    def with_words(self, language: str, words: Words | None) -> Wish:
        """The same with these words in one language; None takes the clinic's own words back."""
        kept = {code: text for code, text in self.words.items() if code != language}
        return Wish(self.is_sent, self.figures, {**kept, **({language: words.stored()} if words else {})}, self.is_active)


def check_wish(rule: MessageRule, wish: Wish) -> None:
    """Raises `Refused` beside the field: what may not be switched off, figures out of their range, words that do not do.

    Of the words only those that change are judged: what was saved once does not stand in the way of other changes."""
    kind = rule.kind
    if wish.is_sent is None and rule.everywhere:
        raise Refused(_("The rule for all says whether this message is sent."), field="is_sent")
    if wish.is_sent is False and not may_be_off(kind):
        raise Refused(str(ESSENTIAL), field="is_sent")
    for name, figure in wish.figures.items():
        low, high = RANGES.get(kind, {}).get(name, (0, -1))
        if not low <= figure <= high:
            raise Refused(_("Between %(low)s and %(high)s.") % {"low": low, "high": high}, field=name)
    for language, stored in wish.words.items():
        if rule.words.get(language) == stored:
            continue
        if language not in NAMES:
            raise Refused(_("This language is not one we write in."), field="language")
        for fault in faults_in(kind, language, Words.of(stored)):
            raise Refused(sentence_of(fault, kind), field=fault.part)


def faults_in(kind: str, language: str, words: Words) -> list[Fault]:
    found = faults_of(words, PLACES[kind], health_words=health_words(language))
    for part, most in (("subject", SUBJECT_LETTERS), ("lead", LEAD_LETTERS), ("text", TEXT_LETTERS)):
        if len(words.stored()[part]) > most:
            found.append(Fault(part, "long", str(most)))
    return [*found, *(Fault(part, "sign") for part, text in words.stored().items() if has_hidden_signs(text, part))]


def has_hidden_signs(text: str, part: str) -> bool:
    """Control signs, and marks that turn the reading direction: they disguise what stands there."""
    try:
        check_plain_text(text[:LONGEST_TEXT], multiline=part == "text")
    except ValidationError:
        return True
    return False


def health_words(language: str) -> list[str]:
    """Names of what is treated, with what and how, in this language: none of them on a locked phone."""
    known = catalogue.in_force()
    groups = (known.indications, known.substances, known.techniques)
    return [entry.name_in(language) for group in groups for entry in group.values()]


def sentence_of(fault: Fault, kind: str) -> str:
    """What to mend, said to the manager."""
    allowed = ", ".join(f"{{{name}}}" for name in PLACES[kind].allowed(fault.part))
    mark = f"{{{fault.what}}}"
    sentences = {
        "empty": _("Write something here."),
        "unknown": _("%(mark)s is not known here. You may use %(allowed)s.") % {"mark": mark, "allowed": allowed},
        "missing": _("%(mark)s must stand in it: without it the mail does not say what it is for.") % {"mark": mark},
        "stray": _("A single brace stands alone. Placeholders look like this: %(allowed)s.") % {"allowed": allowed},
        "twice": _("%(mark)s may stand in it only once.") % {"mark": mark},
        "not-alone": _("%(mark)s must stand in a line of its own.") % {"mark": mark},
        "health": _("“%(word)s” tells a bystander what the visit is for: this line shows on a locked phone.")
        % {"word": fault.what},
        "sign": _("Remove the invisible sign."),
        "long": _("At most %(most)s characters.") % {"most": fault.what},
    }
    return str(sentences[fault.code])


# --- deeds ----------------------------------------------------------------------------------------------------------
def foresee(*, rule: MessageRule, wish: Wish) -> Effect:
    """What saving this would do to messages that are not sent yet. Changes nothing; raises as saving would."""
    _check_kind(rule.kind)
    check_wish(rule, wish)
    effect, _steps = rule_following.effect_of(rule, **_sides(rule, wish))
    return effect


@transaction.atomic
def set_rule(*, rule: MessageRule, seen_version: int, wish: Wish, by: Doer) -> tuple[MessageRule, Effect]:
    """Save what the manager decided and let the messages follow.

    1. Check the role, that nobody was faster, and the wish. 2. A version row and an audit row. 3. Few messages follow
    here; many in the background, where `MessageRule.is_followed` says when they are through."""
    check_doer(by, Permission.CHANGE_STAFF, rule.site)
    _check_kind(rule.kind)
    held = _held(rule)
    if held.version != seen_version:
        theirs = saved_instead(Wish.of(held), wish)
        raise Stale(_("Somebody else changed this while you were typing. Compare, then save again."), theirs=theirs)
    check_wish(held, wish)
    changes = changes_of(Wish.of(held), wish)
    if not changes:
        return held, Effect()
    effect, steps = rule_following.effect_of(held, **_sides(held, wish))
    held.is_active, held.is_sent, held.figures, held.words = wish.is_active, wish.is_sent, wish.figures, wish.words
    held.save_if_unchanged(seen=seen_version, fields=["is_active", "is_sent", "figures", "words"])
    MessageRuleVersion.objects.create(
        rule=held, number=held.version, at=timezone.now(), by=by.user, is_active=held.is_active, is_sent=held.is_sent,
        figures=held.figures, words=held.words, changes=changes,
    )  # fmt: skip
    _follow(held, effect, steps)
    audit.record(
        by=by, action="message-rule-changed", sentence=f"changed the rule of {held.kind}", of=held, site=held.site,
        detail={"version": held.version, "what": [what for what, _old, _new in changes], "messages": effect.total},
    )  # fmt: skip
    return held, effect


def _follow(rule: MessageRule, effect: Effect, steps: list[rule_following.Step]) -> None:
    rule.followed_changed, rule.followed_added, rule.followed_withdrawn = 0, 0, 0
    reworded = effect.changed - sum(step.act == rule_following.Act.CHANGED for step in steps)
    if len(steps) <= rule_following.AT_ONCE:
        done = rule_following.take(steps)
        rule.followed_version = rule.version
        rule.followed_added, rule.followed_withdrawn = done.added, done.withdrawn
        reworded += done.changed
    rule.followed_changed = reworded
    rule.save(update_fields=["followed_version", "followed_changed", "followed_added", "followed_withdrawn"])


@transaction.atomic
def open_rule(*, kind: str, site: Site | None, indication: str, by: Doer) -> MessageRule:
    """A rule of its own for a site, a protocol or both. It leaves everything open at first: opening it changes nothing."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    _check_kind(kind)
    if site is None and not indication:
        raise Refused(_("Choose a site, a protocol or both: for all there is a rule already."), field="site")
    if indication and indication not in catalogue.in_force().indications:
        raise Refused(_("This protocol is not in force."), field="indication")
    made, is_new = MessageRule.objects.get_or_create(
        kind=kind, site=site, indication=indication, defaults={"is_sent": None}
    )
    held: MessageRule = MessageRule.objects.select_for_update(no_key=True, of=("self",)).get(pk=made.pk)
    if held.is_active and not is_new:
        raise Refused(_("There is a rule for this already."), field="site")
    if is_new:
        audit.record(by=by, action="message-rule-opened", sentence=f"made a rule of its own for {kind}", of=held, site=site,
                     detail={"indication": indication})  # fmt: skip
        return held
    again, _effect = set_rule(rule=held, seen_version=held.version, wish=Wish(None, {}, {}), by=by)
    return again


@transaction.atomic
def end_rule(*, rule: MessageRule, seen_version: int, by: Doer) -> tuple[MessageRule, Effect]:
    """A narrower rule is given up; its messages follow the wider ones. Its versions stay."""
    if rule.everywhere:
        raise Refused(_("The rule for all cannot be given up."))
    return set_rule(rule=rule, seen_version=seen_version, wish=Wish(rule.is_sent, rule.figures, {}, is_active=False), by=by)


def _check_kind(kind: str) -> None:
    if kind not in PLACES:
        raise Refused(_("This message has no rule."))


def _held(rule: MessageRule) -> MessageRule:
    """The row, locked. The rule for all is made when it is first changed."""
    if rule.pk is None:
        rule, _made = MessageRule.objects.get_or_create(kind=rule.kind, site=rule.site, indication=rule.indication)
    held: MessageRule = (
        MessageRule.objects.select_for_update(no_key=True, of=("self",)).select_related("site").get(pk=rule.pk)
    )
    return held


def _sides(rule: MessageRule, wish: Wish) -> dict[str, Any]:
    """The rules of this kind as they are, and as they would be."""
    rows = list(MessageRule.objects.in_force().filter(kind=rule.kind))
    base = mail_hours()
    wished = MessageRule(
        pk=rule.pk, kind=rule.kind, site=rule.site, indication=rule.indication, is_active=wish.is_active,
        is_sent=wish.is_sent, figures=dict(wish.figures), words=dict(wish.words), version=rule.version,
    )  # fmt: skip
    others = [row for row in rows if row.pk != rule.pk]
    return {
        "before": message_rules.as_rules(rows, base), "after": message_rules.as_rules([*others, wished], base),
    }  # fmt: skip


def changes_of(before: Wish, now: Wish) -> list[list[Any]]:
    """What differs, each as [what, before, now]; of words only the languages, the texts stand in the versions."""
    found: list[list[Any]] = []
    for name in ("is_active", "is_sent"):
        if getattr(before, name) != getattr(now, name):
            found.append([name, getattr(before, name), getattr(now, name)])
    for name in sorted({*before.figures, *now.figures}):
        if before.figures.get(name) != now.figures.get(name):
            found.append([name, before.figures.get(name), now.figures.get(name)])
    for language in sorted({*before.words, *now.words}):
        if before.words.get(language) != now.words.get(language):
            found.append([f"words-{language}", language in before.words, language in now.words])
    return found


def saved_instead(saved: Wish, wish: Wish) -> list[tuple[str, str]]:
    """What is saved now where the wish is another one, each as (label, text): shown beside what was typed."""
    found: list[tuple[str, str]] = []
    for what, _wished, now in changes_of(wish, saved):
        language = what.removeprefix("words-")
        if language != what:
            words = saved.words.get(language)
            found += [
                (f"{NAMES.get(language, language)}: {label}", words[part] if words else _("As shipped"))
                for part, label in PARTS.items()
            ]
        elif what == "is_sent":
            found.append((_("This message is sent"), sent_in_words(now)))
        elif what == "is_active":
            found.append((_("State"), _("taken up again") if now else _("given up")))
        else:
            found.append((str(FIGURES.get(what, what)), "" if now is None else str(now)))
    return found


def sent_in_words(is_sent: bool | None) -> str:
    return {None: _("as the wider rules say"), True: _("yes"), False: _("no")}[is_sent]
