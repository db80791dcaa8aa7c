"""Rows as they were before what is pending and what is published had collections of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReplaceOne

from mongo_store.database import Database, reachable
from mongo_store.rows import JOURNAL, PENDING, PUBLISHED, batch_document, pending_id, place_of

FORMER_INDEX = "pending"
_ROWS = 1000  # in one step


async def adopt_former_rows(database: Database) -> None:
    """Once in a database of an earlier release: what it had not published becomes pending, where the rest went is noted
    as it is now, and its index goes.

    No process of that release may go on writing beside this one.
    """
    journal = database.collection(JOURNAL)
    with reachable():
        if FORMER_INDEX not in await journal.index_information():
            return
        rows = journal.find({"off": {"$exists": True}}, {"ord": 1, "at": 1, "off": 1})
        while some := await rows.to_list(_ROWS):
            await _adopt(database, some)
        await journal.drop_index(FORMER_INDEX)


async def _adopt(database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Named after what is in them, so that a repetition changes nothing."""
    places = [(row, index, place) for row in rows for index, place in enumerate(row["off"])]
    pending = [{"_id": pending_id(place_of(row), index), "at": row["at"]} for row, index, at in places if at is None]
    published = [(pending_id(place_of(row), index), at["p"], at["o"]) for row, index, at in places if at is not None]
    batches = [batch_document(published[0][0], published)] if published else []
    for collection, documents in ((PENDING, pending), (PUBLISHED, batches)):
        if documents:
            upserts = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in documents]
            await database.collection(collection).bulk_write(upserts)
