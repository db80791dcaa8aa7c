"""What is known of an event from its two sources, and what of it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain_kit.money import Money, exponent_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket type, `events/{event}/ticketTypes/{ticket_type}`, and what one costs outside of any price phase."""

    ticket_type: str
    price: Money


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is held; `latitude` and `longitude` are WGS 84 degrees, both or neither."""

    venue: str = ""
    street_address: str = ""
    city: str = ""
    region: str = ""
    country_code: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What the public may know of a published event."""

    organizer: str
    title: str
    description: str
    start_time: datetime
    end_time: datetime
    time_zone: str
    place: Place
    online: bool
    category: str
    tags: tuple[str, ...]
    offers: tuple[Offer, ...]

    @property
    def month(self) -> str:
        """Of the local start, `2027-05`."""
        return f"{self.start_time.astimezone(zone_of(self.time_zone)):%Y-%m}"


@dataclass(frozen=True, slots=True)
class EventState:
    """An event after its domain event number `version`; without details when it is not published (any more)."""

    name: str
    version: int
    details: Details | None


@dataclass(frozen=True, slots=True)
class Availability:
    """What could be booked of `event` after domain event `version` of its availability.

    ended: ticket types that are no longer sold. prices: of the next ticket, by type, in the price phase of that moment.
    """

    event: str
    version: int
    bookable: bool
    ended: frozenset[str] = frozenset()
    prices: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """Both sources of one event; either may be missing.

    INVARIANT: the same newest domain events make the same listing and revision, in whatever order they came. Either
    source only goes forward, so the sum of their versions grows with each change and never means two things.
    """

    name: str
    event: EventState | None = None
    availability: Availability | None = None

    @property
    def revision(self) -> int:
        """Grows with each change; the external version of the document in the index."""
        return (self.event.version if self.event else 0) + (self.availability.version if self.availability else 0)

    @property
    def details(self) -> Details | None:
        """What is shown; None for one that must not be found."""
        return self.event.details if self.event else None

    @property
    def available(self) -> bool:
        """Something could be booked when last heard."""
        return self.availability is not None and self.availability.bookable

    @property
    def prices(self) -> tuple[Money, ...]:
        """What the next ticket costs, of each ticket type that is sold now or later."""
        ended = self.availability.ended if self.availability else frozenset()
        present = self.availability.prices if self.availability else {}
        offers = self.details.offers if self.details else ()
        return tuple(present.get(each.ticket_type, each.price) for each in offers if each.ticket_type not in ended)


def thousandths(price: Money) -> int:
    """The amount in 1/1000 of the currency's whole unit, to order amounts of different currencies by their number."""
    return price.minor_units * 1000 // int(10 ** exponent_of(price.currency))


def cheapest(prices: tuple[Money, ...], currency: str = "") -> Money | None:
    """The least amount: one that is free, else in `currency` where there is one, else by the number alone."""
    wanted = [each for each in prices if not each or each.currency == currency] or list(prices)
    return min(wanted, key=lambda each: (thousandths(each), each.currency), default=None)


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of that name; UTC for one this machine does not know (yet)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
