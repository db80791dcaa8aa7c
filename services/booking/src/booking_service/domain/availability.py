"""What can be booked of an event at a moment, worked out from its offer and the places taken."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from booking_service.domain.inventory import Demand, Inventory, release
from booking_service.domain.offer import EventDate, Offer, OfferedType, OfferState
from booking_service.domain.resale_board import count_open
from booking_service.domain.seat_counts import seats_remaining
from booking_service.domain.selling import present_phase, remaining
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_list import left_to_public
from domain_kit.money import Money
from domain_kit.refusals import NotFound


class SaleState(Enum):
    """Whether a ticket type is sold now."""

    ON_SALE = "ON_SALE"
    NOT_YET = "NOT_YET"
    ENDED = "ENDED"
    SOLD_OUT = "SOLD_OUT"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class TypeAvailability:
    """What can be booked of one ticket type, of a series for one date; types that share a pool share `remaining`.

    price: of the next ticket. phase: the price phase's display name, "" outside of any. waiting_list_open: it is sold
    out, and one may wait for it. resale_available: tickets beside `remaining` that their buyers sell on.
    """

    ticket_type: str
    display_name: str
    price: Money
    remaining: int
    sale_state: SaleState
    date: str = ""
    phase: str = ""
    waiting_list_open: bool = False
    resale_available: int = 0


@dataclass(frozen=True, slots=True)
class Availability:
    """What can be booked of an event."""

    event: str
    ticket_types: tuple[TypeAvailability, ...]

    @property
    def name(self) -> str:
        """Its resource name, `events/{event}/availability`."""
        return f"{self.event}/availability"

    @property
    def bookable(self) -> bool:
        """Something can be booked now."""
        return any(each.sale_state is SaleState.ON_SALE for each in self.ticket_types)

    def differs(self, other: "Availability") -> bool:
        """In more than how many are left."""
        mine, others = (
            [replace(each, remaining=0, resale_available=0) for each in of.ticket_types] for of in (self, other)
        )
        return mine != others


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the other services were told.

    version: how often they were. stock_version: of which inventory it was worked out. due: when time alone changes it.
    """

    availability: Availability
    version: int
    stock_version: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who has the code of a voucher: what it opens, and what it keeps counts as left for its types."""

    voucher: Voucher
    use: VoucherUse

    def opens(self, ticket_type: str, date: str) -> bool:
        """Whether a hidden type may be booked with it."""
        return self.voucher.reveals and self.voucher.covers(ticket_type, date)

    def left_of(self, inventory: Inventory, ticket_type: str, date: str) -> Inventory:
        """What is taken for the bearer."""
        if not self.use.kept or not self.voucher.covers(ticket_type, date):
            return inventory
        return release(inventory, Demand(self.use.drawing(inventory.drawn).keeps, {}))


def availability_of(offer: Offer, inventory: Inventory, now: datetime, bearer: Bearer | None = None) -> Availability:
    """INVARIANT: a type is ON_SALE exactly when its smallest booking would be taken now."""
    dates: tuple[EventDate | None, ...] = offer.dates or (None,)
    inventory = left_to_public(offer, inventory)
    return Availability(
        offer.event,
        tuple(
            _type_availability(offer, inventory, kind, date, now, bearer)
            for date in dates for kind in offer.ticket_types
            if not kind.hidden or (bearer is not None and bearer.opens(kind.name, _name_of(date)))
        ),
    )  # fmt: skip


def next_change(offer: Offer, now: datetime) -> datetime | None:
    """When time alone will next change it; None when it will not."""
    if offer.state is not OfferState.PUBLISHED:
        return None
    edges = [
        edge
        for kind in offer.ticket_types
        for edge in (
            kind.sale_start,
            *(offer.sale_end_of(kind, date) for date in offer.dates or (None,)),
            *(phase.end for phase in kind.phases),
        )
    ]
    return min((edge for edge in edges if edge is not None and edge > now), default=None)


def _type_availability(
    offer: Offer,
    inventory: Inventory,
    kind: OfferedType,
    date: EventDate | None,
    now: datetime,
    bearer: Bearer | None,
) -> TypeAvailability:
    name = _name_of(date)
    if bearer is not None:
        inventory = bearer.left_of(inventory, kind.name, name)
    try:
        left = remaining(offer, inventory, offer.pools_of(kind, name))
        seats = seats_remaining(offer, inventory.seats, kind.name, name)
        left = left if seats is None else min(left, seats)
    except NotFound:  # a bundle of something that is not sold any more
        left = 0
    resale = count_open(inventory, kind.name, name)
    phase, state = present_phase(kind, inventory, now), _sale_state(offer, kind, date, left + resale, now)
    waits = state is SaleState.SOLD_OUT and offer.terms.waiting_list.enabled and not kind.add_on
    price, called = phase.price, phase.display_name
    return TypeAvailability(kind.name, kind.display_name, price, left, state, name, called, waits, resale)


def _name_of(date: EventDate | None) -> str:
    return "" if date is None else date.name


def _sale_state(offer: Offer, kind: OfferedType, date: EventDate | None, left: int, now: datetime) -> SaleState:
    if offer.state is not OfferState.PUBLISHED or (date is not None and date.cancelled):
        return SaleState.CLOSED
    if now >= offer.sale_end_of(kind, date):
        return SaleState.ENDED
    if kind.sale_start is not None and now < kind.sale_start:
        return SaleState.NOT_YET
    return SaleState.ON_SALE if left >= kind.least else SaleState.SOLD_OUT
