"""What a booking costs and why, down to the single ticket; sums are never stored, so they cannot disagree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from domain_kit.money import Money


class ReductionKind(Enum):
    """What made a ticket cheaper."""

    VOUCHER = "VOUCHER"
    DISCOUNT = "DISCOUNT"


@dataclass(frozen=True, slots=True)
class Reduction:
    """Taken off one ticket. `source`: code of the voucher or name of the discount. A voucher may take off nothing."""

    kind: ReductionKind
    source: str
    display_name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class TaxPart:
    """A tax that one ticket's total includes; `millionths` is its rate on the net price."""

    name: str
    millionths: int
    amount: Money


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one ticket costs. `phase`: display name of the price phase, "" outside of all.

    base: the same in the event's currency, where it is paid in another one; see `tender`.
    """

    list_price: Money
    phase: str
    reductions: tuple[Reduction, ...]
    fee: Money
    taxes: tuple[TaxPart, ...]
    base: "UnitPrice | None" = None

    @property
    def discount(self) -> Money:
        """All that was taken off."""
        return _sum((each.amount for each in self.reductions), self.list_price.currency)

    @property
    def price(self) -> Money:
        """After all reductions, without the fee."""
        return self.list_price - self.discount

    @property
    def total(self) -> Money:
        """What the buyer pays for it: price and fee, taxes included."""
        return self.price + self.fee

    @property
    def tax(self) -> Money:
        """All taxes that the total includes."""
        return _sum((each.amount for each in self.taxes), self.list_price.currency)

    @property
    def voucher(self) -> str:
        """Code of the voucher that covers it, "" for none."""
        return next((each.source for each in self.reductions if each.kind is ReductionKind.VOUCHER), "")


@dataclass(frozen=True, slots=True)
class UnitRun:
    """So many tickets, one like the other."""

    quantity: int
    unit: UnitPrice


class Amounts(NamedTuple):
    """Sums in minor units: what a line's list prices, reductions, fees and included taxes come to."""

    subtotal: int
    discount: int
    fee: int
    tax: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Tickets of one type (and date) with what each costs. The n-th ticket of the line has the n-th of `units`."""

    ticket_type: str
    date: str
    runs: tuple[UnitRun, ...]

    @property
    def quantity(self) -> int:
        """Tickets in all."""
        return sum(run.quantity for run in self.runs)

    @property
    def currency(self) -> str:
        """Of all its amounts."""
        return self.runs[0].unit.list_price.currency

    @property
    def subtotal(self) -> Money:
        """List prices."""
        return self._sum((run.quantity, run.unit.list_price) for run in self.runs)

    @property
    def discount(self) -> Money:
        """All that was taken off."""
        return self._sum((run.quantity, run.unit.discount) for run in self.runs)

    @property
    def fee(self) -> Money:
        """Service fees."""
        return self._sum((run.quantity, run.unit.fee) for run in self.runs)

    @property
    def tax(self) -> Money:
        """Taxes that the total includes."""
        return self._sum((run.quantity, run.unit.tax) for run in self.runs)

    @property
    def total(self) -> Money:
        """What the buyer pays: subtotal − discount + fee."""
        return self._sum((run.quantity, run.unit.total) for run in self.runs)

    def amounts(self) -> Amounts:
        """The same in one pass."""
        subtotal = discount = fee = tax = 0
        for run in self.runs:
            count, unit = run.quantity, run.unit
            subtotal += count * unit.list_price.minor_units
            discount += count * sum(each.amount.minor_units for each in unit.reductions)
            fee += count * unit.fee.minor_units
            tax += count * sum(each.amount.minor_units for each in unit.taxes)
        return Amounts(subtotal, discount, fee, tax)

    def units(self) -> Iterator[UnitPrice]:
        """One for each ticket."""
        for run in self.runs:
            yield from (run.unit for _ in range(run.quantity))

    def _sum(self, amounts: Iterable[tuple[int, Money]]) -> Money:
        return Money(sum(times * amount.minor_units for times, amount in amounts), self.currency)


@dataclass(frozen=True, slots=True)
class PriceBreakdown:
    """What a booking costs. Nothing is left of it: no lines, but still a currency."""

    currency: str
    lines: tuple[PricedLine, ...]

    @property
    def subtotal(self) -> Money:
        """List prices."""
        return _sum((line.subtotal for line in self.lines), self.currency)

    @property
    def discount(self) -> Money:
        """All that was taken off."""
        return _sum((line.discount for line in self.lines), self.currency)

    @property
    def fee(self) -> Money:
        """Service fees."""
        return _sum((line.fee for line in self.lines), self.currency)

    @property
    def tax(self) -> Money:
        """Taxes that the total includes: the sum over tickets, so that any part of a booking states its own exactly."""
        return _sum((line.tax for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        """What the buyer pays."""
        return _sum((line.total for line in self.lines), self.currency)

    @property
    def taxes(self) -> tuple[TaxPart, ...]:
        """For each tax and rate its sum over tickets, in order of appearance; what an invoice states."""
        sums: dict[tuple[str, int], int] = {}
        for run in (run for line in self.lines for run in line.runs):
            for part in run.unit.taxes:
                key = (part.name, part.millionths)
                sums[key] = sums.get(key, 0) + run.quantity * part.amount.minor_units
        return tuple(TaxPart(name, rate, Money(amount, self.currency)) for (name, rate), amount in sums.items())

    @property
    def voucher_uses(self) -> int:
        """Tickets that a voucher covers: so many of its uses are spent."""
        return sum(run.quantity for line in self.lines for run in line.runs if run.unit.voucher)


def regroup(ticket_type: str, date: str, units: Iterable[UnitPrice]) -> PricedLine | None:
    """The line of these tickets, in their order; None without any."""
    runs = tuple(UnitRun(len(list(same)), unit) for unit, same in groupby(units))
    return PricedLine(ticket_type, date, runs) if runs else None


def tax_difference(one: PriceBreakdown, other: PriceBreakdown) -> tuple[TaxPart, ...]:
    """Taxes of one price less those of another, by tax and rate; below zero where the other has more."""
    sums: dict[tuple[str, int], Money] = {(each.name, each.millionths): each.amount for each in one.taxes}
    for each in other.taxes:
        key = each.name, each.millionths
        sums[key] = sums.get(key, Money(0, each.amount.currency)) - each.amount
    return tuple(TaxPart(name, rate, amount) for (name, rate), amount in sums.items() if amount)


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return Money(sum(amount.minor_units for amount in amounts), currency)
