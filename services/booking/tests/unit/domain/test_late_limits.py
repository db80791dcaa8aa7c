"""Limits for one person that are set, or lowered, while people have tickets already."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Cancel, Change, ClaimPayment, Confirm, CountBooking, Expire, NoteCounted
from booking_service.domain.history import Change as Past
from booking_service.domain.people import Person
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

ADA = "users/ada"


class Sale:
    """Tickets for nothing, "vip" for 60, and what was decided so far."""

    def __init__(self, make, most=0) -> None:
        self.make, self.issuer, self.now = make, make.Issuer(), make.NOW
        self.records = {}
        self.stock = make.stock(self.offer(1, most))

    def offer(self, version, most):
        kinds = [self.make.type(price=Money(0, "EUR")), self.make.type("vip", price=Money(6000, "EUR"))]
        terms = BookingTerms(most_per_person=most, change_allowed=True)
        return self.make.offer(*kinds, version=version, terms=terms)

    def limit(self, most):
        self.run(self.make.project(self.offer(self.stock.offer.version + 1, most)))

    def run(self, command):
        outcome = self.make.decide(command, self.stock, *self.records.values(), now=self.now)
        self.stock = outcome.stock
        for each in (*(step.record for step in outcome.steps), *outcome.tallies):
            self.records[type(each), each.name] = replace(each, version=1)
        self.told = [step.happened for step in outcome.steps]
        return outcome.answer

    def hold(self, count, kind="standard"):
        return self.run(self.make.hold(**{kind: count})).name

    def confirmed(self, count):
        name = self.hold(count)
        self.run(Confirm(self.make.EVENT, name, self.issuer))
        return name

    def count(self, name):
        return self.run(CountBooking(self.make.EVENT, name))

    def change(self, name, fewer=0, more=0, kind="standard"):
        kinds = f"{self.make.EVENT}/ticketTypes/"
        reduced = (Reduction(f"{kinds}standard", "", fewer),) if fewer else ()
        added = (Wanted(kinds + kind, more),) if more else ()
        return self.run(
            Change(self.make.EVENT, name, (), reduced, added, True, self.issuer, timedelta(minutes=10))
        )  # fmt: skip

    def pay(self, name, minor_units):
        money = Money(minor_units, "EUR")
        return self.run(ClaimPayment(self.make.EVENT, name, f"payments/{len(self.records)}", money, self.issuer))

    @property
    def tickets(self):
        person = self.records.get((Person, f"{self.make.EVENT}/people/ada"))
        return None if person is None else dict(person.tickets)


def refused(act, *args):
    with pytest.raises(FailedPrecondition) as refusal:
        act(*args)
    return refusal.value.reason


def test_what_somebody_has_when_a_limit_comes_is_counted_and_binds(make):
    sale = Sale(make)
    name = sale.hold(10)
    assert (sale.stock.inventory.count_due, sale.tickets) == (None, None)
    sale.limit(2)
    assert sale.stock.inventory.count_due == make.NOW
    sale.count(name)
    assert (sale.told, sale.tickets) == ([facts.BookingCounted()], {"standard": 10})
    assert refused(sale.hold, 1) == "TOO_MANY_FOR_PERSON"
    sale.run(Cancel(make.EVENT, name, ""))
    assert sale.tickets == {}
    sale.hold(2)


def test_counting_again_or_what_is_not_there_any_more_changes_nothing(make):
    sale = Sale(make)
    name, gone = sale.hold(2), sale.hold(3)
    sale.limit(5)
    sale.run(Cancel(make.EVENT, gone, ""))  # it was never counted, and nothing is taken off
    for each in (name, gone, name):
        sale.count(each)
    assert (sale.told, sale.tickets) == ([], {"standard": 2})


def test_where_limits_are_gone_again_nothing_is_counted(make):
    sale = Sale(make)
    name = sale.hold(2)
    sale.limit(1)
    sale.limit(0)
    assert sale.stock.inventory.count_due is None
    sale.count(name)
    assert (sale.told, sale.tickets) == ([], None)


def test_a_count_is_due_once_for_each_time_that_limits_come(make):
    sale = Sale(make)
    sale.limit(3)
    assert sale.stock.inventory.count_due is None  # nobody has anything
    sale.limit(0)
    sale.hold(2)
    sale.limit(3)
    sale.now += timedelta(minutes=1)
    sale.limit(2)  # another limit: those that are not counted are still the same
    assert sale.stock.inventory.count_due == make.NOW
    sale.run(NoteCounted(make.EVENT, make.NOW - timedelta(minutes=1)))
    assert sale.stock.inventory.count_due == make.NOW
    sale.run(NoteCounted(make.EVENT, make.NOW))
    assert sale.stock.inventory.count_due is None


def test_what_a_member_booked_for_somebody_counts_for_nobody(make):
    sale = Sale(make)
    name = sale.hold(3)
    made = Past(make.NOW, "users/member", "BookingHeld", BookingState.HELD)
    key = (Booking, name)
    sale.records[key] = replace(sale.records[key], history=(made,))
    sale.limit(2)
    sale.count(name)
    assert (sale.told, sale.tickets) == ([], None)
    sale.records[key] = replace(sale.records[key], history=(replace(made, actor=ADA),))
    sale.count(name)
    assert sale.tickets == {"standard": 3}


def test_an_earlier_booking_grows_only_to_the_limit_whether_or_not_it_was_counted(make):
    sale = Sale(make)
    name = sale.confirmed(1)
    sale.limit(2)
    assert refused(sale.change, name, 0, 9) == "TOO_MANY_FOR_PERSON"
    assert sale.change(name, 0, 1).counted
    assert sale.tickets == {"standard": 2}
    assert refused(sale.hold, 1) == "TOO_MANY_FOR_PERSON"


def test_who_has_more_than_the_limit_gives_tickets_back_and_exchanges_them(make):
    sale = Sale(make)
    name = sale.confirmed(10)
    sale.limit(2)
    assert sale.change(name, 1, 0).counted
    assert sale.tickets == {"standard": 9}
    sale.change(name, 2, 2, "vip")
    sale.pay(name, 12000)
    assert sale.tickets == {"standard": 7, "vip": 2}
    assert refused(sale.change, name, 1, 2, "vip") == "TOO_MANY_FOR_PERSON"


def test_added_tickets_that_wait_when_a_limit_comes_are_counted_and_issued(make):
    sale = Sale(make)
    name = sale.confirmed(2)
    sale.change(name, 0, 1, "vip")
    sale.limit(2)
    sale.count(name)
    assert sale.tickets == {"standard": 2, "vip": 1}
    assert len(sale.pay(name, 6000).tickets) == 3
    assert sale.tickets == {"standard": 2, "vip": 1}


def test_money_that_comes_late_is_bound_by_a_limit_that_was_set_meanwhile(make):
    sale = Sale(make)
    names = [sale.hold(count, "vip") for count in (1, 3)]
    sale.now += timedelta(minutes=10)
    for name in names:
        sale.run(Expire(make.EVENT, name))
    sale.limit(2)
    assert sale.pay(names[0], 6000).counted
    assert sale.tickets == {"vip": 1}
    sale.pay(names[1], 18000)
    assert [each.reason for each in sale.told] == ["TOO_MANY_FOR_PERSON"]
