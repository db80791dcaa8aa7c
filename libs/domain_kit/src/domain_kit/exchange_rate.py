"""A dated rate between two currencies, and amounts turned from one into the other; exact integers, never a float."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from domain_kit.money import Money, exponent_of
from domain_kit.refusals import InvalidArgument

HIGHEST_RATE = 10**10
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,10})(?:\.[0-9]{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of `base` is worth `rate` units of `currency`, as of `rate_time`, as `source` says.

    rate: a decimal number as text, see `is_rate`; both currencies by their ISO 4217 codes.
    """

    base: str
    currency: str
    rate: str
    rate_time: datetime
    source: str = ""

    def converted(self, money: Money) -> Money:
        """An amount of the base in the other currency, rounded half to even to its minor unit.

        Of two amounts the greater never becomes the smaller one. InvalidArgument CURRENCY_MISMATCH, RATE_INVALID.
        """
        self._require(money, self.base)
        times, by = ratio(self.base, self.currency, self.rate)
        return Money(half_even(money.minor_units * times, by), self.currency)

    def reverted(self, money: Money) -> Money:
        """The reverse, likewise rounded: for amounts that were never worked out in the base."""
        self._require(money, self.currency)
        times, by = ratio(self.base, self.currency, self.rate)
        return Money(half_even(money.minor_units * by, times), self.base)

    def _require(self, money: Money, currency: str) -> None:
        if money.currency != currency:
            raise InvalidArgument(
                "CURRENCY_MISMATCH",
                f"The rate is for {currency}, not for {money.currency}.",
                metadata={"left": money.currency, "right": currency},
            )


def is_rate(text: str) -> bool:
    """More than 0, at most 10¹⁰, at most 12 digits after the point, without sign, exponent or leading zeros."""
    return _DECIMAL.fullmatch(text) is not None and 0 < _fraction(text)[0] <= HIGHEST_RATE * _fraction(text)[1]


@lru_cache(maxsize=1024)
def ratio(base: str, currency: str, rate: str) -> tuple[int, int]:
    """What minor units of the base are multiplied with and divided by. InvalidArgument RATE_INVALID."""
    if not is_rate(rate):
        raise InvalidArgument.of("rate", "must be a decimal number above 0.", reason="RATE_INVALID")
    digits, scale = _fraction(rate)
    return digits * 10 ** exponent_of(currency), scale * 10 ** exponent_of(base)


def half_even(dividend: int, divisor: int) -> int:
    """The quotient to the nearest integer, of two that are as near the even one (IEEE 754 roundTiesToEven)."""
    quotient, rest = divmod(dividend, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))


def _fraction(text: str) -> tuple[int, int]:
    whole, _, part = text.partition(".")
    return int(whole + part), 10 ** len(part)
