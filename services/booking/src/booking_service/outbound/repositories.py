"""Reading bookings, offers and inventories; the lanes do all the writing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from booking_service.domain.booking import Booking
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Condition
from booking_service.domain.stock import Stock
from booking_service.outbound.documents import BOOKINGS, OFFERS, booking_from_document, offer_from_document
from booking_service.outbound.shelf import Finder, load_records, load_stocks
from domain_kit.refusals import NotFound
from domain_kit.repository import Page
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # only what ends by itself has a time; the index holds no more than that
# Names of bookings sort by event and then by time, so the bookings of an event need no index of their own. Inventories
# have none: each hold changes one, and what reads them by time (announcements.MongoNews.recent) does so now and then.
INDEXES: Mapping[str, Sequence[Index]] = {
    BOOKINGS: [
        Index("by_buyer", [("buyer", 1), ("create_time", -1), ("_id", -1)]),
        Index("due", [("hold_expire_time", 1)], where={"hold_expire_time": {"$gt": _EVER}}),
    ],
}
_AFTER_SLASH = "0"  # the character after "/" in ASCII: the end of a range of names below a parent


async def due_holds(store: Finder, now: datetime, limit: int, event: str = "") -> list[Booking]:
    """Holds whose time has run out, oldest first; `event` "" for all events."""
    where: dict[str, Any] = {"hold_expire_time": {"$gt": _EVER, "$lte": now}}
    if event:
        where["event"] = event
    found = await store.find(BOOKINGS, where, sort=[("hold_expire_time", 1)], limit=limit)
    return [booking_from_document(document) for document in found]


class MongoBookings:
    """domain.ports.BookingReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def get(self, name: str) -> Booking:
        """NotFound."""
        found = (await load_records(self._store, [(Booking, name)]))[Booking, name]
        if not isinstance(found, Booking):
            raise NotFound.named(name)
        return found

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[Booking]:
        """Newest first; those that meet all conditions."""
        in_event = {"_id": {"$gt": f"{event}/bookings/", "$lt": f"{event}/bookings{_AFTER_SLASH}"}}
        wanted = [{each.field: each.value if each.same else {"$ne": each.value}} for each in conditions]
        return await self._page({"$and": [in_event, *wanted]}, [("_id", -1)], after, limit)

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[Booking]:
        """Newest first."""
        return await self._page({"buyer": user}, [("create_time", -1), ("_id", -1)], after, limit)

    async def due_holds(self, now: datetime, limit: int, event: str = "") -> Sequence[Booking]:
        """Holds whose time has run out, oldest first."""
        return await due_holds(self._store, now, limit, event)

    async def _page(
        self, where: Mapping[str, Any], order: Sequence[tuple[str, int]], after: Sequence[Any] | None, limit: int
    ) -> Page[Booking]:
        wanted = where if after is None else {"$and": [where, after_cursor(order, after)]}
        found = await self._store.find(BOOKINGS, wanted, sort=order, limit=limit + 1)
        items = [booking_from_document(document) for document in found[:limit]]
        return Page(items, cursor_of(order, found[limit - 1]) if len(found) > limit else None)


class MongoStocks:
    """domain.ports.StockReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def stock(self, event: str) -> Stock:
        """As it is now; without offer when the event is not known."""
        return (await self.stocks([event]))[event]

    async def stocks(self, events: Sequence[str]) -> Mapping[str, Stock]:
        """The same for many events."""
        return await load_stocks(self._store, events)

    async def offer(self, event: str) -> Offer | None:
        """None when the event is not known."""
        found = await self._store.find(OFFERS, {"_id": event}, limit=1)
        return offer_from_document(found[0]) if found else None
