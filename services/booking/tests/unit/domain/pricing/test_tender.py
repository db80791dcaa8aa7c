"""Any price in any other currency: exact sums in both, and nothing that the event's currency did not say."""

from datetime import UTC, datetime

import pytest
from any_price import NOW, ORDERS, SUMS, tariffs, units_of
from hypothesis import assume, given
from hypothesis import strategies as st

from booking_service.domain.pricing.breakdown import UnitPrice
from booking_service.domain.pricing.changes import UnitAt, reprice
from booking_service.domain.pricing.quote import price_of
from booking_service.domain.pricing.refunds import refund_of
from booking_service.domain.pricing.rounding import included_taxes
from booking_service.domain.pricing.tender import HIGHEST, breakdown_in, unit_in
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

AS_OF = datetime(2027, 1, 1, tzinfo=UTC)
DIGITS = st.tuples(st.integers(0, 9999), st.integers(1, 10**6 - 1)).map(lambda each: f"{each[0]}.{each[1]:06}")


@st.composite
def conversions(draw):
    """A price and what it is in another currency, of two, none or three digits."""
    price = price_of(draw(ORDERS), draw(tariffs()), NOW)
    other = draw(st.sampled_from([each for each in ("USD", "KRW", "BHD") if each != price.currency]))
    rate = ExchangeRate(price.currency, other, draw(DIGITS), AS_OF)
    try:
        return price, breakdown_in(price, rate), rate
    except FailedPrecondition:
        assume(False)


@given(conversions())
def test_sums_of_lines_and_of_tickets_are_exact_in_both_currencies(made):
    """INVARIANT: no minor unit is made or lost by a conversion."""
    price, paid, rate = made
    assert breakdown_in(paid, None) == price
    assert paid.currency == rate.currency
    for name in SUMS:
        one = "list_price" if name == "subtotal" else name
        assert getattr(paid, name).minor_units == sum(getattr(unit, one).minor_units for unit in units_of(paid))
    assert paid.total == paid.subtotal - paid.discount + paid.fee


@given(conversions())
def test_a_ticket_costs_its_price_converted_once(made):
    """INVARIANT: the total is the converted total; its parts sum to it, none is negative or off by more than one."""
    price, paid, rate = made
    for base, unit in zip(units_of(price), units_of(paid), strict=True):
        assert unit.base == base
        assert unit.total == rate.converted(base.total)
        assert unit.list_price == rate.converted(base.list_price)
        for ours, theirs in zip((*unit.reductions, unit), (*base.reductions, base), strict=True):
            amount, exact = (each.fee if isinstance(each, UnitPrice) else each.amount for each in (ours, theirs))
            assert amount.minor_units >= 0
            assert abs(amount.minor_units - rate.converted(exact).minor_units) <= 1
        assert [(each.kind, each.source) for each in unit.reductions] == [
            (each.kind, each.source) for each in base.reductions
        ]
        taxes = included_taxes(unit.total.minor_units, [each.millionths for each in base.taxes])
        assert [each.amount.minor_units for each in unit.taxes] == taxes


@given(conversions(), st.randoms())
def test_a_booking_taken_apart_ticket_by_ticket_gives_back_exactly_what_it_cost(made, random):
    """INVARIANT: in whatever order tickets leave, what goes back sums to what was paid, in both currencies."""
    _, paid, _ = made
    left, back, base_back = paid, 0, 0
    while left.lines:
        number = random.randrange(len(left.lines))
        at = UnitAt(number, random.randrange(left.lines[number].quantity))
        step = reprice(left, [at], (), None, NOW)
        (unit,) = units_of(step.removed)
        assert step.given_back == refund_of([unit], (), False, NOW, NOW).total == unit.total
        back, base_back = back + unit.total.minor_units, base_back + unit.base.total.minor_units
        left = step.after
    assert (back, base_back) == (paid.total.minor_units, breakdown_in(paid, None).total.minor_units)


@given(conversions(), ORDERS, tariffs())
def test_what_is_added_later_is_converted_at_the_rate_of_the_booking(made, order, tariff):
    _, paid, rate = made
    assume(price_of(order, tariff, NOW).currency == rate.base)
    try:
        after = reprice(paid, (), order, tariff, NOW, rate)
    except FailedPrecondition:
        assume(False)
    assert after.added == breakdown_in(price_of(order, tariff, NOW), rate)
    assert after.difference == after.added.total


def plain(amount: int, currency: str = "EUR") -> UnitPrice:
    return UnitPrice(Money(amount, currency), "", (), Money(0, currency), ())


def test_a_price_in_the_currency_of_the_event_is_left_alone():
    unit = plain(4900)
    assert unit_in(unit, None) is unit
    assert unit_in(unit_in(unit, ExchangeRate("EUR", "JPY", "163.25", AS_OF)), None) is unit


def test_a_price_keeps_its_base_from_one_currency_to_another():
    yen = unit_in(plain(4900), ExchangeRate("EUR", "JPY", "163.25", AS_OF))
    dinars = unit_in(yen, ExchangeRate("EUR", "KWD", "0.335", AS_OF))
    assert (yen.total, dinars.total, dinars.base) == (Money(7999, "JPY"), Money(16_415, "KWD"), plain(4900))


@pytest.mark.parametrize(("amount", "rate"), [(1, "0.4"), (10**12, "10000000000"), (HIGHEST, "100")])
def test_a_price_that_would_be_nothing_or_too_much_is_refused(amount, rate):
    with pytest.raises(FailedPrecondition) as refused:
        unit_in(plain(amount), ExchangeRate("EUR", "JPY", rate, AS_OF))
    assert refused.value.reason == "PRICE_NOT_CONVERTIBLE"
    assert refused.value.metadata["currency_code"] == "JPY"


def test_what_costs_nothing_costs_nothing_anywhere():
    assert unit_in(plain(0), ExchangeRate("EUR", "JPY", "0.000001", AS_OF)).total == Money(0, "JPY")
