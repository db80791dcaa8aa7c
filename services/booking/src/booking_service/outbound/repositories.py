"""Reading bookings, offers and inventories; the lanes do all the writing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from booking_service.domain.booking import Booking
from booking_service.domain.offer import Offer
from booking_service.domain.ports import Condition
from booking_service.domain.states import LIFE, BookingAction, BookingState
from booking_service.domain.stock import Stock
from booking_service.domain.taken_seats import TakenSeats, taken_seats_key
from booking_service.outbound.documents import AGENDA, BOOKINGS, OFFERS, booking_from_document, offer_from_document
from booking_service.outbound.shelf import Finder, load_records, load_stocks
from domain_kit.refusals import NotFound
from domain_kit.repository import Page
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # only what ends by itself has a time; the index holds no more than that
# Names of bookings sort by event and then by time, so the bookings of an event need no index of their own. Inventories
# have none: each hold changes one, and what reads them by time (announcements.MongoNews.recent) does so now and then.
# What is to be done at a time stands in the agenda, which holds do not touch.
INDEXES: Mapping[str, Sequence[Index]] = {
    BOOKINGS: [
        Index("by_buyer", [("buyer", 1), ("create_time", -1), ("_id", -1)]),
        # The event second: the look for what is over of one event reads no booking of others.
        Index("due", [("hold_expire_time", 1), ("event", 1)], where={"hold_expire_time": {"$gt": _EVER}}),
        # Only what was confirmed can be closed: holds pay nothing for it.
        Index(
            "to_close",
            [("event", 1), ("lines.date", 1), ("state", 1), ("_id", 1)],
            where={"confirm_time": {"$gt": _EVER}},
        ),
    ],
    AGENDA: [
        Index("close_due", [("close_due", 1)], where={"close_due": {"$gt": _EVER}}),
        Index("count_due", [("count_due", 1)], where={"count_due": {"$gt": _EVER}}),
        Index("to_look_at", [("look_at", 1)], where={"look_at": {"$gt": _EVER}}),
    ],
}
_CLOSABLE = [state.value for state, action in LIFE.transitions if action is BookingAction.CLOSE]
_WITH_PLACES = [state.value for state in BookingState if state.takes_places]
_OFFERS_KNOWN = 512
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

    async def to_close(self, event: str, date: str | None, after: str, limit: int) -> Sequence[str]:
        """Names of bookings that may be closed, in order, after the name `after`: for that date, "" without one.

        None: for whatever date.
        """
        where = {
            "event": event, "lines.date": {"$gt": ""} if date is None else date, "state": {"$in": _CLOSABLE},
            "confirm_time": {"$gt": _EVER}, "_id": {"$gt": after},
        }  # fmt: skip
        found = await self._store.find(BOOKINGS, where, sort=[("_id", 1)], limit=limit)
        return [document["_id"] for document in found]

    async def uncounted(self, event: str, after: str, limit: int) -> Sequence[str]:
        """Names of bookings with places that count for nobody, in order, after the name `after`."""
        names = {"$gt": after or f"{event}/bookings/", "$lt": f"{event}/bookings{_AFTER_SLASH}"}
        where = {"_id": names, "state": {"$in": _WITH_PLACES}, "counted": {"$ne": True}}
        found = await self._store.find(BOOKINGS, where, sort=[("_id", 1)], limit=limit)
        return [document["_id"] for document in found]

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
        self._known: dict[str, Stock] = {}  # a seating plan is much to read again and again

    async def stock(self, event: str) -> Stock:
        """As it is now; without offer when the event is not known."""
        return (await self.stocks([event]))[event]

    async def stocks(self, events: Sequence[str]) -> Mapping[str, Stock]:
        """The same for many events."""
        found = await load_stocks(self._store, events, self._known)
        self._known = {**self._known, **found} if len(self._known) < _OFFERS_KNOWN else found
        return found

    async def to_close(self, now: datetime, limit: int) -> Sequence[Stock]:
        """Events of which something ended whose bookings are not closed yet, the longest over first."""
        where = {"close_due": {"$gt": _EVER, "$lte": now}}
        found = await self._store.find(AGENDA, where, sort=[("close_due", 1)], limit=limit)
        return list((await self.stocks([document["_id"] for document in found])).values())

    async def to_count(self, limit: int) -> Sequence[Stock]:
        """Events of which bookings are to be counted for limits, the longest waiting first."""
        found = await self._store.find(AGENDA, {"count_due": {"$gt": _EVER}}, sort=[("count_due", 1)], limit=limit)
        return list((await self.stocks([document["_id"] for document in found])).values())

    async def offer(self, event: str) -> Offer | None:
        """None when the event is not known."""
        found = await self._store.find(OFFERS, {"_id": {"$in": [event]}})
        return offer_from_document(found[0]) if found else None


class MongoSeats:
    """domain.ports.SeatReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def taken_of(self, event: str, sections: Sequence[str], date: str = "") -> Mapping[str, TakenSeats]:
        """Section id → what is taken of it; nothing for those of which nothing ever was."""
        records = await load_records(self._store, (taken_seats_key(event, section, date) for section in sections))
        return {record.section: record for record in records.values() if isinstance(record, TakenSeats)}
