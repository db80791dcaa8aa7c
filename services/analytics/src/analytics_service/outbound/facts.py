"""All facts in MongoDB: what figures are counted from, and what fills the index again when it has lost some."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import CLAIMS, Fact, FiledFact, SheetKey, ToCount, ToShow, summed
from analytics_service.domain.sales import Sheet
from analytics_service.outbound.documents import filed_fact, key_document, line_of
from analytics_service.outbound.filing import FACTS, SILENT, Filing
from analytics_service.outbound.notes import Notes
from domain_kit.ids import new_id
from mongo_store import Database, Index
from mongo_store.database import reachable

INDEXES = {
    # Each costs every fact: none that a note, a sheet or another of these can stand in for.
    FACTS: [
        Index("by_sheet", [("organizer", 1), ("day", 1), ("event", 1)]),
        Index("by_zone", [("organizer", 1), ("zone", 1)]),
        Index("by_payment", [("payment", 1), ("kind", 1)]),
    ],
    SILENT: [Index("by_payment", [("payment", 1), ("kind", 1)])],
}
SHOWN_AT_ONCE = 64


class MongoFacts:
    """analytics_service.domain.ports.Facts. filed: told the kind of each that is new."""

    def __init__(self, database: Database, filed: Callable[[str], None] = lambda _: None) -> None:
        self._facts, self._silent = database.collection(FACTS), database.collection(SILENT)
        self._filing, self._notes = Filing(database, filed), Notes(database)

    async def file(self, fact: Fact, zone: OrganizerZone) -> None:
        """Keep it on its day in `zone` and note it, in one step; nothing if it is filed under as new a version.

        Concurrent calls of this process share a transaction.
        """
        await self._filing.file(FiledFact(fact, zone))

    async def of_payment(self, payment: str) -> Fact | None:
        """What became of a payment: the confirmation or change it paid for, or that it was unclaimed."""
        claims = {"payment": payment, "kind": {"$in": sorted(kind.value for kind in CLAIMS)}}
        with reachable():
            found = await self._facts.find_one(claims) or await self._silent.find_one(claims)
        return None if found is None else filed_fact(found).fact

    async def filed_before(self, zone: OrganizerZone, limit: int) -> Sequence[FiledFact]:
        """Facts of the organizer that an earlier version of it put in another zone."""
        elsewhere = {"organizer": zone.organizer, "zone": {"$ne": zone.name}, "version": {"$lt": zone.version}}
        with reachable():
            return [filed_fact(each) async for each in self._facts.find(elsewhere, limit=limit)]

    async def uncounted(self, limit: int) -> Sequence[ToCount]:
        """What is to be counted, noted first comes first; about `limit` sheets."""
        return await self._notes.uncounted(limit)

    async def counted(self, done: Sequence[ToCount]) -> None:
        """Take these notes away; others about the same sheets stay."""
        await self._notes.counted(done)

    async def sheet_of(self, key: SheetKey) -> Sheet:
        """What all facts filed there count.

        Most facts of an event count the same: MongoDB says how many do, and what they sum up to is said here, exactly.
        """
        alike: list[Mapping[str, Any]] = [
            {"$match": key_document(key)},
            {"$group": {"_id": "$lines", "facts": {"$sum": 1}, "newest": {"$max": "$time"}}},
        ]
        with reachable():
            found = [each async for each in self._facts.aggregate(alike)]
        counted = [line_of(line) * each["facts"] for each in found for line in each["_id"]]
        return Sheet(key, summed(counted), max((each["newest"] for each in found), default=None))

    async def unshown(self, limit: int) -> Sequence[ToShow]:
        """What is to be shown, noted first comes first; about `limit` facts."""
        return await self._notes.unshown(limit)

    async def shown(self, done: Sequence[ToShow]) -> None:
        """Take these notes away; others about the same facts stay."""
        await self._notes.shown(done)

    async def shown_count(self) -> int:
        """How many count something and are not noted to be shown; rather too few than too many."""
        # In this order a fact that comes or is shown meanwhile makes the answer too small rather than too great, or is
        # in the index by the time that is asked.
        with reachable():
            known = await self._facts.count_documents({})
        return known - await self._notes.unshown_count()

    async def show_all_again(self) -> None:
        """Note all to be shown."""
        with reachable():
            async for some in _in_pieces(self._facts.find({})):
                await self._notes.add_to_show(ToShow(new_id(), tuple(some)))

    async def oldest_uncounted(self, organizer: str) -> datetime | None:
        """When the first happened that is still to be counted."""
        return await self._notes.oldest_uncounted(organizer)


async def _in_pieces(found: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[list[FiledFact]]:
    some: list[FiledFact] = []
    async for document in found:
        some.append(filed_fact(document))
        if len(some) == SHOWN_AT_ONCE:
            yield some
            some = []
    if some:
        yield some
