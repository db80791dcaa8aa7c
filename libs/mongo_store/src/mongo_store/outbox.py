"""The journal as the relay sees it: what is still to be published, where the rest went, and who may publish."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from pymongo import UpdateMany, UpdateOne
from pymongo.errors import DuplicateKeyError

from domain_kit.backbone import OutboxEvent, Published
from mongo_store.database import reachable
from mongo_store.journal import Journal
from mongo_store.metrics import NoMetrics
from mongo_store.rows import JOURNAL, events_of, in_version_order
from mongo_store.transaction import Operation, transact

OFFSETS = "journal_offsets"
LEASES = "leases"
MARKED_AT_ONCE = 64  # rows in one update; with hundreds, looking each up in the list costs more than it saves


class MongoOutbox:
    """domain_kit.backbone.Outbox over a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._database = journal.database
        self._rows = journal.database.collection(JOURNAL)

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Unpublished domain events in commit order, those of one aggregate in version order."""
        rows = await self._journal.find(JOURNAL, {"pub": False}, sort=[("ord", 1)], limit=limit)
        return in_version_order([event for row in rows for event in events_of(row, only_pending=True)])[:limit]

    async def mark_published(self, published: Sequence[Published]) -> None:
        """Remember where they went, all at once or not at all; a row is published when all its domain events are."""
        if not published:
            return
        places: dict[str, dict[int, dict[str, int]]] = defaultdict(dict)
        highest: dict[int, int] = {}
        for each in published:
            places[each.row][each.index] = {"p": each.partition, "o": each.offset}
            highest[each.partition] = max(each.offset, highest.get(each.partition, -1))
        rows, offsets = (f"{self._database.name}.{name}" for name in (JOURNAL, OFFSETS))
        raised: list[Operation] = [
            UpdateOne({"_id": partition}, {"$max": {"off": offset}}, upsert=True, namespace=offsets)
            for partition, offset in highest.items()
        ]
        # Nearly always rows come whole: then an update for many of them costs half of one each.
        whole = [
            _mark_whole(rows, size, {row: places[row] for row in names[start : start + MARKED_AT_ONCE]})
            for size, names in _by_size(places).items()
            for start in range(0, len(names), MARKED_AT_ONCE)
        ]
        operations = [*raised, *whole]
        if await transact(self._database, operations, NoMetrics(), replacing=len(raised) + len(places)) is None:
            return
        parts: list[Operation] = [
            UpdateOne({"_id": row}, {"$set": {f"off.{index}": place for index, place in at.items()}}, namespace=rows)
            for row, at in places.items()
        ]
        complete = {"_id": {"$in": list(places)}, "off": {"$ne": None}}
        parts.append(UpdateMany(complete, {"$set": {"pub": True}}, namespace=rows))
        await transact(self._database, [*raised, *parts], NoMetrics())

    async def mark_lost(self, partition: int, from_offset: int) -> int:
        """Make pending again what went to `partition` at or after `from_offset`; how many rows. Scans the journal."""
        gone = {"p": partition, "o": {"$gte": from_offset}}
        with reachable():
            result = await self._rows.update_many(
                {"off": {"$elemMatch": gone}},
                {"$set": {"pub": False, "off.$[lost]": None}},
                array_filters=[{f"lost.{field}": value for field, value in gone.items()}],
            )
        return result.modified_count

    async def last_offsets(self) -> Mapping[int, int]:
        """Partition → highest offset ever marked published; a loss does not lower it."""
        return {document["_id"]: document["off"] for document in await self._journal.find(OFFSETS, {})}

    async def everything(self) -> AsyncIterator[OutboxEvent]:
        """The whole event store by the clocks of its writers, for replays; consumers order an aggregate by version."""
        with reachable():
            async for row in self._rows.find({}, {"ans": 0}).sort("ord", 1).allow_disk_use(True):
                for event in events_of(row):
                    yield event

    async def oldest_pending_age(self) -> timedelta:
        """How long the oldest unpublished domain event has waited; zero when there is none."""
        rows = await self._journal.find(JOURNAL, {"pub": False}, sort=[("ord", 1)], limit=1)
        return self._journal.clock() - rows[0]["at"] if rows else timedelta()

    async def wait_for_commit(self, timeout: float) -> None:
        """Return when a commit of this process wrote domain events since the last call, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._journal.committed.wait()
        except TimeoutError:
            return
        self._journal.committed.clear()

    async def hold_lease(self, lease: str, owner: str, seconds: float) -> bool:
        """Take or renew a named lease; False while another holds it. Clocks of owners must agree within `seconds`."""
        now = self._journal.clock()
        mine_or_free = {"_id": lease, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
        taken = {"$set": {"owner": owner, "until": now + timedelta(seconds=seconds)}}
        with reachable():
            try:
                await self._database.collection(LEASES).update_one(mine_or_free, taken, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    async def release_lease(self, lease: str, owner: str) -> None:
        """Give it back at shutdown so that a successor need not wait."""
        with reachable():
            await self._database.collection(LEASES).delete_one({"_id": lease, "owner": owner})


def _by_size(places: Mapping[str, Mapping[int, object]]) -> Mapping[int, Sequence[str]]:
    """Rows by how many of their domain events were given a place."""
    rows: dict[int, list[str]] = defaultdict(list)
    for row, at in places.items():
        rows[len(at)].append(row)
    return rows


def _mark_whole(rows: str, size: int, places: Mapping[str, Mapping[int, Mapping[str, int]]]) -> UpdateMany:
    """Publishes those of these rows that have `size` domain events, each with its own offsets."""
    # Literal: what stands in a name must not be taken for an expression.
    place = {"$indexOfArray": [{"$literal": list(places)}, "$_id"]}
    offsets = {"$literal": [[at[index] for index in sorted(at)] for at in places.values()]}
    marked = [{"$set": {"off": {"$arrayElemAt": [offsets, place]}, "pub": True}}]
    return UpdateMany({"_id": {"$in": list(places)}, "off": {"$size": size}}, marked, namespace=rows)
