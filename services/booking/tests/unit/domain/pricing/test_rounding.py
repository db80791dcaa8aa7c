import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_service.domain.pricing.rounding import included_taxes, portions, share

AMOUNTS, SHARES = st.integers(0, 10**12), st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("amount", "basis_points", "part"),
    [(1999, 5000, 1000), (1, 4999, 0), (1, 5000, 1), (3, 5000, 2), (12_345, 3333, 4115), (7, 0, 0), (7, 10_000, 7)],
)
def test_a_half_is_rounded_up(amount, basis_points, part):
    assert share(amount, basis_points) == part


@given(AMOUNTS, AMOUNTS, SHARES)
def test_a_share_of_more_is_not_less_nor_is_what_is_left_of_it(amount, more, basis_points):
    """INVARIANT: rounding never makes the dearer of two tickets the cheaper one."""
    greater = amount + more
    assert share(amount, basis_points) <= share(greater, basis_points)
    assert amount - share(amount, basis_points) <= greater - share(greater, basis_points)


@given(AMOUNTS, st.lists(st.integers(0, 10**6), max_size=5))
def test_portions_make_the_whole_each_within_one_of_its_own(amount, weights):
    """INVARIANT: no minor unit is lost or found when an amount is divided."""
    whole = sum(weights)
    parts = portions(amount, weights)
    assert sum(parts) == (amount if whole else 0)
    assert all(
        abs(part * whole - amount * weight) < whole or not whole for part, weight in zip(parts, weights, strict=True)
    )


@given(AMOUNTS, st.lists(st.integers(0, 10**6), max_size=4))
def test_included_taxes_and_the_net_amount_make_the_price(gross, rates):
    """INVARIANT: taxes together are within half a minor unit of net · r, never negative, never more than the price."""
    taxes, whole = sum(included_taxes(gross, rates)), sum(rates)
    assert 0 <= taxes <= gross
    assert 2 * abs(taxes * (10**6 + whole) - gross * whole) <= 10**6 + whole


@pytest.mark.parametrize(
    ("gross", "rates", "taxes"),
    [
        (10_000, [190_000], [1597]),
        (2000, [190_000], [319]),
        (11_498, [50_000, 99_750], [500, 998]),
        (1, [500_000, 500_000], [1, 0]),
        (500, [0], [0]),
        (500, [], []),
    ],
)
def test_taxes_are_taken_out_of_the_price(gross, rates, taxes):
    assert included_taxes(gross, rates) == taxes
