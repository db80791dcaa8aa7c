"""Which tickets of an event are offered for resale, as names in its inventory: what a hold needs to know first.

Only open offers stand here, the oldest first: their ids grow with time. An event without any has an empty board, so its
holds neither read nor compute anything for resale.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

from booking_service.domain.inventory import Inventory

# Open offers of an event that are taken on. All stand in its inventory, which each commit writes: 200 are 7 KB.
MOST_OPEN = 200


def open_offers(inventory: Inventory, ticket_type: str, date: str) -> tuple[str, ...]:
    """Names of the open offers of a type, of a series for one date, the oldest first."""
    ids = inventory.resale.get(_key(ticket_type, date), ()) if inventory.resale else ()
    return tuple(f"{inventory.event}/resaleOffers/{each}" for each in ids)


def all_open(inventory: Inventory) -> tuple[str, ...]:
    """Names of all open offers."""
    return tuple(f"{inventory.event}/resaleOffers/{each}" for ids in inventory.resale.values() for each in ids)


def count_open(inventory: Inventory, ticket_type: str, date: str) -> int:
    """How many there are of a type and date."""
    return len(inventory.resale.get(_key(ticket_type, date), ())) if inventory.resale else 0


def shown(inventory: Inventory, ticket_type: str, date: str, offer: str) -> Inventory:
    """With an offer on the board, at the place that its age gives it, also when it comes back."""
    key, name = _key(ticket_type, date), _id(offer)
    ids = inventory.resale.get(key, ())
    at = bisect_left(ids, name)
    if ids[at : at + 1] == (name,):
        return inventory
    return replace(inventory, resale={**inventory.resale, key: (*ids[:at], name, *ids[at:])})


def hidden(inventory: Inventory, ticket_type: str, date: str, offer: str) -> Inventory:
    """Without it, if it was there."""
    key, name = _key(ticket_type, date), _id(offer)
    ids = inventory.resale.get(key, ())
    if name not in ids:
        return inventory
    return _with(inventory, key, (each for each in ids if each != name))


def without_oldest(inventory: Inventory, ticket_type: str, date: str, count: int) -> Inventory:
    """Without the oldest `count` of a type and date: those that somebody else comes first for."""
    key = _key(ticket_type, date)
    ids = inventory.resale.get(key, ())
    return _with(inventory, key, ids[count:]) if ids and count else inventory


def _with(inventory: Inventory, key: str, ids: Iterable[str]) -> Inventory:
    board = {**inventory.resale, key: tuple(ids)}
    return replace(inventory, resale={each: names for each, names in board.items() if names})


def _key(ticket_type: str, date: str) -> str:
    return f"{_id(ticket_type)}/{_id(date)}"


def _id(name: str) -> str:
    return name.rpartition("/")[2]
