"""Turning a conference list into events that always lie ahead."""

from datetime import UTC, date, datetime, timedelta

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from usher.event.v1.event_service_pb2 import ImportedEvent
from usher_cli.conferences import event_of, events_of, is_conference, sample_events, shift_of
from usher_cli.event_import import read_lines
from usher_cli.gazetteer import Gazetteer
from usher_cli.options import CommandFailure

TODAY = date(2030, 6, 1)
LINE = {
    "name": "Test Coast",
    "url": "https://www.testcoast.se",
    "start_date": "2025-05-15",
    "end_date": "2025-05-16",
    "city": "Springfield, IL",
    "country": "U.S.A.",
    "online": False,
    "topics": ["testing", "performance"],
}


def city(name, country, zone, latitude, *, region="", population=10_000, other=()):
    return {
        "name": name,
        "countrycode": country,
        "timezone": zone,
        "latitude": latitude,
        "longitude": 1.5,
        "admin1code": region,
        "population": population,
        "alternatenames": list(other),
    }


@pytest.fixture
def gazetteer():
    cities = [
        city("Poznań", "PL", "Europe/Warsaw", 52.4),
        city("Springfield", "US", "America/Chicago", 39.8, region="IL"),
        city("Springfield", "US", "America/New_York", 42.1, region="MA", population=150_000),
        city("New York City", "US", "America/New_York", 40.7, region="NY", population=8_000_000),
        city("Wrocław", "PL", "Europe/Warsaw", 51.1, other=["Breslau"]),
    ]
    countries = {
        "US": {"name": "United States", "currencycode": "USD"},
        "PL": {"name": "Poland", "currencycode": "PLN"},
    }
    return Gazetteer(cities, countries)


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2020, 1, 1), date(2050, 1, 1)))
def test_a_conference_moves_by_whole_rounds_of_52_weeks_to_the_first_date_two_weeks_ahead(first, today):
    shift = shift_of(first, today)
    assert shift % timedelta(weeks=52) == timedelta(0)
    assert first + shift >= today + timedelta(days=14)
    assert not shift or first + shift - timedelta(weeks=52) < today + timedelta(days=14)


def test_a_state_narrows_to_the_right_city_and_its_local_time_is_kept(gazetteer):
    event = event_of(LINE, gazetteer, TODAY)["event"]
    assert event["venue"] == {
        "city": "Springfield",
        "region": "IL",
        "countryCode": "US",
        "location": {"latitude": 39.8, "longitude": 1.5},
    }
    assert event["timeZone"] == "America/Chicago"
    start = datetime.fromisoformat(event["startTime"])
    assert (start.tzinfo, start.hour) == (UTC, 14), "nine in Chicago during summer time"


def test_without_a_state_the_largest_city_of_that_name_is_meant(gazetteer):
    assert gazetteer.find("Springfield", "U.S.A.").latitude == 42.1


def test_a_city_is_found_by_another_name_and_without_its_accents(gazetteer):
    assert gazetteer.find("Breslau", "Poland").latitude == 51.1
    assert gazetteer.find("POZNAN", "Poland").latitude == 52.4


def test_an_unknown_city_keeps_its_name_and_the_time_of_its_country_but_has_no_coordinates(gazetteer):
    event = event_of({**LINE, "city": "Bandera, TX"}, gazetteer, TODAY)["event"]
    assert event["venue"]["city"] == "Bandera"
    assert "location" not in event["venue"]
    assert event["timeZone"] == "America/New_York"


def test_a_conference_without_a_city_is_online_in_utc(gazetteer):
    line = {key: value for key, value in LINE.items() if key not in {"city", "country"}}
    event = event_of(line, gazetteer, TODAY)["event"]
    assert (event["online"], event["timeZone"], "venue" in event) == (True, "UTC", False)


def test_the_same_line_always_gives_the_same_event(gazetteer):
    first, second = events_of([LINE, LINE], gazetteer, today=TODAY)
    assert first == second == event_of(LINE, gazetteer, TODAY)


def test_the_sample_conferences_are_valid_import_lines_spread_over_the_world():
    events = sample_events(TODAY)
    assert len(events) >= 60
    for event in events:
        json_format.ParseDict(event, ImportedEvent())
        assert event["event"]["startTime"] > "2030-06-14"
        assert "location" in event["event"].get("venue", {"location": None}), event["event"]["title"]
    countries = {event["event"]["venue"]["countryCode"] for event in events if "venue" in event["event"]}
    assert len(countries) >= 30
    assert sum("venue" not in event["event"] for event in events) >= 5
    assert any(event["ticketTypes"][0]["ticketType"]["price"]["units"] == "0" for event in events)


def test_import_lines_pass_as_they_are_and_empty_lines_are_skipped():
    assert read_lines('{"event": {"title": "x"}}\n\n') == [{"event": {"title": "x"}}]
    assert not is_conference({"event": {}, "name": "x", "start_date": "", "end_date": ""})


def test_every_line_that_cannot_be_read_is_named_and_nothing_is_imported():
    with pytest.raises(CommandFailure, match="2 lines cannot be read, nothing was imported\nline 1: .*\nline 3: "):
        read_lines('{"event"\n{"event": {}}\n[1]\n')


def test_a_space_in_an_address_is_written_so_that_the_address_is_one(gazetteer):
    line = {**LINE, "url": "https://www.testcoast.se/Springfield, IL"}
    assert event_of(line, gazetteer, TODAY)["event"]["homepageUri"] == "https://www.testcoast.se/Springfield,%20IL"
