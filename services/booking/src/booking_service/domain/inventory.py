"""How many places of each pool are taken: the one thing that must never be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

Places = Mapping[str, int]
CapacityOf = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Demand:
    """What some tickets need: pool id → places, and ticket type → tickets.

    sorts: the same tickets by sort; empty where each type is all there is to say of its own. partial: they have only
    the places that others of their booking do not have for them already.
    """

    places: Places
    tickets: Mapping[str, int]
    sorts: Mapping[str, int] = field(default_factory=dict)
    partial: bool = False

    @property
    def by_sort(self) -> Mapping[str, int]:
        """The tickets by sort."""
        return self.sorts or self.tickets


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is taken of one event: pool id → places, and ticket type → tickets, for prices that end by number.

    seats: how many of the present plan are taken, by section as `seat_counts` has it. version counts changes of it or
    of its offer; the store's guard. closed: bookings of what ended until then are closed. waiting: how many entries of
    the waiting list wait for what, see `waiting_list`. arrivals: how many ever joined it. reordered: how often
    priorities were changed. resale: ids of the open resale offers, see `resale_board`. By sort of tickets, see
    `pool_moves`: sorts, those of `sold`, of types for which a type is not all there is to say; kept, for how many
    vouchers keep places; partial, how many of `sold` wait with a change, with some of their places only; drawn, the
    pools of each that all of them count in, whatever they were sold with. count_due: since when bookings made before
    the event had limits for one person are to be counted, None: all are.
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
    sorts: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    partial: Mapping[str, int] = field(default_factory=dict)
    drawn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count_due: datetime | None = None


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
    rest = {pool: places - back.get(pool, 0) for pool, places in wanted.places.items()} if back else wanted.places
    return None if shortfall(inventory, rest, capacity_of) else swap(inventory, back, wanted)


def swap(inventory: Inventory, back: Places, wanted: Demand) -> Inventory:
    """The same for who has asked what is free. ValueError for negative places, and as `release`."""
    if min((*wanted.places.values(), *wanted.tickets.values()), default=0) < 0:
        raise ValueError("places cannot be negative")
    freed = release(inventory, Demand(back, {})) if back else inventory
    if wanted.sorts or freed.sorts or wanted.partial:
        freed = _counted(freed, wanted, 1)
    return replace(freed, taken=_sum(freed.taken, wanted.places), sold=_sum(freed.sold, wanted.tickets))


def release(inventory: Inventory, given: Demand) -> Inventory:
    """With places given back. ValueError when more come back than were taken: that would sell a place twice."""
    if given.sorts or inventory.sorts or given.partial:
        inventory = _counted(inventory, given, -1)
    return replace(
        inventory,
        taken=_difference(inventory.event, inventory.taken, given.places),
        sold=_difference(inventory.event, inventory.sold, given.tickets),
    )


def keeping(inventory: Inventory, sort: str, more: int) -> Inventory:
    """With so many more tickets of a sort for which a voucher keeps places; "": one that did not say of what sort."""
    return replace(inventory, kept=_more(inventory.kept, {sort: more})) if sort and more else inventory


def _counted(inventory: Inventory, tickets: Demand, sign: int) -> Inventory:
    """Before `sold` is: with these tickets counted by sort.

    A type of which some were sold by a release that did not count them is left out until none of it is sold: what is
    known of it by sort is all of it or nothing.
    """
    sorts = inventory.sorts
    for kind, count in tickets.tickets.items():
        below = f"{kind}/"
        mine = {key: n for key, n in tickets.by_sort.items() if key == kind or key.startswith(below)} or {kind: count}
        known = [n for key, n in sorts.items() if key.startswith(below)] + ([sorts[kind]] if kind in sorts else [])
        if sum(known) == inventory.sold.get(kind, 0) and (known or mine.keys() != {kind}):
            sorts = _more(sorts, {key: sign * n for key, n in mine.items()})
    if not tickets.partial:
        return replace(inventory, sorts=sorts)
    return replace(
        inventory, sorts=sorts, partial=_more(inventory.partial, {k: sign * n for k, n in tickets.by_sort.items()})
    )


def _more(counts: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    """Nothing is below zero: what an earlier release took it did not count."""
    after = dict(counts)
    for key, count in more.items():
        after[key] = max(0, after.get(key, 0) + count)
        if not after[key]:
            del after[key]
    return after


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
