"""All facts in MongoDB: what figures are counted from, and what fills the index again when it has lost some."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import CLAIMS, Fact, FiledFact, Line, SheetKey
from analytics_service.outbound.documents import FIGURES, fact_document, filed_fact, line_of
from domain_kit.crash_points import crash_point
from mongo_store import Database, Index
from mongo_store.database import reachable

COLLECTION = "facts"
INDEXES = {
    COLLECTION: [
        Index("by_sheet", [("organizer", 1), ("day", 1), ("event", 1)]),
        Index("by_zone", [("organizer", 1), ("zone", 1)]),
        Index("by_time", [("organizer", 1), ("time", -1)]),
        Index("by_payment", [("payment", 1), ("kind", 1)]),
        Index("uncounted", [("time", 1)], where={"uncounted": True}),
        Index("unshown", [("time", 1)], where={"unshown": True}),
        Index("counting_nothing", [("counts", 1)], where={"counts": False}),
    ]
}
IDS_AT_ONCE = 200


class MongoFacts:
    """analytics_service.domain.ports.Facts."""

    def __init__(self, database: Database) -> None:
        self._facts = database.collection(COLLECTION)

    async def file(self, fact: Fact, zone: OrganizerZone) -> None:
        """Keep it on its day in `zone` and mark it, in one step; nothing if it is filed under as new a version."""
        filed = FiledFact(fact, zone)
        crash_point("analytics.facts.before_file")
        with reachable():
            while not await self._insert(filed):
                known = await self._facts.find_one({"_id": fact.id})
                if known is None:
                    continue
                before = filed_fact(known)
                if before.zone.version >= zone.version:
                    return
                unchanged = {"_id": fact.id, "version": before.zone.version}
                if (await self._facts.replace_one(unchanged, fact_document(before.moved(zone)))).matched_count:
                    return

    async def of_payment(self, payment: str) -> Fact | None:
        """What became of a payment: the confirmation or change it paid for, or that it was unclaimed."""
        with reachable():
            found = await self._facts.find_one(
                {"payment": payment, "kind": {"$in": sorted(kind.value for kind in CLAIMS)}}
            )
        return None if found is None else filed_fact(found).fact

    async def filed_before(self, zone: OrganizerZone, limit: int) -> Sequence[FiledFact]:
        """Facts of the organizer that an earlier version of it put in another zone."""
        elsewhere = {"organizer": zone.organizer, "zone": {"$ne": zone.name}, "version": {"$lt": zone.version}}
        return await self._read(elsewhere, limit)

    async def uncounted(self, limit: int) -> Sequence[FiledFact]:
        """Those to be counted, oldest first."""
        return await self._read({"uncounted": True}, limit, sort=[("time", 1)])

    async def counted(self, facts: Sequence[FiledFact]) -> None:
        """Take the mark from those that were not filed again since they were read."""
        await self._set(facts, {"uncounted": False, "former_days": []})

    async def sum_of(self, key: SheetKey) -> tuple[Line, ...]:
        """What all facts filed there count. Exact while each figure stays below 2⁶³."""
        there = {"organizer": key.organizer, "day": key.day.isoformat(), "event": key.event}
        sums: list[Mapping[str, Any]] = [
            {"$match": there},
            {"$unwind": "$lines"},
            {
                "$group": {
                    "_id": {"ticket_type": "$lines.ticket_type", "currency": "$lines.currency"},
                    **{name: {"$sum": f"$lines.{name}"} for name in FIGURES},
                }
            },
        ]
        with reachable():
            lines = [line_of({**each, **each["_id"]}) async for each in self._facts.aggregate(sums)]
        return tuple(sorted(lines, key=lambda line: (line.ticket_type, line.currency)))

    async def unshown(self, limit: int) -> Sequence[FiledFact]:
        """Those to be shown, oldest first."""
        return await self._read({"unshown": True}, limit, sort=[("time", 1)])

    async def shown(self, facts: Sequence[FiledFact]) -> None:
        """Take the mark from those that were not filed again since they were read."""
        await self._set(facts, {"unshown": False})

    async def shown_count(self) -> int:
        """How many count something and are not marked to be shown."""
        # In this order a fact that comes or is shown meanwhile makes the answer too small rather than too great, or is
        # in the index by the time that is asked.
        with reachable():
            known = await self._facts.count_documents({})
            waiting = await self._facts.count_documents({"unshown": True})
            return known - waiting - await self._facts.count_documents({"counts": False})

    async def show_all_again(self) -> None:
        """Mark all to be shown."""
        with reachable():
            await self._facts.update_many({"unshown": False, "counts": True}, {"$set": {"unshown": True}})

    async def oldest_uncounted(self, organizer: str) -> datetime | None:
        """When the first happened that is still to be counted."""
        return await self._time_of_first({"organizer": organizer, "uncounted": True}, 1)

    async def newest(self, organizer: str) -> datetime | None:
        """When the last one happened."""
        return await self._time_of_first({"organizer": organizer}, -1)

    async def _insert(self, filed: FiledFact) -> bool:
        """False if there is one. An upsert by `_id` alone that meets another is repeated by the server."""
        new = {"$setOnInsert": fact_document(filed)}
        return (await self._facts.update_one({"_id": filed.fact.id}, new, upsert=True)).upserted_id is not None

    async def _set(self, facts: Sequence[FiledFact], changes: Mapping[str, Any]) -> None:
        crash_point("analytics.facts.before_unmark")
        by_version: defaultdict[int, list[str]] = defaultdict(list)
        for filed in facts:
            by_version[filed.zone.version].append(filed.fact.id)
        with reachable():
            for version, ids in by_version.items():
                for start in range(0, len(ids), IDS_AT_ONCE):
                    these = {"_id": {"$in": ids[start : start + IDS_AT_ONCE]}, "version": version}
                    await self._facts.update_many(these, {"$set": changes})

    async def _read(
        self, where: Mapping[str, Any], limit: int, *, sort: list[tuple[str, int]] | None = None
    ) -> list[FiledFact]:
        with reachable():
            return [filed_fact(each) async for each in self._facts.find(where, limit=limit, sort=sort)]

    async def _time_of_first(self, where: Mapping[str, Any], direction: int) -> datetime | None:
        with reachable():
            found = await self._facts.find_one(where, {"time": 1}, sort=[("time", direction)])
        return None if found is None else found["time"]


async def ensure_indexes(database: Database) -> None:
    """Create the indexes of facts."""
    await database.ensure_indexes(INDEXES)
