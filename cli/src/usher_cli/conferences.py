"""Turns lines of a conference list into lines of an event import, with dates that always lie ahead.

The list has name, url, start_date, end_date, city, country, online, locales and topics. Names, places, topics and
addresses stay as they are, but for spaces in addresses, which are written as %20. The dates move forward by a whole
number of years of 52 weeks until the conference lies ahead, which keeps weekday and season; doors open at nine and
close at six local time. What a list cannot know, prices and places, is made up from the name, so that the same line
always gives the same event.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from usher_cli.gazetteer import Gazetteer, Place

LEAD = timedelta(days=14)
ROUND = timedelta(weeks=52)
OPENS, CLOSES = time(9), time(18)
PRICES = (0, 49, 99, 149, 249, 399)
ROOMS = (60, 120, 250, 500)
SCALES = {
    **dict.fromkeys(("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SGD", "NZD"), 1),
    "PLN": 4,
    "BRL": 5,
    "AED": 4,
    "SEK": 10,
    "NOK": 10,
    "DKK": 7,
    "MXN": 20,
    "ZAR": 20,
    "CZK": 25,
    "TWD": 30,
    "THB": 35,
    "INR": 80,
    "KES": 130,
    "JPY": 150,
    "KRW": 1400,
    "COP": 4000,
}
"""Prices are multiplied by these so that they look right in the currency; other countries are priced in US dollars."""


def is_conference(line: Mapping[str, Any]) -> bool:
    """Whether a line comes from a conference list rather than being an event to import already."""
    return {"name", "start_date", "end_date"} <= line.keys() and "event" not in line


def sample_events(today: date | None = None) -> list[dict[str, Any]]:
    """The conferences that come with the package, as lines of an event import."""
    text = files("usher_cli").joinpath("data", "conferences.jsonl").read_text()
    lines = (json.loads(line) for line in text.splitlines())
    return list(events_of(lines, Gazetteer.load(), today=today))


def events_of(
    lines: Iterable[Mapping[str, Any]], gazetteer: Gazetteer, *, today: date | None = None
) -> Iterator[dict[str, Any]]:
    """`usher.event.v1.ImportedEvent` in JSON for each line; ValueError or KeyError for one that cannot be used."""
    now = today or datetime.now(UTC).date()
    for line in lines:
        yield event_of(line, gazetteer, now)


def event_of(line: Mapping[str, Any], gazetteer: Gazetteer, today: date) -> dict[str, Any]:
    """One conference as an event with one pool and one ticket type."""
    place = gazetteer.find(line["city"], line["country"]) if line.get("city") and line.get("country") else None
    first, last = date.fromisoformat(line["start_date"]), date.fromisoformat(line["end_date"])
    shift = shift_of(first, today)
    zone = place.time_zone if place else "UTC"
    topics = [str(topic) for topic in line["topics"]]
    event = {
        "title": line["name"],
        "description": _description(line, topics),
        "startTime": _moment(first + shift, OPENS, zone),
        "endTime": _moment(last + shift, CLOSES, zone),
        "timeZone": zone,
        "online": bool(line["online"]) or place is None,
        "category": topics[0] if topics else "",
        "tags": topics,
        "languageCode": str(line.get("locales") or "EN").split(",")[0].lower(),
        "homepageUri": str(line["url"]).replace(" ", "%20"),
        **({"venue": _venue(place)} if place else {}),
    }
    return {"event": event, **_sale(line["name"], place)}


def shift_of(first: date, today: date) -> timedelta:
    """The smallest whole number of 52-week rounds after which `first` lies at least two weeks ahead of `today`."""
    behind = today + LEAD - first
    rounds = max(0, -(-behind // ROUND))
    return rounds * ROUND


def _moment(day: date, hour: time, zone: str) -> str:
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _description(line: Mapping[str, Any], topics: list[str]) -> str:
    where = f"in {line['city']}, {line['country']}" if line.get("city") else "on the internet"
    about = f" about {', '.join(topics)}" if topics else ""
    return f"{line['name']} is a conference{about}, held {where}."


def _venue(place: Place) -> dict[str, Any]:
    venue: dict[str, Any] = {"city": place.city, "region": place.region, "countryCode": place.country_code}
    if place.located:
        venue["location"] = {"latitude": place.latitude, "longitude": place.longitude}
    return venue


def _sale(name: str, place: Place | None) -> dict[str, Any]:
    luck = hashlib.sha256(name.encode()).digest()
    currency = place.currency if place and place.currency in SCALES else "USD"
    price = PRICES[luck[0] % len(PRICES)] * SCALES[currency]
    capacity = ROOMS[luck[1] % len(ROOMS)]
    ticket_type = {
        "displayName": "Conference pass" if price else "Free entry",
        "price": {"currencyCode": currency, "units": str(price)},
        "maxPerBooking": 10,
    }
    return {
        "capacityPools": [{"id": "hall", "capacityPool": {"displayName": "Hall", "capacity": capacity}}],
        "ticketTypes": [{"id": "pass", "ticketType": ticket_type, "capacityPoolIds": ["hall"]}],
    }
