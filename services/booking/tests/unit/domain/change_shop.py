"""A sale whose bookings are changed, for tests of what that comes to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Change, ClaimPayment
from booking_service.domain.pricing.inputs import RefundStep
from booking_service.domain.selling import Wanted
from booking_service.domain.states import TicketState
from booking_service.domain.terms import BookingTerms
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

HALF = (RefundStep(timedelta(days=5), 10_000), RefundStep(timedelta(0), 5_000))
TERMS = BookingTerms(change_allowed=True, refund_steps=HALF)
SOON = timedelta(days=7)  # three days before the start: half comes back


class Shop:
    """One event with standard (25) and vip (60) tickets, and what was decided so far."""

    def __init__(self, make, *, terms=TERMS, most=99, discounts=(), **capacities) -> None:
        self.make, self.issuer, self.now = make, make.Issuer(), make.NOW
        vip = make.type("vip", price=Money(6000, "EUR"), pools=("lounge",))
        capacities = {"hall": 10, "lounge": 10} | capacities
        offer = make.offer(make.type(most=most), vip, capacities=capacities, terms=terms, discounts=discounts)
        self.stock, self.tallies, self.booking = make.stock(offer), {}, None

    def run(self, command):
        outcome = self.make.decide(command, self.stock, self.booking, *self.tallies.values(), now=self.now)
        self.stock, self.booking = outcome.stock, replace(outcome.answer, version=1)
        self.tallies |= {each.name: each for each in outcome.tallies}
        return [step.happened for step in outcome.steps]

    def book(self, **wanted):
        self.run(self.make.hold(**wanted))
        if self.booking.total:
            self.pay("payments/first")
        return self

    def pay(self, payment="payments/more", amount=None):
        amount = amount or self.booking.due
        return self.run(ClaimPayment(self.make.EVENT, self.booking.name, payment, amount, self.issuer))

    def command(self, remove=(), reduce=(), by_terms=True, **add):
        wanted = tuple(Wanted(f"{self.make.EVENT}/ticketTypes/{kind}", count) for kind, count in add.items())
        reduce = tuple(Reduction(f"{self.make.EVENT}/ticketTypes/{kind}", "", count) for kind, count in reduce)
        return Change(
            self.make.EVENT, self.booking.name, tuple(remove), reduce, wanted, by_terms, self.issuer,
            timedelta(minutes=10),
        )  # fmt: skip

    def change(self, remove=(), reduce=(), by_terms=True, **add):
        return self.run(self.command(remove, reduce, by_terms, **add))

    def offer(self, **changes):
        """It is offered otherwise from now on."""
        self.stock = replace(self.stock, offer=replace(self.stock.offer, **changes))

    def refused(self, call):
        with pytest.raises(FailedPrecondition) as refused:
            call()
        return refused.value.reason

    def usable(self):
        return [each for each in self.booking.tickets if each.state is TicketState.VALID]

    def taken(self):
        return dict(self.stock.inventory.taken)
