"""Which discounts the tickets of a booking have when others left it or come to it.

A group that is broken gives no discount: else the dear tickets of "every third free" could be given back and the free
one kept. So what stays is priced as if it had been ordered without what left: list price, voucher, tax rates and
currency of each ticket are those it was sold with, and only the discounts fall anew. A ticket whose discount stays the
same keeps its price to the letter.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from booking_service.domain.pricing.breakdown import (
    PriceBreakdown,
    PricedLine,
    Reduction,
    ReductionKind,
    TaxPart,
    UnitPrice,
)
from booking_service.domain.pricing.costs import cost_of
from booking_service.domain.pricing.discounts import with_discounts
from booking_service.domain.pricing.inputs import (
    NO_FEE,
    Discount,
    Item,
    PricedType,
    ServiceFee,
    Tariff,
    VoucherBenefit,
    VoucherKind,
)
from booking_service.domain.pricing.phases import list_prices
from booking_service.domain.pricing.quote import breakdown_of, one_currency
from booking_service.domain.pricing.rounding import included_taxes
from booking_service.domain.pricing.slices import Slice
from domain_kit.money import Money


@dataclass(frozen=True, slots=True)
class Regrouping:
    """What discounts fall anew by. vouchers: number of a line → what its tickets may have off beside.

    fee: of a ticket whose price changes.
    """

    discounts: tuple[Discount, ...] = ()
    fee: ServiceFee = NO_FEE
    vouchers: Mapping[int, VoucherBenefit] = field(default_factory=dict)


NO_DISCOUNTS = Regrouping()


def discounts_of(lines: Sequence[PricedLine]) -> set[str]:
    """Names of the discounts that tickets of these lines have."""
    return {
        each.source
        for line in lines
        for run in line.runs
        for each in run.unit.reductions
        if each.kind is ReductionKind.DISCOUNT
    }


def regrouped(
    kept: Mapping[int, Sequence[UnitPrice]],
    types: Mapping[int, str],
    by: Regrouping,
    now: datetime,
    added: Sequence[Item] = (),
    tariff: Tariff | None = None,
) -> tuple[dict[int, list[UnitPrice]], PriceBreakdown | None]:
    """One order of kept tickets, by number of their line, in the event's currency, and of added ones at this tariff.

    What each kept one costs in it, and the added ones; None without any. Refused as `price_of`.
    """
    slices: list[Slice] = []
    units: dict[tuple[int, int], UnitPrice] = {}
    for line, of in kept.items():
        for run, (unit, same) in enumerate(groupby(of)):
            kind = PricedType(types[line], "", unit.list_price)
            # Before all that is added, so that among equals a kept ticket has the discount.
            place = line - len(types)
            slices.append(Slice(place, run, kind, unit.list_price.minor_units, unit.phase, len(list(same))))
            units[place, run] = unit
    if added and tariff is not None:
        new = list_prices(added, tariff, now)
        one_currency(each.kind.price.currency for each in (*slices, *new))
        slices += new
    slices = with_discounts(slices, by.discounts, now)
    again: dict[int, list[UnitPrice]] = {line: [] for line in kept}
    for each in sorted(slices, key=lambda each: (each.line, each.run)):
        if each.line < 0:
            line = each.line + len(types)
            unit = _again(units[each.line, each.run], each.discount, by.vouchers.get(line), by.fee)
            again[line] += [unit] * each.quantity
    if not added or tariff is None:
        return again, None
    return again, breakdown_of(added, [each for each in slices if each.line >= 0], tariff)


def _again(unit: UnitPrice, discount: Discount | None, benefit: VoucherBenefit | None, fee: ServiceFee) -> UnitPrice:
    """The ticket with that discount and no other."""
    currency, listed = unit.list_price.currency, unit.list_price.minor_units
    voucher = _held_with(unit, benefit)
    cost = cost_of(listed, discount, voucher, fee)
    if voucher is not None and voucher.kind is not VoucherKind.NONE:
        without = cost_of(listed, discount, None, fee)
        if without.total <= cost.total:
            voucher, cost = None, without
    reductions = []
    if voucher is not None:
        reductions.append(
            Reduction(ReductionKind.VOUCHER, voucher.code, voucher.code, Money(cost.voucher_off, currency))
        )
    if discount is not None and cost.discount_off:
        off = Money(cost.discount_off, currency)
        reductions.append(Reduction(ReductionKind.DISCOUNT, discount.name, discount.display_name, off))
    if _told(reductions) == _told(unit.reductions):
        return unit
    amounts = included_taxes(cost.total, [part.millionths for part in unit.taxes])
    taxes = tuple(
        TaxPart(part.name, part.millionths, Money(amount, currency))
        for part, amount in zip(unit.taxes, amounts, strict=True)
    )
    return UnitPrice(unit.list_price, unit.phase, tuple(reductions), Money(cost.fee, currency), taxes)


def _held_with(unit: UnitPrice, benefit: VoucherBenefit | None) -> VoucherBenefit | None:
    """The voucher that it was sold with takes off what it took off then, whatever it does today."""
    had = next((each for each in unit.reductions if each.kind is ReductionKind.VOUCHER), None)
    if had is None:
        return benefit
    if benefit is not None and benefit.code == had.source and benefit.kind is VoucherKind.PRICE:
        return VoucherBenefit(had.source, VoucherKind.PRICE, amount=unit.list_price - had.amount)
    if not had.amount:
        return VoucherBenefit(had.source)
    return VoucherBenefit(had.source, VoucherKind.FIXED, amount=had.amount)


def _told(reductions: Collection[Reduction]) -> list[tuple[ReductionKind, str, Money]]:
    return [(each.kind, each.source, each.amount) for each in reductions]
