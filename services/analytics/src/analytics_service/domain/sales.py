"""Sales by day, event, ticket type and currency, summed from day sheets."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from analytics_service.domain.facts import Line, SheetKey
from analytics_service.domain.figures import NOTHING, Figures


class Dimension(Enum):
    """What rows can be split by, besides currency."""

    DAY = "day"
    EVENT = "event"
    TICKET_TYPE = "ticket_type"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was counted for one event on one day: a line a ticket type and currency, and currency of the event.

    newest: the last fact of it.
    """

    key: SheetKey
    lines: tuple[Line, ...]
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class SalesQuery:
    """`start` and `end` are days, both included; None: from the beginning, until today. `event` empty: all.

    in_event_currency: amounts are those in the event's currency, else those that were paid.
    """

    organizer: str
    start: date | None = None
    end: date | None = None
    event: str = ""
    group_by: frozenset[Dimension] = frozenset()
    in_event_currency: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one group; what it is not grouped by is None or empty. Bookings count once in each row."""

    day: date | None
    event: str
    ticket_type: str
    currency: str
    figures: Figures
    by_ticket_type: bool

    @property
    def bookings_confirmed(self) -> int:
        """Bookings of this group."""
        return self.figures.bookings_confirmed if self.by_ticket_type else self.figures.orders_confirmed

    @property
    def bookings_cancelled(self) -> int:
        """Bookings of this group that were cancelled after confirmation."""
        return self.figures.bookings_cancelled if self.by_ticket_type else self.figures.orders_cancelled

    @property
    def bookings_completed(self) -> int:
        """Bookings of this group that ended with somebody there."""
        return self.figures.bookings_completed if self.by_ticket_type else self.figures.orders_completed

    @property
    def bookings_no_show(self) -> int:
        """Bookings of this group that ended and nobody came."""
        return self.figures.bookings_no_show if self.by_ticket_type else self.figures.orders_no_show

    def __bool__(self) -> bool:
        """Whether any figure that it says is not zero."""
        said = self.figures
        bookings = (self.bookings_confirmed, self.bookings_cancelled, self.bookings_completed, self.bookings_no_show)
        tickets = (said.tickets_sold, said.tickets_cancelled, said.tickets_checked_in)
        return any((*bookings, *tickets, said.gross, said.refunded))


@dataclass(frozen=True, slots=True)
class SalesReport:
    """Everything before `fresh_as_of` is counted, as far as domain events have arrived; None: nothing has happened.

    `time_zone` is empty while nothing is known of the organizer.
    """

    rows: tuple[Row, ...]
    totals: tuple[Row, ...]
    time_zone: str
    fresh_as_of: datetime | None


def rows_of(
    sheets: Iterable[Sheet], group_by: Collection[Dimension], *, in_event_currency: bool = False
) -> tuple[Row, ...]:
    """The sums of sheets of one organizer, in order of day, event, ticket type, currency, without groups of nothing.

    INVARIANT: amounts of different currencies are never added.
    """
    by_day, by_event, by_type = (
        dimension in group_by for dimension in (Dimension.DAY, Dimension.EVENT, Dimension.TICKET_TYPE)
    )
    sums: defaultdict[tuple[date, str, str, str], Figures] = defaultdict(lambda: NOTHING)
    for sheet in sheets:
        day, event = sheet.key.day if by_day else date.min, sheet.key.event if by_event else ""
        for each in sheet.lines:
            line = each.in_event_currency() if in_event_currency else each
            sums[day, event, line.ticket_type if by_type else "", line.currency] += line.figures
    rows = (
        Row(day if by_day else None, event, ticket_type, currency, figures, by_type)
        for (day, event, ticket_type, currency), figures in sorted(sums.items(), key=lambda each: each[0])
    )
    return tuple(filter(None, rows))
