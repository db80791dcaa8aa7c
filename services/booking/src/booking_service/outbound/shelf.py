"""What a lane decides on: the stocks it remembers from its last commit, and what it has to read."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from booking_service.domain.booking import Booking
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer
from booking_service.domain.stock import Stock
from booking_service.outbound.documents import (
    BOOKINGS,
    INVENTORY,
    OFFERS,
    booking_from_document,
    inventory_from_document,
    offer_from_document,
)

REMEMBERED = 512


class Finder(Protocol):
    """The reading half of a journal."""

    async def find(
        self, collection: str, where: Mapping[str, Any], /, *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match."""


async def load_stocks(
    store: Finder, events: Iterable[str], known: Mapping[str, Stock] | None = None
) -> dict[str, Stock]:
    """Event → its stock as it is now. `known`: earlier ones, whose offers are kept where they are still the same.

    INVARIANT: an offer is never older than the inventory it is given with. Both are written in one commit, so the
    inventories are read first: an offer that changes in between is newer, and then the guard stops the commit.
    """
    wanted = list(dict.fromkeys(events))
    found = {each["_id"]: each for each in await store.find(INVENTORY, {"_id": {"$in": wanted}})}
    offers: dict[str, Offer] = {}
    for event, document in found.items():
        stock = (known or {}).get(event)
        if stock is not None and stock.offer is not None and stock.offer.version == document["offer_version"]:
            offers[event] = stock.offer
    missing = [event for event in found if event not in offers]
    if missing:
        for document in await store.find(OFFERS, {"_id": {"$in": missing}}):
            offers[document["_id"]] = offer_from_document(document)
    return {
        event: Stock(offers.get(event), inventory_from_document(found[event]) if event in found else Inventory(event))
        for event in wanted
    }


async def load_bookings(store: Finder, names: Sequence[str]) -> dict[str, Booking]:
    """Name → booking, of those that exist."""
    if not names:
        return {}
    found = await store.find(BOOKINGS, {"_id": {"$in": list(dict.fromkeys(names))}})
    return {document["_id"]: booking_from_document(document) for document in found}


class Shelf:
    """The stocks a lane left behind after its last commits; what others did since shows where a guard does not hold."""

    def __init__(self, store: Finder, remembered: int = REMEMBERED) -> None:
        self._store, self._remembered = store, remembered
        self._stocks: dict[str, Stock] = {}

    async def load(
        self, events: Sequence[str], bookings: Sequence[str], *, fresh: bool
    ) -> tuple[dict[str, Stock], dict[str, Booking], bool]:
        """Stocks, bookings, and whether the stocks were read just now rather than remembered.

        Where bookings have to be read anyway, stocks are too, at the same time: what such commands decide need not
        touch the inventory, and then no guard would notice an offer that has changed.
        """
        if not fresh and not bookings and all(event in self._stocks for event in events):
            return {event: self._stocks[event] for event in events}, {}, False
        stocks, found = await asyncio.gather(
            load_stocks(self._store, events, self._stocks), load_bookings(self._store, bookings)
        )
        return stocks, found, True

    def keep(self, stocks: Mapping[str, Stock]) -> None:
        """Remember what a commit left; the longest unused are forgotten."""
        for event, stock in stocks.items():
            self._stocks.pop(event, None)
            if stock.offer is not None:
                self._stocks[event] = stock
        while len(self._stocks) > self._remembered:
            del self._stocks[next(iter(self._stocks))]

    def forget(self, events: Iterable[str]) -> None:
        """Read them again next time."""
        for event in events:
            self._stocks.pop(event, None)
