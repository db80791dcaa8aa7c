"""Reading entries of waiting lists; the lanes do all the writing."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from booking_service.domain.inventory import Inventory
from booking_service.domain.ports import Condition
from booking_service.domain.waiting_entry import EntryState, WaitingEntry
from booking_service.domain.waiting_list import Wish
from booking_service.outbound.documents import AGENDA, KIND_OF, WAITING_ENTRIES
from booking_service.outbound.shelf import Finder, load_records
from domain_kit.refusals import NotFound
from domain_kit.repository import Page
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

_EVER = datetime(1970, 1, 1, tzinfo=UTC)  # only a list where somebody waits has a time; the index holds no more
_WAITING = {"state": EntryState.WAITING.value}
# The embedded database reads all that a filter matches, whatever the limit, and looks for a range only behind fields
# that are all given: so arrivals are read in windows, which are ranges of this index, and the state stands in front.
INDEXES: Mapping[str, Sequence[Index]] = {
    WAITING_ENTRIES: [
        Index(
            "in_turn",
            [("state", 1), ("ticket_type", 1), ("date", 1), ("quantity", 1), ("priority", -1), ("number", 1)],
            where=_WAITING,
        ),
        Index("by_user", [("user", 1), ("create_time", -1), ("_id", -1)]),
    ],
}
_TURN = [("priority", -1), ("number", 1)]
_AFTER_SLASH = "0"  # the character after "/" in ASCII: the end of a range of names below a parent
_WIDER = 4  # each window than the one before
_REMEMBERED = 10_000


class MongoWaitingEntries:
    """domain.waiting_list_ports.EntryReader and ListsToServe. window: arrivals that are looked through at first."""

    def __init__(self, store: Finder, window: int = 100) -> None:
        self._store, self._window = store, window
        self._fronts: dict[Wish, tuple[int, int]] = {}

    async def get(self, name: str) -> WaitingEntry:
        """NotFound."""
        found = (await load_records(self._store, [(WaitingEntry, name)]))[WaitingEntry, name]
        if not isinstance(found, WaitingEntry):
            raise NotFound.named(name)
        return found

    async def of_event(
        self, event: str, conditions: Sequence[Condition] = (), *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[WaitingEntry]:
        """Oldest first; those that meet all conditions."""
        below = f"{event}/waitingListEntries"
        wanted = [{each.field: each.value if each.same else {"$ne": each.value}} for each in conditions]
        in_event = {"_id": {"$gt": f"{below}/", "$lt": f"{below}{_AFTER_SLASH}"}}
        return await self._page({"$and": [in_event, *wanted]}, [("_id", 1)], after, limit)

    async def of_user(self, user: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[WaitingEntry]:
        """Newest first."""
        return await self._page({"user": user}, [("create_time", -1), ("_id", -1)], after, limit)

    async def first(self, inventory: Inventory, wishes: Collection[Wish], limit: int) -> Sequence[WaitingEntry]:
        """Those that wait for one of these, in the order of their turns. inventory: read before this is asked.

        While the order changes it may leave somebody out; then the inventory is `reordered`.
        """
        found = await asyncio.gather(*(self._first(inventory, wish, limit) for wish in wishes))
        return sorted((entry for entries in found for entry in entries), key=lambda entry: entry.turn)[:limit]

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Events where something can be offered, or will never be, by now."""
        where = {"look_at": {"$gt": _EVER, "$lte": now}}
        return [each["_id"] for each in await self._store.find(AGENDA, where, sort=[("look_at", 1)], limit=limit)]

    async def _first(self, inventory: Inventory, wish: Wish, limit: int) -> list[WaitingEntry]:
        found = await self._of_wish(wish, limit, priority={"$gt": 0})
        if len(found) < limit:
            found += await self._by_arrival(inventory, wish, limit - len(found))
        if len(found) < limit:
            found += await self._of_wish(wish, limit - len(found), priority={"$lt": 0})
        return found

    async def _by_arrival(self, inventory: Inventory, wish: Wish, limit: int) -> list[WaitingEntry]:
        """Those without priority.

        Remembers where the first one stands: in front of it nobody waits any more, until the order is changed.
        """
        reordered, front = self._fronts.get(wish, (-1, 1))
        start = front if reordered == inventory.reordered else 1
        found: list[WaitingEntry] = []
        width = self._window
        while start <= inventory.arrivals and len(found) < limit:
            window = {"$gte": start, "$lt": start + width}
            found += await self._of_wish(wish, limit - len(found), priority=0, number=window)
            start, width = start + width, width * _WIDER
        if len(self._fronts) >= _REMEMBERED:
            self._fronts.clear()
        self._fronts[wish] = inventory.reordered, found[0].number if found else inventory.arrivals + 1
        return found

    async def _of_wish(self, wish: Wish, limit: int, **more: Any) -> list[WaitingEntry]:
        where = {**_WAITING, "ticket_type": wish.ticket_type, "date": wish.date, "quantity": wish.quantity, **more}
        return [_entry(each) for each in await self._store.find(WAITING_ENTRIES, where, sort=_TURN, limit=limit)]

    async def _page(
        self, where: Mapping[str, Any], order: Sequence[tuple[str, int]], after: Sequence[Any] | None, limit: int
    ) -> Page[WaitingEntry]:
        wanted = where if after is None else {"$and": [where, after_cursor(order, after)]}
        found = await self._store.find(WAITING_ENTRIES, wanted, sort=order, limit=limit + 1)
        following = cursor_of(order, found[limit - 1]) if len(found) > limit else None
        return Page([_entry(each) for each in found[:limit]], following)


def _entry(document: Mapping[str, Any]) -> WaitingEntry:
    entry: WaitingEntry = KIND_OF[WaitingEntry].from_document(document)
    return entry
