"""What time brings for an event, so that nobody has to look at all events to find it."""

from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.commands.close import next_close
from booking_service.domain.stock import Stock
from booking_service.domain.waiting_list import next_look


@dataclass(frozen=True, slots=True)
class Agenda:
    """close_due: when bookings are to be closed. look_at: when its waiting list is to be looked at. None: never.

    count_due: since when earlier bookings are to be counted for limits.
    """

    close_due: datetime | None = None
    look_at: datetime | None = None
    count_due: datetime | None = None


def agenda_of(stock: Stock, now: datetime) -> Agenda:
    """What is to be done as it stands; what is due already is due `now`."""
    if stock.offer is None:
        return Agenda()
    inventory = stock.inventory
    return Agenda(
        next_close(stock.offer, inventory.closed), next_look(stock.offer, inventory, now), inventory.count_due
    )  # fmt: skip
