from datetime import UTC, datetime

import pytest

from booking_service.domain.pricing.breakdown import PriceBreakdown, regroup
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.inputs import Discount, Item, Phase, PricedType, Tariff
from booking_service.domain.pricing.quote import price_of
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


def test_a_kept_ticket_keeps_its_discount_when_its_group_is_broken():
    change = reprice(BOUGHT, [UnitAt(0, 0), UnitAt(0, 2)], [], LATER, NOW)
    assert paid(change.after) == [("adult", "dates/1", [1500]), ("child", "dates/1", [400])]
    assert paid(change.removed) == [("adult", "dates/1", [1500, 1500])]
    assert (change.difference, change.owed, change.given_back) == (cents(-3000), cents(0), cents(3000))


def test_an_added_ticket_costs_what_it_costs_today():
    change = reprice(BOUGHT, [], [Item("adult", 1, "dates/1"), Item("child", 1, "dates/2")], LATER, NOW)
    assert paid(change.after) == [
        ("adult", "dates/1", [1500, 1500, 1500, 2000]),
        ("child", "dates/1", [400]),
        ("child", "dates/2", [800]),
    ]
    assert (change.difference, change.owed, change.given_back) == (cents(2800), cents(2800), cents(0))


def test_kept_tickets_complete_no_group_for_added_ones():
    """They counted when they were bought: else two could be bought, then one at a time for half the price each."""
    today = Tariff(LATER.types, LATER.sold, (THIRD,))
    two = price_of([Item("child", 2)], today, NOW)
    assert paid(reprice(two, [], [Item("child", 1)], today, NOW).after) == [("child", "", [800, 800, 800])]


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
