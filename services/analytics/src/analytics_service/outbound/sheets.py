"""Day sheets and organizers' zones in MongoDB."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import SheetKey
from analytics_service.domain.sales import Sheet
from analytics_service.outbound.documents import sheet_document, sheet_id, sheet_of
from domain_kit.crash_points import crash_point
from mongo_store import Database, Index, Projection
from mongo_store.database import reachable

SHEETS, ORGANIZERS = "sheets", "organizers"
INDEXES = {SHEETS: [Index("by_organizer", [("organizer", 1), ("day", 1), ("event", 1)])]}


class MongoSheets:
    """analytics_service.domain.ports.Sheets. A sheet that has become empty stays, for its version."""

    def __init__(self, database: Database) -> None:
        self._sheets = database.collection(SHEETS)

    async def version(self, key: SheetKey) -> int:
        """How often it was written; 0: never."""
        with reachable():
            found = await self._sheets.find_one({"_id": sheet_id(key)}, {"version": 1})
        return 0 if found is None else int(found["version"])

    async def replace(self, sheet: Sheet, expected_version: int) -> bool:
        """Write it unless somebody else did since `version`."""
        id, document = sheet_id(sheet.key), {**sheet_document(sheet), "version": expected_version + 1}
        crash_point("analytics.sheets.before_replace")
        with reachable():
            if not expected_version:
                made = await self._sheets.update_one({"_id": id}, {"$setOnInsert": document}, upsert=True)
                return made.upserted_id is not None
            replaced = await self._sheets.replace_one({"_id": id, "version": expected_version}, document)
            return bool(replaced.matched_count)

    async def of_organizer(self, organizer: str, start: date, end: date, event: str) -> Sequence[Sheet]:
        """Those from `start` to `end`, both included; of one event if it is named."""
        # Not `$lte`: on a compound index the embedded database leaves out the keys that equal the bound.
        days = {"$gte": start.isoformat(), "$lt": _day_after(end)}
        where: dict[str, Any] = {"organizer": organizer, "day": days}
        if event:
            where["event"] = event
        with reachable():
            return [sheet_of(each) async for each in self._sheets.find(where)]

    async def newest(self, organizer: str) -> datetime | None:
        """When the last fact happened that is counted in one: on the last day that has any."""
        counted: dict[str, Any] = {"organizer": organizer, "newest": {"$ne": None}}
        with reachable():
            last = await self._sheets.find_one(counted, {"day": 1}, sort=[("day", -1)])
            if last is None:
                return None
            those = self._sheets.find({**counted, "day": last["day"]}, {"newest": 1})
            return max([each["newest"] async for each in those], default=None)


def _day_after(day: date) -> str:
    """Greater than `day` and all times of it, in the order of texts; also after the last day of the calendar."""
    return day.isoformat() + "~"


class ProjectedOrganizers:
    """analytics_service.domain.ports.Organizers."""

    def __init__(self, database: Database) -> None:
        self._organizers = Projection(database, ORGANIZERS)

    async def follow(self, zone: OrganizerZone) -> None:
        """Remember it unless as new a one is known."""
        await self._organizers.follow(zone.organizer, zone.version, {"time_zone": zone.name})

    async def zone(self, organizer: str) -> OrganizerZone | None:
        """What was told last, if anything was."""
        found = await self._organizers.get(organizer)
        return None if found is None else OrganizerZone(organizer, found["version"], found["time_zone"])
