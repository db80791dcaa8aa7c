"""Changes of bookings with automatic discounts: nobody gets a cheap ticket by giving the dear ones back."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from change_shop import SOON, TERMS, Shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_service.domain import domain_events as facts
from booking_service.domain.commands import Cancel, Confirm
from booking_service.domain.commands.details import AttendeeAt, ChangeDetails
from booking_service.domain.commands.vouchers import CreateVouchers
from booking_service.domain.offer import EventDate
from booking_service.domain.pricing.inputs import Discount, Item, ServiceFee, VoucherKind
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.questions import Attendee
from booking_service.domain.selling import Wanted
from booking_service.domain.tariffs import tariff_of
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import Refusal

THIRD = Discount("discounts/third", "Every third free", frozenset(), 3, frozenset(), 1, 10_000)
ALL_BACK = replace(TERMS, refund_steps=())


@pytest.fixture
def shop(make):
    return Shop(make, terms=ALL_BACK, discounts=(THIRD,))


@pytest.fixture
def beside(make):
    """Who buys a standard ticket has a vip ticket for nothing."""
    standard, vip = (frozenset({f"{make.EVENT}/ticketTypes/{kind}"}) for kind in ("standard", "vip"))
    return Discount("discounts/beside", "Beside", standard, 1, vip, 1, 10_000)


def money(amount):
    return Money(amount, "EUR")


def test_two_of_three_cannot_leave_a_held_booking_so_that_the_free_one_is_left(shop):
    shop.run(shop.make.hold(standard=3))
    assert shop.booking.total == money(5000)
    shop.change(reduce=[("standard", 2)])
    assert shop.booking.total == money(2500)
    assert shop.refused(lambda: shop.run(Confirm(shop.make.EVENT, shop.booking.name, shop.issuer))) == (
        "PAYMENT_REQUIRED"
    )  # fmt: skip


def test_what_made_another_ticket_free_cannot_leave_a_held_booking_alone(make, beside):
    shop = Shop(make, discounts=(beside,))
    shop.run(make.hold(standard=1, vip=1))
    assert shop.booking.total == money(2500)
    shop.change(reduce=[("standard", 1)])
    assert shop.booking.total == money(6000)


def test_a_group_is_completed_while_nothing_is_paid(shop):
    shop.run(shop.make.hold(standard=2))
    shop.change(standard=1)
    assert shop.booking.total == money(5000)
    shop.change(standard=1)
    assert shop.booking.total == money(7500)
    shop.change(reduce=[("standard", 1)])
    assert shop.booking.total == money(5000)


def test_paid_tickets_of_a_broken_group_are_worth_what_the_rest_costs_less(shop):
    shop.book(standard=3)
    (fact,) = shop.change(reduce=[("standard", 2)])
    assert fact.refund_due == money(2500)
    assert [each.total for each in fact.removed_lines] == [money(2500)]
    assert (shop.booking.total, shop.booking.paid, shop.booking.refunded, len(shop.usable())) == (
        money(2500), 2500, 2500, 1,
    )  # fmt: skip


def test_of_what_they_are_worth_the_terms_say_how_much_goes_back(make):
    shop = Shop(make, discounts=(THIRD,)).book(standard=4)
    shop.now += SOON
    (fact,) = shop.change(reduce=[("standard", 2)])
    assert fact.refund_due == money(1250)
    assert (shop.booking.total, shop.booking.paid, shop.booking.retained) == (money(5000), 6250, 1250)


def test_fees_are_kept_of_what_they_are_worth(make):
    terms = replace(ALL_BACK, refund_keeps_fees=True, service_fee=ServiceFee(money(100)))
    shop = Shop(make, discounts=(THIRD,), terms=terms).book(standard=3)
    assert shop.booking.total == money(5200)
    (fact,) = shop.change(reduce=[("standard", 2)])
    assert (fact.refund_due, shop.booking.total, shop.booking.retained) == (money(2500), money(2600), 100)


def test_where_the_rest_would_be_dearer_than_all_was_nothing_goes_back(make, beside):
    shop = Shop(make, discounts=(beside,), terms=ALL_BACK).book(standard=1, vip=1)
    (fact,) = shop.change(reduce=[("standard", 1)])
    assert fact.refund_due is None
    assert (shop.booking.total, shop.booking.paid, shop.booking.retained) == (money(0), 2500, 2500)
    assert not shop.booking.due
    (fact,) = shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert fact.refund_due == money(0)


def test_what_comes_is_paid_in_full_where_what_leaves_is_worth_nothing(make, beside):
    shop = Shop(make, discounts=(beside,), terms=ALL_BACK).book(standard=1, vip=1)
    other = make.type("other")
    shop.offer(ticket_types=(*shop.stock.offer.ticket_types, other))
    shop.change(reduce=[("standard", 1)], other=1)
    assert shop.booking.due == money(2500)
    shop.pay()
    assert (shop.booking.total, shop.booking.paid, shop.booking.retained) == (money(2500), 5000, 2500)


def test_an_exchange_breaks_a_group_too_and_its_price_is_fixed_until_it_is_paid(shop):
    shop.book(standard=3)
    (held,) = shop.change(reduce=[("standard", 2)], vip=1)
    assert (held, shop.booking.due, shop.booking.total) == (facts.BookingChangeHeld(), money(3500), money(5000))
    shop.offer(discounts=())
    (fact,) = shop.pay()
    assert [each.total for each in (*fact.removed_lines, *fact.added_lines)] == [money(2500), money(6000)]
    assert (shop.booking.total, shop.booking.paid, shop.booking.retained) == (money(8500), 8500, 0)


def test_who_comes_is_changed_while_an_exchange_waits_to_be_paid(shop):
    shop.book(standard=3)
    shop.change(reduce=[("standard", 2)], vip=1)
    bob = Attendee("Bob", "bob@example.org")
    shop.run(ChangeDetails(shop.make.EVENT, shop.booking.name, None, (AttendeeAt(bob, shop.booking.tickets[0].name),)))
    shop.pay()
    assert shop.booking.tickets[0].attendee == bob
    assert shop.booking.lines[0].attendees == (bob,)


def test_tickets_that_are_added_in_steps_are_no_group_once_something_is_paid(shop):
    shop.book(standard=2)
    for number in range(2):
        shop.change(standard=1)
        assert shop.booking.due == money(2500)
        shop.pay(f"payments/{number}")
    assert shop.booking.total == money(10_000)
    (fact,) = shop.change(reduce=[("standard", 1)])
    assert fact.refund_due == money(2500)


def test_what_is_given_back_is_worth_no_more_than_it_cost(make):
    """A discount that is over does not reach tickets that were added at their full price."""
    early = replace(THIRD, condition_quantity=1, basis_points=5_000)
    shop = Shop(make, terms=ALL_BACK, discounts=(early,)).book(standard=1)
    assert shop.booking.total == money(1250)
    shop.offer(discounts=())
    shop.change(standard=4, vip=1)
    shop.pay()
    (fact,) = shop.change(reduce=[("vip", 1)])
    assert (fact.refund_due, shop.booking.total) == (money(6000), money(11_250))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_group_that_was_added_is_kept_as_well_whatever_became_of_its_discount(make, at_once):
    tenth = replace(THIRD, name="discounts/tenth", condition_quantity=1, basis_points=1_000)
    shop = Shop(make, terms=ALL_BACK, discounts=(tenth,)).book(standard=2, vip=1)
    shop.offer(discounts=(THIRD,))
    shop.change(standard=3, reduce=[("vip", 1)] if at_once else ())
    shop.offer(discounts=())
    if not at_once:
        shop.pay()
    assert len(shop.usable()) == 5 + (not at_once)
    (fact,) = shop.change(remove=[shop.usable()[0].name])
    assert fact.refund_due == money(2250)


@pytest.mark.parametrize("became", ["removed", "over", "smaller"])
def test_a_discount_counts_as_it_was_when_the_booking_was_made(make, became):
    """INVARIANT: who keeps a complete group loses nothing when the organizer ends or changes the discount."""
    shop = Shop(make, terms=ALL_BACK, discounts=(replace(THIRD, end=make.NOW + timedelta(minutes=1)),))
    shop.run(make.hold(standard=5))
    shop.now += timedelta(minutes=2)
    if became != "over":
        shop.offer(discounts=(replace(THIRD, condition_quantity=5),) if became == "smaller" else ())
    shop.change(reduce=[("standard", 1)])
    assert shop.booking.total == money(7500)
    shop.pay("payments/first")
    (fact,) = shop.change(reduce=[("standard", 1)])
    assert (fact.refund_due, shop.booking.total) == (money(2500), money(5000))
    (fact,) = shop.change(reduce=[("standard", 1)])
    assert (fact.refund_due, shop.booking.total) == (None, money(5000))


def test_a_booking_that_does_not_remember_its_discounts_goes_by_what_is_offered(shop):
    shop.book(standard=5)
    shop.booking = replace(shop.booking, discounts=())
    shop.change(reduce=[("standard", 1)])
    assert shop.booking.total == money(7500)


def test_a_booking_without_a_discounted_ticket_remembers_none(shop):
    shop.run(shop.make.hold(standard=2))
    assert shop.booking.discounts == ()
    shop.change(standard=1)
    assert [each.name for each in shop.booking.discounts] == [THIRD.name]


def test_a_date_that_is_called_off_breaks_no_group(make):
    """INVARIANT: for what does not take place everything goes back that was paid for it."""
    shop = Shop(make, discounts=(THIRD,))
    on, off = (
        EventDate(f"{make.EVENT}/dates/{name}", name, make.NOW + SOON, make.NOW + SOON + timedelta(hours=1))
        for name in ("on", "off")
    )
    shop.offer(dates=(on, off))
    wanted = [Wanted(f"{make.EVENT}/ticketTypes/standard", count, date.name) for count, date in ((1, off), (2, on))]
    shop.run(replace(make.hold(), wanted=wanted))
    shop.pay("payments/first")
    assert [line.total for line in shop.booking.lines] == [money(0), money(5000)]
    shop.offer(dates=(replace(on, cancelled=True), off))
    (fact,) = shop.change([each.name for each in shop.booking.tickets if each.date == on.name])
    assert (fact.refund_due, shop.booking.total) == (money(5000), money(0))


def test_a_voucher_goes_on_counting_for_the_tickets_it_was_redeemed_for(make):
    shop = Shop(make, discounts=(THIRD,))
    voucher = make.voucher("TENTH", kind=VoucherKind.PERCENT, basis_points=1000)
    created = make.decide(CreateVouchers(make.EVENT, (voucher,)), shop.stock, now=shop.now)
    shop.tallies |= {each.name: each for each in (*created.tallies, *(step.record for step in created.steps))}
    shop.run(replace(make.hold(standard=3), voucher_codes=("TENTH",)))
    assert shop.booking.total == money(4500)
    shop.pay("payments/first")
    shop.change([each.name for each in shop.booking.tickets[:2]])
    assert (shop.booking.total, shop.usable()[0].name) == (money(2250), shop.booking.tickets[2].name)


def test_in_another_currency_the_rest_is_exact_in_both(make):
    shop = Shop(make, terms=ALL_BACK, discounts=(THIRD,))
    rate = ExchangeRate("EUR", "JPY", "163.25", make.NOW)
    shop.offer(currency="EUR", rates=(rate,))
    shop.run(replace(make.hold(standard=3), currency="JPY"))
    shop.pay("payments/first")
    assert shop.booking.total == Money(8162, "JPY")
    (fact,) = shop.change(reduce=[("standard", 2)])
    assert (shop.booking.total, fact.refund_due) == (Money(4081, "JPY"), Money(4081, "JPY"))
    assert [(each.total, each.base_total) for each in fact.removed_lines] == [(Money(4081, "JPY"), money(2500))]


KINDS = st.sampled_from(["standard", "vip"])
WANTED = st.dictionaries(KINDS, st.integers(1, 5), min_size=1)
FEWER, MORE = (
    st.dictionaries(KINDS, st.integers(1, 3), max_size=2),
    st.dictionaries(KINDS, st.integers(1, 3), max_size=2),
)


# The builders have no state that one example could leave to the next.
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=WANTED, held=st.lists(st.tuples(FEWER, MORE), max_size=4), paid=st.lists(FEWER, max_size=4))
def test_no_sequence_of_changes_buys_tickets_cheaper(make, beside, wanted, held, paid):
    """INVARIANT: a booking costs what its tickets cost in one order until it is paid; then what was paid, less what
    went back, is that for the tickets which are left, or all that their booking cost: never less, never more back than
    was paid, and a total is the sum of its lines.
    """
    shop = Shop(make, terms=ALL_BACK, discounts=(THIRD, beside))
    shop.run(make.hold(**wanted))
    for fewer, more in held:
        changed(shop, fewer, more)
        assert shop.booking.total == one_order(shop)
    if not shop.booking.total:
        return
    shop.pay("payments/first")
    for fewer in paid:
        before = shop.booking
        changed(shop, fewer, {})
        after = shop.booking
        assert after.paid >= min(one_order(shop).minor_units, before.total.minor_units)
        assert after.paid == after.total.minor_units + after.retained
        assert after.paid + after.refunded == before.paid + before.refunded
        assert min(after.paid, after.refunded, after.retained) >= 0
        assert after.total.minor_units == sum(line.total.minor_units for line in after.lines)


def changed(shop, fewer, more):
    with contextlib.suppress(Refusal):  # what cannot be done leaves all as it was
        shop.change(reduce=list(fewer.items()), **more)


def one_order(shop):
    offer = shop.stock.offer
    items = [Item(line.ticket_type, line.quantity) for line in shop.booking.lines]
    tariff = tariff_of(offer, offer.ticket_types, shop.stock.inventory, shop.now)
    return price_of(items, tariff, shop.now).total
