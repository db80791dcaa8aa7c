"""How much tax a price contains, to the minor unit: exact integers, no part lost and none invented."""

from collections.abc import Sequence
from dataclasses import dataclass

from compliance.rates import ONE, TaxRate


@dataclass(frozen=True, slots=True)
class TaxPart:
    """The share of one tax in a gross amount, in minor units of its currency."""

    rate: TaxRate
    minor_units: int


def included_tax(gross_minor_units: int, rates: Sequence[TaxRate]) -> tuple[TaxPart, ...]:
    """The taxes inside `gross_minor_units`, one part a rate in the order given; what remains of the gross is the net.

    All rates apply to the same net (none is charged on another). Their sum is computed first, gross · Σ / (1 + Σ), and
    rounded half away from zero; it is then split by largest remainder, the earlier rate first where two are alike. So
    the parts sum to that tax exactly, each is off by less than one minor unit, and a refund mirrors its sale.
    """
    whole = sum(rate.per_100_000 for rate in rates)
    sign = -1 if gross_minor_units < 0 else 1
    total = _divide_half_up(abs(gross_minor_units) * whole, ONE + whole)
    shares = [divmod(total * rate.per_100_000, whole or 1) for rate in rates]
    missing = total - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))
    rounded_up = set(by_remainder[:missing])
    return tuple(
        TaxPart(rate, sign * (share + (index in rounded_up)))
        for index, (rate, (share, _)) in enumerate(zip(rates, shares, strict=True))
    )


def _divide_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
