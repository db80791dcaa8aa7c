"""The booking aggregate: an order of tickets for one event, from hold to admission."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import add
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.history import Change
from booking_service.domain.identity_memo import by_identity
from booking_service.domain.inventory import Demand
from booking_service.domain.memory import Memory
from booking_service.domain.pricing.breakdown import PriceBreakdown, PricedLine, UnitPrice, UnitRun
from booking_service.domain.pricing.changes import UnitAt
from booking_service.domain.pricing.inputs import Discount
from booking_service.domain.questions import UNKNOWN, Answer, Attendee
from booking_service.domain.sorts import Sort, sort_key
from booking_service.domain.states import LIFE, BookingAction, BookingState, TicketState
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound
from domain_kit.trails import BEGINNING, Trail

FIRST = UnitAt(0, 0)
GONE = UnitAt(-1, -1)  # of a ticket that left its booking


def plain(price: Money) -> UnitPrice:
    """A ticket that costs that, without anything to be said about it."""
    return UnitPrice(price, "", (), Money(0, price.currency), ())


@dataclass(frozen=True, slots=True)
class Content:
    """So many tickets of a type that each ticket of a bundle's line stands for. seated: each has a seat."""

    ticket_type: str
    display_name: str
    count: int
    seated: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Tickets of one type, for one date where there are dates, at the prices when they were taken.

    pools: ids, one place of each a ticket; an id stands twice where two places are needed. runs: what the tickets cost,
    in their order; empty when each costs `unit_price` and nothing else is to be said. seats: one a ticket, or none;
    of a bundle one for each seated ticket that it consists of, in their order. accessible_seats: how many were wished.
    attendees: as far as known, in the order of the tickets. contents: of a bundle, what is issued in place of its own.
    vouchers: ids of those of which each of its tickets takes a use. resale_offer: whose place and seat it has when
    the booking is confirmed; until then its seller has them.
    """

    ticket_type: str
    quantity: int
    display_name: str
    unit_price: Money
    pools: tuple[str, ...]
    date: str = ""
    runs: tuple[UnitRun, ...] = ()
    seats: tuple[str, ...] = ()
    attendees: tuple[Attendee, ...] = ()
    contents: tuple[Content, ...] = ()
    tax_class: str = ""
    vouchers: tuple[str, ...] = ()
    accessible_seats: int = 0
    resale_offer: str = ""

    def priced(self) -> PricedLine:
        """What each ticket costs."""
        return PricedLine(self.ticket_type, self.date, self.runs or (UnitRun(self.quantity, plain(self.unit_price)),))

    @property
    def sort(self) -> Sort:
        """Of its tickets."""
        return Sort(self.ticket_type, self.date, tuple((part.ticket_type, part.count) for part in self.contents))

    @property
    def total(self) -> Money:
        """What is paid for the line."""
        return self.priced().total if self.runs else self.unit_price * self.quantity

    @property
    def base_total(self) -> Money | None:
        """The same in the event's currency; None where it is paid in that."""
        bases = [(run.quantity, run.unit.base) for run in self.runs if run.unit.base is not None]
        return reduce(add, (base.total * count for count, base in bases)) if bases else None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One admission. unit: line, and ticket of that line, that it was issued for; those of a bundle share one.

    resale_offer: its last one, whatever became of that.
    """

    name: str
    ticket_type: str
    display_name: str
    code: str
    state: TicketState = TicketState.VALID
    check_in_time: datetime | None = None
    check_out_time: datetime | None = None
    date: str = ""
    seat: str = ""
    attendee: Attendee = UNKNOWN
    unit: UnitAt = FIRST
    resale_offer: str = ""


@dataclass(frozen=True, slots=True)
class NotRefundable:
    """Minor units of a ticket's price that no terms give back: it was exchanged for one that was worth them and would
    not have brought them. What an organizer owes or gives is not bound by it.
    """

    unit: UnitAt
    amount: int


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change of a confirmed booking that waits for `due` minor units. It counts when they came.

    remove: tickets that will leave, by name; valid until then. added: lines that will come. held: what is taken for it
    already, beyond what the booking itself has: so its end can always be undone. lines: those of the booking, kept
    tickets at what they will cost and leaving ones at what they are worth; none: all at what they cost.
    not_refundable: of what is added. discounts: that were given on it. bounds: the
    `not_refundable` of the booking; none: as they are.
    """

    remove: tuple[str, ...]
    added: tuple[Line, ...]
    held: tuple[Line, ...]
    due: int
    not_refundable: int = 0
    lines: tuple[Line, ...] = ()
    discounts: tuple[Discount, ...] = ()
    bounds: tuple[NotRefundable, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What the latest change of tickets came to, in minor units. difference: of the prices, below zero when cheaper."""

    time: datetime
    difference: int
    refund: int
    due: int


@dataclass(frozen=True, slots=True)
class Booking:
    """An order of tickets. unclaimed: payments that came and were turned away.

    paid: minor units that came and were kept, refunds taken off. refunded: those refunds. retained: of `paid`, what was
    paid for tickets that are given up and does not go back. extra_payments: those after the first, for changes.
    voucher_codes: as given. entry: the waiting list entry it was offered to. counted: its tickets count in the tally of
    its buyer. contact: in place of a buyer with an account. exchange_rate: that it was held with, for good, where it is
    paid in another currency than the event's. transferred: names of tickets issued for whom another was passed on to.
    discounts: that were given when a ticket of it had one, for what stays when others leave. trail: kept by the desk.
    """

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
    history: tuple[Change, ...] = ()
    voucher_codes: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    entry: str = ""
    paid: int = 0
    counted: bool = False
    contact: Contact = NOBODY
    extra_payments: tuple[str, ...] = ()
    refunded: int = 0
    retained: int = 0
    pending: PendingChange | None = None
    price_change: PriceChange | None = None
    exchange_rate: ExchangeRate | None = None
    transferred: tuple[str, ...] = ()
    not_refundable: tuple[NotRefundable, ...] = ()
    discounts: tuple[Discount, ...] = ()
    version: int = 0
    trail: Trail = BEGINNING
    memory: ClassVar[Memory] = Memory.OR_READ

    @property
    def payments(self) -> tuple[str, ...]:
        """All whose money it took, oldest first."""
        return (*((self.payment,) if self.payment else ()), *self.extra_payments)

    @property
    def due(self) -> Money:
        """What is still to be paid for it, or for its pending change.

        INVARIANT: nothing, once it is confirmed: what was paid is what its tickets cost and what was retained.
        """
        owes = self.total.minor_units + self.retained - self.paid if self.state.owes else 0
        return Money(owes if self.pending is None else self.pending.due, self.total.currency)

    def breakdown(self) -> PriceBreakdown:
        """What it costs and why."""
        return PriceBreakdown(self.total.currency, tuple(line.priced() for line in self.lines))

    def demand(self) -> Demand:
        """What its lines need."""
        return demand_of(self.lines)

    def redeemed(self) -> Mapping[str, int]:
        """Voucher id → tickets that take a use of it; follows from the lines, whatever becomes of them."""
        return redeemed_by(self.lines)

    def hold_is_over(self, now: datetime) -> bool:
        """Held or waiting, but its time has run out; whether or not anybody has written that down."""
        return self.state.pending and self.hold_expire_time is not None and self.hold_expire_time <= now

    def change_is_over(self, now: datetime) -> bool:
        """Its pending change was not paid in time; whether or not anybody has written that down."""
        return self.pending is not None and self.hold_expire_time is not None and self.hold_expire_time <= now

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
            paid=self.total.minor_units if payment else 0,
            confirm_time=now,
            update_time=now,
            hold_expire_time=None,
        )

    def expired(self, now: datetime) -> "Booking":
        """The hold ends."""
        state = LIFE.after(self.state, BookingAction.EXPIRE)
        return replace(self, state=state, hold_expire_time=None, update_time=now)

    def cancelled(self, reason: str, refund: int, now: datetime) -> "tuple[Booking, facts.BookingCancelled]":
        """Called off; its tickets are void, `refund` minor units of what was paid go back, the rest is retained.

        FailedPrecondition TICKET_CHECKED_IN, BOOKING_EXPIRED. ValueError for more than was paid.
        """
        if not 0 <= refund <= self.paid:
            raise ValueError(f"{self.name}: {refund} cannot go back of {self.paid}")
        for ticket in self.tickets:
            if ticket.state is TicketState.CHECKED_IN:
                raise already_checked_in(ticket)
        after = replace(
            self,
            state=LIFE.after(self.state, BookingAction.CANCEL),
            tickets=tuple(replace(each, state=TicketState.VOID) for each in self.tickets),
            cancel_time=now,
            cancel_reason=reason,
            hold_expire_time=None,
            update_time=now,
            pending=None,
            paid=self.paid - refund,
            refunded=self.refunded + refund,
            retained=self.paid - refund,
        )
        due_back = Money(refund, self.total.currency) if self.paid else None
        return after, facts.BookingCancelled(reason, self.state, due_back)

    def scanned(self, ticket_name: str, entry: datetime | None, left: datetime | None, now: datetime) -> "Booking":
        """What the gates know of a ticket: its last admission, None when all were taken back, and its last exit.

        INVARIANT: whatever they know, a void ticket stays void.

        FailedPrecondition `BOOKING_<STATE>` where nobody is admitted (any more).
        """
        ticket = self.ticket(ticket_name)
        state = LIFE.after(self.state, BookingAction.UNDO_CHECK_IN if entry is None else BookingAction.CHECK_IN)
        here = TicketState.VALID if entry is None else TicketState.CHECKED_IN
        here = TicketState.VOID if ticket.state is TicketState.VOID else here
        ticket = replace(ticket, state=here, check_in_time=entry, check_out_time=left)
        tickets = tuple(ticket if each.name == ticket_name else each for each in self.tickets)
        if entry is None and any(each.state is TicketState.CHECKED_IN for each in tickets):
            state = self.state
        return replace(self, state=state, tickets=tickets, update_time=now)


def own_places(lines: Sequence[Line]) -> list[Line]:
    """Without those that will have the places of others."""
    return [line for line in lines if not line.resale_offer]


@by_identity(256)
def demand_of(lines: tuple[Line, ...]) -> Demand:
    """Pool id → places, ticket type id → tickets that these lines need; nothing for what others still have."""
    places: Counter[str] = Counter()
    tickets: Counter[str] = Counter()
    sorts: Counter[str] = Counter()
    own = own_places(lines)
    told_apart = any(line.date or line.contents for line in own)
    for line in own:
        tickets[line.ticket_type.rpartition("/")[2]] += line.quantity
        if told_apart:
            sorts[sort_key(line.sort)] += line.quantity
        for pool in line.pools:
            places[pool] += line.quantity
    return Demand(dict(places), dict(tickets), dict(sorts))


def issued_by(lines: Sequence[Line]) -> Mapping[str, int]:
    """Ticket type id → tickets that these lines stand for, bundled ones and the bundles themselves included."""
    counted: Counter[str] = Counter()
    for line in lines:
        counted[line.ticket_type.rpartition("/")[2]] += line.quantity
        for content in line.contents:
            counted[content.ticket_type.rpartition("/")[2]] += line.quantity * content.count
    return dict(counted)


def redeemed_by(lines: Sequence[Line]) -> Mapping[str, int]:
    """Voucher id → tickets of these lines that take a use of it."""
    counted: dict[str, int] = {}
    for line in lines:
        for voucher in line.vouchers:
            counted[voucher] = counted.get(voucher, 0) + line.quantity
    return counted


@by_identity(256)
def total_of(lines: tuple[Line, ...]) -> Money:
    """Sum of the lines. FailedPrecondition CURRENCIES_MIXED; ValueError without lines."""
    currencies = sorted({line.unit_price.currency for line in lines})
    if len(currencies) > 1:
        raise FailedPrecondition(
            "CURRENCIES_MIXED",
            f"One booking cannot hold prices in {' and '.join(currencies)}; make one booking for each.",
            metadata={"currencies": ",".join(currencies)},
        )
    if not lines:
        raise ValueError("a booking has at least one line")
    return reduce(add, (line.total for line in lines))


def already_checked_in(ticket: Ticket) -> FailedPrecondition:
    """The refusal for a ticket that has admitted somebody; metadata tell which and when (RFC 3339)."""
    when = "" if ticket.check_in_time is None else ticket.check_in_time.isoformat().replace("+00:00", "Z")
    metadata = {"ticket": ticket.name, "check_in_time": when}
    return FailedPrecondition("TICKET_CHECKED_IN", "This ticket has admitted somebody already.", metadata=metadata)


def void_ticket(ticket: Ticket) -> FailedPrecondition:
    """The refusal for a ticket that admits nobody any more; metadata tell which."""
    metadata = {"ticket": ticket.name}
    return FailedPrecondition("TICKET_VOID", "This ticket was cancelled, given back or passed on.", metadata=metadata)
