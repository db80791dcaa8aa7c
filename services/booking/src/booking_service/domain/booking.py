"""The booking aggregate: an order of tickets for one event, from hold to admission."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import add

from booking_service.domain import domain_events as facts
from booking_service.domain.inventory import Places
from booking_service.domain.states import LIFE, BookingAction, BookingState, TicketState
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound
from domain_kit.trails import BEGINNING, Trail


@dataclass(frozen=True, slots=True)
class Line:
    """Tickets of one type at the price when they were taken. `pools`: ids of the pools the places came from."""

    ticket_type: str
    quantity: int
    display_name: str
    unit_price: Money
    pools: tuple[str, ...]

    @property
    def subtotal(self) -> Money:
        """Quantity × unit_price."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Ticket:
    """One admission."""

    name: str
    ticket_type: str
    display_name: str
    code: str
    state: TicketState = TicketState.VALID
    check_in_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """An order of tickets. `unclaimed`: payments that came and were turned away. trail: kept by the store."""

    name: str
    event: str
    organizer: str
    buyer: str
    state: BookingState
    lines: tuple[Line, ...]
    total: Money
    create_time: datetime
    update_time: datetime
    hold_expire_time: datetime | None = None
    payment: str = ""
    tickets: tuple[Ticket, ...] = ()
    confirm_time: datetime | None = None
    cancel_time: datetime | None = None
    cancel_reason: str = ""
    unclaimed: tuple[str, ...] = ()
    version: int = 0
    trail: Trail = BEGINNING

    def places(self) -> Places:
        """Pool id → places its lines need."""
        return places_of(self.lines)

    def hold_is_over(self, now: datetime) -> bool:
        """Held, but its time has run out; whether or not anybody has written that down."""
        return self.state is BookingState.HELD and self.hold_expire_time is not None and self.hold_expire_time <= now

    def ticket(self, name: str) -> Ticket:
        """NotFound."""
        for each in self.tickets:
            if each.name == name:
                return each
        raise NotFound.named(name)

    def confirmed(self, tickets: Sequence[Ticket], payment: str, now: datetime) -> "Booking":
        """Tickets are issued. Refused unless held in time, or expired and `held_again`."""
        held_again = self.state is BookingState.EXPIRED
        action = BookingAction.HOLD_AGAIN if held_again else BookingAction.CONFIRM
        return replace(
            self,
            state=LIFE.after(self.state, action),
            tickets=tuple(tickets),
            payment=payment,
            confirm_time=now,
            update_time=now,
            hold_expire_time=None,
        )

    def expired(self, now: datetime) -> "Booking":
        """The hold ends."""
        return replace(self, state=LIFE.after(self.state, BookingAction.EXPIRE), update_time=now)

    def cancelled(self, reason: str, now: datetime) -> "tuple[Booking, facts.BookingCancelled]":
        """Called off; its tickets are void. FailedPrecondition TICKET_CHECKED_IN, BOOKING_EXPIRED."""
        for ticket in self.tickets:
            if ticket.state is TicketState.CHECKED_IN:
                raise already_checked_in(ticket)
        after = replace(
            self,
            state=LIFE.after(self.state, BookingAction.CANCEL),
            tickets=tuple(replace(each, state=TicketState.VOID) for each in self.tickets),
            cancel_time=now,
            cancel_reason=reason,
            update_time=now,
        )
        refund = self.total if self.payment and self.total else None
        return after, facts.BookingCancelled(reason, self.state, refund)

    def checked_in(self, ticket_name: str, now: datetime) -> "Booking":
        """The bearer of a ticket is admitted. FailedPrecondition TICKET_CHECKED_IN, TICKET_VOID."""
        ticket = self.ticket(ticket_name)
        if ticket.state is TicketState.CHECKED_IN:
            raise already_checked_in(ticket)
        if ticket.state is TicketState.VOID:
            raise void_ticket(ticket)
        admitted = replace(ticket, state=TicketState.CHECKED_IN, check_in_time=now)
        return replace(
            self,
            state=LIFE.after(self.state, BookingAction.CHECK_IN),
            tickets=tuple(admitted if each.name == ticket_name else each for each in self.tickets),
            update_time=now,
        )


def places_of(lines: Sequence[Line]) -> Places:
    """Pool id → places that these lines need."""
    places: Counter[str] = Counter()
    for line in lines:
        for pool in line.pools:
            places[pool] += line.quantity
    return dict(places)


def total_of(lines: Sequence[Line]) -> Money:
    """Sum of the subtotals. FailedPrecondition CURRENCIES_MIXED; ValueError without lines."""
    currencies = sorted({line.unit_price.currency for line in lines})
    if len(currencies) > 1:
        raise FailedPrecondition(
            "CURRENCIES_MIXED",
            f"One booking cannot hold prices in {' and '.join(currencies)}; make one booking for each.",
            metadata={"currencies": ",".join(currencies)},
        )
    if not lines:
        raise ValueError("a booking has at least one line")
    return reduce(add, (line.subtotal for line in lines))


def already_checked_in(ticket: Ticket) -> FailedPrecondition:
    """The refusal for a ticket that has admitted somebody; metadata tell which and when (RFC 3339)."""
    when = "" if ticket.check_in_time is None else ticket.check_in_time.isoformat().replace("+00:00", "Z")
    metadata = {"ticket": ticket.name, "check_in_time": when}
    return FailedPrecondition("TICKET_CHECKED_IN", "This ticket has admitted somebody already.", metadata=metadata)


def void_ticket(ticket: Ticket) -> FailedPrecondition:
    """The refusal for a ticket that admits nobody any more; metadata tell which."""
    metadata = {"ticket": ticket.name}
    return FailedPrecondition("TICKET_VOID", "The booking of this ticket was cancelled.", metadata=metadata)
