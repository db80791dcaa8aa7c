"""The price of a booking when tickets are taken out of it or added.

What was sold stays sold at its price: neither a new phase nor a group that is no longer complete makes a kept ticket
dearer. What is added costs what an order of its own costs today; kept tickets do not count for its discounts, for they
counted when they were bought.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from booking_service.domain.pricing.breakdown import PriceBreakdown, PricedLine, UnitPrice, regroup
from booking_service.domain.pricing.inputs import Item, Tariff
from booking_service.domain.pricing.quote import one_currency, price_of
from booking_service.domain.pricing.tender import breakdown_in
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money


class UnitAt(NamedTuple):
    """Which ticket: the number of its line and its number in the line, both from 0."""

    line: int
    unit: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """A booking's price before and after a change; `removed`: what left, at the price it was sold at."""

    before: PriceBreakdown
    removed: PriceBreakdown
    added: PriceBreakdown
    after: PriceBreakdown

    @property
    def difference(self) -> Money:
        """How much more it costs now; below zero when it costs less."""
        return self.after.total - self.before.total

    @property
    def owed(self) -> Money:
        """What the buyer pays in addition; zero when nothing."""
        return Money(max(0, self.difference.minor_units), self.before.currency)

    @property
    def given_back(self) -> Money:
        """What the buyer gets back where tickets are exchanged at full worth; else `refund_of` the removed ones."""
        return Money(max(0, -self.difference.minor_units), self.before.currency)


def reprice(
    before: PriceBreakdown,
    removed: Collection[UnitAt],
    added: Sequence[Item],
    tariff: Tariff,
    now: datetime,
    rate: ExchangeRate | None = None,
) -> Repriced:
    """Lines keep their order; added tickets come last in the line of their type and date, or in a new line at the end.

    rate: that the booking was held with. Refused as `price_of` and `breakdown_in` refuse; FailedPrecondition
    CURRENCIES_MIXED also where added tickets cost another currency than kept ones; ValueError for a ticket that is not
    there.
    """
    gone = set(removed)
    if len(gone) < len(removed) or not all(_is_there(before, place) for place in gone):
        raise ValueError(f"the booking has no tickets {sorted(removed)}")
    kept, left = _parted(before, gone)
    new = price_of(added, tariff, now) if added else PriceBreakdown(before.currency, ())
    if rate is not None and added:
        one_currency((rate.base, new.currency))
        new = breakdown_in(new, rate)
    currency = one_currency((before.currency, new.currency))
    return Repriced(before, left, new, PriceBreakdown(currency, _joined((*kept.lines, *new.lines))))


def _is_there(booking: PriceBreakdown, place: UnitAt) -> bool:
    return 0 <= place.line < len(booking.lines) and 0 <= place.unit < booking.lines[place.line].quantity


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
