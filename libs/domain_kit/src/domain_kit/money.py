"""Money as integer minor units with an ISO 4217 currency; never a float."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from domain_kit.refusals import InvalidArgument


@cache
def exponents() -> dict[str, int]:
    """Currency code → digits after the point (ISO 4217 table A.1, see the data file for its source)."""
    text = files("domain_kit").joinpath("data/iso4217.json").read_text("utf-8")
    return {
        code: int(digits) for digits, codes in json.loads(text)["codes_by_exponent"].items() for code in codes.split()
    }


def exponent_of(currency: str) -> int:
    """Digits after the point of a currency; InvalidArgument CURRENCY_UNKNOWN."""
    digits = exponents().get(currency)
    if digits is None:
        raise InvalidArgument.of(
            "currency_code", f"{currency!r} is not an ISO 4217 currency.", reason="CURRENCY_UNKNOWN"
        )
    return digits


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor_units` of `currency`: Money(1999, "CAD") is 19.99 Canadian dollars, Money(500, "JPY") 500 yen."""

    minor_units: int
    currency: str

    def __post_init__(self) -> None:
        exponent_of(self.currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor_units + self._same(other).minor_units, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor_units - self._same(other).minor_units, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor_units * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor_units < self._same(other).minor_units

    def __le__(self, other: "Money") -> bool:
        return self.minor_units <= self._same(other).minor_units

    def __bool__(self) -> bool:
        return self.minor_units != 0

    def __str__(self) -> str:
        digits = exponent_of(self.currency)
        sign, amount = ("-" if self.minor_units < 0 else ""), abs(self.minor_units)
        whole, part = divmod(amount, 10**digits)
        return f"{sign}{whole}.{part:0{digits}d} {self.currency}" if digits else f"{sign}{whole} {self.currency}"

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise InvalidArgument(
                "CURRENCY_MISMATCH",
                f"{self.currency} and {other.currency} cannot be combined.",
                metadata={"left": self.currency, "right": other.currency},
            )
        return other


def units_and_nanos(money: Money) -> tuple[int, int]:
    """The amount as google.type.Money holds it: whole units and 10⁻⁹ units of the same sign."""
    scale = 10 ** exponent_of(money.currency)
    sign = -1 if money.minor_units < 0 else 1
    units, part = divmod(abs(money.minor_units), scale)
    return sign * units, sign * part * (10**9 // scale)


def from_units_and_nanos(units: int, nanos: int, currency: str) -> Money:
    """The reverse.

    InvalidArgument AMOUNT_TOO_PRECISE where nanos hold less than a minor unit, AMOUNT_INVALID on mixed signs.
    """
    if abs(nanos) >= 10**9 or (units > 0 > nanos) or (units < 0 < nanos):
        raise InvalidArgument("AMOUNT_INVALID", "units and nanos must have one sign, nanos below 10⁹.")
    scale = 10 ** exponent_of(currency)
    part, rest = divmod(abs(nanos), 10**9 // scale)
    if rest:
        raise InvalidArgument("AMOUNT_TOO_PRECISE", f"{currency} has {exponent_of(currency)} digits after the point.")
    sign = -1 if units < 0 or nanos < 0 else 1
    return Money(sign * (abs(units) * scale + part), currency)
