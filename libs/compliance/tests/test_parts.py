"""Splitting a price into net and taxes is exact."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import TaxClass, TaxRate, included_tax, tax_rates


def rate_of(per_100_000: int) -> TaxRate:
    return TaxRate("DE", TaxClass.STANDARD, "VAT", "VAT", per_100_000, True, "made up", "" if per_100_000 else "none")


GROSS = st.integers(-(10**15), 10**15)
RATES = st.lists(st.integers(0, 50_000).map(rate_of), max_size=4)


@pytest.mark.parametrize(("place", "gross", "parts"), [
    ("DE", 11900, [1900]), ("DE", 100, [16]), ("GB", 12000, [2000]), ("FI", 12550, [2550]), ("JP", 1100, [100]),
    ("CA-QC", 114975, [5000, 9975]), ("CA-QC", 1000, [43, 87]), ("US", 1999, [0]), ("DE", 0, [0]), ("DE", 1, [0]),
])  # fmt: skip
def test_a_price_contains_its_taxes(place: str, gross: int, parts: list[int]) -> None:
    rates = tax_rates(place, TaxClass.STANDARD, date(2026, 1, 1))
    assert [part.minor_units for part in included_tax(gross, rates)] == parts


@given(GROSS, RATES)
def test_net_and_parts_sum_to_the_gross_and_the_tax_is_the_nearest_whole_unit(gross: int, rates: list[TaxRate]) -> None:
    """INVARIANT: the parts sum to the tax of all rates together, rounded once."""
    total = sum(part.minor_units for part in included_tax(gross, rates))
    whole = Fraction(sum(rate.per_100_000 for rate in rates), 100_000)
    assert abs(total - gross * whole / (1 + whole)) <= Fraction(1, 2)
    assert 0 <= abs(total) <= abs(gross)


@given(GROSS, RATES)
def test_each_part_is_within_one_unit_of_its_share_and_stands_in_the_order_given(
    gross: int, rates: list[TaxRate]
) -> None:
    parts = included_tax(gross, rates)
    whole = sum(rate.per_100_000 for rate in rates)
    total = sum(part.minor_units for part in parts)
    assert [part.rate for part in parts] == rates
    for part in parts:
        assert abs(part.minor_units - Fraction(total * part.rate.per_100_000, whole or 1)) < 1


@given(GROSS, RATES)
def test_a_refund_mirrors_its_sale(gross: int, rates: list[TaxRate]) -> None:
    sale, refund = included_tax(gross, rates), included_tax(-gross, rates)
    assert [part.minor_units for part in sale] == [-part.minor_units for part in refund]


@given(st.integers(0, 10**12), st.integers(0, 50_000).map(rate_of))
def test_a_net_amount_that_was_taxed_without_rounding_comes_back(net: int, rate: TaxRate) -> None:
    gross = net * 100_000 + net * rate.per_100_000
    assert included_tax(gross, [rate])[0].minor_units == gross - net * 100_000
