"""The price of an order: all steps of the package in their order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from booking_service.domain.pricing.breakdown import (
    PriceBreakdown,
    PricedLine,
    Reduction,
    ReductionKind,
    TaxPart,
    UnitPrice,
    UnitRun,
)
from booking_service.domain.pricing.costs import cost_of
from booking_service.domain.pricing.discounts import with_discounts
from booking_service.domain.pricing.inputs import STANDARD, Item, Tariff, TaxRate
from booking_service.domain.pricing.phases import list_prices
from booking_service.domain.pricing.rounding import included_taxes
from booking_service.domain.pricing.slices import Slice
from booking_service.domain.pricing.vouchers import with_voucher
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition


def price_of(items: Sequence[Item], tariff: Tariff, now: datetime) -> PriceBreakdown:
    """What these tickets cost at that moment, one line for each item in the order asked.

    The totals of the booking do not depend on that order. FailedPrecondition CURRENCIES_MIXED, TAX_CLASS_UNKNOWN;
    NotFound for a type that is not sold; ValueError without items.
    """
    if not items:
        raise ValueError("a booking has at least one line")
    slices = with_discounts(list_prices(items, tariff, now), tariff.discounts, now)
    if tariff.voucher is not None:
        slices = with_voucher(slices, tariff.voucher, tariff.fee)
    return breakdown_of(items, slices, tariff)


def breakdown_of(items: Sequence[Item], slices: Sequence[Slice], tariff: Tariff) -> PriceBreakdown:
    """What they cost once it is known which discount and which voucher each ticket has. Refused as `price_of`."""
    currency = _currency_of(slices, tariff)
    return PriceBreakdown(currency, _lines(items, slices, tariff, currency))


def one_currency(currencies: Iterable[str]) -> str:
    """The currency that all are in. FailedPrecondition CURRENCIES_MIXED; metadata tell which there are."""
    different = sorted(set(currencies))
    if len(different) > 1:
        raise FailedPrecondition(
            "CURRENCIES_MIXED",
            f"One booking cannot hold prices in {' and '.join(different)}; make one booking for each.",
            metadata={"currencies": ",".join(different)},
        )
    return different[0]


def _currency_of(slices: Sequence[Slice], tariff: Tariff) -> str:
    kinds = {each.kind.name: each.kind for each in slices}.values()
    amounts = [kind.price for kind in kinds] + [phase.price for kind in kinds for phase in kind.phases]
    if tariff.fee.fixed:
        amounts.append(tariff.fee.fixed)
    voucher = tariff.voucher
    if (
        voucher is not None
        and voucher.amount is not None
        and any(voucher.covers(each.kind.name, each.date) for each in slices)
    ):
        amounts.append(voucher.amount)
    return one_currency(amount.currency for amount in amounts)


def _lines(items: Sequence[Item], slices: Iterable[Slice], tariff: Tariff, currency: str) -> tuple[PricedLine, ...]:
    units: list[list[tuple[UnitPrice, int]]] = [[] for _ in items]
    known: dict[tuple[object, ...], UnitPrice] = {}
    for each in sorted(slices, key=lambda each: (each.line, each.run)):
        discount = "" if each.discount is None else each.discount.name
        key = (each.kind.tax_class, each.list_price, each.phase, discount, each.voucher is None)
        unit = known.get(key)
        if unit is None:
            unit = known[key] = _unit(each, tariff, currency)
        units[each.line].append((unit, each.quantity))
    return tuple(PricedLine(item.ticket_type, item.date, _runs(of)) for item, of in zip(items, units, strict=True))


def _runs(units: Iterable[tuple[UnitPrice, int]]) -> tuple[UnitRun, ...]:
    """Tickets that were cut apart and turned out alike (a discount may round to nothing) are together again."""
    alike = groupby(units, key=lambda each: each[0])
    return tuple(UnitRun(sum(count for _, count in same), unit) for unit, same in alike)


def _unit(each: Slice, tariff: Tariff, currency: str) -> UnitPrice:
    cost = cost_of(each.list_price, each.discount, each.voucher, tariff.fee)
    reductions = []
    if each.voucher is not None:
        code = each.voucher.code
        reductions.append(Reduction(ReductionKind.VOUCHER, code, code, Money(cost.voucher_off, currency)))
    if each.discount is not None and cost.discount_off:
        name, title = each.discount.name, each.discount.display_name
        reductions.append(Reduction(ReductionKind.DISCOUNT, name, title, Money(cost.discount_off, currency)))
    rates = _rates(each.kind.tax_class or STANDARD, tariff)
    amounts = included_taxes(cost.total, [rate.millionths for rate in rates])
    taxes = tuple(
        TaxPart(rate.name, rate.millionths, Money(amount, currency))
        for rate, amount in zip(rates, amounts, strict=True)
    )
    return UnitPrice(Money(each.list_price, currency), each.phase, tuple(reductions), Money(cost.fee, currency), taxes)


def _rates(tax_class: str, tariff: Tariff) -> tuple[TaxRate, ...]:
    if tariff.rates is None:
        return ()
    rates = tariff.rates.get(tax_class)
    if rates is None:
        raise FailedPrecondition(
            "TAX_CLASS_UNKNOWN",
            f"It is not known which taxes tickets of class {tax_class} bear.",
            metadata={"tax_class": tax_class},
        )
    return rates
