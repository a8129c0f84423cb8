"""Calendar files: read back with the library that wrote them, and with another one that follows the standard's letter."""
from __future__ import annotations

import datetime as dt
import io
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event, vCalAddress, vText

from sessions import calendar_files
from sessions.calendar_files import CANCEL, PUBLISH, REQUEST, Party, Visit, feed_file, uid_of, visit_file

STAMP = dt.datetime(2026, 1, 5, 8, 30, tzinfo=dt.UTC)
ZONES = ["Europe/Rome", "Europe/London", "America/New_York", "Asia/Istanbul", "Australia/Lord_Howe", "Pacific/Auckland",
         "Europe/Dublin", "UTC"]  # fmt: skip


def visit(start: dt.datetime, zone: str = "Europe/Rome", **fields: Any) -> Visit:
    values: dict[str, Any] = {
        "uid": uid_of("abc", "patient"), "sequence": 3, "starts_at": start, "ends_at": start + dt.timedelta(minutes=45),
        "zone": zone, "summary": "Appointment", "stamp": STAMP,
    }  # fmt: skip
    return Visit(**values | fields)


def at(wall: str, zone: str = "Europe/Rome", fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC)


def event_of(content: bytes) -> Any:
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    return event


def zone_by_the_letter(content: bytes, zone: str) -> Any:
    """The VTIMEZONE of the file as dateutil reads it, which counts each onset from the clock that was right until then."""
    text = content.decode()
    block = text[text.index("BEGIN:VTIMEZONE") : text.index("END:VTIMEZONE")] + "END:VTIMEZONE\r\n"
    return tzical(io.StringIO(f"BEGIN:VCALENDAR\r\n{block}END:VCALENDAR\r\n")).get(zone)


@pytest.mark.parametrize(
    ("wall", "fold"),
    [("2026-03-29T01:45", 0), ("2026-03-29T03:00", 0), ("2026-03-29T03:30", 0), ("2026-10-25T01:45", 0), ("2026-10-25T02:30", 0),
     ("2026-10-25T02:30", 1), ("2026-10-25T03:00", 0), ("2026-07-01T10:00", 0), ("2026-12-31T23:45", 0)],
)  # fmt: skip
def test_both_clock_change_nights_read_back_as_the_same_moment(wall, fold):
    moment = at(wall, fold=fold)
    content = visit_file(visit(moment), method=PUBLISH)
    event = event_of(content)
    assert event["dtstart"].dt.astimezone(dt.UTC) == moment
    assert event["dtend"].dt.astimezone(dt.UTC) == moment + dt.timedelta(minutes=45)
    written = event["dtstart"].dt
    if event["dtstart"].params.get("TZID"):
        by_the_letter = written.replace(tzinfo=zone_by_the_letter(content, "Europe/Rome"))
        assert by_the_letter.astimezone(dt.UTC) == moment
    else:
        assert fold  # only the second of two equal hours is said in UTC


@pytest.mark.parametrize("zone", ZONES)
def test_the_rules_of_a_zone_hold_for_every_half_hour_of_the_year(zone):
    content = visit_file(visit(at("2026-06-01T10:00", zone), zone), method=PUBLISH)
    read = zone_by_the_letter(content, zone)
    moment, wrong = dt.datetime(2026, 1, 2, tzinfo=dt.UTC), []
    while moment.year == 2026:
        local = moment.astimezone(ZoneInfo(zone))
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        if not twice and local.replace(tzinfo=read).utcoffset() != local.utcoffset():
            wrong.append(local)
        moment += dt.timedelta(minutes=30)
    assert wrong == []


def test_an_invitation_names_both_parties_and_asks_for_no_answer():
    content = visit_file(
        visit(at("2026-03-12T10:00")), method=REQUEST, organizer=Party("Halden Clinic", "clinic@halden.example"),
        attendee=Party("Aisha", "aisha@example.org"),
    )  # fmt: skip
    calendar, event = Calendar.from_ical(content), event_of(content)
    assert calendar["method"] == "REQUEST"
    assert (event["uid"], event["sequence"], event["status"]) == ("abc.patient@mesoclinic", 3, "CONFIRMED")
    assert event["organizer"] == "mailto:clinic@halden.example"
    assert event["attendee"] == "mailto:aisha@example.org"
    assert event["attendee"].params["RSVP"] == "FALSE"
    assert event["dtstamp"].dt == STAMP


def test_a_cancellation_ends_the_same_entry():
    content = visit_file(visit(at("2026-03-12T10:00"), sequence=4, cancelled=True), method=CANCEL)
    event = event_of(content)
    assert Calendar.from_ical(content)["method"] == "CANCEL"
    assert (event["uid"], event["sequence"], event["status"]) == ("abc.patient@mesoclinic", 4, "CANCELLED")


@pytest.mark.parametrize(
    "hostile", ["A\r\nATTENDEE:mailto:x@y.z", "END:VEVENT\nBEGIN:VALARM", 'Quote " ; , \\ :', "Ünïcødé ﷽ " * 20, "a" * 400]
)
def test_hostile_words_stay_words(hostile):
    content = visit_file(
        visit(at("2026-03-12T10:00"), summary=hostile, location=hostile, description=hostile), method=REQUEST,
        organizer=Party(hostile, "a@b.example"), attendee=Party(hostile, "c@d.example"),
    )  # fmt: skip
    event = event_of(content)
    assert "ATTENDEE" in event
    assert not isinstance(event["attendee"], list)
    assert not list(event.walk("VALARM"))
    assert str(event["summary"]).replace("\r", "") == hostile.replace("\r", "")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_a_feed_carries_every_zone_once_and_the_same_bytes_each_time():
    visits = [visit(at("2026-03-12T10:00")), visit(at("2026-03-13T10:00", "Europe/London"), "Europe/London", uid="b"),
              visit(at("2026-11-13T10:00"), uid="c")]  # fmt: skip
    content = feed_file(visits, name="Dr Amina Haddad")
    calendar = Calendar.from_ical(content)
    assert sorted(str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")) == ["Europe/London", "Europe/Rome"]
    assert len(calendar.walk("VEVENT")) == 3
    assert feed_file(visits, name="Dr Amina Haddad") == content


def test_an_empty_feed_is_still_a_calendar():
    assert not Calendar.from_ical(feed_file([], name="Dr Amina Haddad")).walk("VEVENT")


NAMES = st.one_of(st.text(max_size=60), st.text("abcşİßé-' ;,:\"\\^", max_size=90), st.sampled_from(["Aisha", "Şule", "x" * 200]))


@given(name=NAMES, address=st.one_of(st.emails(), st.text("ab@.+-_;,", min_size=1, max_size=90)), uid=NAMES)
def test_is_what_the_library_writes_of_any_party_and_uid(name, address, uid):
    """`visit_file` writes plain lines itself; the order of lines is free."""
    one = visit(at("2026-03-12T10:00"), uid=uid)
    event = Event()
    calendar_files._add_when(event, one)
    invited = vCalAddress(f"mailto:{address}", params={"CN": vText(name)})
    for key, value in (("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "FALSE")):
        invited.params[key] = vText(value)
    event.add("attendee", invited)
    ours = calendar_files._written_when(one) + calendar_files._written_attendee(Party(name, address))
    assert lines_of(ours) == lines_of(calendar_files._lines_of(event))


@pytest.mark.parametrize("zone", [*ZONES, "UTC", "Etc/UTC", "America/Argentina/ComodRivadavia", "Antarctica/DumontDUrville"])
def test_is_what_the_library_writes_of_every_hour(zone):
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    while moment.year == 2026:
        one = visit(moment, zone)
        event = Event()
        calendar_files._add_when(event, one)
        assert lines_of(calendar_files._written_when(one)) == lines_of(calendar_files._lines_of(event))
        moment += dt.timedelta(hours=5)


def lines_of(content):
    return sorted(content.replace(b"\r\n ", b"\0").split(b"\r\n"))
