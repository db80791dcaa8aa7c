"""Facts as they were before notes had collections of their own: with marks of what was to be done, and indexes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from analytics_service.domain.facts import SheetKey, ToCount, ToShow
from analytics_service.outbound.documents import filed_fact, key_of
from analytics_service.outbound.filing import FACTS, SILENT
from analytics_service.outbound.notes import Notes
from analytics_service.outbound.sheets import SHEETS
from domain_kit.ids import new_id
from mongo_store import Database
from mongo_store.database import reachable

FORMER_INDEXES = ("counting_nothing", "unshown", "by_time", "uncounted")
LAST = FORMER_INDEXES[-1]  # while it is there, something may be left to do


async def adopt_former_facts(database: Database) -> None:
    """Once in a database of an earlier release: marks become notes, all sheets are counted again, indexes go.

    A process of that release that still runs counts and shows what it files itself.
    """
    facts, notes = database.collection(FACTS), Notes(database)
    with reachable():
        former = await facts.index_information()
        if LAST not in former:
            return
        async for document in facts.find({"counts": False}):
            await database.collection(SILENT).replace_one({"_id": document["_id"]}, document, upsert=True)
            await facts.delete_one({"_id": document["_id"]})
        async for document in facts.find({"uncounted": True}):
            await notes.add_to_count(ToCount.of(new_id(), [(key, document["time"]) for key in _sheets_of(document)]))
        async for document in facts.find({"unshown": True}):
            await notes.add_to_show(ToShow(new_id(), (filed_fact(document),)))
        async for document in database.collection(SHEETS).find({}):  # they do not say `newest` yet
            key = key_of(document)
            morning = datetime.combine(key.day, time.min, UTC)
            await notes.add_to_count(ToCount.of(new_id(), [(key, morning)]))
        for name in FORMER_INDEXES:
            if name in former:
                await facts.drop_index(name)


def _sheets_of(document: Mapping[str, Any]) -> list[SheetKey]:
    """Where a fact is to be counted, and where figures may still hold it."""
    sheet = key_of(document)
    return [
        sheet,
        *(SheetKey(sheet.organizer, date.fromisoformat(day), sheet.event) for day in document["former_days"]),
    ]
