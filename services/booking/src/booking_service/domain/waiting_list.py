"""Who waits for what of an event, as numbers in its inventory, and what that leaves to the public.

An entry can be *served* when the places that are free suffice for all of its quantity. Free places are kept from the
public as far as entries that can be served ask for them, and offered to the first of those by priority and arrival. An
entry that cannot be served keeps its turn and keeps nothing back: a place nobody who waits could use would stay empty,
in the worst case for good. So a large wish may see smaller ones served before it, and never sees a place it could have
used go to anybody behind it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from booking_service.domain.identity_memo import by_identity
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState
from booking_service.domain.resale_board import count_open, without_oldest
from booking_service.domain.seat_counts import seats_remaining
from booking_service.domain.selling import check_window
from booking_service.domain.waiting_entry import WaitingEntry
from domain_kit.refusals import NotFound, Refusal


class Wish(NamedTuple):
    """So many tickets of a type at once, of a series for one date. Types and dates by resource name."""

    ticket_type: str
    date: str
    quantity: int


def wish_of(entry: WaitingEntry) -> Wish:
    """What it waits for."""
    return Wish(entry.ticket_type, entry.date, entry.quantity)


def wishes_of(inventory: Inventory) -> Iterator[tuple[Wish, int]]:
    """Each wish with the number of entries that wait for it."""
    for key, entries in inventory.waiting.items():
        kind, date, quantity = key.split("/")
        event = inventory.event
        yield Wish(f"{event}/ticketTypes/{kind}", f"{event}/dates/{date}" if date else "", int(quantity)), entries


def waiting_more(inventory: Inventory, entries: Iterable[WaitingEntry], sign: int = 1) -> Inventory:
    """With these entries among those that wait; `sign` −1: without them. ValueError when they were not there."""
    waiting = Counter(inventory.waiting)
    for entry in entries:
        key = "/".join([*(name.rpartition("/")[2] for name in (entry.ticket_type, entry.date)), str(entry.quantity)])
        waiting[key] += sign
        if waiting[key] < 0:
            raise ValueError(f"{entry.name} is not counted among those that wait")
    return replace(inventory, waiting=dict(+waiting))


def servable(offer: Offer, inventory: Inventory) -> dict[Wish, int]:
    """The wishes that what is free suffices for, with the number of their entries."""
    found: dict[Wish, int] = {}
    for queue in _queues(offer, inventory.waiting):
        left = _left(offer, inventory, queue)
        found.update((wish, entries) for wish, entries in queue.wishes if wish.quantity <= left)
    return found


def left_to_public(offer: Offer, inventory: Inventory) -> Inventory:
    """The inventory as the public sees it: what those who can be served ask for is taken.

    Of places and of tickets that are for sale again, for the moment until they are served.

    INVARIANT: nobody passes somebody who waits and could be served. It asks for no record: the numbers stand in the
    inventory, and where nobody waits it is the inventory itself.
    """
    if not inventory.waiting:
        return inventory
    kept: Counter[str] = Counter()
    public = inventory
    for queue in _queues(offer, inventory.waiting):
        left = _left(offer, inventory, queue)
        asked = sum(wish.quantity * entries for wish, entries in queue.wishes if wish.quantity <= left)
        if asked:
            free = _free(offer, inventory, queue)
            kept.update({pool: count * min(asked, free) for pool, count in queue.draws})
            public = without_oldest(public, queue.ticket_type, queue.date, asked)
    if not kept:
        return public
    kept.update(inventory.taken)
    return replace(public, taken=kept)


def left_for(offer: Offer, inventory: Inventory, kind: OfferedType, date: str) -> int:
    """Tickets that are free or offered for resale; none of a bundle of something that is not sold any more."""
    return _left(offer, inventory, _Queue(kind.name, date, _draws(offer, kind, date), ()))


class _Queue(NamedTuple):
    """Those who wait for the same type and date. draws: pool → places of it a ticket; empty: it has no places."""

    ticket_type: str
    date: str
    draws: tuple[tuple[str, int], ...]
    wishes: tuple[tuple[Wish, int], ...]


@by_identity(512)
def _queues(offer: Offer, waiting: Mapping[str, int]) -> tuple[_Queue, ...]:
    """Worked out anew when the offer changes or somebody joins or leaves, which is rare beside holds."""
    wishes: dict[tuple[str, str], list[tuple[Wish, int]]] = {}
    for wish, entries in wishes_of(Inventory(offer.event, waiting=waiting)):
        wishes.setdefault((wish.ticket_type, wish.date), []).append((wish, entries))
    kinds = {name: offer.find_ticket_type(name) for name, _ in wishes}
    return tuple(
        _Queue(name, date, () if (kind := kinds[name]) is None else _draws(offer, kind, date), tuple(found))
        for (name, date), found in wishes.items()
    )


def _draws(offer: Offer, kind: OfferedType, date: str) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(Counter(offer.pools_of(kind, date)).items())
    except NotFound:
        return ()


def _left(offer: Offer, inventory: Inventory, queue: _Queue) -> int:
    """Free places, and tickets that are offered for resale."""
    return _free(offer, inventory, queue) + count_open(inventory, queue.ticket_type, queue.date)


def _free(offer: Offer, inventory: Inventory, queue: _Queue) -> int:
    taken = inventory.taken
    left = min(((offer.capacity_of(pool) - taken.get(pool, 0)) // count for pool, count in queue.draws), default=0)
    seats = seats_remaining(offer, inventory.seats, queue.ticket_type, queue.date) if offer.sections else None
    return max(0, left if seats is None else min(left, seats))


def hopeless(offer: Offer, wish: Wish, now: datetime) -> str:
    """The reason for which no more places will be offered for it; "" while they may be."""
    if offer.state is not OfferState.PUBLISHED:
        return "EVENT_CANCELLED" if offer.state is OfferState.CANCELLED else "EVENT_NOT_ON_SALE"
    kind = offer.find_ticket_type(wish.ticket_type)
    if kind is None:
        return "TICKET_TYPE_NOT_SOLD"
    try:
        check_window(offer, kind, now, offer.date(wish.date))
    except NotFound:
        return "DATE_REMOVED"
    except Refusal as refusal:
        return refusal.reason
    return ""


def next_look(offer: Offer, inventory: Inventory, now: datetime) -> datetime | None:
    """When there is something to do for those who wait: `now`, the end of a sale, or None when nobody waits."""
    if not inventory.waiting:
        return None
    wishes = [wish for wish, _ in wishes_of(inventory)]
    if servable(offer, inventory) or any(hopeless(offer, wish, now) for wish in wishes):
        return now
    return min(offer.sale_end_of(offer.ticket_type(wish.ticket_type), offer.date(wish.date)) for wish in wishes)


def most_ever(offer: Offer, kind: OfferedType, date: str) -> int:
    """Tickets that there are in all; nobody can wait for more."""
    empty: Mapping[str, int] = {}
    return left_for(offer, Inventory(offer.event, empty), kind, date)
