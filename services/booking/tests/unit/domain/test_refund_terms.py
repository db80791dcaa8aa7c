"""By which terms a buyer gets money back: those of the booking's day or of now, whatever was exchanged since."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Cancel, Change, ClaimPayment, ProjectOffer, TransferTicket
from booking_service.domain.offer import EventDate
from booking_service.domain.pricing.inputs import Discount, RefundStep, ServiceFee
from booking_service.domain.pricing.refunds import most_generous, refund_share
from booking_service.domain.questions import Attendee
from booking_service.domain.refunding import MOST_FORMER
from booking_service.domain.selling import Wanted
from booking_service.domain.states import TicketState
from booking_service.domain.terms import BookingTerms
from booking_service.outbound.documents import offer_from_document, offer_to_document
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, Refusal

EUR = "EUR"
DATES = {"near": 1, "week": 8, "far": 40}  # days until they begin
PRICES = {"standard": 2500, "vip": 6033, "cheap": 999}


def steps(*of):
    """(days before the start, basis points)."""
    return tuple(RefundStep(timedelta(days=days), share) for days, share in of)


class Buyer:
    """A booking of a series with three dates, and what came back for it."""

    def __init__(self, make, terms, **changes) -> None:
        self.make, self.issuer, self.now, self.booking = make, make.Issuer(), make.NOW, None
        self.back = self.payments = 0
        dates = tuple(
            EventDate(self.date(name), name, make.NOW + timedelta(days=days), make.NOW + timedelta(days=days, hours=2))
            for name, days in DATES.items()
        )
        kinds = [make.type(name, price=Money(price, EUR)) for name, price in PRICES.items()]
        offer = make.offer(
            *kinds, dates=dates, terms=replace(terms, change_allowed=True, transfer_allowed=True),
            end_time=make.NOW + timedelta(days=41), **changes,
        )  # fmt: skip
        self.stock = make.stock(offer)

    def date(self, name):
        return f"{self.make.EVENT}/dates/{name}"

    def wanted(self, *of):
        return tuple(Wanted(f"{self.make.EVENT}/ticketTypes/{kind}", count, self.date(on)) for kind, count, on in of)

    def run(self, command):
        outcome = self.make.decide(command, self.stock, self.booking, now=self.now)
        self.stock = outcome.stock
        for step in outcome.steps:
            self.booking = replace(step.record, version=1)
            due = getattr(step.happened, "refund_due", None)
            self.back += 0 if due is None else due.minor_units

    def pay(self):
        self.payments += 1
        due, name = self.booking.due, self.booking.name
        self.run(ClaimPayment(self.make.EVENT, name, f"payments/{self.payments}", due, self.issuer))

    def books(self, *of):
        self.run(replace(self.make.hold(), wanted=self.wanted(*of)))
        self.pay()
        return self

    def changes(self, remove=(), add=(), by_terms=True, pays=True, numbers=()):
        """Pays what it comes to, and tells how much that was. numbers: of tickets that leave."""
        name, valid = self.booking.name, [each.name for each in self.booking.tickets if each.state is TicketState.VALID]
        leave = tuple({valid[number % len(valid)] for number in numbers})
        change = Change(
            self.make.EVENT, name, leave, (), self.wanted(*add), by_terms, self.issuer, timedelta(minutes=10)
        )  # fmt: skip
        reduce = tuple(Reduction(each.ticket_type, each.date, each.quantity) for each in self.wanted(*remove))
        self.run(replace(change, reduce=reduce))
        due = self.booking.due.minor_units
        if due and pays:
            self.pay()
        return due

    def cancel(self, basis_points=None):
        return Cancel(self.make.EVENT, self.booking.name, "", basis_points=basis_points)

    def could_have(self):
        """What a cancellation now would bring."""
        outcome = self.make.decide(self.cancel(), self.stock, self.booking, now=self.now)
        return outcome.steps[0].happened.refund_due.minor_units

    def hears(self, terms=None, **changes):
        """Of another offer from the event service, which knows no former terms."""
        known = self.stock.offer
        terms = replace(terms or known.terms, change_allowed=True, transfer_allowed=True)
        told = replace(known, version=known.version + 1, former_refunds=(), terms=terms, **changes)
        self.run(ProjectOffer(told))


def test_terms_that_get_worse_hold_for_bookings_made_afterwards(make):
    """INVARIANT: what a buyer was promised stays promised."""
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 10_000)))).books(("standard", 1, "far"))
    buyer.now += timedelta(hours=1)
    buyer.hears(BookingTerms(refund_steps=steps((0, 0))))
    assert buyer.could_have() == 2500
    buyer.now += timedelta(hours=1)
    assert buyer.books(("standard", 1, "far")).could_have() == 0


def test_terms_that_get_better_hold_for_everybody(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 0)))).books(("standard", 1, "far"))
    buyer.now += timedelta(hours=1)
    buyer.hears(BookingTerms(refund_steps=steps((0, 5_000))))
    assert buyer.could_have() == 1250


def test_terms_that_came_and_went_between_are_nobodys(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 4_000)))).books(("standard", 1, "far"))
    for share in (9_000, 1_000):
        buyer.now += timedelta(hours=1)
        buyer.hears(BookingTerms(refund_steps=steps((0, share))))
    assert buyer.could_have() == 1000


def test_of_each_ticket_the_better_terms_count_also_for_its_fee(make):
    fee = ServiceFee(Money(500, EUR))
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 5_000)), service_fee=fee)).books(("standard", 1, "far"))
    buyer.now += timedelta(hours=1)
    keeps = BookingTerms(refund_steps=steps((0, 10_000)), refund_keeps_fees=True, service_fee=fee)
    buyer.hears(keeps)
    assert buyer.could_have() == max(1500, 2500)
    assert buyer.stock.offer.former_refunds[0].keeps_fees is False


def test_a_surplus_goes_back_by_the_better_terms_too(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 10_000)))).books(("vip", 1, "far"))
    buyer.now += timedelta(hours=1)
    buyer.hears(BookingTerms(refund_steps=steps((0, 0))))
    buyer.changes([("vip", 1, "far")], [("standard", 1, "far")])
    assert buyer.back == 6033 - 2500


def test_only_what_refunds_rest_on_is_kept_and_only_of_what_could_be_booked(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 10_000))), published=False)
    buyer.hears(BookingTerms(refund_steps=steps((0, 9_000))), published=True)
    assert buyer.stock.offer.former_refunds == (), "nobody could book it"
    buyer.hears(BookingTerms(refund_steps=steps((0, 9_000)), most_per_booking=7))
    assert buyer.stock.offer.former_refunds == (), "other terms changed"
    assert "former_refunds" not in offer_to_document(buyer.stock.offer)
    buyer.hears(BookingTerms(refund_steps=steps((0, 8_000))))
    (former,) = buyer.stock.offer.former_refunds
    assert (former.steps, former.until) == (steps((0, 9_000)), buyer.now)
    document = offer_to_document(buyer.stock.offer)
    assert offer_from_document(document) == buyer.stock.offer
    del document["former_refunds"]  # as earlier releases stored it
    assert offer_from_document(document).former_refunds == ()


def test_what_comes_late_or_twice_records_nothing(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 10_000))))
    buyer.hears(BookingTerms(refund_steps=steps((0, 0))), title="Three")
    after = buyer.stock.offer
    for version in (after.version, after.version - 1):
        buyer.run(ProjectOffer(replace(after, version=version, former_refunds=(), terms=BookingTerms())))
    assert buyer.stock.offer == after
    buyer.now -= timedelta(minutes=1)  # a process whose clock is behind
    buyer.hears(BookingTerms(refund_steps=steps((0, 1))))
    moments = [each.until for each in buyer.stock.offer.former_refunds]
    assert moments == sorted(moments)


def test_of_very_many_terms_the_oldest_are_kept_to_the_buyers_advantage(make):
    shares = [7_000, 3_000, *range(5_000, 5_000 + MOST_FORMER)]
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, shares[0])))).books(("standard", 1, "far"))
    for share in shares[1:]:
        buyer.now += timedelta(minutes=1)
        buyer.hears(BookingTerms(refund_steps=steps((0, share))))
    assert len(buyer.stock.offer.former_refunds) == MOST_FORMER
    assert buyer.could_have() == 1750


STEPS = st.dictionaries(st.integers(0, 30), st.integers(0, 10_000), max_size=4).map(
    lambda of: steps(*sorted(of.items(), reverse=True))
)


@given(STEPS, STEPS, st.integers(0, 31))
def test_merged_steps_give_at_no_moment_less_than_either(one, other, days):
    both, now = most_generous(one, other), datetime(2027, 1, 1, tzinfo=UTC)
    given_back = [refund_share(each, now + timedelta(days=days), now) for each in (both, one, other)]
    assert given_back[0] >= max(given_back[1:])
    assert [each.basis_points for each in both] == sorted({each.basis_points for each in both}, reverse=True)


WEEK = BookingTerms(refund_steps=steps((7, 10_000)))


def test_a_ticket_exchanged_when_nothing_would_go_back_brings_nothing_on_its_new_date(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"))
    assert buyer.could_have() == 0
    buyer.changes([("standard", 1, "near")], [("standard", 1, "far")])
    assert buyer.could_have() == 0
    buyer.changes([("standard", 1, "far")], [("cheap", 1, "far")])
    assert (buyer.back, buyer.could_have()) == (0, 0), "nor by way of something cheaper"


def test_what_is_paid_in_addition_goes_back_by_the_terms(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"))
    assert buyer.changes([("standard", 1, "near")], [("vip", 1, "far")]) == 3533
    assert buyer.could_have() == 3533


def test_what_could_be_given_up_for_money_stays_so_and_each_ticket_for_itself(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"), ("standard", 1, "far"))
    buyer.changes([("standard", 1, "near")], [("vip", 1, "far")])
    assert buyer.could_have() == 2500 + 3533
    buyer.changes([("standard", 1, "far")])
    assert (buyer.back, buyer.could_have()) == (2500, 3533)


def test_an_exchange_for_less_brings_what_giving_up_would_have(make):
    buyer = Buyer(make, BookingTerms(refund_steps=steps((0, 5_000)))).books(("vip", 2, "week"))
    before = buyer.could_have()
    buyer.changes([("vip", 1, "week")], [("cheap", 2, "far")])
    assert buyer.back + buyer.could_have() <= before
    assert buyer.back == 2018  # half of what is left over: 4035


def test_what_an_organizer_owes_or_gives_is_not_bound(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"))
    buyer.changes([("standard", 1, "near")], [("standard", 1, "far")])
    for basis_points, due in ((10_000, 2500), (5_000, 1250)):
        outcome = buyer.make.decide(buyer.cancel(basis_points), buyer.stock, buyer.booking, now=buyer.now)
        assert outcome.steps[0].happened.refund_due.minor_units == due
    offer = buyer.stock.offer
    off = tuple(replace(each, cancelled=each.name == buyer.date("far")) for each in offer.dates)
    buyer.stock = replace(buyer.stock, offer=replace(offer, dates=off))
    assert buyer.could_have() == 2500
    buyer.changes([("standard", 1, "far")], [("standard", 1, "week")])
    assert buyer.could_have() == 2500, "exchanged when all of it would have gone back"


def test_an_organizers_exchange_leaves_it_as_it_was(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"))
    buyer.changes([("standard", 1, "near")], [("standard", 1, "week")], by_terms=False)
    assert buyer.could_have() == 2500, "a buyer who is moved loses nothing"
    buyer.now += timedelta(days=2)  # six days before it begins
    buyer.changes([("standard", 1, "week")], [("standard", 1, "far")])
    assert buyer.could_have() == 0
    buyer.changes([("standard", 1, "far")], [("vip", 1, "far")], by_terms=False)
    assert buyer.could_have() == 3533, "nor gains"


def test_a_ticket_that_was_passed_on_stays_bound(make):
    buyer = Buyer(make, WEEK).books(("standard", 1, "near"))
    buyer.changes([("standard", 1, "near")], [("standard", 1, "far")])
    ticket = next(each for each in buyer.booking.tickets if each.state is TicketState.VALID)
    somebody = Attendee("Bob", "bob@example.org")
    bound = buyer.booking.not_refundable
    buyer.run(TransferTicket(make.EVENT, buyer.booking.name, ticket.name, somebody, True, buyer.issuer))
    assert buyer.booking.not_refundable == bound != ()
    assert [each.unit for each in bound] == [buyer.booking.tickets[-1].unit]


SECOND = Discount("discounts/second", "Every second free", frozenset(), 2, frozenset(), 1, 10_000)
THIRD = Discount("discounts/third", "Every third for less", frozenset(), 3, frozenset(), 1, 3_333)


@pytest.mark.parametrize("pays_more", [False, True], ids=["given back", "exchanged"])
def test_a_group_that_is_broken_carries_nothing_around_the_terms(make, pays_more):
    """The free ticket of a far date is worth its price once the near one, which brings nothing, is given back."""
    buyer = Buyer(make, WEEK, discounts=(SECOND,)).books(("standard", 1, "far"), ("standard", 1, "near"))
    assert (buyer.booking.total, buyer.could_have()) == (Money(2500, EUR), 0)
    due = buyer.changes([("standard", 1, "near")], [("vip", 1, "far")] if pays_more else [])
    assert buyer.back == 0
    assert buyer.could_have() == due


ORDER = st.lists(
    st.tuples(st.sampled_from(sorted(PRICES)), st.integers(1, 3), st.sampled_from(sorted(DATES))),
    max_size=3, unique_by=lambda line: (line[0], line[2]),
)  # fmt: skip
MOVES = st.lists(
    st.tuples(st.lists(st.integers(0, 8), max_size=3), ORDER, st.integers(0, 100), st.booleans()), max_size=6
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # it only builds
@given(ORDER.filter(len), STEPS, st.booleans(), MOVES, st.sampled_from([(), (SECOND,), (SECOND, THIRD)]))
def test_no_exchanges_bring_more_than_giving_up_would_have(make, first, of, keeps_fees, moves, discounts):
    """INVARIANT: what came back and what a cancellation would bring is never more than the cancellation at the moment
    of booking would have brought, and what was paid since.
    """
    falling = most_generous(of, of)  # who waits never gets more
    fee = ServiceFee(Money(33, EUR), 300)
    terms = BookingTerms(refund_steps=falling, refund_keeps_fees=keeps_fees, service_fee=fee)
    buyer = Buyer(make, terms, discounts=discounts).books(*first)
    most = buyer.could_have()
    for numbers, add, hours, pays in moves:
        buyer.now += timedelta(hours=hours)
        try:
            due = buyer.changes((), add, pays=pays, numbers=numbers)
        except Refusal:
            continue
        if due and not pays:
            buyer.now += timedelta(minutes=11)
        else:
            most += due
        assert buyer.back + buyer.could_have() <= most
        for each in buyer.booking.not_refundable:
            price = list(buyer.booking.lines[each.unit.line].priced().units())[each.unit.unit].total.minor_units
            assert 0 < each.amount <= price
    with pytest.raises(FailedPrecondition):
        buyer.changes()
