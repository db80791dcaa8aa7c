"""What limits sales."""

from collections.abc import Collection
from dataclasses import dataclass

from event_service.domain.problems import Problems


@dataclass(frozen=True, slots=True)
class CapacityPool:
    """A number of places. `id` is unique in the event; `revision` counts its changes.

    date: id of the only date whose bookings it limits; "": whatever the date.
    overbooking: places sold beyond `capacity` on purpose.
    """

    id: str
    display_name: str
    capacity: int
    revision: int = 1
    date: str = ""
    overbooking: int = 0


def capacity_pool_problems(pool: CapacityPool, dates: Collection[str]) -> Problems:
    """What is wrong with a pool of an event with these dates."""
    if not pool.display_name.strip():
        yield "display_name", "is required."
    if pool.date and pool.date not in dates:
        yield "date", "is no date of this event."
