"""A booking in a currency that the event offers: held at the rate of that moment, for good."""

from dataclasses import replace
from datetime import timedelta

import pytest
from resale_sale import refused

from booking_service.domain.booking import Booking
from booking_service.domain.changing import Reduction
from booking_service.domain.commands import (
    BookGroup,
    Cancel,
    Change,
    ClaimPayment,
    JoinWaitingList,
    OfferPlaces,
    ProjectOffer,
)
from booking_service.domain.contacts import NOBODY
from booking_service.domain.pricing.breakdown import tax_difference
from booking_service.domain.pricing.inputs import RefundStep
from booking_service.domain.pricing.tender import breakdown_in
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import BookingTerms, WaitingListTerms
from booking_service.domain.voucher import VoucherKind
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import servable
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument

HELD = timedelta(minutes=10)


@pytest.fixture
def rate(make):
    return ExchangeRate("EUR", "JPY", "163.25", make.NOW, "by hand")


@pytest.fixture
def offer(make, rate):
    terms = BookingTerms(change_allowed=True, refund_steps=(RefundStep(timedelta(0), 5000),))
    return make.offer(terms=terms, currency="EUR", rates=(rate,), max_rate_age=timedelta(hours=1))


def hold(make, count=1, currency="JPY", **more):
    return replace(make.hold(standard=count), currency=currency, **more)


def held(make, offer, count=1, currency="JPY"):
    outcome = make.decide(hold(make, count, currency), make.stock(offer))
    return outcome.stock, outcome.answer


def test_a_booking_is_held_at_the_rate_of_that_moment_and_tells_both_prices(make, offer, rate):
    _, booking = held(make, offer, 3)
    assert booking.exchange_rate == rate
    assert booking.total == Money(3 * 4081, "JPY")  # 25.00 × 163.25 = 4,081.25
    assert booking.due == booking.total
    (line,) = booking.lines
    assert (line.unit_price, line.base_total) == (Money(4081, "JPY"), Money(7500, "EUR"))


@pytest.mark.parametrize("currency", ["", "EUR"])
def test_a_booking_in_the_currency_of_the_event_is_as_it_always_was(make, offer, currency):
    _, booking = held(make, offer, 2, currency)
    _, plain = held(make, make.offer(terms=offer.terms), 2, "")
    assert replace(booking, name="") == replace(plain, name="")
    assert (booking.exchange_rate, booking.lines[0].runs, booking.lines[0].base_total) == (None, (), None)


def test_what_is_asked_of_the_store_does_not_depend_on_the_currency(make, offer):
    """INVARIANT: no record more is read or written for another currency."""
    stock = make.stock(offer)
    assert hold(make).needs(stock, {}) == hold(make, currency="").needs(stock, {})
    yen, euros = (make.decide(hold(make, currency=each), stock) for each in ("JPY", ""))
    assert (len(yen.steps), yen.tallies, yen.stock) == (len(euros.steps), euros.tallies, euros.stock)


@pytest.mark.parametrize(
    ("currency", "kind", "reason", "metadata"),
    [
        ("XXQ", InvalidArgument, "CURRENCY_UNKNOWN", {}),
        ("USD", FailedPrecondition, "CURRENCY_NOT_OFFERED", {"currency_code": "USD", "offered": "EUR,JPY"}),
    ],
)
def test_a_currency_that_is_none_or_is_not_offered_is_refused(make, offer, currency, kind, reason, metadata):
    with pytest.raises(kind) as told:
        held(make, offer, 1, currency)
    assert (told.value.reason, told.value.metadata) == (reason, metadata)
    with pytest.raises(FailedPrecondition) as told:
        held(make, make.offer(), 1, "JPY")
    assert told.value.metadata["offered"] == "EUR"


def test_a_rate_that_is_too_old_is_refused_but_not_one_of_just_that_age(make, offer):
    stock, later = make.stock(offer), make.NOW + timedelta(hours=1)
    assert make.decide(hold(make), stock, now=later).answer.exchange_rate
    with refused("RATE_STALE") as told:
        make.decide(hold(make), stock, now=later + timedelta(seconds=1))
    assert told.value.metadata == {"currency_code": "JPY", "rate_time": "2027-05-01T12:00:00Z"}
    assert make.decide(hold(make, currency=""), stock, now=later + timedelta(days=1)).answer.total.currency == "EUR"
    for_ever = make.stock(replace(offer, max_rate_age=None))
    assert make.decide(hold(make), for_ever, now=later + timedelta(days=5)).answer.exchange_rate


def test_a_price_too_small_for_the_currency_is_refused(make, offer, rate):
    tiny = replace(offer, rates=(replace(rate, rate="0.0001"),))
    with refused("PRICE_NOT_CONVERTIBLE"):
        held(make, tiny)


def test_later_changes_are_priced_at_the_rate_it_was_held_with(make, offer, rate):
    stock, booking = held(make, offer, 2)
    dearer = replace(offer, version=2, rates=(replace(rate, rate="999", rate_time=make.NOW),))
    stock = make.decide(ProjectOffer(dearer), stock).stock
    add = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1),)
    change = Change(make.EVENT, booking.name, (), (), add, True, make.Issuer(), HELD)
    after = make.decide(change, stock, booking, now=make.NOW + timedelta(minutes=5)).answer
    assert (after.total, after.exchange_rate) == (Money(3 * 4081, "JPY"), rate)
    assert after.price_change.difference == 4081
    fewer = (Reduction(f"{make.EVENT}/ticketTypes/standard", "", 2),)
    less = make.decide(Change(make.EVENT, booking.name, (), fewer, (), True, make.Issuer(), HELD), stock, after).answer
    assert (less.total, less.lines[0].base_total) == (Money(4081, "JPY"), Money(2500, "EUR"))


def test_a_change_tells_by_how_much_taxes_of_each_rate_changed_in_both_currencies(make, offer):
    """INVARIANT: what a change tells is what lies between the booking's taxes before and after it."""
    kinds = make.type(), make.type("book", price=Money(1234, "EUR"), tax_class="reduced")
    stock, booking = held(make, replace(offer, ticket_types=kinds, place=replace(offer.place, country="DE")), 3)
    paid = ClaimPayment(make.EVENT, booking.name, "payments/p", booking.total, make.Issuer())
    outcome = make.decide(paid, stock, booking)
    before = outcome.answer
    swap = Change(
        make.EVENT, booking.name, (before.tickets[0].name,), (), (Wanted(kinds[1].name, 1),), True, make.Issuer(), HELD
    )
    changed = make.decide(swap, outcome.stock, before)
    fact, after = changed.steps[-1].happened, changed.answer
    assert {(each.name, each.millionths) for each in fact.taxes} == {("VAT", 190_000), ("VAT", 70_000)}
    for told, then, now in [
        (fact.taxes, before.breakdown(), after.breakdown()),
        (fact.base_taxes, breakdown_in(before.breakdown(), None), breakdown_in(after.breakdown(), None)),
    ]:
        assert set(told) == set(tax_difference(now, then))
        assert sum(each.amount.minor_units for each in told) == now.tax.minor_units - then.tax.minor_units < 0


def test_a_change_after_the_event_s_currency_has_changed_is_refused(make, offer):
    stock, booking = held(make, offer)
    dollars = replace(offer, version=2, currency="USD", rates=(), ticket_types=(make.type(price=Money(9, "USD")),))
    stock = make.decide(ProjectOffer(dollars), stock).stock
    add = (Wanted(f"{make.EVENT}/ticketTypes/standard", 1),)
    with refused("CURRENCIES_MIXED"):
        make.decide(Change(make.EVENT, booking.name, (), (), add, True, make.Issuer(), HELD), stock, booking)


def test_a_cancellation_pays_back_in_the_currency_that_was_paid(make, offer):
    stock, booking = held(make, offer, 2)
    paid = replace(booking.confirmed((), "payments/1", make.NOW), version=2)
    outcome = make.decide(Cancel(make.EVENT, paid.name, "ill"), stock, paid)
    assert outcome.steps[-1].happened.refund_due == Money(2 * 2041, "JPY")  # half of 4,081, a half upwards
    assert outcome.answer.retained == 2 * 2040


def test_a_voucher_s_amount_is_in_the_currency_of_the_event(make, offer, rate):
    voucher = make.voucher("TENNER", kind=VoucherKind.FIXED, amount=Money(1000, "EUR"), max_uses=5)
    use = VoucherUse(make.EVENT, voucher.id, max_uses=5)
    outcome = make.decide(hold(make, 1, voucher_codes=("TENNER",)), make.stock(offer), voucher, use)
    (unit,) = outcome.answer.lines[0].priced().units()
    assert (unit.total, unit.discount, unit.base.total) == (Money(2449, "JPY"), Money(1632, "JPY"), Money(1500, "EUR"))


@pytest.mark.parametrize(("complimentary", "total"), [(True, 0), (False, 12 * 4081)])
def test_an_organizer_books_for_a_group_in_a_currency_on_offer(make, offer, rate, complimentary, total):
    wanted = [Wanted(f"{make.EVENT}/ticketTypes/standard", 12)]
    group = BookGroup(
        make.EVENT, f"{make.EVENT}/bookings/g", "users/bo", NOBODY, wanted, make.Issuer(), "press", complimentary, HELD,
        currency="JPY",
    )  # fmt: skip
    booking = make.decide(group, make.stock(offer)).answer
    assert (booking.total, booking.exchange_rate) == (Money(total, "JPY"), rate)


def test_what_is_sold_on_costs_in_each_currency_what_it_costs_in_that_of_the_event(make, sale, rate):
    """Each at their own rate: the seller has back what they paid, the buyer pays today's rate."""
    show = sale(currency="EUR", rates=(rate,))
    seller = show.pay(show.hold("users/ada", 2, currency="JPY"))
    assert seller.total == Money(2 * 2612, "JPY")  # 16.00 euros with the fee
    [_, _] = show.offer(seller)
    today = replace(rate, rate="170.5")
    dinars = ExchangeRate("EUR", "KWD", "0.335", make.NOW)
    show.ask(ProjectOffer(replace(show.stock.offer, version=2, rates=(today, dinars))))
    in_dinars, in_euros = (show.hold(f"users/{buyer}", currency=code) for buyer, code in (("bo", "KWD"), ("eve", "")))
    assert (in_dinars.total, in_euros.total) == (Money(5360, "KWD"), Money(1600, "EUR"))
    show.pay(in_dinars)
    assert show.get(seller).refunded == 2612
    show.pay(in_euros)
    after = show.get(seller)
    assert (after.refunded, after.paid) == (2 * 2612, 0)
    assert show.get(in_euros).exchange_rate is None


def test_what_was_sold_on_in_yen_is_not_bought_in_yen_once_the_event_offers_none(make, sale, rate):
    show = sale(currency="EUR", rates=(rate,))
    show.offer(show.pay(show.hold("users/ada", 2, currency="JPY")))
    for own in ("EUR", ""):
        show.ask(ProjectOffer(replace(show.stock.offer, version=show.stock.offer.version + 1, currency=own, rates=())))
        with refused("CURRENCY_NOT_OFFERED"):
            show.hold("users/bo", currency="JPY")


WAITING = BookingTerms(waiting_list=WaitingListTerms(enabled=True))


def joined(make, offer, currency="JPY"):
    name = f"{make.EVENT}/waitingListEntries/1"
    join = JoinWaitingList(make.EVENT, name, "users/bo", f"{make.EVENT}/ticketTypes/standard", "", 1, currency)
    outcome = make.decide(join, make.stock(offer, hall=50))
    return replace(outcome.stock, inventory=replace(outcome.stock.inventory, taken={"hall": 49})), outcome.answer


def served(make, stock, entry, now):
    wishes = frozenset(servable(stock.offer, stock.inventory))
    serve = OfferPlaces(make.EVENT, (entry.name,), (f"{make.EVENT}/bookings/w",), wishes, 0)
    steps = make.decide(serve, stock, entry, now=now).steps
    [after] = [step.record for step in steps if isinstance(step.record, WaitingEntry)]
    return after, next((step.record for step in steps if isinstance(step.record, Booking)), None)


def test_who_waits_is_offered_places_in_the_currency_they_asked_for(make, offer, rate):
    stock, entry = joined(make, replace(offer, terms=WAITING))
    after, booking = served(make, stock, entry, make.NOW)
    assert (after.state, booking.total, booking.exchange_rate) == (EntryState.OFFERED, Money(4081, "JPY"), rate)


@pytest.mark.parametrize("why", ["stale", "not offered any more"])
def test_who_waits_does_not_lose_their_turn_for_a_rate(make, offer, why):
    stock, entry = joined(make, replace(offer, terms=WAITING))
    if why != "stale":
        stock = replace(stock, offer=replace(stock.offer, rates=()))
    after, booking = served(make, stock, entry, make.NOW + timedelta(hours=2))
    assert (after.state, booking.total, booking.exchange_rate) == (EntryState.OFFERED, Money(2500, "EUR"), None)


def test_nobody_waits_for_a_currency_that_is_not_offered(make, offer):
    for currency, kind in (("USD", FailedPrecondition), ("XXQ", InvalidArgument)):
        with pytest.raises(kind, match="CURRENCY"):
            joined(make, replace(offer, terms=WAITING), currency)
