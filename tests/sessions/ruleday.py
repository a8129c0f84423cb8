"""What the tests of message rules wish, decide and look up again and again."""
from __future__ import annotations

import datetime as dt

from clinic.doer import Doer
from sessions import ruling
from sessions.models import Message, MessageRule
from sessions.own_words import Words
from sessions.rule_following import Effect
from sessions.ruling import Wish
from tests.sessions.mailday import MailDay

AS_SHIPPED = Wish(True, {}, {})
OWN = Words("We see you on {day}", "Come on {day} at {time}.", "Dear all,\n\n{advice}\n\n{link}\n\nYours, {clinic}")


def rule_for(kind: str) -> MessageRule:
    return MessageRule.objects.filter(kind=kind, site=None, indication="").first() or MessageRule(kind=kind)


def decide(kind: str, wish: Wish, by: Doer, rule: MessageRule | None = None) -> Effect:
    rule = rule or rule_for(kind)
    _saved, effect = ruling.set_rule(rule=rule, seen_version=rule.version, wish=wish, by=by)
    return effect


def due(message: Message) -> tuple[dt.date, str]:
    local = message.due_at.astimezone(message.site.zone)
    return local.date(), f"{local:%H:%M}"


def the(day: MailDay, kind: str) -> Message:
    (message,) = day.messages(kind)
    return message
