"""Money spread over the lines of a booking in proportion to their price, to the minor unit."""

from collections.abc import Sequence
from fractions import Fraction


def spread(amount: int, weights: Sequence[int], *, before: int = 0) -> list[int]:
    """Parts of `amount` minor units, one a weight, when `before` has been spread over the same weights already.

    INVARIANT: the parts add up to `amount`; none is negative; parts of consecutive amounts add up to the parts of their
    sum, so what is paid back of a booking in steps leaves each line with exactly its price when all of it is.
    Rounding each amount by itself (largest remainder) keeps only the first: a hundred refunds of a cent would all fall
    on the dearest line.
    """
    if amount < 0 or before < 0:
        raise ValueError("money that is spread is not negative")
    whole, former = _first(before + amount, weights), _first(before, weights)
    return [after - earlier for after, earlier in zip(whole, former, strict=True)]


def _first(amount: int, weights: Sequence[int]) -> list[int]:
    """How the first `amount` units fall on the lines (Sainte-Laguë: unit j of a line comes at time (2j + 1) / weight).

    Units are ordered by time, then by line. All that come until the mean time are counted at once; that misses the
    wanted number by less than one a line, which is put right unit by unit.
    """
    if not any(weights):
        weights = [1] * len(weights)
    total = sum(weights)
    given = [(2 * weight * amount + total) // (2 * total) if weight else 0 for weight in weights]
    lines = [line for line, weight in enumerate(weights) if weight]
    while (missing := amount - sum(given)) > 0:
        given[min(lines, key=lambda line: (Fraction(2 * given[line] + 1, weights[line]), line))] += 1
    while missing < 0:
        given[max(lines, key=lambda line: (Fraction(2 * given[line] - 1, weights[line]), line))] -= 1
        missing += 1
    return given
