"""The store without a database: the same commits, refusals and order as `mongo_store`, kept in dictionaries."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from domain_kit.backbone import OutboxEvent, ParkedEvent, Published
from domain_kit.clock import Clock, utc_now
from domain_kit.repository import Aggregate, Cause
from mongo_store import Check, Delete, Index, JournalRow, MongoRepository, Recorded, Write, as_stored
from mongo_store.diagnosis import Command, repeat_verdict, sort_out, state_verdict
from mongo_store.ordinals import Ordinals
from mongo_store.rows import events_of, in_version_order, row_document
from mongo_store.verdicts import duplicate, request_id_reused
from testkit.filters import arranged, matches, value_at

A = TypeVar("A", bound=Aggregate)


class MemoryJournal:
    """mongo_store.Journal in memory. `indexes` as given to Database.ensure_indexes; only unique ones matter here."""

    def __init__(self, clock: Clock = utc_now, *, indexes: Mapping[str, Sequence[Index]] | None = None) -> None:
        self.clock = clock
        self.committed = asyncio.Event()
        self.rows: dict[str, dict[str, Any]] = {}
        self.places: dict[tuple[str, int], tuple[int, int]] = {}  # of published domain events
        self.collections: dict[str, dict[Any, dict[str, Any]]] = {}
        self._indexes = indexes or {}
        self._ordinals = Ordinals()

    async def ensure_indexes(self) -> None:
        """Nothing to do."""

    async def commit(self, writes: Sequence[Write], row: JournalRow) -> None:
        """All or nothing; refusals as Journal.commit."""
        await self.commit_batch(writes, [row])

    async def commit_batch(self, writes: Sequence[Write], rows: Sequence[JournalRow]) -> None:
        """All or nothing; refusals as Journal.commit_batch."""
        await asyncio.sleep(0)  # a real commit lets others run too
        command = Command(tuple(writes), tuple(rows))
        present = {
            (name, key): document.get("version")
            for name, documents in self.collections.items()
            for key, document in documents.items()
        }
        recorded = self._recorded([row.cause for row in rows])
        verdict = repeat_verdict(command, recorded) or state_verdict(command, present)
        if verdict is not None:
            raise verdict
        after = {name: dict(self.collections.get(name, {})) for name in {write.collection for write in writes}}
        for write in writes:
            if isinstance(write, Delete):
                after[write.collection].pop(write.id, None)
            elif not isinstance(write, Check):
                after[write.collection][write.id] = as_stored(write.document)
                self._check_unique(write.collection, write.id, after[write.collection])
        documents = [as_stored(row_document(row, self._ordinals, self.clock())) for row in rows]
        self.collections.update(after)
        self.rows.update({document["_id"]: document for document in documents})
        if any(row.events for row in rows):
            self.committed.set()

    async def answer_to(self, cause: Cause) -> Mapping[str, Any] | None:
        """As Journal.answer_to."""
        recorded = self._recorded([cause])
        if recorded.reused:
            raise request_id_reused()
        return recorded.answers.get(cause.key)

    async def answers_to(self, causes: Sequence[Cause]) -> Recorded:
        """As Journal.answers_to."""
        return self._recorded(causes)

    async def read(self, collection: str, key: Any) -> Mapping[str, Any] | None:
        """One document by `_id`."""
        document = self.collections.get(collection, {}).get(key)
        return None if document is None else as_stored(document)

    async def find(
        self, collection: str, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match; see testkit.filters for the part of MongoDB's language it knows."""
        found = [document for document in self.collections.get(collection, {}).values() if matches(document, where)]
        return [as_stored(document) for document in arranged(found, sort)[: limit or None]]

    @property
    def published(self) -> bool:
        """Whether a relay has told everything."""
        return len(self.places) == sum(len(row["ev"]) for row in self.rows.values())

    def _recorded(self, causes: Sequence[Cause]) -> Recorded:
        rows = [self.rows[cause.key] for cause in causes if cause.key in self.rows]
        return sort_out(rows, {cause.key: cause.fingerprint for cause in causes})

    def _check_unique(self, collection: str, name: Any, documents: Mapping[Any, Mapping[str, Any]]) -> None:
        for index in self._indexes.get(collection, ()):
            if not index.unique:
                continue
            covered = {
                key: [value_at(document, field) for field, _ in index.fields]
                for key, document in documents.items()
                if matches(document, index.where or {})
            }
            if name in covered and sum(values == covered[name] for values in covered.values()) > 1:
                raise duplicate(collection, name, index.name)


class MemoryRepository(MongoRepository[A]):
    """mongo_store.MongoRepository over a MemoryJournal; the same constructor."""


class MemoryOutbox:
    """domain_kit.backbone.Outbox over a MemoryJournal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self._offsets: dict[int, int] = {}
        self._leases: dict[str, tuple[str, datetime]] = {}

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Unpublished domain events in commit order, those of one aggregate in version order."""
        return in_version_order(self._unpublished())[:limit]

    async def mark_published(self, published: Sequence[Published]) -> None:
        """Remember where they went."""
        for each in published:
            self._journal.places[each.row, each.index] = each.partition, each.offset
            self._offsets[each.partition] = max(each.offset, self._offsets.get(each.partition, -1))

    async def settle(self) -> None:
        """Nothing is ever put off."""

    async def leave_pending(self) -> None:
        """Nothing is ever put off."""

    def marks_due(self) -> float:
        """Never."""
        return float("inf")

    async def mark_lost(self, lost: Mapping[int, int]) -> int:
        """Make pending again what stood there."""
        places = self._journal.places
        gone = [each for each, (number, offset) in places.items() if number in lost and offset >= lost[number]]
        for each in gone:
            del places[each]
        return len({row for row, _ in gone})

    async def last_offsets(self) -> Mapping[int, int]:
        """Partition → highest offset ever marked published."""
        return dict(self._offsets)

    async def everything(self) -> AsyncIterator[OutboxEvent]:
        """The whole event store in order."""
        for row in sorted(self._journal.rows.values(), key=lambda row: str(row["ord"])):
            for event in events_of(row):
                yield event

    async def oldest_pending_age(self) -> timedelta:
        """How long the oldest unpublished domain event has waited."""
        oldest = next(iter(self._unpublished()), None)
        return timedelta() if oldest is None else self._journal.clock() - oldest.time

    async def wait_for_commit(self, timeout: float) -> None:
        """Return when a commit wrote domain events since the last call, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._journal.committed.wait()
        except TimeoutError:
            return
        self._journal.committed.clear()

    async def hold_lease(self, lease: str, owner: str, seconds: float) -> bool:
        """Take or renew a named lease."""
        now = self._journal.clock()
        holder, until = self._leases.get(lease, (owner, now))
        if holder != owner and until > now:
            return False
        self._leases[lease] = (owner, now + timedelta(seconds=seconds))
        return True

    async def release_lease(self, lease: str, owner: str) -> None:
        """Give it back."""
        if lease in self._leases and self._leases[lease][0] == owner:
            del self._leases[lease]

    def _unpublished(self) -> list[OutboxEvent]:
        rows = sorted(self._journal.rows.values(), key=lambda row: str(row["ord"]))
        events = [event for row in rows for event in events_of(row)]
        return [event for event in events if (event.row, event.index) not in self._journal.places]


class MemoryInbox:
    """domain_kit.backbone.Inbox in dictionaries."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str], int] = {}
        self._parked: dict[tuple[str, str], ParkedEvent] = {}
        self._rewound: set[tuple[str, str]] = set()
        self._handled: dict[tuple[str, str], frozenset[str]] = {}

    async def ensure_indexes(self) -> None:
        """Nothing to do."""

    async def positions(self, consumer: str, subjects: Sequence[str]) -> Mapping[str, int]:
        """Aggregate name → version last applied."""
        known = self._positions
        return {subject: known[consumer, subject] for subject in subjects if (consumer, subject) in known}

    async def advance(
        self, consumer: str, positions: Mapping[str, int], _before: Mapping[str, int] | None = None
    ) -> None:
        """Raise positions; never lowers one."""
        for subject, version in positions.items():
            self._positions[consumer, subject] = max(version, self._positions.get((consumer, subject), 0))

    async def reset(self, consumer: str, subject_prefix: str = "") -> None:
        """Forget positions and parked domain events."""
        for key in [key for key in self._positions if key[0] == consumer and key[1].startswith(subject_prefix)]:
            del self._positions[key]
        parked = await self.parked(consumer)
        await self.unpark(consumer, [each.event.id for each in parked if each.event.subject.startswith(subject_prefix)])

    async def park(self, parked: ParkedEvent) -> None:
        """Put aside; replaces an earlier record."""
        self._parked[parked.consumer, parked.event.id] = parked

    async def parked(self, consumer: str, subject: str = "") -> Sequence[ParkedEvent]:
        """What is put aside, in version order."""
        found = [each for (owner, _), each in self._parked.items() if owner == consumer]
        found = [each for each in found if not subject or each.event.subject == subject]
        return sorted(found, key=lambda each: (each.event.subject, each.event.version))

    async def unpark(self, consumer: str, event_ids: Sequence[str]) -> None:
        """Forget that they were put aside."""
        for each in event_ids:
            self._parked.pop((consumer, each), None)

    async def revive(self, consumer: str, event_ids: Sequence[str] = ()) -> int:
        """Dead ones become due again."""
        dead = [each for each in await self.parked(consumer) if each.dead]
        due = [each for each in dead if not event_ids or each.event.id in event_ids]
        for each in due:
            await self.park(dataclasses.replace(each, dead=False, attempts=0))
        return len(due)

    async def rewound(self, consumer: str, epoch: str) -> bool:
        """Whether it went back."""
        return (consumer, epoch) in self._rewound

    async def note_rewound(self, consumer: str, epoch: str) -> None:
        """Remember that it did."""
        self._rewound.add((consumer, epoch))

    async def handled_types(self, consumer: str, place: str) -> Collection[str] | None:
        """Types handled by the member that had this place last."""
        return self._handled.get((consumer, place))

    async def note_handled_types(self, consumer: str, place: str, types: Collection[str]) -> None:
        """Remember that a member that handles these types has the place now."""
        self._handled[consumer, place] = frozenset(types)
