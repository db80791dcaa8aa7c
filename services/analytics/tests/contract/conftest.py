"""What was sold, as a person would write it down: told as domain events, and counted without any of our code."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from analytics_service.domain.sales import Dimension
from domain_kit.ids import new_id
from domain_kit.money import Money
from event_backbone import Received
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_events
from usher.payment.v1 import domain_events_pb2 as payment_events
from usher.payment.v1 import payment_pb2
from usher.user.v1 import domain_events_pb2 as user_events


@dataclass
class Sale:
    """One booking from confirmation to refund, as a person would write it down."""

    organizer: int
    event: int
    currency: str
    lines: list[tuple[int, int, int]]  # ticket type, quantity, price of one in minor units
    confirmed: datetime
    cancelled: datetime | None = None
    checked_in: list[datetime] = field(default_factory=list)
    refunds: list[tuple[int, datetime]] = field(default_factory=list)  # per mille of the price, when
    late: tuple[int, datetime] | None = None  # money that came too late, and when it was paid back

    @property
    def total(self) -> int:
        return sum(quantity * price for _, quantity, price in self.lines)

    @property
    def paid_back(self) -> list[tuple[int, datetime]]:
        left, made = self.total, []
        for per_mille, instant in sorted(self.refunds, key=lambda each: each[1]):
            amount = min(left, self.total * per_mille // 1000)
            if amount:
                left -= amount
                made.append((amount, instant))
        return made


class History:
    """Sales and changes of zones, as domain events and as figures."""

    def __init__(self, sales: list[dict], zones: tuple[list[str], list[str]]) -> None:
        self.organizers = [f"organizers/{new_id()}" for _ in zones]
        self.events = [[f"events/{new_id()}" for _ in range(2)] for _ in zones]
        self.sales, self.zones = [Sale(**sale) for sale in sales], zones
        self.told: list[tuple[object, Received]] = []
        for organizer, names in zip(self.organizers, zones, strict=True):
            for version, zone in enumerate(names, 1):
                kind = user_events.OrganizerCreated if version == 1 else user_events.OrganizerUpdated
                message = kind()
                message.snapshot.organizer.name, message.snapshot.organizer.time_zone = organizer, zone
                self._tell(message, organizer, version, datetime(2020, 1, 1, tzinfo=UTC))
        for sale in self.sales:
            self._tell_sale(sale)

    def _tell(self, message, subject: str, version: int, time: datetime) -> None:
        received = Received(new_id(), message.DESCRIPTOR.full_name, subject, version, time, "", "")
        self.told.append((message, received))

    def event(self, sale: Sale) -> str:
        return self.events[sale.organizer][sale.event]

    def ticket_type(self, sale: Sale, number: int) -> str:
        return f"{self.event(sale)}/ticketTypes/t{number}"

    def _tell_sale(self, sale: Sale) -> None:
        name, payment = f"{self.event(sale)}/bookings/{new_id()}", f"payments/{new_id()}"
        booking = booking_pb2.Booking(
            name=name,
            event=self.event(sale),
            organizer=self.organizers[sale.organizer],
            payment=payment if sale.total else "",
            total=money_to_wire(Money(sale.total, sale.currency)),
        )
        for number, quantity, price in sale.lines:
            booking.lines.add(
                ticket_type=self.ticket_type(sale, number),
                quantity=quantity,
                unit_price=money_to_wire(Money(price, sale.currency)),
                subtotal=money_to_wire(Money(price * quantity, sale.currency)),
            )
        booking.confirm_time.FromDatetime(sale.confirmed)
        self._tell(booking_events.BookingConfirmed(booking=booking), name, 2, sale.confirmed)
        for instant in sale.checked_in:
            ticket = booking_pb2.Ticket(ticket_type=booking.lines[0].ticket_type)
            ticket.check_in_time.FromDatetime(instant)
            self._tell(booking_events.TicketCheckedIn(booking=booking, ticket=ticket), name, 3, instant)
        if sale.cancelled:
            booking.cancel_time.FromDatetime(sale.cancelled)
            self._tell(
                booking_events.BookingCancelled(booking=booking, former_state=booking_pb2.BOOKING_STATE_CONFIRMED),
                name, 4, sale.cancelled,
            )  # fmt: skip
        self._tell_refunds(payment, booking, sale.currency, sale.paid_back)
        if sale.late:
            late = f"payments/{new_id()}"
            self._tell(booking_events.PaymentUnclaimed(booking=booking, payment=late), name, 5, sale.late[1])
            self._tell_refunds(late, booking, sale.currency, [sale.late])

    def _tell_refunds(self, payment: str, booking: booking_pb2.Booking, currency: str, refunds) -> None:
        told = payment_pb2.Payment(name=payment, booking=booking.name, organizer=booking.organizer)
        for number, (amount, instant) in enumerate(refunds):
            refund = told.refunds.add(
                id=f"r{number}",
                amount=money_to_wire(Money(amount, currency)),
                state=payment_pb2.REFUND_STATE_COMPLETED,
            )
            refund.complete_time.FromDatetime(instant)
            self._tell(payment_events.RefundCompleted(payment=told, refund=refund), payment, 3 + number, instant)

    def expected(self, organizer: int, group_by: frozenset[Dimension]) -> dict:
        """Rows as {(day, event, ticket type, currency): figures}, counted sale by sale."""
        zone = ZoneInfo(self.zones[organizer][-1])
        rows: defaultdict[tuple, Counter] = defaultdict(Counter)

        for sale in self.sales:
            if sale.organizer != organizer:
                continue
            types = [self.ticket_type(sale, number) for number, _, _ in sale.lines]

            def row(instant: datetime, ticket_type: str, sale: Sale = sale) -> tuple:
                return (
                    instant.astimezone(zone).date() if Dimension.DAY in group_by else None,
                    self.event(sale) if Dimension.EVENT in group_by else "",
                    ticket_type if Dimension.TICKET_TYPE in group_by else "",
                    sale.currency,
                )

            for key in {row(sale.confirmed, each) for each in types}:
                rows[key]["bookings_confirmed"] += 1
            for each, (_, quantity, price) in zip(types, sale.lines, strict=True):
                rows[row(sale.confirmed, each)] += Counter(tickets_sold=quantity, gross=quantity * price)
            if sale.cancelled:
                for key in {row(sale.cancelled, each) for each in types}:
                    rows[key]["bookings_cancelled"] += 1
                for each, (_, quantity, _) in zip(types, sale.lines, strict=True):
                    rows[row(sale.cancelled, each)]["tickets_cancelled"] += quantity
            for instant in sale.checked_in:
                rows[row(instant, types[0])]["tickets_checked_in"] += 1
            weights = tuple(quantity * price for _, quantity, price in sale.lines)
            before = 0
            for amount, instant in sale.paid_back:
                after = parts(before + amount, weights)
                for each, here, earlier in zip(types, after, parts(before, weights), strict=True):
                    rows[row(instant, each)]["refunded"] += here - earlier
                before += amount
        return {key: +counts for key, counts in rows.items() if +counts}


@cache
def parts(amount: int, weights: tuple[int, ...]) -> list[int]:
    """Cent by cent: each goes to the line where half a cent more or less is least felt."""
    given = [0] * len(weights)
    lines = [line for line, weight in enumerate(weights) if weight]
    for _ in range(amount):
        given[min(lines, key=lambda line: (Fraction(2 * given[line] + 1, weights[line]), line))] += 1
    return given


@pytest.fixture
def history_of():
    """Sales (their fields) and the zones two organizers had, one after the other."""
    return History
