"""Offers what is free to those who wait for it, and tells those who wait in vain."""

from booking_service.domain.commands import LapseEntries, OfferPlaces
from booking_service.domain.ports import Desk, StockReader
from booking_service.domain.waiting_list import hopeless, servable, wishes_of
from booking_service.domain.waiting_list_ports import EntryReader
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.repository import Cause

# Entries that one commit changes at most: with their bookings and domain events some 300 kB.
AT_ONCE = 50
# Wishes without hope that one batch looks up: a series that is cancelled may have thousands.
_WISHES_AT_ONCE = 20
ACTOR = "services/booking"


async def serve_waiting_list(
    entries: EntryReader, stocks: StockReader, desk: Desk, clock: Clock, *, event: str, at_once: int = AT_ONCE
) -> bool:
    """One batch. Whether there was anything to do, and so may be more; refusals of `Desk.submit`.

    The stock is read before the entries, so that a change of their order in between shows, see `OfferPlaces`.
    """
    stock = await stocks.stock(event)
    offer, inventory = stock.offer, stock.inventory
    if offer is None or not inventory.waiting:
        return False
    now, cause = clock(), Cause(key=f"booking.waiting_list|{new_id()}", actor=ACTOR)
    lost = [wish for wish, _ in wishes_of(inventory) if hopeless(offer, wish, now)][:_WISHES_AT_ONCE]
    if lost:
        names = tuple(entry.name for entry in await entries.first(inventory, lost, at_once))
        if names:
            await desk.submit(LapseEntries(event, names), cause)
        return bool(names)
    wishes = frozenset(servable(offer, inventory))
    names = tuple(entry.name for entry in await entries.first(inventory, wishes, at_once))
    if names:
        bookings = tuple(f"{event}/bookings/{new_id()}" for _ in names)
        await desk.submit(OfferPlaces(event, names, bookings, wishes, inventory.reordered), cause)
    return bool(names)
