"""Rows as they were before the pending domain events had a collection of their own."""

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


async def formerly_at(database: Database, partition: int, from_offset: int) -> list[dict[str, object]]:
    """What an earlier release had put there, as pending documents. Scans the journal."""
    gone = {"p": partition, "o": {"$gte": from_offset}}
    with reachable():
        found = database.collection(JOURNAL).find({"off": {"$elemMatch": gone}}, {"ord": 1, "at": 1, "off": 1})
        return [
            {"_id": pending_id(place_of(row), index), "at": row["at"]}
            async for row in found
            for index, place in enumerate(row["off"])
            if place is not None and place["p"] == partition and place["o"] >= from_offset
        ]
