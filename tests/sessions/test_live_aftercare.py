"""The live aftercare page: what is allowed at each moment, what opens next, and what is never called allowed."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.models import AccessEvent
from patients import links
from protocols.aftercare import Instruction
from protocols.choices import InstructionSeverity
from sessions.aftercare_page import in_hours
from sessions.live_aftercare import live
from sessions.models import Message, TreatmentSession
from sessions.sending import send_due
from tests.screens import readable_at_every_size
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

END = dt.datetime(2026, 3, 12, 10, 20, tzinfo=dt.UTC)


def rule(code: str, start: int, until: int | None, *parts: Any) -> Instruction:
    return Instruction(
        code=code, severity=InstructionSeverity.MUST, from_at=END + dt.timedelta(hours=start),
        until_at=None if until is None else END + dt.timedelta(hours=until), hours_from=start, hours_until=until,
        name={"en": f"name of {code}"}, body={"en": f"rule of {code}"}, source="S0", longer_parts=parts,
    )  # fmt: skip


SHEET = [rule("ac-no-water", 0, 15), rule("ac-no-touch", 0, 10), rule("ac-no-makeup", 0, 24), rule("ac-no-exercise", 0, 48),
         rule("ac-no-nsaid", 0, 24), rule("ac-spf", 24, 720), rule("ac-red-flags", 0, 2160)]  # fmt: skip


def at_hour(hours: float, sheet: list[Instruction] = SHEET) -> Any:
    return live(sheet, now=END + dt.timedelta(hours=hours), language="en")


def codes(lines: Any) -> list[str]:
    return [line.code for line in lines]


class TestAtOneMoment:
    def test_at_the_end_nothing_is_allowed_yet(self) -> None:
        state = at_hour(0)
        assert (codes(state.allowed), codes(state.next)) == ([], ["ac-no-touch"])
        assert codes(state.waiting) == ["ac-no-water", "ac-no-makeup", "ac-no-nsaid", "ac-no-exercise"]

    def test_one_minute_before_and_at_the_minute(self) -> None:
        assert codes(at_hour(15 - 1 / 60).allowed) == ["ac-no-touch"]
        state = at_hour(15)
        assert codes(state.allowed) == ["ac-no-water", "ac-no-touch"]
        assert (codes(state.next), state.next_at) == (["ac-no-makeup"], END + dt.timedelta(hours=24))

    def test_a_medicine_is_never_called_allowed(self) -> None:
        assert "ac-no-nsaid" in codes(at_hour(23).waiting)
        state = at_hour(500)
        assert "ac-no-nsaid" not in codes(state.allowed) + codes(state.waiting)
        assert (state.next, state.next_at) == ((), None)

    def test_what_helps_is_no_prohibition_and_red_flags_are_not_in_the_lists(self) -> None:
        for hour in (0, 30):
            state = at_hour(hour)
            assert codes(state.helping) == ["ac-spf"]
            assert "ac-red-flags" not in codes(state.waiting) + codes(state.allowed)
        assert codes(at_hour(721).helping) == []

    def test_a_scalp_is_not_free_for_water_before_the_hair_is(self) -> None:
        scalp = [*SHEET, rule("ac-hair-wash", 0, 24)]
        assert codes(at_hour(16, scalp).allowed) == ["ac-no-touch"]
        assert set(codes(at_hour(24, scalp).allowed)) == {"ac-no-touch", "ac-no-water", "ac-hair-wash", "ac-no-makeup"}


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min"), (59, "59 min"), (60, "1 h 0 min"), (1245, "20 h 45 min"), (2880, "2 days"), (-5, "0 min")],
)
def test_spans_in_words(minutes, words):
    assert in_hours(dt.timedelta(minutes=minutes)) == words


# --- the page -------------------------------------------------------------------------------------------------------
def open_link(client: Client, record: TreatmentSession, day: MailDay, purpose: str = "aftercare") -> Any:
    _link, token = links.issue(
        patient=record.patient, site=day.clinic.site, purpose=purpose, subject=record, by=day.by,
        expires_at=timezone.now() + dt.timedelta(days=90),
    )  # fmt: skip
    client.get(reverse("patient-link", args=[token]))
    return client.post(reverse("patient-gate"), {"birth_date": record.patient.birth_date.isoformat()})


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def day(self, at: Any) -> MailDay:
        at(MORNING)
        return make_mail_day()

    def page(self, client: Client) -> str:
        answer = client.get(reverse("patient-aftercare"))
        assert answer.status_code == 200
        return answer.content.decode()

    def test_follows_the_clock_of_the_site(self, day: MailDay, client: Client, at: Any) -> None:
        record = day.treat(ended_at=day.clinic.at("11:20"))
        at("2026-03-12T10:20+00:00")
        assert open_link(client, record, day).url == reverse("patient-aftercare")
        page = self.page(client)
        assert "Thursday 12 March, 11:20" in page
        assert "Allowed now" not in page
        assert "Next: Thursday 12 March, 21:20" in page
        at("2026-03-12T20:20+00:00")  # ten hours later
        assert open_link(client, record, day).status_code == 302
        page = self.page(client)
        assert "Touch the area with clean hands" in page.partition("Next:")[0]
        assert f"Call {day.clinic.site.emergency_number} now:" in page
        assert AccessEvent.objects.filter(page="patient-aftercare").exists()

    def test_a_corrected_end_moves_the_times(self, day: MailDay, client: Client, at: Any) -> None:
        record = day.treat(ended_at=day.clinic.at("11:20"))
        at("2026-03-12T10:30+00:00")
        open_link(client, record, day)
        TreatmentSession.objects.filter(pk=record.pk).update(ended_at=day.clinic.at("11:25"))
        assert "Next: Thursday 12 March, 21:25" in self.page(client)

    def test_over_the_night_of_the_clock_change(self, day: MailDay, client: Client, at: Any) -> None:
        saturday = dt.date(2026, 3, 28)
        record = day.treat(ended_at=day.clinic.at("16:00", saturday))
        at("2026-03-28T15:30+00:00")
        open_link(client, record, day)
        assert "Next: Sunday 29 March, 03:00" in self.page(client)  # ten elapsed hours: 02:00 does not exist

    def test_an_older_session_still_counts_where_it_holds_longer(self, day: MailDay, client: Client, at: Any) -> None:
        day.treat(ended_at=day.clinic.at("09:00"))
        at("2026-03-13T10:00+00:00")
        record = day.treat(ended_at=day.clinic.at("10:50", dt.date(2026, 3, 13)))
        open_link(client, record, day)
        page = self.page(client)
        assert "Friday 13 March, 10:50" in page
        assert "Allowed now" not in page  # the new session holds everything back again

    def test_nothing_ended_shows_nothing(self, day: MailDay, client: Client) -> None:
        record = day.treat(ended_at=day.clinic.at("07:50"))
        TreatmentSession.objects.filter(pk=record.pk).update(ended_at=None, status="begun")
        open_link(client, record, day)
        assert client.get(reverse("patient-aftercare")).status_code == 404

    def test_without_the_gate_or_with_another_purpose_it_stays_shut(self, day: MailDay, client: Client) -> None:
        record = day.treat(ended_at=day.clinic.at("07:50"))
        assert client.get(reverse("patient-aftercare")).status_code == 404
        open_link(client, record, day, purpose="intake")
        assert client.get(reverse("patient-aftercare")).status_code == 404

    def test_the_mail_leads_there_and_keeps_no_token(self, day: MailDay) -> None:
        day.treat(ended_at=day.clinic.at("07:50"))
        send_due()
        message = Message.objects.get(kind="msg-after-0")
        assert "/p/link-not-kept/" in message.text
        assert "What is allowed now" in message.text

    def test_speaks_turkish(self, day: MailDay, client: Client) -> None:
        day.patient.language = "tr"
        day.patient.save(update_fields=["language"])
        open_link(client, day.treat(ended_at=day.clinic.at("07:50")), day)
        page = self.page(client)
        assert "Sıradaki: 12 Mart Perşembe, 17:50" in page
        assert "Bölgeye temiz elle dokunmak" in page


@pytest.mark.django_db(transaction=True)
def test_looked_at_on_every_screen(page: Page, live_server: Any, picture: Any) -> None:
    day = make_mail_day(language="en", given_name="Nadia")
    record = day.treat(ended_at=timezone.now() - dt.timedelta(hours=20, minutes=45))
    _link, token = links.issue(
        patient=day.patient, site=day.clinic.site, purpose="aftercare", subject=record, by=day.by,
        expires_at=timezone.now() + dt.timedelta(days=9),
    )  # fmt: skip
    page.goto(f"{live_server.url}{reverse('patient-link', args=[token])}")
    page.get_by_label("Birth date").fill(day.patient.birth_date.isoformat())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Allowed now")).to_be_visible()
    sizes = ((390, 844), (820, 1180), (1280, 800))
    address = live_server.url + reverse("patient-aftercare")
    readable_at_every_size(page, address, sizes, lambda width: picture(page, f"aftercare-live-{width}"))
