"""The sequences of `test_change_sequences` where groups of tickets have discounts, which the organizer changes."""

from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import invariant, rule
from test_change_sequences import CURRENCIES, EVENT, TYPES, Sale

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Change, ProjectOffer
from booking_service.domain.pricing.inputs import Discount
from booking_service.domain.selling import Wanted
from domain_kit.money import Money

PAID, DINNER = f"{EVENT}/ticketTypes/paid", f"{EVENT}/ticketTypes/dinner"
DISCOUNTS = (
    Discount("discounts/second", "second", frozenset(), 2, frozenset(), 1, 5_000),
    Discount("discounts/beside", "beside", frozenset({PAID}), 1, frozenset({DINNER}), 1, 10_000),
    Discount("discounts/dinners", "dinners", frozenset({DINNER}), 1, frozenset(), 1, 3_333),
)


class DiscountSale(Sale):
    def __init__(self) -> None:
        super().__init__()
        self.given = DISCOUNTS[:2]
        self.stock = replace(self.stock, offer=replace(self.stock.offer, discounts=self.given))

    def run(self, command) -> bool:
        if isinstance(command, ProjectOffer):
            command = replace(command, offer=replace(command.offer, discounts=self.given))
        return super().run(command)

    @rule(given=st.sets(st.sampled_from(range(3))))
    def change_discounts(self, given):
        self.given = tuple(DISCOUNTS[number] for number in sorted(given))
        self.run(ProjectOffer(replace(self.stock.offer, version=self.stock.offer.version + 1)))

    @rule(
        dinners=st.integers(1, 2), gone=st.sampled_from(["paid", "dinner"]), added=st.sampled_from(sorted(TYPES)),
        by_terms=st.booleans(), currency=CURRENCIES,
    )  # fmt: skip
    def exchange(self, dinners, gone, added, by_terms, currency):
        """What free sequences seldom come to: a group is paid, broken by an exchange, and that is paid."""
        name = self.hold(wanted={"paid": 1, "dinner": dinners}, currency=currency)
        if name not in self.bookings:  # no places are left
            return
        self.pay(name, wrong=False, again=False)
        fewer = (Reduction(f"{EVENT}/ticketTypes/{gone}", "", 1),)
        wanted = (Wanted(f"{EVENT}/ticketTypes/{added}", 1),)
        change = Change(EVENT, name, (), fewer, wanted, by_terms, self, timedelta(minutes=10))
        if self.run(change) and self.bookings[name].pending:
            self.pay(name, wrong=False, again=False)

    @invariant()
    def totals_are_sums_of_lines(self):
        """INVARIANT: no cent is lost or made, in neither currency, and nothing costs less than nothing."""
        for booking in self.bookings.values():
            assert booking.total.minor_units == sum(line.total.minor_units for line in booking.lines)
            for unit in (unit for line in booking.lines for unit in line.priced().units()):
                assert 0 <= unit.total.minor_units <= unit.list_price.minor_units
                assert unit.tax <= unit.total

    @invariant()
    def a_booking_keeps_the_rate_it_was_held_with(self):
        """INVARIANT: whatever falls anew, each ticket costs what it costs in the event's currency at the rate of its
        booking.
        """
        for name, booking in self.bookings.items():
            rate = self.rates[name]
            assert booking.exchange_rate == rate
            for line in booking.lines:
                price = Money(TYPES[line.ticket_type.rpartition("/")[2]][0], "EUR")
                for unit in line.priced().units():
                    assert (unit.base or unit).list_price == price
                    assert unit.total == (rate.converted(unit.base.total) if rate else unit.total)


DiscountSale.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDiscountSale = DiscountSale.TestCase
