"""How many places of each pool are taken: the one thing that must never be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Places = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Pool id → places taken, of one event. `version` counts changes of it or of its offer; the store's guard."""

    event: str
    taken: Places = field(default_factory=dict)
    version: int = 0


def shortfall(inventory: Inventory, wanted: Places, capacities: Places) -> str:
    """The first pool that cannot give what is wanted of it; "" when all can. A pool without capacity has none."""
    for pool, places in wanted.items():
        if inventory.taken.get(pool, 0) + places > capacities.get(pool, 0):
            return pool
    return ""


def take(inventory: Inventory, wanted: Places, capacities: Places) -> Inventory | None:
    """With the wanted places taken, all of them; None when some pool has too few. ValueError for negative places."""
    if any(places < 0 for places in wanted.values()):
        raise ValueError("places cannot be negative")
    if shortfall(inventory, wanted, capacities):
        return None
    taken = dict(inventory.taken)
    for pool, places in wanted.items():
        taken[pool] = taken.get(pool, 0) + places
    return replace(inventory, taken=taken)


def release(inventory: Inventory, places: Places) -> Inventory:
    """With places given back. ValueError when more come back than were taken: that would sell a place twice."""
    taken = dict(inventory.taken)
    for pool, count in places.items():
        left = taken.get(pool, 0) - count
        if count < 0 or left < 0:
            raise ValueError(
                f"{inventory.event}: {count} places of pool {pool} come back, {taken.get(pool, 0)} are taken"
            )
        taken[pool] = left
    return replace(inventory, taken=taken)
