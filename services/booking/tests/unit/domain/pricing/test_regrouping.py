"""Changes of any order on any tariff: what no sequence of them may come to."""

from collections import Counter

from any_price import NOW, ORDERS, tariffs, units_of
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.pricing.breakdown import PriceBreakdown, tax_difference
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.inputs import Tariff
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.pricing.regrouping import Regrouping
from booking_service.domain.pricing.tender import breakdown_in
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.refusals import FailedPrecondition

MORE = ORDERS | st.just([])


def by_of(tariff: Tariff, priced: PriceBreakdown) -> Regrouping:
    voucher = tariff.voucher
    covered = {
        number: voucher for number, line in enumerate(priced.lines) if voucher and voucher.covers(line.ticket_type)
    }  # fmt: skip
    return Regrouping(tariff.discounts, tariff.fee, covered)


def places_of(priced: PriceBreakdown):
    return [UnitAt(number, index) for number, line in enumerate(priced.lines) for index in range(line.quantity)]


@given(ORDERS, tariffs(), MORE, st.data())
def test_what_is_not_paid_yet_is_one_order_whatever_the_way_to_it(order, tariff, added, data):
    """INVARIANT: an order costs what its tickets cost in one order, at the prices that they were held at."""
    plain = Tariff(tariff.types, tariff.sold, tariff.discounts, None, tariff.fee, tariff.rates)
    before = price_of(order, plain, NOW)
    removed = data.draw(st.lists(st.sampled_from(places_of(before)), unique=True))
    change = reprice(before, removed, added, plain, NOW, by=by_of(plain, before), paid=False)
    units = [*units_of(change.after)]
    assert Counter(unit.list_price for unit in units) == Counter(
        unit.list_price
        for number, line in enumerate(before.lines)
        for at, unit in enumerate(line.units())
        if (number, at) not in removed
    ) + Counter(unit.list_price for unit in units_of(change.added))
    again = reprice(change.after, (), (), plain, NOW, by=by_of(plain, change.after), paid=False)
    assert again.after.total == change.after.total
    back = reprice(change.before, removed, (), plain, NOW, by=by_of(plain, before), paid=False)
    there = (
        reprice(back.after, (), added, plain, NOW, by=by_of(plain, back.after), paid=False)
        if back.after.lines
        else None
    )
    assert there is None or there.after.total == change.after.total


@given(ORDERS, tariffs(), st.data())
def test_in_whatever_steps_paid_tickets_leave_the_rest_is_never_cheaper_than_an_order_of_it(order, tariff, data):
    """INVARIANT: what is kept has cost, all that went back taken off, what it costs in one order, or all that was ever
    paid; what goes back is never more than was paid, and sums are exact.
    """
    price = price_of(order, tariff, NOW)
    paid = at_first = price.total.minor_units
    while price.lines:
        removed = data.draw(st.lists(st.sampled_from(places_of(price)), unique=True, min_size=1))
        change = reprice(price, removed, (), tariff, NOW, by=by_of(tariff, price))
        alone = reprice(price, removed, (), tariff, NOW, by=by_of(tariff, price), paid=False).after.total.minor_units
        assert change.lines.total == change.before.total
        assert change.lines.total == change.after.total + change.removed.total
        assert all(unit.total.minor_units >= 0 and unit.fee.minor_units >= 0 for unit in units_of(change.removed))
        back = change.given_back.minor_units
        assert 0 <= back <= change.removed.total.minor_units
        assert not change.owed
        paid -= back
        assert paid >= min(alone, price.total.minor_units)
        assert paid >= change.after.total.minor_units
        if change.forfeited:
            assert (back, alone > price.total.minor_units) == (0, True)
        else:
            kept = price.total.minor_units - change.removed.total.minor_units
            assert change.after.total.minor_units == kept >= alone
            taxes = tax_difference(PriceBreakdown(price.currency, ()), change.removed)
            assert {each for each in taxes if each.amount} == set(tax_difference(change.after, price))
        price = change.after
    assert 0 <= paid <= at_first


@given(ORDERS, tariffs(), st.data(), st.sampled_from(["0.335", "163.25", "1.0001"]))
def test_what_left_is_worth_the_difference_in_both_currencies(order, tariff, data, rate):
    base = price_of(order, tariff, NOW)
    to = ExchangeRate(base.currency, "TND" if base.currency != "TND" else "EUR", rate, NOW)
    try:
        before = breakdown_in(base, to)
    except FailedPrecondition:
        return
    removed = data.draw(st.lists(st.sampled_from(places_of(before)), unique=True))
    change = reprice(before, removed, (), tariff, NOW, to, by=by_of(tariff, base))
    assert change.before.total == change.after.total + change.removed.total
    bases = [breakdown_in(each, None).total.minor_units for each in (change.after, change.removed)]
    assert sum(bases) == base.total.minor_units
