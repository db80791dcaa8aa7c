"""Nothing is held, approved or paid for what is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    Approve,
    BookGroup,
    Cancel,
    Change,
    ClaimPayment,
    Expire,
    JoinWaitingList,
    OfferPlaces,
)
from booking_service.domain.contacts import NOBODY
from booking_service.domain.offer import EventDate
from booking_service.domain.records import key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.waiting_list import servable
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

HOUR = timedelta(hours=1)


class Desk:
    """One event that begins in an hour and lasts two, and what was decided so far."""

    def __init__(self, make, *types, hours=1, **changes) -> None:
        self.make, self.issuer, self.now, self.records = make, make.Issuer(), make.NOW, {}
        self.start, self.end = make.NOW + hours * HOUR, make.NOW + (hours + 2) * HOUR
        times = {"start_time": self.start, "end_time": self.end} | changes
        self.stock = make.stock(make.offer(*types, **times))

    def run(self, command):
        outcome = self.make.decide(command, self.stock, *self.records.values(), now=self.now)
        self.stock = outcome.stock
        for record in [*(step.record for step in outcome.steps), *outcome.tallies]:
            self.records[key_of(record)] = replace(record, version=1)
        return [step.happened for step in outcome.steps]

    def booking(self, name=""):
        found = [each for each in self.records.values() if isinstance(each, Booking)]
        return next(each for each in found if not name or each.name == name)

    def pays(self, name=""):
        booking = self.booking(name)
        amount = booking.due if booking.state is not BookingState.EXPIRED else booking.total
        return self.run(ClaimPayment(self.make.EVENT, booking.name, "payments/p", amount, self.issuer))

    def approve(self):
        return Approve(self.make.EVENT, self.booking().name, self.issuer)


def test_an_offer_to_who_waits_stands_no_longer_than_the_sale_lasts(make):
    desk = Desk(make, capacities={"hall": 1}, terms=BookingTerms(waiting_list=WaitingListTerms(enabled=True)))
    desk.run(make.hold(standard=1))
    entry, offered = f"{make.EVENT}/waitingListEntries/e", f"{make.EVENT}/bookings/offered"
    desk.run(JoinWaitingList(make.EVENT, entry, "users/eve", f"{make.EVENT}/ticketTypes/standard", "", 1))
    desk.run(Cancel(make.EVENT, desk.booking().name, ""))
    wishes = frozenset(servable(desk.stock.offer, desk.stock.inventory))
    desk.run(OfferPlaces(make.EVENT, (entry,), (offered,), wishes, desk.stock.inventory.reordered))
    assert desk.booking(offered).hold_expire_time == desk.start
    (told,) = [each for each in desk.records.values() if each.name == entry]
    assert told.offer_expire_time == desk.start


@pytest.mark.parametrize(("hours", "days"), [(1, None), (24 * 30, 3), (24 * 30, 7)])
def test_an_approved_booking_may_be_paid_for_days_but_no_longer_than_until_it_begins(make, hours, days):
    terms = BookingTerms(approve_within=timedelta(days=20), hold_for=timedelta(minutes=5))
    terms = terms if days in (None, 3) else replace(terms, pay_within=timedelta(days=days))
    kind = make.type(approval_required=True, sale_end=make.NOW + timedelta(minutes=30))
    desk = Desk(make, kind, hours=hours, terms=terms)
    desk.run(make.hold(standard=1))
    assert desk.booking().hold_expire_time == min(desk.start, make.NOW + timedelta(days=20))
    desk.now += timedelta(minutes=40)  # its sale is over by now, and is no matter to who asked in time
    assert desk.run(desk.approve()) == [facts.BookingApproved()]
    assert desk.booking().hold_expire_time == (desk.start if days is None else desk.now + timedelta(days=days))
    desk.now = desk.booking().hold_expire_time - timedelta(seconds=1)
    assert desk.run(Expire(make.EVENT, desk.booking().name)) == []
    assert desk.pays() == [facts.BookingConfirmed(held_again=False)]


def test_what_is_approved_while_it_lasts_may_be_paid_until_it_ends(make):
    kind = make.type(approval_required=True, sale_end=make.NOW + 2 * HOUR)
    desk = Desk(make, kind)
    desk.now += 1.5 * HOUR
    desk.run(make.hold(standard=1))
    desk.run(desk.approve())
    assert desk.booking().hold_expire_time == desk.end
    desk.now = desk.end
    assert desk.run(Expire(make.EVENT, desk.booking().name)) == [facts.BookingExpired()]


def test_nothing_is_approved_that_is_over(make):
    desk = Desk(make, make.type(approval_required=True), terms=BookingTerms(approve_within=timedelta(days=30)))
    desk.run(make.hold(standard=1))
    for key, record in desk.records.items():  # as an earlier release held it
        desk.records[key] = replace(record, hold_expire_time=make.NOW + timedelta(days=30))
    desk.now = desk.end
    with pytest.raises(FailedPrecondition) as refused:
        desk.run(desk.approve())
    assert refused.value.reason == "EVENT_OVER"


def test_an_invoice_is_held_until_it_begins_at_the_most(make):
    desk = Desk(make, make.type(sale_end=make.NOW))  # whatever its sale
    wanted = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1),)
    name, month = f"{make.EVENT}/bookings/g", timedelta(days=30)
    desk.run(BookGroup(make.EVENT, name, "users/ada", NOBODY, wanted, desk.issuer, "", False, month))
    assert desk.booking().hold_expire_time == desk.start


def test_a_plain_hold_ends_with_what_it_is_for_and_not_with_its_sale(make):
    desk = Desk(make, make.type(sale_end=make.NOW + 5 * HOUR), terms=BookingTerms(hold_for=2 * HOUR))
    desk.run(make.hold(standard=1))
    assert desk.booking().hold_expire_time == make.NOW + 2 * HOUR
    desk.records, desk.now = {}, make.NOW + 2 * HOUR
    desk.run(make.hold(standard=1))
    assert desk.booking().hold_expire_time == desk.end


def test_a_hold_for_one_date_ends_with_that_date(make):
    first, second = (
        EventDate(f"{make.EVENT}/dates/{name}", name, make.NOW + hours * HOUR, make.NOW + (hours + 1) * HOUR)
        for name, hours in (("a", 1), ("b", 9))
    )
    desk = Desk(make, hours=20, dates=(first, second), terms=BookingTerms(hold_for=5 * HOUR))
    for date, until in ((first, first.end_time), (second, make.NOW + 5 * HOUR)):
        desk.records = {}
        wanted = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1, date.name),)
        desk.run(replace(make.hold(), wanted=wanted))
        assert desk.booking().hold_expire_time == until


@pytest.mark.parametrize("ends", ["written", "unwritten", "never"])
def test_money_that_comes_when_all_is_over_goes_back(make, ends):
    desk = Desk(make)
    desk.run(make.hold(standard=1))
    if ends == "never":  # it was brought forward
        desk.stock = replace(desk.stock, offer=replace(desk.stock.offer, end_time=make.NOW))
    else:
        desk.now += HOUR
    if ends == "written":
        desk.run(Expire(make.EVENT, desk.booking().name))
    desk.now = max(desk.now, desk.stock.offer.end_time)
    told = desk.pays()
    assert told[-1] == facts.PaymentUnclaimed("payments/p", "EVENT_OVER")
    assert desk.booking().unclaimed == ("payments/p",)
    assert desk.stock.inventory.taken == ({"hall": 1} if ends == "never" else {})


def test_late_money_before_the_end_still_finds_places(make):
    desk = Desk(make)
    desk.run(make.hold(standard=1))
    desk.now = desk.end - timedelta(seconds=1)
    assert desk.pays()[-1] == facts.BookingConfirmed(held_again=True)


def test_late_money_for_two_dates_counts_while_one_is_to_come(make):
    dates = tuple(
        EventDate(f"{make.EVENT}/dates/{name}", name, make.NOW + hours * HOUR, make.NOW + (hours + 1) * HOUR)
        for name, hours in (("a", 1), ("b", 9))
    )
    desk = Desk(make, hours=20, dates=dates)
    kind = f"{make.EVENT}/ticketTypes/standard"
    desk.run(replace(make.hold(), wanted=tuple(Wanted(kind, 1, date.name) for date in dates)))
    before, desk.now = (desk.stock, dict(desk.records)), make.NOW + 9 * HOUR
    assert desk.pays()[-1] == facts.BookingConfirmed(held_again=True)
    (desk.stock, desk.records), desk.now = before, make.NOW + 10 * HOUR
    assert desk.pays()[-1] == facts.PaymentUnclaimed("payments/p", "EVENT_OVER")


def test_a_change_is_neither_held_nor_paid_beyond_the_end(make):
    terms = BookingTerms(change_allowed=True, hold_for=12 * HOUR)
    desk = Desk(make, make.type(), make.type("vip", price=Money(6000, "EUR")), terms=terms)
    desk.run(make.hold(standard=1))
    desk.run(ClaimPayment(make.EVENT, desk.booking().name, "payments/first", desk.booking().total, desk.issuer))
    kinds = [f"{make.EVENT}/ticketTypes/{name}" for name in ("standard", "vip")]
    desk.run(
        Change(
            make.EVENT, desk.booking().name, (), (Reduction(kinds[0], "", 1),), (Wanted(kinds[1], 1),), True,
            desk.issuer, timedelta(minutes=10),
        )
    )  # fmt: skip
    assert desk.booking().hold_expire_time == desk.end
    desk.now = desk.end
    told = desk.pays()
    assert told[-1] == facts.PaymentUnclaimed("payments/p", "EVENT_OVER")
    assert (desk.booking().pending, desk.booking().paid) == (None, 2500)


@pytest.mark.parametrize("by_terms", [True, False], ids=["buyer", "organizer"])
def test_nothing_is_added_for_a_date_that_is_over(make, by_terms):
    """Its change would be over the moment it is made, and again each time."""
    past, coming = (f"{make.EVENT}/dates/{name}" for name in ("past", "coming"))
    dates = tuple(
        EventDate(name, "", make.NOW + hours * HOUR, make.NOW + (hours + 1) * HOUR)
        for name, hours in ((past, 1), (coming, 50))
    )  # fmt: skip
    desk = Desk(make, hours=60, dates=dates, terms=BookingTerms(change_allowed=True))
    wanted = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1, coming),)
    desk.run(replace(make.hold(), wanted=wanted))
    desk.pays()
    desk.now += 3 * HOUR
    added = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1, past),)
    change = Change(make.EVENT, desk.booking().name, (), (), added, by_terms, desk.issuer, HOUR)
    with pytest.raises(FailedPrecondition, match="EVENT_OVER"):
        desk.run(change)
