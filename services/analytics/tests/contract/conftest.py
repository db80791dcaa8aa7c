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
from usher.booking.v1.currency_exchange_pb2 import CurrencyExchange
from usher.payment.v1 import domain_events_pb2 as payment_events
from usher.payment.v1 import payment_pb2
from usher.user.v1 import domain_events_pb2 as user_events


@dataclass
class Change:
    """Tickets of a type left, tickets of another came."""

    line: int  # which of those there are by then
    fewer: int
    added: tuple[int, int, int] | None  # as a line
    instant: datetime
    per_mille: int = 0  # of what it became cheaper, or of what it cost: paid back
    paid_back: datetime | None = None


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
    changes: list[Change] = field(default_factory=list)
    ended: tuple[datetime, bool, datetime | None] | None = None  # when, whether somebody came, a scan told after it
    base: str = ""  # the event's currency, where that is another one; one minor unit is worth three of it

    def __post_init__(self) -> None:
        """Goes through the changes: `states` are the lines before and after each, `moves` what left and came."""
        self.states, self.moves = [list(self.lines)], []
        for change in self.changes:
            lines = list(self.states[-1])
            number = change.line % len(lines)
            kind, quantity, price = lines[number]
            gone = min(change.fewer, quantity if change.added or len(lines) > 1 else quantity - 1)
            lines[number : number + 1] = [(kind, quantity - gone, price)] if gone < quantity else []
            lines += [change.added] if change.added else []
            self.states.append(lines)
            self.moves.append(([(kind, gone, price)] if gone else [], [change.added] if change.added else []))

    @property
    def total(self) -> int:
        return worth(self.lines)

    def difference(self, number: int) -> int:
        """By how much change `number` made it dearer."""
        return worth(self.states[number + 1]) - worth(self.states[number])

    @property
    def paid_back(self) -> list[tuple[int, datetime]]:
        """Of the first payment."""
        asked = [(self.total * per_mille // 1000, instant) for per_mille, instant in self.refunds] + [
            (max(0, -self.difference(number)) * change.per_mille // 1000, change.paid_back)
            for number, change in enumerate(self.changes) if change.paid_back
        ]  # fmt: skip
        left, made = self.total, []
        for amount, instant in sorted(asked, key=lambda each: each[1]):
            if amount := min(left, amount):
                left -= amount
                made.append((amount, instant))
        return made

    def extra_paid_back(self, number: int) -> list[tuple[int, datetime]]:
        """Of the payment of change `number`."""
        change = self.changes[number]
        amount = max(0, self.difference(number)) * change.per_mille // 1000
        return [(amount, change.paid_back)] if amount and change.paid_back else []

    @property
    def kept(self) -> int:
        """Money that came and did not go back."""
        came = self.total + sum(max(0, self.difference(number)) for number in range(len(self.changes)))
        back = [self.paid_back, *(self.extra_paid_back(number) for number in range(len(self.changes)))]
        return came - sum(amount for each in back for amount, _ in each)


def worth(lines: list[tuple[int, int, int]]) -> int:
    return sum(quantity * price for _, quantity, price in lines)


def sale_of(*, changes: list[tuple] | None = None, **fields) -> Sale:
    """A sale; `changes` as the fields of each."""
    return Sale(changes=[Change(*each) for each in changes or []], **fields)


class History:
    """Sales and changes of zones, as domain events and as figures."""

    def __init__(self, sales: list[dict], zones: tuple[list[str], list[str]]) -> None:
        self.organizers = [f"organizers/{new_id()}" for _ in zones]
        self.events = [[f"events/{new_id()}" for _ in range(2)] for _ in zones]
        self.sales, self.zones = [sale_of(**sale) for sale in sales], zones
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
            exchange=CurrencyExchange(base_currency_code=sale.base) if sale.base else None,
        )
        self._fill(booking.lines, sale, sale.lines)
        if sale.changes:  # and once before, which counts nothing
            held = booking_events.BookingChanged(booking=booking, added_lines=[booking_events.ChangedLine(quantity=1)])
            self._tell(held, name, 1, sale.confirmed)
        booking.confirm_time.FromDatetime(sale.confirmed)
        self._tell(booking_events.BookingConfirmed(booking=booking), name, 2, sale.confirmed)
        for instant in sale.checked_in:
            ticket = booking_pb2.Ticket(ticket_type=booking.lines[0].ticket_type)
            ticket.check_in_time.FromDatetime(instant)
            self._tell(booking_events.TicketCheckedIn(booking=booking, ticket=ticket), name, 3, instant)
        for number, (change, (left, came)) in enumerate(zip(sale.changes, sale.moves, strict=True)):
            if sale.difference(number) > 0:
                booking.extra_payments.append(f"payments/{new_id()}")
                extra = booking.extra_payments[-1]
                self._tell_refunds(extra, booking, sale.currency, sale.extra_paid_back(number))
            del booking.lines[:]
            self._fill(booking.lines, sale, sale.states[number + 1])
            message = booking_events.BookingChanged(booking=booking)
            self._fill(message.removed_lines, sale, left)
            self._fill(message.added_lines, sale, came)
            self._tell(message, name, 4, change.instant)
        if sale.ended:
            self._tell_end(sale, booking, *sale.ended)
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

    def _fill(self, told, sale: Sale, lines: list[tuple[int, int, int]]) -> None:
        """Lines of a booking or of a change; nothing of them counts but what is paid."""
        for number, quantity, price in lines:
            total = money_to_wire(Money(price * quantity, sale.currency))
            base = money_to_wire(Money(3 * price * quantity, sale.base)) if sale.base else None
            told.add(ticket_type=self.ticket_type(sale, number), quantity=quantity, total=total, base_total=base)

    def _tell_end(
        self, sale: Sale, booking: booking_pb2.Booking, instant: datetime, came: bool, scanned: datetime | None
    ) -> None:
        kind = booking_events.BookingCompleted if came else booking_events.BookingNoShow
        booking.history.add(
            state=booking_pb2.BOOKING_STATE_COMPLETED if came else booking_pb2.BOOKING_STATE_NO_SHOW
        )  # fmt: skip
        self._tell(kind(booking=booking), booking.name, 5, instant)
        if scanned:
            booking.history.add(state=booking_pb2.BOOKING_STATE_COMPLETED)
            ticket = booking_pb2.Ticket(ticket_type=booking.lines[0].ticket_type)
            ticket.check_in_time.FromDatetime(scanned)
            self._tell(booking_events.TicketCheckedIn(booking=booking, ticket=ticket), booking.name, 6, scanned)

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

    def kept(self, organizer: int) -> dict[str, int]:
        """What payments brought and refunds did not take back, by currency."""
        money: Counter[str] = Counter()
        for sale in self.sales:
            if sale.organizer == organizer:
                money[sale.currency] += sale.kept
        return +money

    def kept_in_event_currency(self, organizer: int) -> dict[str, int]:
        """The same, each in its event's currency."""
        money: Counter[str] = Counter()
        for sale in self.sales:
            if sale.organizer == organizer:
                money[sale.base or sale.currency] += sale.kept * (3 if sale.base else 1)
        return +money

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

            def bookings(
                figure: str, instant: datetime, lines: list, count: int = 1, sale: Sale = sale, row=row
            ) -> None:
                for key in {row(instant, self.ticket_type(sale, number)) for number, _, _ in lines}:
                    rows[key][figure] += count

            def each_line(
                instant: datetime, lines: list, amounts: list[int], figure: str, sale: Sale = sale, row=row
            ) -> None:
                for (number, _, _), amount in zip(lines, amounts, strict=True):
                    rows[row(instant, self.ticket_type(sale, number))][figure] += amount

            def paid_back(refunds: list, lines: list, weights: tuple[int, ...], each_line=each_line) -> None:
                before = 0
                for amount, instant in refunds:
                    after, earlier = parts(before + amount, weights), parts(before, weights)
                    each_line(instant, lines, [a - b for a, b in zip(after, earlier, strict=True)], "refunded")
                    before += amount

            prices = [quantity * price for _, quantity, price in sale.lines]
            bookings("bookings_confirmed", sale.confirmed, sale.lines)
            each_line(sale.confirmed, sale.lines, [quantity for _, quantity, _ in sale.lines], "tickets_sold")
            each_line(sale.confirmed, sale.lines, prices, "gross")
            paid_back(sale.paid_back, sale.lines, tuple(prices))
            for number, change in enumerate(sale.changes):
                (left, came), instant = sale.moves[number], change.instant
                each_line(instant, left, [-quantity for _, quantity, _ in left], "tickets_sold")
                each_line(instant, came, [quantity for _, quantity, _ in came], "tickets_sold")
                each_line(instant, left, [-min(worth(left), worth(came)) for _ in left], "gross")
                each_line(instant, came, [worth(came) for _ in came], "gross")
                if Dimension.TICKET_TYPE in group_by:
                    had, has = ({kind for kind, _, _ in sale.states[at]} for at in (number, number + 1))
                    bookings("bookings_confirmed", instant, [(kind, 0, 0) for kind in has - had])
                    bookings("bookings_confirmed", instant, [(kind, 0, 0) for kind in had - has], -1)
                paid_back(sale.extra_paid_back(number), came, tuple(worth([each]) for each in came))
            last = sale.states[-1]
            if sale.cancelled:
                bookings("bookings_cancelled", sale.cancelled, last)
                each_line(sale.cancelled, last, [quantity for _, quantity, _ in last], "tickets_cancelled")
            for instant in sale.checked_in:
                rows[row(instant, types[0])]["tickets_checked_in"] += 1
            if sale.ended:
                instant, somebody, scanned = sale.ended
                bookings("bookings_completed" if somebody else "bookings_no_show", instant, last)
                if scanned:
                    rows[row(scanned, self.ticket_type(sale, last[0][0]))]["tickets_checked_in"] += 1
                if scanned and not somebody:
                    bookings("bookings_completed", scanned, last)
                    bookings("bookings_no_show", scanned, last, -1)
        said = {key: {figure: count for figure, count in counts.items() if count} for key, counts in rows.items()}
        return {key: counts for key, counts in said.items() if counts}


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
