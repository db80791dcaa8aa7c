"""Reading check-in lists, scans and counts; the lanes do all the writing."""

from collections.abc import Mapping, Sequence
from typing import Any

from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.list_tally import ListTally
from booking_service.domain.records import R
from booking_service.domain.scans import TicketScans, scans_key
from booking_service.outbound.documents import KIND_OF, LIST_TALLIES, TICKET_SCANS
from booking_service.outbound.shelf import Finder, load_records
from domain_kit.refusals import NotFound
from domain_kit.repository import Page
from mongo_store import Index
from mongo_store.keyset import after_cursor, cursor_of

# Names of lists begin with their event's, so they need no index of their own.
INDEXES: Mapping[str, Sequence[Index]] = {
    TICKET_SCANS: [Index("duplicated", [("duplicated_on", 1), ("_id", 1)])],
    LIST_TALLIES: [Index("by_event", [("event", 1), ("_id", 1)])],
}
_BY_NAME = [("_id", 1)]
_AT_ONCE = 1000


class MongoCheckIns:
    """domain.check_in_ports.CheckInReader."""

    def __init__(self, store: Finder) -> None:
        self._store = store

    async def check_in_list(self, name: str) -> CheckInList:
        """NotFound, also for one that was removed."""
        found = (await load_records(self._store, [(CheckInList, name)]))[CheckInList, name]
        if not isinstance(found, CheckInList) or found.removed:
            raise NotFound.named(name)
        return found

    async def lists_of(self, event: str, *, after: Sequence[Any] | None = None, limit: int) -> Page[CheckInList]:
        """Oldest first, without those removed."""
        # "0" follows "/" in ASCII: the end of a range of names below a parent.
        below = {"$gt": f"{event}/checkInLists/", "$lt": f"{event}/checkInLists0"}
        return await self._page(CheckInList, {"_id": below, "removed": False}, after, limit)

    async def scans_of(self, tickets: Sequence[str]) -> Mapping[str, TicketScans]:
        """By ticket; nothing for those never scanned."""
        found: dict[str, TicketScans] = {}
        for start in range(0, len(tickets), _AT_ONCE):
            keys = [scans_key(ticket) for ticket in tickets[start : start + _AT_ONCE]]
            for record in (await load_records(self._store, keys)).values():
                if isinstance(record, TicketScans):
                    found[record.ticket] = record
        return found

    async def duplicated_on(
        self, list_name: str, *, after: Sequence[Any] | None = None, limit: int
    ) -> Page[TicketScans]:
        """Those of tickets that let in too many on a list, by name."""
        return await self._page(TicketScans, {"duplicated_on": list_name}, after, limit)

    async def _page(self, kind: type[R], where: Mapping[str, Any], after: Sequence[Any] | None, limit: int) -> Page[R]:
        wanted, shape = where if after is None else {"$and": [where, after_cursor(_BY_NAME, after)]}, KIND_OF[kind]
        found = await self._store.find(shape.collection, wanted, sort=_BY_NAME, limit=limit + 1)
        items = [shape.from_document(each) for each in found[:limit]]
        return Page(items, cursor_of(_BY_NAME, found[limit - 1]) if len(found) > limit else None)


async def tallies_of(store: Finder, events: Sequence[str]) -> list[ListTally]:
    """Of the lists of these events that were not removed, and of what was scanned without a list."""
    where = {"event": {"$in": list(events)}, "removed": False}
    found = await store.find(LIST_TALLIES, where, sort=[("event", 1), ("_id", 1)])
    return [KIND_OF[ListTally].from_document(each) for each in found]
