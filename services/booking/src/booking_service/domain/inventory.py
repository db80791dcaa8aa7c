"""How many places of each pool are taken: the one thing that must never be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

Places = Mapping[str, int]
CapacityOf = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Demand:
    """What some tickets need: pool id → places, and ticket type → tickets."""

    places: Places
    tickets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is taken of one event: pool id → places, and ticket type → tickets, for prices that end by number.

    seats: how many of the present plan are taken, by section as `seat_counts` has it. version counts changes of it or
    of its offer; the store's guard. closed: bookings of what ended until then are closed. waiting: how many entries of
    the waiting list wait for what, see `waiting_list`. arrivals: how many ever joined it. reordered: how often
    priorities were changed. resale: ids of the open resale offers, see `resale_board`.
    """

    event: str
    taken: Places = field(default_factory=dict)
    version: int = 0
    sold: Mapping[str, int] = field(default_factory=dict)
    seats: Mapping[str, int] = field(default_factory=dict)
    closed: datetime | None = None
    waiting: Mapping[str, int] = field(default_factory=dict)
    arrivals: int = 0
    reordered: int = 0
    resale: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def shortfall(inventory: Inventory, wanted: Places, capacity_of: CapacityOf) -> str:
    """The first pool that cannot give what is wanted of it; "" when all can. Nothing can always be given."""
    for pool, places in wanted.items():
        if places > 0 and inventory.taken.get(pool, 0) + places > capacity_of(pool):
            return pool
    return ""


def take(inventory: Inventory, wanted: Demand, capacity_of: CapacityOf) -> Inventory | None:
    """With the wanted places taken, all of them; None when some pool has too few. ValueError for negative places."""
    return exchange(inventory, {}, wanted, capacity_of)


def exchange(inventory: Inventory, back: Places, wanted: Demand, capacity_of: CapacityOf) -> Inventory | None:
    """With places given back and others taken in one step; None when some pool has too few for what it gives more.

    A pool that gives no more than comes back is not asked for its capacity: a lowered one stops sales and takes away
    nothing that somebody had. ValueError as `take` and `release`.
    """
    if min((*wanted.places.values(), *wanted.tickets.values()), default=0) < 0:
        raise ValueError("places cannot be negative")
    rest = {pool: places - back.get(pool, 0) for pool, places in wanted.places.items()} if back else wanted.places
    if shortfall(inventory, rest, capacity_of):
        return None
    freed = release(inventory, Demand(back, {})) if back else inventory
    return replace(freed, taken=_sum(freed.taken, wanted.places), sold=_sum(freed.sold, wanted.tickets))


def release(inventory: Inventory, given: Demand) -> Inventory:
    """With places given back. ValueError when more come back than were taken: that would sell a place twice."""
    return replace(
        inventory,
        taken=_difference(inventory.event, inventory.taken, given.places),
        sold=_difference(inventory.event, inventory.sold, given.tickets),
    )


def _sum(counts: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    summed = dict(counts)
    for key, count in more.items():
        summed[key] = summed.get(key, 0) + count
    return summed


def _difference(event: str, counts: Mapping[str, int], less: Mapping[str, int]) -> Mapping[str, int]:
    left = dict(counts)
    for key, count in less.items():
        rest = left.get(key, 0) - count
        if count < 0 or rest < 0:
            raise ValueError(f"{event}: {count} of {key} come back, {left.get(key, 0)} are taken")
        if rest:
            left[key] = rest
        else:
            left.pop(key, None)
    return left
