"""Money spread over lines."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.domain.spreading import spread

WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=20)
SMALL = st.lists(st.integers(0, 60), min_size=1, max_size=5)


@given(WEIGHTS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_parts_add_up_and_none_is_negative(weights: list[int], amount: int, before: int) -> None:
    """INVARIANT: no cent is lost or made."""
    parts = spread(amount, weights, before=before)
    assert sum(parts) == amount
    assert min(parts) >= 0


@given(WEIGHTS, st.lists(st.integers(0, 10**9), max_size=8))
def test_steps_add_up_to_the_whole_line_by_line(weights: list[int], amounts: list[int]) -> None:
    """INVARIANT: refunds in steps leave each line with what one refund would."""
    before, sums = 0, [0] * len(weights)
    for amount in amounts:
        sums = [left + right for left, right in zip(sums, spread(amount, weights, before=before), strict=True)]
        before += amount
    assert sums == spread(sum(amounts), weights)


@given(WEIGHTS.filter(any))
def test_paying_back_everything_gives_each_line_its_price(weights: list[int]) -> None:
    assert spread(sum(weights), weights) == weights


@given(WEIGHTS.filter(any), st.fractions(0, 1))
def test_a_part_is_in_proportion_to_the_price(weights: list[int], share: Fraction) -> None:
    total = sum(weights)
    amount = int(total * share)
    for part, weight in zip(spread(amount, weights), weights, strict=True):
        exact = Fraction(amount * weight, total)
        assert abs(part - exact) <= Fraction(1, 2) + Fraction(len(weights) * weight, 2 * total)


@given(SMALL.filter(any), st.integers(0, 200))
def test_it_is_what_handing_out_unit_by_unit_gives(weights: list[int], amount: int) -> None:
    given_out = [0] * len(weights)
    lines = [line for line, weight in enumerate(weights) if weight]
    for _ in range(amount):
        given_out[min(lines, key=lambda line: (Fraction(2 * given_out[line] + 1, weights[line]), line))] += 1
    assert spread(amount, weights) == given_out


def test_a_hundred_refunds_of_a_cent_do_not_all_fall_on_the_dearest_line() -> None:
    parts = [spread(1, [100, 200], before=before) for before in range(300)]
    assert [sum(each) for each in zip(*parts, strict=True)] == [100, 200]


def test_a_booking_that_cost_nothing_is_spread_evenly() -> None:
    assert spread(3, [0, 0]) == [2, 1]


def test_negative_money_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        spread(-1, [1])
