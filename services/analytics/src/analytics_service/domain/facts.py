"""Facts: what domain events say about sales. A fact never changes; only the day it falls on moves with the zone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.figures import NOTHING, Figures
from analytics_service.domain.spreading import spread
from domain_kit.money import Money


class Kind(Enum):
    """What happened."""

    BOOKING_CONFIRMED = "BOOKING_CONFIRMED"
    BOOKING_CHANGED = "BOOKING_CHANGED"
    BOOKING_CANCELLED = "BOOKING_CANCELLED"
    BOOKING_COMPLETED = "BOOKING_COMPLETED"
    BOOKING_NO_SHOW = "BOOKING_NO_SHOW"
    TICKET_CHECKED_IN = "TICKET_CHECKED_IN"
    CHECK_IN_UNDONE = "CHECK_IN_UNDONE"
    REFUND_COMPLETED = "REFUND_COMPLETED"
    PAYMENT_UNCLAIMED = "PAYMENT_UNCLAIMED"  # counts nothing: it says that refunds of this payment are no sale undone


# What can become of a payment: it paid for a booking, or for what a change made dearer, or no booking took it.
CLAIMS = frozenset({Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.PAYMENT_UNCLAIMED})


@dataclass(frozen=True, slots=True)
class Line:
    """What a fact counts for one ticket type, `events/{event}/ticketTypes/{ticket_type}`, and currency (ISO 4217).

    base: the event's currency where it was paid in another one; "" where it was paid in that.
    """

    ticket_type: str
    currency: str
    figures: Figures
    base: str = ""

    def __mul__(self, times: int) -> "Line":
        """What so many of it count."""
        return replace(self, figures=self.figures * times)

    def in_event_currency(self) -> "Line":
        """With its money in the event's currency, each booking's at its own rate."""
        if not self.base:
            return self
        figures, base = self.figures, self.base
        money = {"gross": figures.base_gross, "refunded": figures.base_refunded, "base_gross": 0, "base_refunded": 0}
        return Line(self.ticket_type, base, replace(figures, **money))


def summed(lines: Iterable[Line]) -> tuple[Line, ...]:
    """A line a ticket type and currency, and currency of the event, in this order."""
    sums: defaultdict[tuple[str, str, str], Figures] = defaultdict(lambda: NOTHING)
    for line in lines:
        sums[line.ticket_type, line.currency, line.base] += line.figures
    return tuple(Line(kind, currency, figures, base) for (kind, currency, base), figures in sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class Fact:
    """`id` is that of the domain event. `payment`: what paid for the booking or its change, or was paid back."""

    id: str
    kind: Kind
    organizer: str
    event: str
    booking: str
    payment: str
    time: datetime
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class SheetKey:
    """The figures of one event on one day of its organizer."""

    organizer: str
    day: date
    event: str


@dataclass(frozen=True, slots=True)
class FiledFact:
    """A fact in the zone it is counted in."""

    fact: Fact
    zone: OrganizerZone

    @property
    def day(self) -> date:
        """The organizer's day."""
        return self.zone.day(self.fact.time)

    @property
    def sheet(self) -> SheetKey:
        """What it is counted in."""
        return SheetKey(self.fact.organizer, self.day, self.fact.event)


@dataclass(frozen=True, slots=True)
class ToCount:
    """What facts that were filed in one step have touched: sheets to be counted again, and the oldest fact of each."""

    id: str
    touched: Mapping[SheetKey, datetime]

    @classmethod
    def of(cls, id: str, touches: Iterable[tuple[SheetKey, datetime]]) -> "ToCount":
        """Of each fact its sheet, and the one it was on before."""
        touched = dict[SheetKey, datetime]()
        for key, time in touches:
            touched[key] = min(time, touched.get(key, time))
        return cls(id, touched)


@dataclass(frozen=True, slots=True)
class ToShow:
    """Facts that were filed in one step, as they were then."""

    id: str
    facts: tuple[FiledFact, ...]


@dataclass(frozen=True, slots=True)
class Refund:
    """A completed refund of a payment; `before`: what had been paid back of it already, in minor units."""

    id: str
    payment: str
    amount: Money
    before: int
    time: datetime


def refund_fact(refund: Refund, sale: Fact) -> Fact:
    """The fact of a refund, spread over the lines of the confirmation or change that its payment paid for.

    INVARIANT: refunds of one payment add up to what they are of it in the event's currency too, by the rate of the
    booking: all of a payment is exactly what it came to.
    """
    parts = spread(refund.amount.minor_units, [max(0, line.figures.gross) for line in sale.lines], before=refund.before)
    bases = _base_parts(refund, sale)
    return Fact(
        id=refund.id,
        kind=Kind.REFUND_COMPLETED,
        organizer=sale.organizer,
        event=sale.event,
        booking=sale.booking,
        payment=refund.payment,
        time=refund.time,
        lines=tuple(
            Line(line.ticket_type, refund.amount.currency, Figures(refunded=part, base_refunded=base), line.base)
            for line, part, base in zip(sale.lines, parts, bases, strict=True)
            if part or base
        ),
    )


def _base_parts(refund: Refund, sale: Fact) -> list[int]:
    """Of each line of the sale what of the refund falls on it, in the event's currency."""
    paid, came = sum(each.figures.gross for each in sale.lines), sum(each.figures.base_gross for each in sale.lines)
    if not any(line.base for line in sale.lines) or paid <= 0 or came <= 0:
        return [0] * len(sale.lines)
    after, before = (
        (2 * came * part + paid) // (2 * paid) for part in (refund.before + refund.amount.minor_units, refund.before)
    )
    return spread(after - before, [max(0, line.figures.base_gross) for line in sale.lines], before=before)
