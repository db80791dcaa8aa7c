"""What goes back for tickets that are given up, by the organizer's refund steps.

The step with the longest `before_start` that is still met decides; none met: nothing. Without any steps everything goes
back until the start. Price and fee are rounded per ticket, a half upwards: tickets given up one after the other bring
what they bring together, and nothing ever brings more than it cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_service.domain.pricing.breakdown import TaxPart, UnitPrice
from booking_service.domain.pricing.inputs import EVERYTHING, RefundStep
from booking_service.domain.pricing.rounding import portions, rounded, share
from domain_kit.money import Money

UNTIL_THE_START = (RefundStep(timedelta(0), EVERYTHING),)


@dataclass(frozen=True, slots=True)
class UnitRefund:
    """What goes back for one ticket; `taxes` are those that it includes, for the credit note."""

    price: Money
    fee: Money
    taxes: tuple[TaxPart, ...]

    @property
    def total(self) -> Money:
        """Price and fee."""
        return self.price + self.fee


@dataclass(frozen=True, slots=True)
class Refund:
    """What goes back. `basis_points`: the share that was due; `units`: in the order in which they were given."""

    basis_points: int
    units: tuple[UnitRefund, ...]

    @property
    def total(self) -> Money:
        """For all tickets."""
        return Money(sum(unit.total.minor_units for unit in self.units), self.units[0].price.currency)


def refund_share(steps: Sequence[RefundStep], start: datetime, now: datetime) -> int:
    """Basis points that go back at that moment."""
    return _share_with(steps, start - now)


def most_generous(one: Sequence[RefundStep], other: Sequence[RefundStep]) -> tuple[RefundStep, ...]:
    """Steps that give at no moment less than either of these gives, and no less the earlier tickets are given up."""
    steps: list[RefundStep] = []
    best = -1
    for left in sorted({step.before_start for step in (*(one or UNTIL_THE_START), *(other or UNTIL_THE_START))}):
        basis_points = max(_share_with(one, left), _share_with(other, left))
        if basis_points > best:
            steps.append(RefundStep(left, basis_points))
            best = basis_points
    return tuple(reversed(steps))


def refund_of(
    units: Sequence[UnitPrice], steps: Sequence[RefundStep], keeps_fees: bool, start: datetime, now: datetime
) -> Refund:
    """What goes back for these tickets at that moment. `keeps_fees`: no fee goes back. ValueError without tickets."""
    if not units:
        raise ValueError("nothing is given up")
    basis_points = refund_share(steps, start, now)
    return Refund(basis_points, tuple(_refund(unit, basis_points, 0 if keeps_fees else basis_points) for unit in units))


def _share_with(steps: Sequence[RefundStep], left: timedelta) -> int:
    met = [step for step in steps or UNTIL_THE_START if step.before_start <= left]
    return max(met, key=lambda step: step.before_start).basis_points if met else 0


def _refund(unit: UnitPrice, of_price: int, of_fee: int) -> UnitRefund:
    currency = unit.list_price.currency
    price, fee = share(unit.price.minor_units, of_price), share(unit.fee.minor_units, of_fee)
    total = unit.total.minor_units
    tax = rounded(unit.tax.minor_units * (price + fee), total) if total else 0
    parts = portions(tax, [part.amount.minor_units for part in unit.taxes])
    taxes = tuple(
        TaxPart(part.name, part.millionths, Money(amount, currency))
        for part, amount in zip(unit.taxes, parts, strict=True)
    )
    return UnitRefund(Money(price, currency), Money(fee, currency), taxes)
