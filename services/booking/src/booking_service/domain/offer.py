"""What an event sells, as the event service last said; booking's own copy of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from booking_service.domain.pricing.inputs import Discount, Phase
from booking_service.domain.questions import Question
from booking_service.domain.seating import Section
from booking_service.domain.sorts import Sort
from booking_service.domain.terms import PLAIN_TERMS, BookingTerms, RefundTerms
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound

LEAST_PER_BOOKING = 1
MOST_PER_BOOKING = 10


class OfferState(Enum):
    """Where the event stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class OfferedType:
    """A ticket type on offer. `pools`: ids of pools, one place of each a ticket. No sale time: the event's limits.

    add_on: sold beside admissions only, to one of the types `add_on_to` (none: to any). bundle: type → how many of its
    tickets one of these consists of; they draw on their pools too. sections: where its seats lie (none: no seats).
    most_per_person: over all bookings of the event; 0 is no limit. hidden: sold to those with a code for it.
    one_each: of an add-on, no more than tickets that it belongs to.
    """

    name: str
    display_name: str
    price: Money
    pools: tuple[str, ...]
    sale_start: datetime | None = None
    sale_end: datetime | None = None
    least: int = LEAST_PER_BOOKING
    most: int = MOST_PER_BOOKING
    phases: tuple[Phase, ...] = ()
    hidden: bool = False
    most_per_person: int = 0
    approval_required: bool = False
    add_on: bool = False
    add_on_to: tuple[str, ...] = ()
    bundle: Mapping[str, int] = field(default_factory=dict)
    tax_class: str = ""
    sections: tuple[str, ...] = ()
    one_each: bool = False

    @property
    def id(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Pool:
    """A number of places. date: it limits only what is booked for that date ("": whatever the date).

    overbooking: places beyond the capacity that the organizer asked to be sold.
    """

    capacity: int
    date: str = ""
    overbooking: int = 0

    @property
    def places(self) -> int:
        """How many may be taken."""
        return self.capacity + self.overbooking


@dataclass(frozen=True, slots=True)
class EventDate:
    """One date of a series. `name`: `events/{event}/dates/{date}`."""

    name: str
    display_name: str
    start_time: datetime
    end_time: datetime
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where the event takes place, as tickets say it. country: ISO 3166-1 alpha-2; "" for an online event."""

    display_name: str = ""
    address: str = ""
    country: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def location(self) -> tuple[float, float] | None:
        """WGS 84 latitude and longitude, where both are known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Offer:
    """An event as it is sold.

    pools: by id. version: domain events of the event seen, the newer wins. published: it was public at some time, so
    that the public may know of it. dates: not empty for a series; then each booking line names one. currency: its own,
    "": that of its types. rates: of the other currencies it may be paid in; none older than `max_rate_age` is used.
    former_refunds: terms that held before, oldest first; kept here, the event service does not tell them.
    """

    event: str
    organizer: str
    title: str
    state: OfferState
    start_time: datetime
    end_time: datetime
    time_zone: str
    ticket_types: tuple[OfferedType, ...]
    pools: Mapping[str, Pool]
    version: int
    published: bool = False
    language: str = ""
    place: Place = NOWHERE
    dates: tuple[EventDate, ...] = ()
    questions: tuple[Question, ...] = ()
    discounts: tuple[Discount, ...] = ()
    sections: tuple[Section, ...] = ()
    terms: BookingTerms = PLAIN_TERMS
    currency: str = ""
    rates: tuple[ExchangeRate, ...] = ()
    max_rate_age: timedelta | None = None
    former_refunds: tuple[RefundTerms, ...] = ()

    def ticket_type(self, name: str) -> OfferedType:
        """NotFound when it is not sold (any more)."""
        found = self.find_ticket_type(name)
        if found is None:
            raise NotFound.named(name)
        return found

    def find_ticket_type(self, name: str) -> OfferedType | None:
        """The type, None when it is not sold (any more)."""
        for each in self.ticket_types:  # a generator for `next` would take most of the time
            if each.name == name:
                return each
        return None

    def date(self, name: str) -> EventDate | None:
        """The date of that name, None for "" in an event that is no series.

        FailedPrecondition DATE_REQUIRED, DATE_CANCELLED; NotFound for one it does not have.
        """
        if not name and not self.dates:
            return None
        if not name:
            raise FailedPrecondition("DATE_REQUIRED", "This event has several dates; say which one.")
        found = next((each for each in self.dates if each.name == name), None)
        if found is None:
            raise NotFound.named(name)
        if found.cancelled:
            raise FailedPrecondition("DATE_CANCELLED", "This date was cancelled.", metadata={"date": name})
        return found

    def sale_end_of(self, kind: OfferedType, date: EventDate | None = None) -> datetime:
        """When its sale ends: as it says, else when the event or date begins; never after the end of that."""
        start, end = (self.start_time, self.end_time) if date is None else (date.start_time, date.end_time)
        return min(kind.sale_end or start, end)

    def pools_of(self, kind: OfferedType, date: str = "") -> tuple[str, ...]:
        """Pool ids, one place of each a ticket: those without a date and those of this one, bundled tickets included.

        Empty when any part of it draws on none that holds for the date: then it has no places.
        """
        return self._drawn(list(self.parts_of(kind)), date)

    def draws(self, sort: Sort) -> tuple[str, ...]:
        """The same of tickets of a sort, whatever the type bundles now; empty for what is not sold any more."""
        parts = [(self.find_ticket_type(name), count) for name, count in ((sort.ticket_type, 1), *sort.contents)]
        known = [(part, count) for part, count in parts if part is not None]
        return self._drawn(known, sort.date) if len(known) == len(parts) else ()

    def _drawn(self, parts: Sequence[tuple[OfferedType, int]], date: str) -> tuple[str, ...]:
        """Of a type and what it bundles. The bundle itself need not draw on any."""
        drawn: list[str] = []
        for number, (part, count) in enumerate(parts):
            applying = [pool for pool in part.pools if pool not in self.pools or self.pools[pool].date in ("", date)]
            if not applying and (number or len(parts) == 1):
                return ()
            drawn += applying * count
        return tuple(drawn)

    def parts_of(self, kind: OfferedType) -> Iterator[tuple[OfferedType, int]]:
        """Itself, and what it bundles with the number of each; NotFound when a part is not sold any more."""
        yield kind, 1
        for name, count in kind.bundle.items():
            yield self.ticket_type(name), count

    def capacity_of(self, pool: str) -> int:
        """Places that may be taken of a pool; a pool that is not there has none."""
        found = self.pools.get(pool)
        return 0 if found is None else found.places
