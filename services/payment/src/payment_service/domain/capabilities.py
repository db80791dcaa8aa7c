"""What a gateway can do, from its data file: methods, currencies, amounts, fees, time limits, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain_kit.money import Money, exponent_of
from domain_kit.refusals import InvalidArgument
from payment_service.domain.gateways import MethodKind


@dataclass(frozen=True, slots=True)
class CurrencyRule:
    """How amounts of a currency are said to the gateway.

    exponent: digits after the point as the gateway counts (of ISO 4217 where it has no rule of its own). step: the
    smallest difference in minor units of ISO 4217. minimum, maximum: in the same; maximum 0: none is known.
    """

    exponent: int
    step: int = 1
    minimum: int = 1
    maximum: int = 0


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pay. Empty countries or currencies: all of the gateway's."""

    name: str
    kind: MethodKind
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fee:
    """basis_points of the amount and a fixed part in minor units, in the currency of the payment."""

    basis_points: int
    fixed: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Of one gateway. countries: of merchants and payers; empty: anywhere. fees: by currency, "*" for the rest.

    capture_days: how long reserved money is kept, 0: it cannot be reserved. refund_days: 0: without limit.
    partial_captures: less than what is reserved can be taken. disputes: it tells when a payer asks the bank for the
    money back. saved_methods: it keeps ways to pay for payers who want that.
    """

    gateway: str
    display_name: str
    methods: Mapping[str, Method]
    currencies: Mapping[str, CurrencyRule]
    countries: frozenset[str]
    fees: Mapping[str, Fee]
    capture_days: int
    refund_days: int
    partial_refunds: bool
    partial_captures: bool = False
    disputes: bool = False
    saved_methods: bool = False

    def takes(self, method: str, currency: str, country: str = "") -> bool:
        """Whether a payer of that country (unknown: "") can pay so."""
        way = self.methods.get(method)
        if way is None or currency not in self.currencies:
            return False
        if way.currencies and currency not in way.currencies:
            return False
        places = way.countries or self.countries
        return not country or not places or country in places

    def fee_of(self, amount: Money) -> Money:
        """What the gateway is expected to keep, rounded half up."""
        fee = self.fees.get(amount.currency) or self.fees["*"]
        return Money((amount.minor_units * fee.basis_points + 5000) // 10_000 + fee.fixed, amount.currency)

    def gateway_units(self, amount: Money) -> int:
        """The amount as an integer of the gateway's own minor units; InvalidArgument AMOUNT_NOT_CHARGEABLE."""
        rule = self.currencies.get(amount.currency)
        if rule is None:
            raise _not_chargeable(amount, f"{self.display_name} does not take this currency.")
        if amount.minor_units % rule.step:
            raise _not_chargeable(amount, f"only multiples of {Money(rule.step, amount.currency)} can be charged.")
        if amount.minor_units < rule.minimum:
            raise _not_chargeable(amount, f"{Money(rule.minimum, amount.currency)} is the least.")
        if rule.maximum and amount.minor_units > rule.maximum:
            raise _not_chargeable(amount, f"{Money(rule.maximum, amount.currency)} is the most.")
        return self._shifted(amount)

    def refund_units(self, amount: Money) -> int:
        """The same for money on its way back, which may be less than the least that can be charged."""
        rule = self.currencies.get(amount.currency)
        if rule is None or amount.minor_units % rule.step:
            raise _not_chargeable(amount, "it cannot be said to the gateway.")
        return self._shifted(amount)

    def money(self, gateway_units: int, currency: str) -> Money:
        """The reverse of `gateway_units`; ValueError for what cannot be said in minor units of ISO 4217."""
        shift = self.currencies[currency].exponent - exponent_of(currency)
        if shift <= 0:
            return Money(gateway_units * 10**-shift, currency)
        units, rest = divmod(gateway_units, 10**shift)
        if rest:
            raise ValueError(f"{gateway_units} of the gateway's units are no amount of {currency}")
        return Money(units, currency)

    def decimal_text(self, amount: Money) -> str:
        """The amount as decimal text with the gateway's digits, such as "19.99"; refusals as `gateway_units`."""
        return self._text(self.gateway_units(amount), amount.currency)

    def refund_text(self, amount: Money) -> str:
        """The same for money on its way back."""
        return self._text(self.refund_units(amount), amount.currency)

    def _text(self, units: int, currency: str) -> str:
        digits = self.currencies[currency].exponent
        if not digits:
            return str(units)
        whole, rest = divmod(units, 10**digits)
        return f"{whole}.{rest:0{digits}}"

    def _shifted(self, amount: Money) -> int:
        shift = self.currencies[amount.currency].exponent - exponent_of(amount.currency)
        if shift >= 0:
            units: int = amount.minor_units * 10**shift
            return units
        units, rest = divmod(amount.minor_units, 10**-shift)
        if rest:
            raise _not_chargeable(amount, "the gateway does not know such small amounts.")
        return int(units)


def _not_chargeable(money: Money, why: str) -> InvalidArgument:
    return InvalidArgument.of("amount", f"{money} cannot be charged: {why}", reason="AMOUNT_NOT_CHARGEABLE")
