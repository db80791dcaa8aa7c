"""Shares of an amount in whole minor units: what is halfway is rounded up, and parts always make the whole."""

from collections.abc import Sequence

from booking_service.domain.pricing.inputs import EVERYTHING

MILLION = 1_000_000


def share(amount: int, basis_points: int) -> int:
    """So many basis points of an amount that is not negative; half a minor unit rounds up, as merchants do.

    A share of a greater amount is never smaller, nor what is left of it: discounts and fees rely on both.
    """
    return rounded(amount * basis_points, EVERYTHING)


def rounded(dividend: int, divisor: int) -> int:
    """The quotient of numbers that are not negative; a half rounds up."""
    return (2 * dividend + divisor) // (2 * divisor)


def portions(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount divided in proportion to the weights, to the last minor unit (largest remainders; ties: the first).

    Hamilton's method: each portion is within one minor unit of the exact one. Zeros where all weights are zero.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [divmod(amount * weight, whole) for weight in weights]
    shares = [quotient for quotient, _ in exact]
    missing = amount - sum(shares)
    for index in sorted(range(len(exact)), key=lambda index: -exact[index][1])[:missing]:
        shares[index] += 1
    return shares


def included_taxes(gross: int, rates: Sequence[int]) -> list[int]:
    """The taxes that a gross amount includes, at rates in millionths of the net amount, all on the same base.

    Together they are rounded once, gross · r ∕ (1 + r) with the sum r of the rates, then divided in proportion.
    """
    whole = sum(rates)
    return portions(rounded(gross * whole, MILLION + whole), rates)
