"""Rows as they were before the pending domain events had a collection of their own."""

from collections.abc import Mapping

from pymongo import ReplaceOne

from mongo_store.database import Database, reachable
from mongo_store.rows import JOURNAL, PENDING, pending_id, place_of

FORMER_INDEX = "pending"


async def adopt_former_rows(database: Database) -> None:
    """Once in a database of an earlier release: what it had not published becomes pending, its index goes.

    No process of that release may go on writing beside this one.
    """
    rows = database.collection(JOURNAL)
    with reachable():
        if FORMER_INDEX not in await rows.index_information():
            return
        async for row in rows.find({"pub": False}, {"ord": 1, "at": 1, "off": 1}):
            pending = [
                {"_id": pending_id(place_of(row), index), "at": row["at"]}
                for index, place in enumerate(row["off"])
                if place is None
            ]
            if pending:
                upserts = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in pending]
                await database.collection(PENDING).bulk_write(upserts)
        await rows.drop_index(FORMER_INDEX)


async def formerly_at(database: Database, lost: Mapping[int, int]) -> list[str]:
    """Names of what an earlier release had put into these partitions at or after these offsets. Scans the journal."""
    gone = [{"off": {"$elemMatch": {"p": partition, "o": {"$gte": offset}}}} for partition, offset in lost.items()]
    if not gone:
        return []
    with reachable():
        found = database.collection(JOURNAL).find({"$or": gone}, {"ord": 1, "off": 1})
        return [
            pending_id(place_of(row), index)
            async for row in found
            for index, place in enumerate(row["off"])
            if place is not None and place["p"] in lost and place["o"] >= lost[place["p"]]
        ]
