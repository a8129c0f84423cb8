"""Who may set which message rule, how each change is kept, what a narrower one leaves open, and what is judged at all."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from sessions import message_rules, rule_following, ruling
from sessions.choices import MessageState
from sessions.models import MessageRule, MessageRuleVersion
from sessions.rule_following import Effect
from sessions.ruling import Wish
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sessions.ruleday import AS_SHIPPED, OWN, decide, rule_for, the

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def by(day: MailDay) -> Doer:
    return Doer.staff(factories.make_user(Role.MANAGER, name="Ines Prado"), day.clinic.site)


class TestKept:
    def test_each_change_is_a_version_with_who_when_and_what(self, by: Doer) -> None:
        decide("msg-4h", Wish(True, {"hours": 5}, {}), by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by)
        second, first = MessageRuleVersion.objects.all()
        assert (first.number, first.changes, first.by) == (2, [["hours", None, 5]], by.user)
        assert (second.number, second.changes, second.is_sent) == (3, [["is_sent", True, False]], False)
        assert AuditEvent.objects.filter(action="message-rule-changed").count() == 2

    def test_saving_what_is_there_already_makes_no_version(self, by: Doer) -> None:
        assert decide("msg-4h", AS_SHIPPED, by) == Effect()
        assert not MessageRuleVersion.objects.exists()

    def test_somebody_who_was_faster_wins(self, by: Doer) -> None:
        stale = rule_for("msg-4h")
        decide("msg-4h", Wish(True, {"hours": 5}, {}), by)
        with pytest.raises(Stale):
            ruling.set_rule(rule=stale, seen_version=1, wish=Wish(False, {}, {}), by=by)
        assert rule_for("msg-4h").is_sent

    @pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
    def test_other_roles_may_not(self, day: MailDay, role: str) -> None:
        with pytest.raises(NotPermitted):
            decide("msg-4h", Wish(False, {}, {}), Doer.staff(factories.make_user(role), day.clinic.site))
        assert not MessageRule.objects.filter(is_sent=False).exists()

    def test_a_manager_of_one_site_sets_its_rules_and_no_others(self, day: MailDay) -> None:
        local = Doer.staff(factories.make_user(Role.MANAGER, site=day.clinic.site), day.clinic.site)
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=local)
        decide("msg-4h", Wish(False, {}, {}), local, here)
        with pytest.raises(NotPermitted):
            decide("msg-4h", Wish(False, {}, {}), local)
        with pytest.raises(NotPermitted):
            ruling.open_rule(kind="msg-4h", site=None, indication="ind-face", by=local)

    def test_one_rule_a_scope(self, day: MailDay, by: Doer) -> None:
        MessageRule.objects.create(kind="msg-4h")
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageRule.objects.create(kind="msg-4h")
        ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        for scope in ({"site": day.clinic.site, "indication": ""}, {"site": None, "indication": ""},
                      {"site": None, "indication": "ind-nothing"}):  # fmt: skip
            with pytest.raises(Refused):
                ruling.open_rule(kind="msg-4h", by=by, **scope)  # type: ignore[arg-type]


class TestLeftOpen:
    """A narrower rule decides what it says; the rest is decided by the wider ones, at each site by those of that site."""

    def test_opening_one_for_a_protocol_changes_nothing_at_a_site_that_switched_off(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by, here)
        protocol = ruling.open_rule(kind="msg-4h", site=None, indication=record.course.indication, by=by)
        assert (protocol.is_sent, rule_following.work()) == (None, 0)
        assert decide("msg-4h", Wish(None, {"hours": 6}, {}), by, protocol) == Effect()
        rules = message_rules.in_force(["msg-4h"])
        where = {"site": day.clinic.site, "indication": record.course.indication}
        assert not rules.is_sent("msg-4h", **where)
        assert rules.hours("msg-4h", **where).figures["msg-4h"]["hours"] == 6
        protocol.refresh_from_db()
        assert decide("msg-4h", Wish(True, {}, {}), by, protocol) == Effect(added=1)

    def test_opened_again_it_is_as_open_as_at_first(self, day: MailDay, by: Doer) -> None:
        day.treat()
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by, here)
        here.refresh_from_db()
        ruling.end_rule(rule=here, seen_version=here.version, by=by)
        again = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        assert (again.is_sent, again.figures, again.words, the(day, "msg-4h").state) == (None, {}, {}, S.SCHEDULED)

    def test_the_rule_for_all_leaves_nothing_open(self, by: Doer) -> None:
        with pytest.raises(Refused) as refusal:
            decide("msg-4h", Wish(None, {"hours": 5}, {}), by)
        assert refusal.value.field == "is_sent"
        assert not MessageRule.objects.exists()
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageRule.objects.create(kind="msg-4h", is_sent=None)


class TestWhatIsJudged:
    def test_words_saved_long_ago_do_not_stand_in_the_way_of_a_figure(self, day: MailDay, by: Doer) -> None:
        """A catalogue that came later may know a word about health that was none when they were written."""
        stored = {"en": {"subject": "Your mesotherapy", "lead": "", "text": ""}}
        rule = MessageRule.objects.create(kind="msg-24h", words=stored)
        assert ruling.foresee(rule=rule, wish=Wish(True, {"days": 2}, stored)) == Effect()
        decide("msg-24h", Wish(True, {"days": 2}, stored), by)
        rule.refresh_from_db()
        assert (rule.figures, rule.words) == ({"days": 2}, stored)
        worse = {"en": {**stored["en"], "lead": "On {day}."}}
        with pytest.raises(Refused) as refusal:
            decide("msg-24h", Wish(True, {"days": 2}, worse), by)
        assert refusal.value.field == "subject"

    def test_somebody_who_was_faster_is_shown_with_what_they_saved(self, by: Doer) -> None:
        decide("msg-24h", Wish(True, {"days": 2}, {"en": OWN.stored()}), by)
        with pytest.raises(Stale) as stale:
            ruling.set_rule(rule=rule_for("msg-24h"), seen_version=1, wish=Wish(True, {"days": 3}, {}), by=by)
        theirs = dict(stale.value.theirs)
        assert theirs == {
            "Days": "2", "English: Subject": OWN.subject, "English: First sentence": OWN.lead, "English: Text": OWN.text,
        }  # fmt: skip
        with pytest.raises(Stale) as stale:
            ruling.set_rule(rule=rule_for("msg-24h"), seen_version=1, wish=AS_SHIPPED.with_words("de", OWN), by=by)
        assert dict(stale.value.theirs)["Deutsch: Text"] == "As shipped"
        assert rule_for("msg-24h").figures == {"days": 2}
