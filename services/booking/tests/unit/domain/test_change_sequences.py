"""Any sequence of commands, changes of bookings among them, one at a time against a model that only counts."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from for_long import for_long
from hypothesis import settings
from hypothesis.stateful import Bundle, invariant, multiple, precondition, rule
from numbered import Numbered

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Approve,
    Cancel,
    Change,
    CheckIn,
    ClaimPayment,
    Confirm,
    Expire,
    Hold,
    ProjectOffer,
    Reject,
    TransferTicket,
    WithdrawChange,
)
from booking_service.domain.inventory import Inventory
from booking_service.domain.occupancy import held_for_change
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.pricing.inputs import RefundStep
from booking_service.domain.questions import Attendee
from booking_service.domain.records import View, key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.stock import Stock
from booking_service.domain.terms import BookingTerms
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import Refusal

EVENT = "events/e"
START = datetime(2027, 1, 1, tzinfo=UTC)
TYPES = {
    "free": (0, ("hall",)),
    "paid": (1999, ("hall",)),
    "dinner": (4500, ("hall", "table")),
    "asked": (2500, ("hall",)),
}
TERMS = BookingTerms(change_allowed=True, transfer_allowed=True, refund_steps=(RefundStep(timedelta(0), 3_333),))
CURRENCIES = st.sampled_from(["", "", "JPY", "KWD"])
RATES = st.integers(1, 10**8).map(lambda digits: f"{digits // 10**5}.{digits % 10**5:05}")
ADDED = st.dictionaries(st.sampled_from(sorted(TYPES)), st.integers(1, 3), max_size=2)


def offer(version: int, hall: int, table: int, state: OfferState = OfferState.PUBLISHED, yen: str = "163.25") -> Offer:
    start = datetime(2028, 1, 1, tzinfo=UTC)
    kinds = tuple(
        OfferedType(f"{EVENT}/ticketTypes/{name}", name, Money(price, "EUR"), pools, approval_required=name == "asked")
        for name, (price, pools) in TYPES.items()
    )
    pools = {"hall": Pool(hall), "table": Pool(table)}
    return Offer(
        EVENT, "organizers/o", "E", state, start, start, "UTC", kinds, pools, version, published=True, terms=TERMS,
        currency="EUR",
        rates=tuple(ExchangeRate("EUR", each, rate, START) for each, rate in (("JPY", yen), ("KWD", "0.335"))),
    )  # fmt: skip


class Sale(Numbered):
    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.rates: dict[str, ExchangeRate | None] = {}
        self.stock = Stock(offer(1, 6, 3), Inventory(EVENT))
        self.bookings: dict[str, Booking] = {}
        self.money: dict[str, Money] = {}
        self.settled: dict[str, str] = {}
        self.due_back: dict[str, int] = {}

    def run(self, command) -> bool:
        try:
            there = {key_of(each): each for each in self.bookings.values()}
            wanted = dict.fromkeys(command.needs(self.stock, there))
            outcome = command.decide(View(self.stock, wanted | there), self.now)
        except Refusal:
            return False
        before = self.stock
        self.stock = outcome.stock
        if before.inventory != self.stock.inventory:
            self.no_pool_grew_beyond_its_capacity(before)
        if outcome.answer is not None:
            self.bookings[outcome.answer.name] = outcome.answer
        for step in outcome.steps:
            for payment in step.record.payments:
                assert self.settled.setdefault(payment, "claimed") == "claimed"
            if isinstance(step.happened, facts.PaymentUnclaimed):
                assert self.settled.setdefault(step.happened.payment, "unclaimed") == "unclaimed"
            if isinstance(step.happened, facts.BookingChanged) and step.record.confirm_time:
                self.lines_tell_what_became_of_the_price(there[key_of(step.record)], step)
            if isinstance(step.happened, facts.BookingCancelled | facts.BookingChanged) and step.happened.refund_due:
                name, due = step.record.name, step.happened.refund_due.minor_units
                assert due > 0
                self.due_back[name] = self.due_back.get(name, 0) + due
        return True

    def lines_tell_what_became_of_the_price(self, before: Booking, step) -> None:
        fact, after = step.happened, step.record
        came, left = (sum(each.total.minor_units for each in lines) for lines in (fact.added_lines, fact.removed_lines))
        assert after.total.minor_units == before.total.minor_units + came - left
        had, has, more, fewer = (
            sum(each.quantity for each in lines)
            for lines in (before.lines, after.lines, fact.added_lines, fact.removed_lines)
        )
        assert had + more == has + fewer

    def no_pool_grew_beyond_its_capacity(self, before: Stock) -> None:
        for pool, taken in self.stock.inventory.taken.items():
            if taken > before.inventory.taken.get(pool, 0):
                assert taken <= self.stock.offer.capacity_of(pool)

    @rule(
        target=names,
        wanted=st.dictionaries(st.sampled_from(sorted(TYPES)), st.integers(1, 4), min_size=1),
        currency=CURRENCIES,
    )
    def hold(self, wanted, currency):
        lines = [Wanted(f"{EVENT}/ticketTypes/{kind}", count) for kind, count in wanted.items()]
        name = f"{EVENT}/bookings/{self.number()}"
        command = Hold(EVENT, name, "users/u", lines, timedelta(minutes=10), currency=currency)
        if not self.run(command):
            return multiple()
        self.rates[name] = next((each for each in self.stock.offer.rates if each.currency == currency), None)
        return name

    @rule(name=names)
    def confirm(self, name):
        self.run(Confirm(EVENT, name, self))

    @rule(name=names, wrong=st.booleans(), again=st.booleans())
    def pay(self, name, wrong, again):
        booking = self.bookings[name]
        payment = booking.payment if again and booking.payment else f"payments/{self.number()}"
        amount = (booking.due or booking.total) + Money(int(wrong), booking.total.currency)
        self.money.setdefault(payment, amount)
        assert self.run(ClaimPayment(EVENT, name, payment, amount, self))

    @rule(name=names, share=st.none() | st.integers(0, 10_000))
    def cancel(self, name, share):
        self.run(Cancel(EVENT, name, "why", basis_points=share))

    @rule(name=names, gone=st.lists(st.integers(0, 5), max_size=3), fewer=ADDED, added=ADDED, by_terms=st.booleans())
    def change(self, name, gone, fewer, added, by_terms):
        tickets = self.bookings[name].tickets
        removed = tuple({tickets[number % len(tickets)].name for number in gone} if tickets else ())
        reduced = tuple(Reduction(f"{EVENT}/ticketTypes/{kind}", "", count) for kind, count in fewer.items())
        wanted = tuple(Wanted(f"{EVENT}/ticketTypes/{kind}", count) for kind, count in added.items())
        self.run(Change(EVENT, name, removed, reduced, wanted, by_terms, self, timedelta(minutes=10)))

    @rule(name=names)
    def withdraw(self, name):
        before = self.bookings[name]
        if self.run(WithdrawChange(EVENT, name)):
            after = self.bookings[name]
            assert (after.lines, after.tickets, after.paid, after.pending) == (
                before.lines, before.tickets, before.paid, None,
            )  # fmt: skip

    def usable(self):
        tickets = [(booking, each) for booking in self.bookings.values() for each in booking.tickets]
        return [(booking, each) for booking, each in tickets if each.state is TicketState.VALID]

    @precondition(lambda self: self.usable())
    @rule(number=st.integers(0, 20), to=st.sampled_from(["Bob", "Eve"]))
    def transfer(self, number, to):
        usable = self.usable()
        before, ticket = usable[number % len(usable)]
        somebody = Attendee(to, f"{to}@example.org")
        if self.run(TransferTicket(EVENT, before.name, ticket.name, somebody, True, self)):
            after = self.bookings[before.name]
            assert (after.total, after.paid, after.breakdown()) == (before.total, before.paid, before.breakdown())
            assert (after.tickets[-1].attendee, after.ticket(ticket.name).state) == (somebody, TicketState.VOID)

    @rule(name=names, yes=st.booleans())
    def decide_on(self, name, yes):
        self.run(Approve(EVENT, name, self) if yes else Reject(EVENT, name, "full"))

    @rule(name=names)
    def expire(self, name):
        self.run(Expire(EVENT, name))

    @rule(name=names)
    def check_in(self, name):
        for ticket in self.bookings[name].tickets[:1]:
            self.run(CheckIn(EVENT, name, ticket.name, ticket.code))

    @rule(minutes=st.integers(1, 12))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(hall=st.integers(0, 9), table=st.integers(0, 4), off=st.integers(0, 9), yen=RATES)
    def change_offer(self, hall, table, off, yen):
        state = OfferState.CANCELLED if off == 0 else OfferState.PUBLISHED
        self.run(ProjectOffer(offer(self.stock.offer.version + 1, hall, table, state, yen)))

    @invariant()
    def taken_places_are_those_of_live_bookings(self):
        """INVARIANT: each place that is taken belongs to one held or confirmed booking, or to a change of one."""
        counted: dict[str, int] = {}
        for booking in self.bookings.values():
            if booking.state.takes_places:
                for part in (booking, held_for_change(booking)):
                    for pool, places in part.demand().places.items() if part else ():
                        counted[pool] = counted.get(pool, 0) + places
        assert {pool: taken for pool, taken in self.stock.inventory.taken.items() if taken} == counted

    @invariant()
    def totals_are_sums_of_lines(self):
        """INVARIANT: no cent is lost or made."""
        for booking in self.bookings.values():
            assert booking.total.minor_units == sum(
                line.quantity * line.unit_price.minor_units for line in booking.lines
            )

    @invariant()
    def a_booking_keeps_the_rate_it_was_held_with(self):
        """INVARIANT: whatever the rate is today, each ticket costs what it costs in the event's currency at the rate of
        its booking, those that a change added later too; and both totals are sums of tickets.
        """
        for name, booking in self.bookings.items():
            rate = self.rates[name]
            assert booking.exchange_rate == rate
            lines = [*booking.lines, *(booking.pending.added if booking.pending else ())]
            units = [(line, unit) for line in lines for unit in line.priced().units()]
            for line, unit in units:
                price = Money(TYPES[line.ticket_type.rpartition("/")[2]][0], "EUR")
                assert unit.total == (rate.converted(price) if rate else price)
                assert (unit.base.total if rate else unit.total) == price
            if rate:
                base = sum(TYPES[line.ticket_type.rpartition("/")[2]][0] * line.quantity for line in booking.lines)
                assert sum(line.base_total.minor_units for line in booking.lines) == base

    @invariant()
    def tickets_match_places(self):
        """INVARIANT: a confirmed booking has a ticket for each place, none is valid in any other state."""
        for booking in self.bookings.values():
            usable = [ticket for ticket in booking.tickets if ticket.state is not TicketState.VOID]
            places = sum(line.quantity for line in booking.lines)
            assert len(usable) == (places if booking.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN) else 0)

    @invariant()
    def all_money_is_claimed_or_unclaimed(self):
        """INVARIANT: money that came is taken by exactly one booking, or is said to be paid back."""
        assert self.settled.keys() == self.money.keys()
        claimed = [payment for each in self.bookings.values() for payment in each.payments]
        assert sorted(claimed) == sorted(k for k, v in self.settled.items() if v == "claimed")

    @invariant()
    def money_is_conserved(self):
        """INVARIANT: over any sequence of changes what came, less what is due back, is what the rest costs and what the
        terms retain; of a booking that was called off, what they retain.
        """
        for each in self.bookings.values():
            came = sum(self.money[payment].minor_units for payment in each.payments)
            back = self.due_back.get(each.name, 0)
            assert (came - back, back) == (each.paid, each.refunded)
            assert 0 <= each.retained <= each.paid
            if each.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN):
                assert each.paid == each.total.minor_units + each.retained
            elif each.state is BookingState.CANCELLED:
                assert each.paid == each.retained

    @invariant()
    def codes_are_unique(self):
        """INVARIANT: no code is issued twice, and a kept ticket stays the ticket of its line."""
        tickets = [ticket for each in self.bookings.values() for ticket in each.tickets]
        assert len({each.code for each in tickets}) == len({each.name for each in tickets}) == len(tickets)
        for booking in self.bookings.values():
            for ticket in booking.tickets:
                if ticket.state is not TicketState.VOID:
                    assert booking.lines[ticket.unit.line].ticket_type == ticket.ticket_type
                    assert ticket.unit.unit < booking.lines[ticket.unit.line].quantity

    @invariant()
    def only_confirmed_bookings_have_a_pending_change_and_it_ends(self):
        """INVARIANT: what a change holds is never held for ever."""
        for each in self.bookings.values():
            if each.pending:
                assert each.state in (BookingState.CONFIRMED, BookingState.CHECKED_IN)
                assert each.hold_expire_time
                assert each.pending.due > 0


Sale.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, print_blob=True)
TestSale = Sale.TestCase
TestLongSale = for_long(Sale, 300)
