from datetime import UTC, datetime, timedelta

import pytest

from booking_service.domain.pricing.breakdown import ReductionKind
from booking_service.domain.pricing.inputs import Discount, Item, PricedType, Tariff
from booking_service.domain.pricing.quote import price_of
from domain_kit.money import Money

NOW = datetime(2027, 5, 1, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
KINDS = {
    name: PricedType(name, name, Money(price, "EUR"))
    for name, price in {"adult": 2000, "child": 800, "pass": 0, "dinner": 4500, "tour": 1500}.items()
}


def discount(name, condition, quantity, benefit, reduced, percent, **when):
    """`condition` and `benefit`: names of types, separated by spaces."""
    types = frozenset(condition.split()), frozenset(benefit.split())
    return Discount(name, name, types[0], quantity, types[1], reduced, percent * 100, **when)


def given(discounts, **order):
    """Type → names of the discounts its tickets got, and how many got each."""
    priced = price_of([Item(name, quantity) for name, quantity in order.items()], Tariff(KINDS, {}, discounts), NOW)
    return {
        line.ticket_type: {
            reduction.source: run.quantity
            for run in line.runs
            for reduction in run.unit.reductions
            if reduction.kind is ReductionKind.DISCOUNT
        }
        for line in priced.lines
    }


THIRD = discount("third", "", 3, "", 1, 50)


@pytest.mark.parametrize(("tickets", "reduced"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2)])
def test_each_complete_group_gives_once(tickets, reduced):
    assert given([THIRD], adult=tickets)["adult"].get("third", 0) == reduced


def test_a_group_takes_what_is_cheapest_in_the_whole_order():
    assert given([THIRD], adult=4, tour=1, child=1) == {"adult": {}, "tour": {"third": 1}, "child": {"third": 1}}


def test_a_group_cannot_give_more_than_it_has():
    assert given([discount("all", "adult", 1, "adult", 5, 10)], adult=3) == {"adult": {"all": 3}}


def test_a_combination_gives_no_more_than_there_are_of_the_other_type():
    meal = discount("meal", "adult", 1, "dinner", 1, 20)
    assert given([meal], adult=3, dinner=2) == {"adult": {}, "dinner": {"meal": 2}}
    assert given([meal], adult=1, dinner=2) == {"adult": {}, "dinner": {"meal": 1}}


def test_tickets_of_other_types_complete_no_group():
    assert given([discount("third", "adult", 3, "", 1, 50)], adult=2, child=5) == {"adult": {}, "child": {}}


def test_a_free_ticket_counts_where_its_type_is_named():
    member = discount("member", "pass", 1, "dinner", 1, 20)
    assert given([member], **{"pass": 1}, dinner=2) == {"pass": {}, "dinner": {"member": 1}}


def test_free_tickets_do_not_fill_up_an_order_to_a_discount():
    assert given([THIRD], adult=2, **{"pass": 4}) == {"adult": {}, "pass": {}}


def test_the_greater_percentage_chooses_first_so_that_a_smaller_one_takes_nothing_away():
    one = discount("one", "", 1, "", 1, 1)
    free = discount("free", "child", 1, "", 1, 100)
    assert given([one, free], child=1) == given([free, one], child=1) == {"child": {"free": 1}}
    assert given([one, free], child=1, adult=1) == {"child": {"free": 1}, "adult": {"one": 1}}


def test_of_equal_percentages_the_organizers_first_applies():
    first, second = discount("first", "", 2, "", 1, 50), discount("second", "", 2, "", 1, 50)
    assert given([second, first], child=1, adult=1) == {"child": {"second": 1}, "adult": {"first": 1}}


def test_a_ticket_may_count_for_one_discount_and_get_another():
    meal, tour = discount("meal", "adult", 1, "dinner", 1, 20), discount("tour", "dinner", 1, "tour", 1, 10)
    assert given([meal, tour], adult=1, dinner=1, tour=1) == {
        "adult": {},
        "dinner": {"meal": 1},
        "tour": {"tour": 1},
    }


@pytest.mark.parametrize(
    ("when", "reduced"),
    [
        ({"start": NOW}, True),
        ({"start": NOW + MOMENT}, False),
        ({"end": NOW + MOMENT}, True),
        ({"end": NOW}, False),
        ({"start": NOW - MOMENT, "end": NOW + MOMENT}, True),
    ],
)
def test_a_discount_is_given_from_its_start_until_before_its_end(when, reduced):
    assert bool(given([discount("now", "", 1, "", 1, 10, **when)], adult=1)["adult"]) is reduced


@pytest.mark.parametrize("wrong", [{"condition_quantity": 0}, {"benefit_quantity": 0}, {"basis_points": 10_001}])
def test_a_discount_without_sense_is_an_error(wrong):
    sound = {"condition_quantity": 1, "benefit_quantity": 1, "basis_points": 1}
    with pytest.raises(ValueError):
        Discount("d", "d", frozenset(), benefit_types=frozenset(), **(sound | wrong))


def test_without_benefit_types_those_of_the_condition_become_cheaper():
    assert given([discount("third", "adult", 3, "", 1, 50)], adult=3, child=1) == {"adult": {"third": 1}, "child": {}}


def test_of_two_types_at_one_price_the_same_becomes_cheaper_whichever_was_named_first():
    """Else the taxes of a booking would depend on the order of its lines."""
    same = {name: PricedType(name, name, Money(1000, "EUR")) for name in ("a", "b")}
    tariff = Tariff(same, {}, (discount("second", "", 2, "", 1, 50),))
    for order in (["a", "b"], ["b", "a"]):
        priced = price_of([Item(name, 1) for name in order], tariff, NOW)
        assert {line.ticket_type: line.total.minor_units for line in priced.lines} == {"a": 500, "b": 1000}


def test_a_discount_that_rounds_to_nothing_is_not_on_the_receipt():
    cheap = {"sweet": PricedType("sweet", "Sweet", Money(10, "EUR"))}
    priced = price_of([Item("sweet", 2)], Tariff(cheap, {}, (discount("second", "", 2, "", 1, 1),)), NOW)
    assert [(run.quantity, run.unit.reductions) for run in priced.lines[0].runs] == [(2, ())]
