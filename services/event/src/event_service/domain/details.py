"""What an organizer says of an event, and what makes it wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from event_service.domain.currencies import OfferedCurrency, currency_problems, rate_time_problems
from event_service.domain.problems import Problems, refuse, within
from event_service.domain.terms import DEFAULT_TERMS, BookingTerms, terms_problems

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Venue:
    """A place; `latitude` and `longitude` are WGS 84 degrees, both or neither."""

    display_name: str = ""
    street_address: str = ""
    city: str = ""
    region: str = ""
    country_code: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class EventDetails:
    """Everything an organizer may change about an event itself. Instants are in UTC, `time_zone` tells local times."""

    title: str
    start_time: datetime | None
    end_time: datetime | None
    time_zone: str
    description: str = ""
    venue: Venue | None = None
    online: bool = False
    category: str = ""
    tags: tuple[str, ...] = ()
    language_code: str = ""
    homepage_uri: str = ""
    booking_terms: BookingTerms = DEFAULT_TERMS
    currency_code: str = ""
    offered_currencies: tuple[OfferedCurrency, ...] = ()
    max_rate_age: timedelta | None = None


def check_details(details: EventDetails, now: datetime, field: str = "event") -> None:
    """InvalidArgument EVENT_INVALID with every field that is wrong, as paths below `field`."""
    refuse("EVENT_INVALID", field, _problems(details, now))


def _problems(details: EventDetails, now: datetime) -> Problems:
    if not details.title.strip():
        yield "title", "is required."
    if not details.time_zone:
        yield "time_zone", "is required."
    elif not is_time_zone(details.time_zone):
        yield "time_zone", f"{details.time_zone!r} is no IANA time zone."
    if details.start_time is None:
        yield "start_time", "is required."
    if details.end_time is None:
        yield "end_time", "is required."
    if details.start_time and details.end_time:
        if details.end_time <= details.start_time:
            yield "end_time", "must be after start_time."
        elif details.end_time - details.start_time > LONGEST:
            yield "end_time", f"must be within {LONGEST.days} days of start_time."
    if any(character.isspace() or not character.isprintable() for character in details.homepage_uri):
        yield "homepage_uri", "must not contain spaces or control characters."
    if details.venue is None and not details.online:
        yield "venue", "is required unless the event is online."
    if details.venue and not _is_on_earth(details.venue):
        yield "venue.location", "latitude is -90 to 90, longitude -180 to 180 degrees."
    yield from within("booking_terms", terms_problems(details.booking_terms))
    yield from currency_problems(details.currency_code, details.offered_currencies)
    yield from rate_time_problems(details.offered_currencies, now)


def _is_on_earth(venue: Venue) -> bool:
    if venue.latitude is None or venue.longitude is None:
        return True
    return -90 <= venue.latitude <= 90 and -180 <= venue.longitude <= 180


def is_time_zone(name: str) -> bool:
    """Whether the IANA time zone database has a zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path outside the database or a directory of it is no zone
        return False
    return True
