"""Prices in the currency that a buyer pays in.

A ticket is priced in the event's currency, the base, by the steps of this package; what it comes to is then turned
into the other currency once, at the rate that its booking was held with, half to even. Each ticket by itself and not
a line as a whole: so a ticket that leaves takes along exactly what was paid for it, and any part of a booking is a
sum of tickets, to the minor unit, in both currencies.

What is turned are the amounts that are left after each step: list price, after each reduction, with the fee. The steps
are what lies between them. So they add up to the total whatever is rounded, and none becomes negative, for of two
amounts the greater never becomes the smaller. Included taxes are worked out of the total at their rates, as in the
base.
"""

from collections.abc import Sequence
from dataclasses import replace

from booking_service.domain.pricing.breakdown import PriceBreakdown, PricedLine, TaxPart, UnitPrice, UnitRun
from booking_service.domain.pricing.rounding import included_taxes
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition

# What a ticket may cost after conversion, in minor units: sums of a booking have to stay within the 64 bits of stores.
HIGHEST = 10**14


def breakdown_in(price: PriceBreakdown, rate: ExchangeRate | None) -> PriceBreakdown:
    """A price in the other currency, or with None in the base. FailedPrecondition PRICE_NOT_CONVERTIBLE."""
    if rate is None and all(run.unit.base is None for line in price.lines for run in line.runs):
        return price
    lines = tuple(PricedLine(line.ticket_type, line.date, runs_in(line.runs, rate)) for line in price.lines)
    return PriceBreakdown(lines[0].currency if lines else price.currency, lines)


def runs_in(runs: Sequence[UnitRun], rate: ExchangeRate | None) -> tuple[UnitRun, ...]:
    """The same for tickets, whatever currency they are in now."""
    return tuple(UnitRun(run.quantity, unit_in(run.unit, rate)) for run in runs)


def unit_in(unit: UnitPrice, rate: ExchangeRate | None) -> UnitPrice:
    """The same for one ticket; it remembers what it costs in the base."""
    base = unit.base or unit
    if rate is None:
        return base
    left = base.list_price
    converted = [rate.converted(left)]
    for each in base.reductions:
        left -= each.amount
        converted.append(rate.converted(left))
    total = rate.converted(base.total)
    if not total < Money(HIGHEST, rate.currency) or (base.total and not total):
        raise FailedPrecondition(
            "PRICE_NOT_CONVERTIBLE",
            f"A ticket for {base.total} cannot be paid in {rate.currency}.",
            metadata={"price": str(base.total), "currency_code": rate.currency},
        )
    taxes = included_taxes(total.minor_units, [part.millionths for part in base.taxes])
    return UnitPrice(
        list_price=converted[0],
        phase=base.phase,
        reductions=tuple(
            replace(each, amount=before - after)
            for each, before, after in zip(base.reductions, converted, converted[1:], strict=False)
        ),
        fee=total - converted[-1],
        taxes=tuple(
            TaxPart(part.name, part.millionths, Money(amount, rate.currency))
            for part, amount in zip(base.taxes, taxes, strict=True)
        ),
        base=base,
    )
