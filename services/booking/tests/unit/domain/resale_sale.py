"""An event whose tickets are sold on, and a way to ask for something, deciding on nothing but what is asked for."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from booking_service.domain.commands import ClaimPayment, Hold, OfferForResale
from booking_service.domain.commands.following import decided
from booking_service.domain.pricing.inputs import RefundStep, ServiceFee
from booking_service.domain.records import View, key_of
from booking_service.domain.resale_offer import ResaleOffer
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import BookingTerms
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

TERMS = BookingTerms(
    resale_allowed=True, change_allowed=True, transfer_allowed=True, service_fee=ServiceFee(Money(100, "EUR")),
    refund_steps=(RefundStep(timedelta(0), 0),),
)  # fmt: skip


class Sale(SimpleNamespace):
    """An event, what is known of it, and a way to ask for something."""

    def ask(self, command):
        found = {}
        while missing := [key for key in command.needs(self.stock, found) if key not in found]:
            found |= {key: self.records.get(key) for key in missing}
        outcome = decided(command, View(self.stock, found), self.now)
        self.stock = outcome.stock
        for step in outcome.steps:
            self.records[key_of(step.record)] = step.record
        self.records |= {key_of(each): each for each in outcome.tallies}
        self.steps = outcome.steps
        return None if outcome.answer is None else self.records.get(key_of(outcome.answer), outcome.answer)

    def hold(self, buyer, count=1, kind="standard", **more):
        self.ids += 1
        wanted = (Wanted(f"{self.event}/ticketTypes/{kind}", count),)
        name = f"{self.event}/bookings/{self.ids:04}"
        return self.ask(Hold(self.event, name, buyer, wanted, timedelta(minutes=10), **more))

    def pay(self, booking, payment=""):
        name = payment or f"payments/{booking.name[-4:]}"
        return self.ask(ClaimPayment(self.event, booking.name, name, booking.total, self.issuer))

    def book(self, buyer, count=1, kind="standard"):
        return self.pay(self.hold(buyer, count, kind))

    def offer(self, booking, *tickets):
        tickets = tickets or tuple(each.name for each in booking.tickets)
        names = []
        for _ in tickets:
            self.ids += 1
            names.append(f"{self.event}/resaleOffers/{self.ids:04}")
        self.ask(OfferForResale(self.event, booking.name, tuple(tickets), tuple(names)))
        return [self.records[ResaleOffer, name] for name in names]

    def get(self, record):
        return self.records[key_of(record)]

    def facts(self):
        return [type(step.happened).__name__ for step in self.steps]


def refused(reason):
    return pytest.raises(FailedPrecondition, match=reason)
