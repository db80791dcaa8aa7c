"""What an event sells, as the event service last said; booking's own copy of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money
from domain_kit.refusals import NotFound

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
    """A ticket type on offer. `pools`: ids of pools, one place of each a ticket. No sale time: the event's limits."""

    name: str
    display_name: str
    price: Money
    pools: tuple[str, ...]
    sale_start: datetime | None = None
    sale_end: datetime | None = None
    least: int = LEAST_PER_BOOKING
    most: int = MOST_PER_BOOKING


@dataclass(frozen=True, slots=True)
class Offer:
    """An event as it is sold.

    capacities: pool id → places. version: domain events of the event seen, the newer wins. published: it was public at
    some time, so that the public may know of it. venue_address: one line. location: WGS 84 latitude and longitude.
    """

    event: str
    organizer: str
    title: str
    state: OfferState
    start_time: datetime
    end_time: datetime
    time_zone: str
    ticket_types: tuple[OfferedType, ...]
    capacities: Mapping[str, int]
    version: int
    published: bool = False
    venue_name: str = ""
    venue_address: str = ""
    location: tuple[float, float] | None = None

    def ticket_type(self, name: str) -> OfferedType:
        """NotFound when it is not sold (any more)."""
        found = self.find_ticket_type(name)
        if found is None:
            raise NotFound.named(name)
        return found

    def find_ticket_type(self, name: str) -> OfferedType | None:
        """The type, None when it is not sold (any more)."""
        return next((each for each in self.ticket_types if each.name == name), None)

    def sale_end_of(self, kind: OfferedType) -> datetime:
        """When its sale ends: as it says, else when the event begins; never after the event's end."""
        return min(kind.sale_end or self.start_time, self.end_time)
