"""Notes of what is to be done about facts: one for all that were filed together, gone when it is done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from analytics_service.domain.facts import ToCount, ToShow
from analytics_service.outbound.documents import key_of, to_count, to_count_document, to_show, to_show_document
from domain_kit.crash_points import crash_point
from mongo_store import Database
from mongo_store.database import reachable

TO_COUNT, TO_SHOW = "to_count", "to_show"
NOTES_AT_ONCE = 200


class Notes:
    """Two collections that are empty but for what goes on; `_id` grows with time, so it says what came first."""

    def __init__(self, database: Database) -> None:
        self._to_count, self._to_show = database.collection(TO_COUNT), database.collection(TO_SHOW)

    async def uncounted(self, limit: int) -> Sequence[ToCount]:
        """The first ones, with about `limit` sheets; at least one if there is any."""
        with reachable():
            found = self._to_count.find({}, sort=[("_id", 1)], limit=NOTES_AT_ONCE)
            notes = [to_count(each) async for each in found]
        return notes[: _first(limit, [len(note.touched) for note in notes])]

    async def counted(self, done: Sequence[ToCount]) -> None:
        """Take them away."""
        if done:
            crash_point("analytics.facts.before_unmark")
            with reachable():
                await self._to_count.delete_many({"_id": {"$in": [note.id for note in done]}})

    async def oldest_uncounted(self, organizer: str) -> datetime | None:
        """When the first fact of the organizer happened that is to be counted."""
        with reachable():
            found = [each async for each in self._to_count.find({"touched.organizer": organizer})]
        touched: Iterable[Mapping[str, Any]] = (each for note in found for each in note["touched"])
        return min((each["since"] for each in touched if key_of(each).organizer == organizer), default=None)

    async def unshown(self, limit: int) -> Sequence[ToShow]:
        """The first ones, with about `limit` facts; at least one if there is any."""
        with reachable():
            found = self._to_show.find({}, sort=[("_id", 1)], limit=NOTES_AT_ONCE)
            notes = [to_show(each) async for each in found]
        return notes[: _first(limit, [len(note.facts) for note in notes])]

    async def shown(self, done: Sequence[ToShow]) -> None:
        """Take them away."""
        if done:
            crash_point("analytics.facts.before_shown")
            with reachable():
                await self._to_show.delete_many({"_id": {"$in": [note.id for note in done]}})

    async def unshown_count(self) -> int:
        """How many facts are noted to be shown, one as often as it is noted."""
        with reachable():
            return sum([each["count"] async for each in self._to_show.find({}, {"count": 1})])

    async def add_to_count(self, note: ToCount) -> None:
        """One more."""
        with reachable():
            await self._to_count.insert_one(to_count_document(note))

    async def add_to_show(self, note: ToShow) -> None:
        """One more."""
        with reachable():
            await self._to_show.insert_one(to_show_document(note))


def _first(limit: int, sizes: Sequence[int]) -> int:
    """How many of them make about `limit` together, one at least."""
    total = 0
    for number, size in enumerate(sizes):
        total += size
        if total >= limit:
            return number + 1
    return len(sizes)
