"""The journal as the relay sees it: what is still to be published, where the rest went, and who may publish."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from pymongo.errors import DuplicateKeyError

from domain_kit.backbone import OutboxEvent, Published
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from mongo_store.database import reachable
from mongo_store.journal import Journal
from mongo_store.metrics import NoMetrics
from mongo_store.pieces import pieces
from mongo_store.recent import Where
from mongo_store.rows import (
    JOURNAL,
    PENDING,
    PUBLISHED,
    batch_document,
    events_of,
    in_version_order,
    key_of,
    names_in,
    pending_id,
    pending_place,
)
from mongo_store.transaction import transact
from mongo_store.writes import Delete, Insert, Operation, Put, Remove, Update

OFFSETS, LATEST = "journal_offsets", "latest"
LEASES = "leases"
LOOKED_AT = 256  # pending documents in one look; each may tell of as many domain events as a commit has
PUT_BACK = 16  # domain events in one pending document after a loss
MOST_UNMARKED = 2000  # then they are marked without delay


class MongoOutbox:
    """domain_kit.backbone.Outbox over a journal.

    patience: for so many seconds it is content with what it remembers: while nobody else was seen to commit, commits of
    other processes may go unnoticed so long. marks_after: what was published is marked so much later (as `patience`
    where it is not said), for many commits at once; after a kill -9 it is published once more. A relay that looked and
    marked after every commit would cost the database more than the commits.
    """

    def __init__(self, journal: Journal, *, patience: float = 0.0, marks_after: float | None = None) -> None:
        self._journal = journal
        self._database = journal.database
        # What a failover may take back must not be told.
        self._rows = journal.database.collection(JOURNAL, concern="majority")
        self._pending = journal.database.collection(PENDING, concern="majority")
        self._patience = patience
        self._marks_after = patience if marks_after is None else marks_after
        self._seen: dict[str, Mapping[str, Any]] = {}  # pending documents of the last look, by name
        self._trusted_until = float("-inf")  # until then all that is pending is in `recent`
        self._unmarked: dict[Where, Published] = {}
        self._mark_at = float("inf")
        self._renewed: dict[tuple[str, str], datetime] = {}

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Unpublished domain events in commit order, those of one aggregate in version order."""
        if time.monotonic() >= self._mark_at:
            await self.settle()
        recent = self._journal.recent
        if time.monotonic() < self._trusted_until and recent.complete:
            return in_version_order(list(recent.known(recent.places()[:limit]).values()))
        wanted = await self._look_for(limit)
        events = recent.known(wanted)
        keys = list(dict.fromkeys(key_of(where[0]) for where in wanted if where not in events))
        with reachable():
            for some in pieces(keys):
                async for row in self._rows.find({"_id": {"$in": some}}, {"ans": 0}):
                    events.update({(event.row, event.index): event for event in events_of(row)})
        return in_version_order([events[each] for each in wanted])

    async def _look_for(self, limit: int) -> list[Where]:
        """Where the oldest pending domain events stand, by a look at the store.

        When it shows all there is, and nothing that this process has not committed itself, its memory can be trusted.
        """
        recent, began = self._journal.recent, time.monotonic()
        recent.complete, known = True, set(recent.places())
        most = min(limit, LOOKED_AT)
        documents = await self._look(most)
        if len(documents) == most and self._unmarked:  # they might be all there is to be seen
            await self.settle()
            documents = await self._look(most)
        names: list[str] = []
        for document in documents:
            names += [name for name in names_in(document) if pending_place(name) not in self._unmarked]
            if len(documents) == most and len(names) >= limit:
                break  # the rest waits for another look
        # A loss that is seen again may put back twice what an earlier release had published.
        pending = [pending_place(name) for name in sorted(set(names))]
        self._trusted_until = float("-inf")
        if len(documents) < most:
            recent.forget(known.difference(pending))  # another process has published them
            if set(recent.places()).issuperset(pending):
                self._trusted_until = began + self._patience
        return pending[:limit]

    async def mark_published(self, published: Sequence[Published]) -> None:
        """Remember where they went, see `marks_after`."""
        self._unmarked.update(((each.row, each.index), each) for each in published)
        self._journal.recent.forget((each.row, each.index) for each in published)
        if len(self._unmarked) >= MOST_UNMARKED or not self._marks_after:
            await self.settle()
        elif self._unmarked:
            self._mark_at = min(self._mark_at, time.monotonic() + self._marks_after)

    def marks_due(self) -> float:
        """Seconds until something is to be marked, which `pending` does."""
        return self._mark_at - time.monotonic()

    async def leave_pending(self) -> None:
        """Forget where it went: it is published again."""
        self._unmarked.clear()
        self._mark_at, self._trusted_until = float("inf"), float("-inf")

    async def settle(self) -> None:
        """Mark what was published, all of it or nothing."""
        published = list(self._unmarked.values())
        if not published:
            return
        names = [pending_id(each.row, each.index) for each in published]
        batch = batch_document(
            new_id(), [(name, each.partition, each.offset) for name, each in zip(names, published, strict=True)]
        )
        tops = {f"top.{partition}": offset for partition, offset in batch["top"].items()}
        raised = Update(OFFSETS, {"_id": LATEST}, {"$max": tops}, upsert=True)
        crash_point("outbox.before_marks")
        await transact(self._database, [raised, *await self._taken_out(names), Insert(PUBLISHED, batch)], NoMetrics())
        crash_point("outbox.after_marks")
        for each in published:
            self._unmarked.pop((each.row, each.index), None)
        self._mark_at = float("inf") if not self._unmarked else time.monotonic() + self._marks_after

    async def mark_lost(self, lost: Mapping[int, int]) -> int:
        """Make pending again what went to these partitions at or after these offsets; how many rows.

        Looks through all that went out, a page at a time: however much that is, no statement takes long.

        A crash in between leaves the rest to the next call.
        """
        await self.settle()
        self._trusted_until = float("-inf")
        rows: set[str] = set()
        async for batches in self._touched_by(lost):
            gone, rest = list[str](), list[Operation]()
            for batch in batches:
                left = [at for at in batch["at"] if not _is_lost(at[1], at[2], lost)]
                gone += [at[0] for at in batch["at"] if _is_lost(at[1], at[2], lost)]
                key = batch["_id"]
                rest.append(Put(PUBLISHED, batch_document(key, left)) if left else Delete(PUBLISHED, key))
            await transact(self._database, [*_put_back(gone, self._journal.clock()), *rest], NoMetrics())
            rows |= {pending_place(name)[0] for name in gone}
        return len(rows)

    async def last_offsets(self) -> Mapping[int, int]:
        """Partition → highest offset ever marked published; a loss does not lower it."""
        highest: dict[int, int] = {}
        for document in await self._journal.find(OFFSETS, {}):
            # An earlier release kept a document for each partition.
            tops = document["top"] if document["_id"] == LATEST else {document["_id"]: document["off"]}
            for partition, offset in tops.items():
                highest[int(partition)] = max(offset, highest.get(int(partition), -1))
        for each in self._unmarked.values():
            highest[each.partition] = max(each.offset, highest.get(each.partition, -1))
        return highest

    async def everything(self) -> AsyncIterator[OutboxEvent]:
        """The whole event store by the clocks of its writers, for replays; consumers order an aggregate by version."""
        with reachable():
            async for row in self._rows.find({}, {"ans": 0}).sort("ord", 1).allow_disk_use(True):
                for event in events_of(row):
                    yield event

    async def oldest_pending_age(self) -> timedelta:
        """How long the oldest unpublished domain event has waited; zero when there is none."""
        oldest = await self._journal.find(PENDING, {}, sort=[("_id", 1)], limit=1)
        return self._journal.clock() - oldest[0]["at"] if oldest else timedelta()

    async def wait_for_commit(self, timeout: float) -> None:
        """Return when a commit of this process wrote domain events since the last call, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._journal.committed.wait()
        except TimeoutError:
            return
        self._journal.committed.clear()

    async def hold_lease(self, lease: str, owner: str, seconds: float) -> bool:
        """Take or renew a named lease; False while another holds it. Clocks of owners must agree within `seconds`.

        One that was renewed a moment ago still holds: the store is asked when a third of the time is over.
        """
        now = self._journal.clock()
        renewed = self._renewed.pop((lease, owner), None)
        if renewed is not None and renewed <= now < renewed + timedelta(seconds=seconds / 3):
            self._renewed[lease, owner] = renewed
            return True
        mine_or_free = {"_id": lease, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
        taken = {"$set": {"owner": owner, "until": now + timedelta(seconds=seconds)}}
        with reachable():
            try:
                await self._database.collection(LEASES).update_one(mine_or_free, taken, upsert=True)
            except DuplicateKeyError:
                return False
        self._renewed[lease, owner] = now
        return True

    async def release_lease(self, lease: str, owner: str) -> None:
        """Give it back at shutdown so that a successor need not wait."""
        self._renewed.pop((lease, owner), None)
        with reachable():
            await self._database.collection(LEASES).delete_one({"_id": lease, "owner": owner})

    async def _touched_by(self, lost: Mapping[int, int]) -> AsyncIterator[list[Mapping[str, Any]]]:
        """Batches of the relay with something that is lost, some at a time."""
        batches, last = self._database.collection(PUBLISHED), ""
        while lost:
            with reachable():
                page = batches.find({"_id": {"$gt": last}}, {"top": 1}, sort=[("_id", 1)], limit=LOOKED_AT)
                tops = {each["_id"]: each["top"] async for each in page}
            touched = [
                key
                for key, top in tops.items()
                if any(_is_lost(int(partition), offset, lost) for partition, offset in top.items())
            ]
            for some in pieces(touched):
                yield await self._journal.find(PUBLISHED, {"_id": {"$in": some}})
            if len(tops) < LOOKED_AT:
                return
            last = max(tops)

    async def _look(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The oldest pending documents."""
        with reachable():
            found = [each async for each in self._pending.find({}, sort=[("_id", 1)], limit=limit)]
        self._seen = {str(each["_id"]): each for each in found}
        return found

    async def _taken_out(self, names: Sequence[str]) -> list[Operation]:
        """What makes these names pending no more: a document goes when none of its names is left."""
        gone, operations = set(names), list[Operation]()
        if not gone <= set(chain.from_iterable(map(names_in, self._seen.values()))):
            await self._look(0)
        for key, document in self._seen.items():
            mine = names_in(document)
            left = [name for name in mine if name not in gone]
            if not left:
                # Guarded, so that what was put back into it meanwhile stays.
                whole = {"_id": key} | ({"of": document["of"]} if "of" in document else {})
                operations.append(Remove(PENDING, whole))
            elif len(left) < len(mine):
                published = [name for name in mine if name in gone]
                operations.append(Update(PENDING, {"_id": key}, {"$pullAll": {"of": published}}))
        return operations


def _is_lost(partition: int, offset: int, lost: Mapping[int, int]) -> bool:
    return partition in lost and offset >= lost[partition]


def _put_back(names: Sequence[str], now: datetime) -> list[Operation]:
    """What makes these pending, some by one document each. One of that name may be there, with others of its commit."""
    ordered = sorted(names)
    return [
        Update(
            PENDING,
            {"_id": some[0]},
            {"$addToSet": {"of": {"$each": some}}, "$setOnInsert": {"at": now}},
            upsert=True,
        )
        for some in (ordered[start : start + PUT_BACK] for start in range(0, len(ordered), PUT_BACK))
    ]
