"""Money is exact, of one currency, and the same on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money, exponents, from_units_and_nanos, units_and_nanos
from domain_kit.refusals import InvalidArgument

MONEY = st.builds(Money, st.integers(-(2**60), 2**60), st.sampled_from(sorted(exponents())))


@given(MONEY)
def test_money_survives_the_wire(money: Money) -> None:
    """INVARIANT: no amount changes on its way over google.type.Money, whatever the currency's exponent."""
    units, nanos = units_and_nanos(money)
    assert abs(nanos) < 10**9
    assert units * nanos >= 0
    assert from_units_and_nanos(units, nanos, money.currency) == money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1999, "CAD"), "19.99 CAD"),
        (Money(-5, "CAD"), "-0.05 CAD"),
        (Money(500, "JPY"), "500 JPY"),
        (Money(1234, "KWD"), "1.234 KWD"),
    ],
)
def test_minor_units_follow_the_currency(money: Money, text: str) -> None:
    assert str(money) == text


@pytest.mark.parametrize(
    ("units", "nanos", "currency", "reason"),
    [
        (1, 5, "CAD", "AMOUNT_TOO_PRECISE"),
        (1, 500_000_000, "JPY", "AMOUNT_TOO_PRECISE"),
        (1, -1, "CAD", "AMOUNT_INVALID"),
        (-1, 1, "CAD", "AMOUNT_INVALID"),
        (0, 10**9, "CAD", "AMOUNT_INVALID"),
        (1, 0, "XXX", "CURRENCY_UNKNOWN"),
        (1, 0, "cad", "CURRENCY_UNKNOWN"),
    ],
)
def test_what_is_no_amount_is_refused(units: int, nanos: int, currency: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        from_units_and_nanos(units, nanos, currency)
    assert caught.value.reason == reason


def test_two_currencies_do_not_mix() -> None:
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(InvalidArgument, match="CURRENCY_MISMATCH"):
            combine(Money(1, "CAD"), Money(1, "USD"))


def test_every_currency_of_the_table_has_one_exponent() -> None:
    assert len(exponents()) > 150
    assert (exponents()["EUR"], exponents()["JPY"], exponents()["KWD"], exponents()["CLF"]) == (2, 0, 3, 4)
