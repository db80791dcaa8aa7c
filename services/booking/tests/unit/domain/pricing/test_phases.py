from datetime import UTC, datetime, timedelta

import pytest

from booking_service.domain.pricing.inputs import Item, Phase, PricedType, Tariff
from booking_service.domain.pricing.quote import price_of
from domain_kit.money import Money
from domain_kit.refusals import NotFound

NOW = datetime(2027, 5, 1, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


def cents(amount):
    return Money(amount, "EUR")


def prices(phases, sold, *quantities, now=NOW):
    """List price and phase of each ticket, line by line."""
    tariff = Tariff({"t": PricedType("t", "T", cents(100), tuple(phases))}, {"t": sold})
    priced = price_of([Item("t", quantity) for quantity in quantities], tariff, now)
    return [[(unit.list_price.minor_units, unit.phase) for unit in line.units()] for line in priced.lines]


@pytest.mark.parametrize(
    ("end", "price"), [(LATER, 50), (NOW, 100), (BEFORE, 100)], ids=["a moment before", "at its end", "after"]
)
def test_a_phase_ends_at_its_end_time(end, price):
    assert prices([Phase("early", cents(50), end)], 0, 1)[0][0][0] == price


def test_a_phase_that_has_run_out_by_time_does_not_come_back_for_its_places():
    assert prices([Phase("early", cents(50), NOW, places=10)], 0, 1) == [[(100, "")]]


def test_the_first_phase_that_has_not_run_out_applies():
    phases = [Phase("early", cents(50), BEFORE), Phase("late", cents(80), LATER), Phase("last", cents(90), LATER)]
    assert prices(phases, 0, 1) == [[(80, "late")]]


def test_an_order_goes_through_several_phases():
    """The places of a phase count all tickets ever sold, so the second one is up at five, not at two plus five."""
    phases = [Phase("first", cents(50), places=2), Phase("second", cents(70), places=5)]
    assert prices(phases, 1, 6) == [[(50, "first"), *[(70, "second")] * 3, *[(100, "")] * 2]]


def test_the_last_places_of_a_phase_go_to_the_line_that_was_asked_for_first():
    assert prices([Phase("first", cents(50), places=3)], 0, 2, 2) == [
        [(50, "first")] * 2,
        [(50, "first"), (100, "")],
    ]


def test_a_phase_sold_beyond_its_places_is_over():
    assert prices([Phase("first", cents(50), places=3)], 7, 1) == [[(100, "")]]


def test_each_type_has_phases_of_its_own():
    kinds = {name: PricedType(name, name, cents(100), (Phase("first", cents(50), places=1),)) for name in "ab"}
    priced = price_of([Item("a", 1), Item("b", 1)], Tariff(kinds, {"a": 1}), NOW)
    assert [line.total for line in priced.lines] == [cents(100), cents(50)]


def test_a_type_that_is_not_sold_has_no_price():
    with pytest.raises(NotFound, match="nothing"):
        price_of([Item("nothing", 1)], Tariff({}), NOW)


def test_two_phases_at_one_price_keep_their_names():
    phases = [Phase("first", cents(50), places=1), Phase("second", cents(50), places=2)]
    assert prices(phases, 0, 2) == [[(50, "first"), (50, "second")]]
