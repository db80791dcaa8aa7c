"""What domain events of other services say about sales."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.exchanges import Part, exchange
from analytics_service.domain.facts import Fact, Kind, Line, Refund
from analytics_service.domain.figures import Figures
from resource_api import money_from_wire, time_from_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking
from usher.payment.v1 import domain_events_pb2 as payment
from usher.payment.v1 import payment_pb2
from usher.user.v1.domain_events_pb2 import OrganizerSnapshot


def zone_of(snapshot: OrganizerSnapshot, version: int) -> OrganizerZone:
    """The organizer's zone after domain event `version`."""
    return OrganizerZone(snapshot.organizer.name, version, snapshot.organizer.time_zone)


def confirmation(id: str, time: datetime, message: booking.BookingConfirmed) -> Fact:
    """Tickets sold, at the time of confirmation (`time` where it is not told)."""
    told = message.booking
    when = time_from_wire(told.confirm_time) or time
    lines = [
        each.counting(
            bookings_confirmed=1, orders_confirmed=each.first, tickets_sold=each.quantity, gross=each.price,
            base_gross=each.base_price,
        )
        for each in _sold(told, told.lines)
    ]  # fmt: skip
    return _fact(id, Kind.BOOKING_CONFIRMED, when, told, lines, payment=told.payment)


def change(id: str, time: datetime, message: booking.BookingChanged) -> Fact | None:
    """Tickets that left and came, when it counted; None for a hold. What was paid for it came with the last payment."""
    told = message.booking
    if not told.HasField("confirm_time"):
        return None
    removed, added = (
        [
            Part(each.ticket_type, each.currency, each.quantity, each.price, each.base, each.base_price)
            for each in _sold(told, lines)
        ]
        for lines in (message.removed_lines, message.added_lines)
    )
    present = Counter[str]()
    for line in told.lines:
        present[line.ticket_type] += line.quantity
    dearer = sum(each.price for each in added) > sum(each.price for each in removed)
    payment = told.extra_payments[-1] if dearer else ""
    return _fact(id, Kind.BOOKING_CHANGED, time, told, exchange(removed, added, present), payment=payment)


def completion(id: str, time: datetime, message: booking.BookingCompleted) -> Fact:
    """A booking that somebody came with."""
    return _fact(id, Kind.BOOKING_COMPLETED, time, message.booking, _ended(message.booking, completed=1))


def no_show(id: str, time: datetime, message: booking.BookingNoShow) -> Fact:
    """A booking that nobody came with, as far as is known."""
    return _fact(id, Kind.BOOKING_NO_SHOW, time, message.booking, _ended(message.booking, no_show=1))


def cancellation(id: str, time: datetime, message: booking.BookingCancelled) -> Fact | None:
    """Tickets cancelled; None for a hold, which never counted. Money paid back is told by the refund."""
    if message.former_state != booking_pb2.BOOKING_STATE_CONFIRMED:
        return None
    told = message.booking
    when = time_from_wire(told.cancel_time) or time
    lines = [
        each.counting(bookings_cancelled=1, orders_cancelled=each.first, tickets_cancelled=each.quantity)
        for each in _sold(told, told.lines)
    ]
    return _fact(id, Kind.BOOKING_CANCELLED, when, told, lines)


def check_in(id: str, time: datetime, message: booking.TicketCheckedIn) -> Fact | None:
    """One ticket checked in, under the currency its type was sold in; None for one that had been before.

    Of a scan that comes after the booking was closed as one that nobody came with, this says that somebody did.
    """
    if message.again:
        return None
    when = time_from_wire(message.ticket.check_in_time) or time
    lines = [_checked_in(message.booking, message.ticket, 1)]
    if _was_no_show(message.booking):
        lines += _ended(message.booking, completed=1, no_show=-1)
    return _fact(id, Kind.TICKET_CHECKED_IN, when, message.booking, lines)


def check_in_undone(id: str, time: datetime, message: booking.CheckInUndone) -> Fact | None:
    """One ticket fewer, on the day it was taken back; None while the ticket has another admission."""
    if message.ticket.state != booking_pb2.TICKET_STATE_VALID:
        return None
    return _fact(id, Kind.CHECK_IN_UNDONE, time, message.booking, [_checked_in(message.booking, message.ticket, -1)])


def _checked_in(told: booking_pb2.Booking, ticket: booking_pb2.Ticket, count: int) -> Line:
    currencies = {line.ticket_type: line.total.currency_code for line in told.lines}
    currency = currencies.get(ticket.ticket_type, told.total.currency_code)
    return Line(ticket.ticket_type, currency, Figures(tickets_checked_in=count), told.exchange.base_currency_code)


def _was_no_show(told: booking_pb2.Booking) -> bool:
    """Right before what happened to it last."""
    return len(told.history) > 1 and told.history[-2].state == booking_pb2.BOOKING_STATE_NO_SHOW


def _ended(told: booking_pb2.Booking, *, completed: int = 0, no_show: int = 0) -> list[Line]:
    return [
        each.counting(
            bookings_completed=completed,
            bookings_no_show=no_show,
            orders_completed=completed * each.first,
            orders_no_show=no_show * each.first,
        )
        for each in _sold(told, told.lines)
    ]


def unclaimed(id: str, time: datetime, message: booking.PaymentUnclaimed) -> Fact:
    """Money that no booking took."""
    return _fact(id, Kind.PAYMENT_UNCLAIMED, time, message.booking, [], payment=message.payment)


def refund(id: str, time: datetime, message: payment.RefundCompleted) -> Refund:
    """A completed refund and what came before it.

    The payment is as it was after all that one commit did, so later refunds may stand in it: by completion, then place.
    """
    done = sorted(
        (_completed(each).ToNanoseconds(), place, each.id, money_from_wire(each.amount).minor_units)
        for place, each in enumerate(message.payment.refunds)
        if each.state == payment_pb2.REFUND_STATE_COMPLETED and not each.surplus
    )
    here = next((n for n, (_, _, refund_id, _) in enumerate(done) if refund_id == message.refund.id), len(done))
    return Refund(
        id=id,
        payment=message.payment.name,
        amount=money_from_wire(message.refund.amount),
        before=sum(minor_units for _, _, _, minor_units in done[:here]),
        time=time_from_wire(message.refund.complete_time) or time,
    )


def organizer_of(message: Message) -> str:
    """Whom a domain event is about; empty if it does not say."""
    told: Any = message
    match message.DESCRIPTOR.file.package:
        case "usher.booking.v1":
            return str(told.booking.organizer)
        case "usher.payment.v1":
            return str(told.payment.organizer)
        case _:
            return str(told.snapshot.organizer.name)


def _completed(told: payment_pb2.Refund) -> Timestamp:
    return told.complete_time


def _fact(
    id: str, kind: Kind, time: datetime, told: booking_pb2.Booking, lines: Sequence[Line], *, payment: str = ""
) -> Fact:
    return Fact(id, kind, told.organizer, told.event, told.name, payment, time, tuple(lines))


class Sold(NamedTuple):
    """Of one ticket type of a booking. first: 1 for the first of its currency, else 0. price: what is paid for all.

    base: the event's currency where that is another one; base_price: the same in it.
    """

    ticket_type: str
    currency: str
    first: int
    quantity: int
    price: int
    base: str
    base_price: int

    def counting(self, **figures: int) -> Line:
        """A line of it."""
        return Line(self.ticket_type, self.currency, Figures(**figures), self.base)


def _sold(
    told: booking_pb2.Booking, lines: Sequence[booking_pb2.BookingLine] | Sequence[booking.ChangedLine]
) -> list[Sold]:
    """Of lines of a booking, one a type and currency."""
    merged: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    base = told.exchange.base_currency_code
    for line in lines:
        price = money_from_wire(line.total)
        amounts = merged[line.ticket_type, price.currency]
        amounts[0] += line.quantity
        amounts[1] += price.minor_units
        amounts[2] += money_from_wire(line.base_total).minor_units if base else 0
    seen: set[str] = set()
    found = []
    for (ticket_type, currency), (quantity, price_units, base_units) in merged.items():
        found.append(Sold(ticket_type, currency, int(currency not in seen), quantity, price_units, base, base_units))
        seen.add(currency)
    return found
