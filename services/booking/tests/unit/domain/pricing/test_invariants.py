"""Any order on any tariff: what must hold whatever the organizer configures and the buyer asks for."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise

from any_price import (
    NAMES,
    NOW,
    ORDERS,
    PERCENTAGES,
    SMALL_ORDERS,
    SUMS,
    discounts,
    tariffs,
    units_of,
)  # fmt: skip
from hypothesis import assume, given
from hypothesis import strategies as st

from booking_service.domain.pricing.breakdown import PriceBreakdown, ReductionKind, regroup
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.costs import cost_of
from booking_service.domain.pricing.inputs import (
    RefundStep,
)
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.pricing.refunds import refund_of
from domain_kit.money import Money


def sums_of(priced: PriceBreakdown):
    return {name: getattr(priced, name) for name in SUMS} | {"taxes": set(priced.taxes), "uses": priced.voucher_uses}


@given(ORDERS, tariffs())
def test_a_total_is_what_its_tickets_cost_to_the_minor_unit(order, tariff):
    """INVARIANT: each sum of a booking is that of its lines and that of its tickets, in any currency."""
    priced = price_of(order, tariff, NOW)
    for name in SUMS:
        of_lines = sum(getattr(line, name).minor_units for line in priced.lines)
        one = "list_price" if name == "subtotal" else name
        of_units = sum(getattr(unit, one).minor_units for unit in units_of(priced))
        assert getattr(priced, name) == Money(of_lines, priced.currency) == Money(of_units, priced.currency)
    assert priced.total == priced.subtotal - priced.discount + priced.fee
    assert sum(part.amount.minor_units for part in priced.taxes) == priced.tax.minor_units
    assert [(line.ticket_type, line.date, line.quantity) for line in priced.lines] == [
        (item.ticket_type, item.date, item.quantity) for item in order
    ]


@given(ORDERS, tariffs())
def test_no_ticket_costs_less_than_nothing_or_more_than_its_list_price_and_fee(order, tariff):
    """INVARIANT: nothing is negative, no discount exceeds the list price, what costs nothing bears no fee."""
    for unit in units_of(price_of(order, tariff, NOW)):
        assert all(each.amount.minor_units >= 0 for each in (*unit.reductions, *unit.taxes))
        assert Money(0, unit.fee.currency) <= unit.price <= unit.list_price
        assert unit.discount <= unit.list_price
        assert unit.price or not unit.fee
        assert unit.tax <= unit.total


@given(ORDERS, tariffs())
def test_a_ticket_gets_at_most_one_automatic_discount_and_a_discount_no_more_than_its_groups_give(order, tariff):
    """INVARIANT: groups are only counted once, and nobody gets two automatic discounts on one ticket."""
    priced = price_of(order, tariff, NOW)
    given_to = Counter[str]()
    for line in priced.lines:
        for unit in line.units():
            names = [each.source for each in unit.reductions if each.kind is ReductionKind.DISCOUNT]
            assert len(names) <= 1
            given_to.update(names)
    for discount in tariff.discounts:
        types = discount.condition_types or set(NAMES)
        groups = sum(item.quantity for item in order if item.ticket_type in types) // discount.condition_quantity
        assert given_to[discount.name] <= groups * discount.benefit_quantity * discount.given(NOW)


@given(ORDERS, tariffs(), discounts(prefix="more"), st.integers(0, 3))
def test_one_more_discount_never_raises_a_total(order, tariff, more, place):
    """INVARIANT: the buyer never pays more because the organizer offers another discount, wherever it stands."""
    before = price_of(order, tariff, NOW)
    for discount in more:
        all_ = list(tariff.discounts)
        all_.insert(place, discount)
        assert price_of(order, replace(tariff, discounts=tuple(all_)), NOW).total <= before.total


@given(ORDERS, tariffs(vouched=True))
def test_a_voucher_never_raises_a_total(order, tariff):
    """INVARIANT: nobody pays more for having a voucher, nor for one that covers more tickets."""
    totals = [
        price_of(order, replace(tariff, voucher=voucher), NOW).total
        for voucher in (None, *(replace(tariff.voucher, most=most) for most in (0, 1, 2, 5, None)))
    ]
    assert all(after <= before for before, after in pairwise(totals))
    assert totals[0] == totals[1]


@given(SMALL_ORDERS, tariffs(vouched=True), st.integers(0, 3))
def test_a_voucher_covers_the_tickets_that_are_best_for_the_buyer(order, tariff, most):
    """INVARIANT: no other choice of so many tickets makes the total smaller."""
    voucher = replace(tariff.voucher, most=most)
    found = price_of(order, replace(tariff, voucher=voucher), NOW)
    assert found.voucher_uses <= most
    plain = price_of(order, replace(tariff, voucher=None), NOW)
    by_name = {discount.name: discount for discount in tariff.discounts}
    saved = []
    for line in plain.lines:
        for unit in line.units():
            discount = next((by_name[each.source] for each in unit.reductions), None)
            with_it = cost_of(unit.list_price.minor_units, discount, voucher, tariff.fee).total
            saved.append(unit.total.minor_units - with_it if voucher.covers(line.ticket_type) else 0)
    best = max(sum(chosen) for chosen in combinations([*saved, *[0] * most], most))
    assert found.total.minor_units == plain.total.minor_units - best


@given(ORDERS, tariffs(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_total(order, tariff, random):
    """INVARIANT: a booking costs the same in whatever order its lines are named."""
    shuffled = random.sample(order, len(order))
    assert sums_of(price_of(shuffled, tariff, NOW)) == sums_of(price_of(order, tariff, NOW))


@given(ORDERS, tariffs(), st.randoms(use_true_random=False))
def test_the_same_question_gets_the_same_answer(order, tariff, random):
    """INVARIANT: neither the order of types nor that of discounts with different percentages has a say."""
    percentages = [discount.basis_points for discount in tariff.discounts]
    assume(len(set(percentages)) == len(percentages))
    types = dict(random.sample(list(tariff.types.items()), len(tariff.types)))
    shuffled = tuple(random.sample(tariff.discounts, len(tariff.discounts)))
    assert price_of(order, replace(tariff, types=types, discounts=shuffled), NOW) == price_of(order, tariff, NOW)


@given(ORDERS, tariffs())
def test_tickets_taken_apart_and_put_together_are_the_same_line(order, tariff):
    for line in price_of(order, tariff, NOW).lines:
        assert regroup(line.ticket_type, line.date, line.units()) == line


@given(ORDERS, tariffs(), ORDERS | st.just([]), discounts(), st.data())
def test_a_change_loses_no_ticket_and_no_money(order, tariff, added, offered, data):
    """INVARIANT: what was kept costs what it did, what is new costs today's price, and the difference is exact."""
    before = price_of(order, tariff, NOW)
    later = replace(tariff, discounts=offered, voucher=None, sold={})
    places = [UnitAt(number, index) for number, line in enumerate(before.lines) for index in range(line.quantity)]
    removed = data.draw(st.lists(st.sampled_from(places), unique=True))
    change = reprice(before, removed, added, later, NOW)
    new = price_of(added, later, NOW) if added else None
    assert change.added.lines == (new.lines if new else ())
    assert len(units_of(change.removed)) == len(removed)
    assert Counter(units_of(change.before)) + Counter(units_of(change.added)) == Counter(
        units_of(change.after)
    ) + Counter(units_of(change.removed))
    assert change.before.total - change.removed.total + change.added.total == change.after.total
    assert change.before.total + change.owed == change.after.total + change.given_back
    assert not (change.owed and change.given_back)
    assert len({(line.ticket_type, line.date) for line in change.after.lines}) == len(change.after.lines)


STEPS = st.lists(
    st.builds(RefundStep, st.integers(0, 30).map(lambda days: timedelta(days=days)), PERCENTAGES), max_size=4
)


@given(ORDERS, tariffs(), STEPS, st.booleans(), st.integers(-2, 40))
def test_a_refund_is_the_same_at_once_and_piece_by_piece_and_never_more_than_was_paid(
    order, tariff, steps, keeps, days
):
    """INVARIANT: giving tickets up one by one brings what giving them up together brings, at most what they cost."""
    units, start = units_of(price_of(order, tariff, NOW)), NOW + timedelta(days=days)
    together = refund_of(units, steps, keeps, start, NOW)
    alone = [refund_of([unit], steps, keeps, start, NOW) for unit in units]
    assert together.total.minor_units == sum(each.total.minor_units for each in alone)
    assert together.units == tuple(unit for each in alone for unit in each.units)
    for unit, back in zip(units, together.units, strict=True):
        assert back.price <= unit.price
        assert back.fee <= (unit.fee - unit.fee if keeps else unit.fee)
        assert [part.name for part in back.taxes] == [part.name for part in unit.taxes]
        if back.total == unit.total:
            assert back.taxes == unit.taxes
        assert sum(part.amount.minor_units for part in back.taxes) <= back.total.minor_units
