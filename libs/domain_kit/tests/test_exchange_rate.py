"""Rates are exact decimals, and conversion rounds half to even in any two currencies."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.exchange_rate import ExchangeRate, half_even, is_rate, ratio
from domain_kit.money import Money, exponent_of
from domain_kit.refusals import InvalidArgument

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD", "CLF"])  # 2, 0, 3, 2 and 4 digits
RATES = st.tuples(st.integers(0, 10**5), st.integers(1, 10**12 - 1), st.integers(12, 12)).map(
    lambda parts: f"{parts[0]}.{parts[1]:0{parts[2]}d}"
)
AMOUNTS = st.integers(0, 10**12)


def rate(text: str, base: str = "EUR", currency: str = "JPY") -> ExchangeRate:
    return ExchangeRate(base, currency, text, NOON, "by hand")


@pytest.mark.parametrize(
    ("amount", "text", "base", "currency", "expected"),
    [
        (4900, "163.25", "EUR", "JPY", 7999),  # 7,999.25 yen
        (100, "0.335", "EUR", "KWD", 335),  # three digits
        (1500, "0.00613", "JPY", "EUR", 920),  # 9.195 euros: the even one is 9.20
        (500, "0.00613", "JPY", "EUR", 306),  # 3.065 euros: the even one is 3.06
        (1, "0.5", "EUR", "USD", 0),
        (3, "0.5", "EUR", "USD", 2),
        (-3, "0.5", "EUR", "USD", -2),
    ],
)
def test_an_amount_is_converted_to_the_minor_unit_of_the_other_currency(
    amount: int, text: str, base: str, currency: str, expected: int
) -> None:
    assert rate(text, base, currency).converted(Money(amount, base)) == Money(expected, currency)


@given(AMOUNTS, RATES, CURRENCIES, CURRENCIES)
def test_conversion_is_that_of_decimal_arithmetic(amount: int, text: str, base: str, currency: str) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(amount).scaleb(-exponent_of(base)) * Decimal(text)
        expected = int(exact.scaleb(exponent_of(currency)).to_integral_value(ROUND_HALF_EVEN))
    assert rate(text, base, currency).converted(Money(amount, base)).minor_units == expected


@given(AMOUNTS, AMOUNTS, RATES, CURRENCIES)
def test_a_greater_amount_never_becomes_the_smaller_one(one: int, other: int, text: str, currency: str) -> None:
    least, most = sorted((one, other))
    table = rate(text, "EUR", currency)
    assert table.converted(Money(least, "EUR")) <= table.converted(Money(most, "EUR"))


@given(AMOUNTS, RATES)
def test_back_and_forth_is_off_by_half_a_minor_unit_of_each_at_most(amount: int, text: str) -> None:
    table = rate(text)
    back = table.reverted(table.converted(Money(amount, "EUR"))).minor_units
    times, by = ratio("EUR", "JPY", text)
    assert abs(back - amount) * times * 2 <= by + times


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**3))
def test_half_even_is_the_nearest_integer(dividend: int, divisor: int) -> None:
    found = half_even(dividend, divisor)
    assert 2 * abs(found * divisor - dividend) <= divisor
    if 2 * abs(found * divisor - dividend) == divisor:
        assert found % 2 == 0


@pytest.mark.parametrize("text", ["163.25", "1", "0.000000000001", "10000000000", "0.1"])
def test_decimal_numbers_above_zero_are_rates(text: str) -> None:
    assert is_rate(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0", "-1", "+1", "1e3", "1,5", ".5", "5.", "01", "NaN", "10000000000.1", "0.0000000000001", "١", "1 "],
)
def test_anything_else_is_no_rate(text: str) -> None:
    assert not is_rate(text)
    with pytest.raises(InvalidArgument) as refused:
        rate(text).converted(Money(1, "EUR"))
    assert refused.value.reason == "RATE_INVALID"


def test_a_rate_is_not_used_for_another_currency() -> None:
    for convert, money in ((rate("2").converted, Money(1, "USD")), (rate("2").reverted, Money(1, "EUR"))):
        with pytest.raises(InvalidArgument) as refused:
            convert(money)
        assert refused.value.reason == "CURRENCY_MISMATCH"
