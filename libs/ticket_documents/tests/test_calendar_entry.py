"""Calendars of others read what is written."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from ticket_documents.calendar_entry import Entry, calendar_of, uid_of

STAMP = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


def calendar_entry(occasion, *, uid, stamp, organizer_uri="", **said):
    return calendar_of([Entry(occasion, uid, **said)], stamp=stamp, organizer_uri=organizer_uri)


def read(content: bytes):
    calendar = Calendar.from_ical(content)
    (entry,) = calendar.walk("VEVENT")
    return calendar, entry


def test_an_entry_says_what_when_and_where(occasion):
    calendar, entry = read(
        calendar_entry(
            occasion, uid="u", stamp=STAMP, sequence=7, organizer_uri="https://usher.example/v1/organizers/o"
        )
    )
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    assert (entry["uid"], entry["sequence"], entry["status"]) == ("u", 7, "CONFIRMED")
    assert (entry.decoded("dtstart"), entry.decoded("dtend")) == (occasion.start_time, occasion.end_time)
    assert entry.decoded("dtstamp") == STAMP
    assert (entry["summary"], entry["location"]) == (occasion.title, occasion.place)
    assert (entry["geo"].latitude, entry["geo"].longitude) == occasion.location
    assert entry["organizer"] == "https://usher.example/v1/organizers/o"


def test_times_are_written_in_utc_so_that_no_zone_needs_describing(occasion):
    written = calendar_entry(occasion, uid="u", stamp=STAMP)
    assert b"\r\nDTSTART:20270306T183000Z\r\n" in written
    assert b"\r\nDTEND:20270306T220000Z\r\n" in written


def test_a_cancellation_takes_the_same_entry_away(occasion):
    calendar, entry = read(calendar_entry(occasion, uid="u", stamp=STAMP, called_off=True, sequence=8))
    assert (calendar["method"], entry["status"], entry["uid"], entry["sequence"]) == ("CANCEL", "CANCELLED", "u", 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(st.characters(blacklist_categories=("C", "Zl", "Zp")), min_size=1, max_size=200))
def test_any_title_comes_back_and_no_line_is_longer_than_75_octets(occasion, title):
    """RFC 5545, 3.1 and 3.3.11."""
    written = calendar_entry(replace(occasion, title=title), uid="u", stamp=STAMP)
    assert max(len(line) for line in written.split(b"\r\n")) <= 75
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert read(written)[1]["summary"] == title


@pytest.mark.parametrize("title", ["A\r\nATTENDEE:mailto:x@example.org", "A\x00\x1b[31m", "A\nEND:VEVENT"])
def test_a_title_makes_no_property_of_its_own(occasion, title):
    _, entry = read(calendar_entry(replace(occasion, title=title), uid="u", stamp=STAMP))
    assert "attendee" not in entry
    assert entry["summary"].startswith("A")
    assert not {"\x00", "\x1b", "\r"} & set(entry["summary"])


def test_the_uid_is_that_of_the_booking_wherever_it_is_written():
    assert uid_of("events/e/bookings/01jz000000000000000000b00k") == "01jz000000000000000000b00k"
    assert uid_of("events/e/bookings/b", "events/e/dates/d") == "b-d"


def test_of_several_dates_one_may_be_called_off_and_only_all_cancel(occasion):
    off, on = Entry(occasion, "a", called_off=True), Entry(occasion, "b")
    calendar = Calendar.from_ical(calendar_of([off, on], stamp=STAMP))
    assert calendar["method"] == "PUBLISH"
    assert [each["status"] for each in calendar.walk("VEVENT")] == ["CANCELLED", "CONFIRMED"]
    assert Calendar.from_ical(calendar_of([off, off], stamp=STAMP))["method"] == "CANCEL"
