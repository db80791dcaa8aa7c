"""The price of a booking when tickets are taken out of it or added.

As long as nothing was paid the whole booking is one order: its discounts fall anew on what is kept and what is added.

What was paid stays paid. Where tickets leave, the kept ones are priced as an order of their own, see `regrouping`, and
what left is worth the rest: what the whole cost less what is kept. Where that rest would be less than nothing (the
ticket that made another one free is given back) the kept ones keep their prices and nothing goes back; they keep them
as well where they would be cheaper as an order of their own, so that nothing is worth more than it cost. What is added
costs what an order of its own costs today, and kept tickets do not count for its discounts. That is what another
booking would cost, so nothing is gained by buying in steps; and who adds a ticket neither has a new discount on old
tickets nor an old one on new tickets. Nor is anything gained by exchanging: the group that is broken is priced anew
before what left counts for what comes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from booking_service.domain.pricing.breakdown import (
    PriceBreakdown,
    PricedLine,
    UnitPrice,
    regroup,
    tax_difference,
)
from booking_service.domain.pricing.inputs import Item, Tariff
from booking_service.domain.pricing.quote import one_currency, price_of
from booking_service.domain.pricing.regrouping import Regrouping, regrouped
from booking_service.domain.pricing.rounding import portions
from booking_service.domain.pricing.tender import breakdown_in, unit_in
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money

Units = list[list[UnitPrice]]  # of each line of a booking


class UnitAt(NamedTuple):
    """Which ticket: the number of its line and its number in the line, both from 0."""

    line: int
    unit: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """A booking's price before and after a change.

    lines: those before, kept tickets at what they cost after it and leaving ones at what they are worth; the same sum
    where something was paid. removed: what left of them. forfeited: it was worth nothing without the rest.
    """

    before: PriceBreakdown
    lines: PriceBreakdown
    removed: PriceBreakdown
    added: PriceBreakdown
    after: PriceBreakdown
    forfeited: bool = False

    @property
    def difference(self) -> Money:
        """How much more it costs now; below zero when it costs less."""
        return self.after.total - self.before.total

    @property
    def owed(self) -> Money:
        """What the buyer pays in addition; zero when nothing."""
        if self.forfeited:
            return Money(self.added.total.minor_units, self.before.currency)
        return Money(max(0, self.difference.minor_units), self.before.currency)

    @property
    def given_back(self) -> Money:
        """What the buyer gets back where tickets are exchanged at full worth; else `refund_of` the removed ones."""
        return Money(0 if self.forfeited else max(0, -self.difference.minor_units), self.before.currency)


def reprice(
    before: PriceBreakdown,
    removed: Collection[UnitAt],
    added: Sequence[Item],
    tariff: Tariff,
    now: datetime,
    rate: ExchangeRate | None = None,
    *,
    by: Regrouping | None = None,
    paid: bool = True,
) -> Repriced:
    """Lines keep their order; added tickets come last in the line of their type and date, or in a new line at the end.

    rate: that the booking was held with. by: how discounts of kept tickets fall anew; None: they keep their prices.
    paid: what is added is an order of its own; else all is one order. Refused as `price_of` and `breakdown_in` refuse;
    FailedPrecondition CURRENCIES_MIXED also where added tickets cost another currency than kept ones; ValueError for a
    ticket that is not there.
    """
    gone = set(removed)
    if len(gone) < len(removed) or not all(_is_there(before, place) for place in gone):
        raise ValueError(f"the booking has no tickets {sorted(removed)}")
    new = None
    units = [list(line.units()) for line in before.lines]
    forfeited = False
    if by is not None and not paid:
        units, new = _as_one_order(before, units, gone, by, now, added, tariff, rate)
    elif by is not None and gone:
        again, _ = _as_one_order(before, units, gone, by, now, (), None, rate)
        worth = _with_worth(units, again, gone)
        forfeited = worth is None
        units = units if worth is None else worth
    if new is None:
        new = price_of(added, tariff, now) if added else PriceBreakdown(before.currency, ())
    if rate is not None and added:
        one_currency((rate.base, new.currency))
        new = breakdown_in(new, rate)
    currency = one_currency((before.currency, new.currency))
    lines = [regroup(line.ticket_type, line.date, of) for line, of in zip(before.lines, units, strict=True)]
    priced = _booking(before.currency, lines)
    kept, left = _parted(priced, gone)
    return Repriced(
        before, priced, left, new, PriceBreakdown(currency, _joined((*kept.lines, *new.lines))), forfeited
    )  # fmt: skip


def _is_there(booking: PriceBreakdown, place: UnitAt) -> bool:
    return 0 <= place.line < len(booking.lines) and 0 <= place.unit < booking.lines[place.line].quantity


def _as_one_order(
    before: PriceBreakdown,
    units: Units,
    gone: Collection[UnitAt],
    by: Regrouping,
    now: datetime,
    added: Sequence[Item],
    tariff: Tariff | None,
    rate: ExchangeRate | None,
) -> tuple[Units, PriceBreakdown | None]:
    """All tickets, those that stay at what they cost in one order with the added ones, and what these cost."""
    stay: dict[int, dict[int, UnitPrice]] = {}
    for line, of in enumerate(units):
        there = {at: unit for at, unit in enumerate(of) if UnitAt(line, at) not in gone}
        if there:
            stay[line] = there
    bases = {line: [unit.base or unit for unit in of.values()] for line, of in stay.items()}
    types = {number: line.ticket_type for number, line in enumerate(before.lines)}
    again, new = regrouped(bases, types, by, now, added, tariff)
    after = [list(of) for of in units]
    for line, there in stay.items():
        for (at, former), unit in zip(there.items(), again[line], strict=True):
            same = unit == (former.base or former)
            after[line][at] = former if same else unit_in(unit, rate)
    return after, new


def _with_worth(units: Units, again: Units, gone: Collection[UnitAt]) -> Units | None:
    """The same sum as before: what left is worth the rest. None where that is less than nothing."""
    kept = [UnitAt(line, at) for line, of in enumerate(units) for at in range(len(of)) if (line, at) not in gone]
    if _cost(again, kept) <= _cost(units, kept):  # else what is given back would be worth more than it cost
        return units
    places = sorted(gone)
    left = [units[line][at] for line, at in places]
    stayed = [(units[line][at], again[line][at]) for line, at in kept]
    worth = _worth(left, stayed)
    if worth is None:
        return None
    if left[0].base is not None:
        bases = [(former.base or former, unit.base or unit) for former, unit in stayed]
        of_base = _worth([unit.base or unit for unit in left], bases)
        if of_base is None:
            return None
        worth = [
            UnitPrice(unit.list_price, unit.phase, (), unit.fee, unit.taxes, base)
            for unit, base in zip(worth, of_base, strict=True)
        ]
    after = [list(of) for of in again]
    for (line, at), unit in zip(places, worth, strict=True):
        after[line][at] = unit
    return after


def _cost(units: Units, places: Sequence[UnitAt]) -> int:
    """Minor units of the event's currency."""
    return sum((units[line][at].base or units[line][at]).total.minor_units for line, at in places)


def _worth(left: Sequence[UnitPrice], stayed: Sequence[tuple[UnitPrice, UnitPrice]]) -> list[UnitPrice] | None:
    """What leaving tickets are worth together, in proportion to what they cost; their taxes stand with the first one.

    stayed: what each kept ticket cost, and costs now.
    """
    currency = left[0].list_price.currency
    total = sum(unit.total.minor_units for unit in left)
    fee = sum(unit.fee.minor_units for unit in left)
    for former, unit in stayed:
        total += former.total.minor_units - unit.total.minor_units
        fee += former.fee.minor_units - unit.fee.minor_units
    if total < 0:
        return None
    fee = min(max(0, fee), total)
    fees = portions(fee, _weights([unit.fee.minor_units for unit in left]))
    prices = portions(total - fee, _weights([unit.price.minor_units for unit in left]))
    before = _lump(currency, [*left, *(former for former, _ in stayed)])
    taxes = tax_difference(before, _lump(currency, [unit for _, unit in stayed]))
    return [
        UnitPrice(Money(price, currency), unit.phase, (), Money(of_fee, currency), () if number else taxes)
        for number, (unit, price, of_fee) in enumerate(zip(left, prices, fees, strict=True))
    ]


def _weights(amounts: Sequence[int]) -> Sequence[int]:
    return amounts if any(amounts) else [1] * len(amounts)


def _lump(currency: str, units: Sequence[UnitPrice]) -> PriceBreakdown:
    line = regroup("", "", units)
    return PriceBreakdown(currency, () if line is None else (line,))


def _parted(booking: PriceBreakdown, gone: Collection[UnitAt]) -> tuple[PriceBreakdown, PriceBreakdown]:
    """The tickets that stay and those that go."""
    stays, goes = [], []
    for number, line in enumerate(booking.lines):
        of: dict[bool, list[UnitPrice]] = {True: [], False: []}
        for index, unit in enumerate(line.units()):
            of[UnitAt(number, index) in gone].append(unit)
        stays.append(regroup(line.ticket_type, line.date, of[False]))
        goes.append(regroup(line.ticket_type, line.date, of[True]))
    return _booking(booking.currency, stays), _booking(booking.currency, goes)


def _booking(currency: str, lines: Sequence[PricedLine | None]) -> PriceBreakdown:
    return PriceBreakdown(currency, tuple(line for line in lines if line is not None))


def _joined(lines: Sequence[PricedLine]) -> tuple[PricedLine, ...]:
    """Lines of one type and date as one, where the first of them stands."""
    units: dict[tuple[str, str], list[UnitPrice]] = {}
    for line in lines:
        units.setdefault((line.ticket_type, line.date), []).extend(line.units())
    joined = (regroup(ticket_type, date, of) for (ticket_type, date), of in units.items())
    return tuple(line for line in joined if line is not None)
