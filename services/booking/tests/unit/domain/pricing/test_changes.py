from datetime import UTC, datetime

import pytest

from booking_service.domain.pricing.breakdown import PriceBreakdown, regroup
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.inputs import (
    Discount,
    Item,
    Phase,
    PricedType,
    Tariff,
    VoucherBenefit,
    VoucherKind,
)
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.pricing.regrouping import Regrouping
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

NOW = datetime(2027, 5, 1, tzinfo=UTC)


def cents(amount):
    return Money(amount, "EUR")


EARLY = PricedType("adult", "Adult", cents(2000), (Phase("early", cents(1500), places=3),))
CHILD = PricedType("child", "Child", cents(800))
THIRD = Discount("third", "third", frozenset(), 3, frozenset(), 1, 5000)
AT_FIRST = Tariff({"adult": EARLY, "child": CHILD}, {}, (THIRD,))
LATER = Tariff({"adult": EARLY, "child": CHILD}, {"adult": 3})
BOUGHT = price_of([Item("adult", 3, "dates/1"), Item("child", 1, "dates/1")], AT_FIRST, NOW)


def paid(priced):
    return [(line.ticket_type, line.date, [unit.total.minor_units for unit in line.units()]) for line in priced.lines]


def test_the_booking_was_sold_like_this():
    assert paid(BOUGHT) == [("adult", "dates/1", [1500, 1500, 1500]), ("child", "dates/1", [400])]


@pytest.mark.parametrize("paid_for", [True, False])
def test_a_kept_ticket_loses_its_discount_when_its_group_is_broken(paid_for):
    """INVARIANT: the dear tickets of a group cannot be given back and the cheap one kept."""
    change = reprice(BOUGHT, [UnitAt(0, 0), UnitAt(0, 2)], [], LATER, NOW, by=Regrouping((THIRD,)), paid=paid_for)
    assert paid(change.after) == [("adult", "dates/1", [1500]), ("child", "dates/1", [800])]
    assert (change.difference, change.owed, change.given_back) == (cents(-2600), cents(0), cents(2600))
    if paid_for:
        assert paid(change.removed) == [("adult", "dates/1", [1300, 1300])]


def test_a_group_that_is_still_complete_keeps_its_discount():
    change = reprice(BOUGHT, [UnitAt(0, 0)], [], LATER, NOW, by=Regrouping((THIRD,)))
    assert paid(change.after) == [("adult", "dates/1", [1500, 1500]), ("child", "dates/1", [400])]
    assert paid(change.removed) == [("adult", "dates/1", [1500])]


def test_what_made_another_ticket_free_is_worth_nothing_alone():
    beside = Discount("beside", "beside", frozenset({"child"}), 1, frozenset({"adult"}), 1, 10_000)
    bought = price_of([Item("child", 1), Item("adult", 1)], Tariff(AT_FIRST.types, {}, (beside,)), NOW)
    change = reprice(bought, [UnitAt(0, 0)], [Item("child", 1, "dates/1")], LATER, NOW, by=Regrouping((beside,)))
    assert change.forfeited
    assert paid(change.after) == [("adult", "", [0]), ("child", "dates/1", [800])]
    assert (change.owed, change.given_back) == (cents(800), cents(0))


def test_kept_and_added_tickets_are_one_order_until_something_is_paid():
    two = price_of([Item("child", 2)], AT_FIRST, NOW)
    change = reprice(two, [], [Item("adult", 1)], AT_FIRST, NOW, by=Regrouping((THIRD,)), paid=False)
    assert paid(change.after) == [("child", "", [400, 800]), ("adult", "", [1500])]
    assert change.owed == cents(1100)


def test_a_kept_ticket_keeps_what_its_voucher_took_off_and_a_price_by_voucher_is_not_discounted():
    def bought(voucher):
        return price_of([Item("child", 2)], Tariff(AT_FIRST.types, {}, (THIRD,), voucher), NOW)

    tenth, five = (
        VoucherBenefit("V", VoucherKind.PERCENT, 1000), VoucherBenefit("V", VoucherKind.PRICE, amount=cents(500))
    )  # fmt: skip
    for voucher, child in [(tenth, [360, 720]), (five, [400, 500])]:
        by = Regrouping((THIRD,), vouchers={0: voucher})
        change = reprice(bought(voucher), [], [Item("adult", 1)], AT_FIRST, NOW, by=by, paid=False)
        assert paid(change.after) == [("child", "", child), ("adult", "", [1500])]


def test_an_added_ticket_costs_what_it_costs_today():
    change = reprice(BOUGHT, [], [Item("adult", 1, "dates/1"), Item("child", 1, "dates/2")], LATER, NOW)
    assert paid(change.after) == [
        ("adult", "dates/1", [1500, 1500, 1500, 2000]),
        ("child", "dates/1", [400]),
        ("child", "dates/2", [800]),
    ]
    assert (change.difference, change.owed, change.given_back) == (cents(2800), cents(2800), cents(0))


def test_kept_tickets_complete_no_group_for_added_ones_once_they_are_paid():
    """A new discount does not reach back to old tickets, nor an old one to new tickets."""
    today = Tariff(LATER.types, LATER.sold, (THIRD,))
    two = price_of([Item("child", 2)], today, NOW)
    change = reprice(two, [], [Item("child", 1)], today, NOW, by=Regrouping((THIRD,)))
    assert paid(change.after) == [("child", "", [800, 800, 800])]


def test_an_exchange_settles_only_the_difference():
    change = reprice(BOUGHT, [UnitAt(1, 0)], [Item("adult", 1, "dates/1")], LATER, NOW)
    assert (change.added.total, change.removed.total) == (cents(2000), cents(400))
    assert change.owed == cents(1600)


def test_what_is_exchanged_for_the_like_at_the_same_price_costs_nothing():
    change = reprice(BOUGHT, [UnitAt(0, 1)], [Item("adult", 1, "dates/2")], AT_FIRST, NOW)
    assert (change.owed, change.given_back) == (cents(0), cents(0))


def test_nothing_is_left_of_a_booking_without_tickets_but_its_currency():
    everything = [UnitAt(0, 0), UnitAt(0, 1), UnitAt(0, 2), UnitAt(1, 0)]
    change = reprice(BOUGHT, everything, [], LATER, NOW)
    assert change.after == PriceBreakdown("EUR", ())
    assert (change.after.total, change.given_back) == (cents(0), BOUGHT.total)


@pytest.mark.parametrize("places", [[(2, 0)], [(0, 3)], [(-1, 0)], [(0, -1)], [(0, 0), (0, 0)]])
def test_a_ticket_that_is_not_there_cannot_be_removed(places):
    with pytest.raises(ValueError, match="no tickets"):
        reprice(BOUGHT, [UnitAt(*place) for place in places], [], LATER, NOW)


def test_a_booking_does_not_grow_into_another_currency():
    dollars = Tariff({"adult": PricedType("adult", "Adult", Money(2000, "USD"))})
    with pytest.raises(FailedPrecondition, match="CURRENCIES_MIXED"):
        reprice(BOUGHT, [], [Item("adult", 1)], dollars, NOW)


def test_no_tickets_are_no_line():
    assert regroup("adult", "", []) is None
