"""The only way a service writes: state, domain events and request record in one gathered transaction."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any

from domain_kit.backbone import EncodedEvent
from domain_kit.clock import Clock, utc_now
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted
from domain_kit.repository import Cause
from mongo_store.database import Database, reachable
from mongo_store.diagnosis import Command, diagnose, recorded_in
from mongo_store.former import adopt_former_rows
from mongo_store.gathering import Gathering, Waiting
from mongo_store.metrics import NoMetrics, StoreMetrics
from mongo_store.ordinals import Ordinals
from mongo_store.pieces import AT_ONCE, by_names
from mongo_store.recent import RecentEvents
from mongo_store.rows import JOURNAL, PENDING, JournalRow, pending_document, row_document
from mongo_store.transaction import CONFLICT_PATIENCE, Blocked, transact
from mongo_store.verdicts import Recorded, VersionConflict, kind_of, request_id_reused
from mongo_store.writes import Guarded, Insert, Put, Write

BATCH_PATIENCE = 0.03  # seconds of write conflicts with others before the commands of a batch go on one by one


@dataclass(slots=True)
class _Question:
    """Somebody wants to know what a cause was answered."""

    cause: Cause
    answer: Mapping[str, Any] | None = None
    reused: bool = False


class Journal:
    """The journal of one service database. One per process; safe with any number of processes.

    told: gets the domain events of each commit that was acknowledged. origin: correlation id and traceparent for rows
    whose cause names none, asked where the commit is asked for.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock = utc_now,
        *,
        metrics: StoreMetrics | None = None,
        told: Callable[[Iterable[EncodedEvent]], None] | None = None,
        origin: Callable[[], tuple[str, str]] | None = None,
        batch_limit: int = 64,
    ) -> None:
        self.database = database
        self.clock = clock
        self.committed = asyncio.Event()
        self.recent = RecentEvents()
        self._metrics, self._told, self._origin = metrics or NoMetrics(), told, origin
        self._ordinals = Ordinals()
        self._alone: set[asyncio.Task[None]] = set()
        self._questions: Gathering[_Question] = Gathering(
            self._look_up, lambda question: frozenset({question.cause.key}), limit=AT_ONCE
        )
        self._gathering = Gathering(self._flush, Command.claims, limit=batch_limit)

    async def ensure_indexes(self) -> None:
        """None beside `_id`: each would cost a quarter of an insert. Takes over what an earlier release left."""
        await adopt_former_rows(self.database)

    async def commit(self, writes: Sequence[Write], row: JournalRow) -> None:
        """Apply the writes and record the row, or neither. Concurrent commits of this process share a transaction.

        RequestRepeated with the answer given before; InvalidArgument REQUEST_ID_REUSED; VersionConflict: read and
        decide again; AlreadyExists, its metadata tell resource, collection, index; Aborted WRITE_CONFLICT; Unavailable.
        """
        await self._gathering.submit(Command(tuple(writes), (self._with_origin(row),)))

    async def commit_batch(self, writes: Sequence[Write], rows: Sequence[JournalRow]) -> None:
        """All writes and rows of a caller that batches itself, or none; refusals as `commit`.

        RequestRepeated carries every row that was served before, reused keys included, in `recorded`.
        """
        verdict = (
            await self._attempt([Command(tuple(writes), tuple(map(self._with_origin, rows)))], CONFLICT_PATIENCE)
        )[0]
        if verdict is not None:
            raise verdict

    async def answer_to(self, cause: Cause) -> Mapping[str, Any] | None:
        """What this cause was answered before ({} if without a document), None if never; REQUEST_ID_REUSED.

        Concurrent calls of this process share a query.
        """
        question = _Question(cause)
        await self._questions.submit(question)
        if question.reused:
            raise request_id_reused()
        return question.answer

    async def answers_to(self, causes: Sequence[Cause]) -> Recorded:
        """The same for many causes in one query, without raising."""
        with reachable():
            return await recorded_in(self.database, causes)

    async def read(self, collection: str, key: Any) -> Mapping[str, Any] | None:
        """One document by `_id`."""
        return await self.database.read(collection, key)

    async def find(
        self, collection: str, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match a MongoDB filter; `limit` 0 means all. Asked for by name, in no order; see `read`."""
        names = None if sort or limit else by_names(where)
        if names is not None:
            found = await asyncio.gather(*(self.database.read(collection, name) for name in names))
            return [document for document in found if document is not None]
        with reachable(), self.database.timed("find"):
            matching = self.database.collection(collection).find(where, limit=limit, sort=list(sort) or None)
            return [document async for document in matching]

    def _with_origin(self, row: JournalRow) -> JournalRow:
        if row.cause.correlation_id or self._origin is None:
            return row
        correlation_id, traceparent = self._origin()
        return replace(row, cause=replace(row.cause, correlation_id=correlation_id, traceparent=traceparent))

    async def _look_up(self, batch: Sequence[Waiting["_Question"]]) -> None:
        recorded = await self.answers_to([waiting.work.cause for waiting in batch])
        for waiting in batch:
            key = waiting.work.cause.key
            waiting.work.answer, waiting.work.reused = recorded.answers.get(key), key in recorded.reused
            waiting.settle(None)

    async def _flush(self, batch: Sequence[Waiting[Command]]) -> None:
        """INVARIANT: a command that cannot go through fails alone; its neighbours are committed without it."""
        left = list(batch)
        while left:
            try:
                settled = await self._attempt([waiting.work for waiting in left], BATCH_PATIENCE)
            except Aborted:
                settled = {}
            if not settled:  # somebody outside keeps at least one of them waiting; nobody waits for that one here
                self._metrics.retried("split")
                for waiting in left:
                    task = asyncio.create_task(self._finish_alone(waiting), context=Context())
                    self._alone.add(task)
                    task.add_done_callback(self._alone.discard)
                return
            for position, verdict in settled.items():
                left[position].settle(verdict)
            left = [waiting for position, waiting in enumerate(left) if position not in settled]
            if left:
                self._metrics.retried("split")

    async def _finish_alone(self, waiting: Waiting[Command]) -> None:
        try:
            settled = await self._attempt([waiting.work], CONFLICT_PATIENCE)
            waiting.settle(settled[0])
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it belongs to the caller
            waiting.settle(trouble)

    async def _attempt(self, commands: Sequence[Command], patience: float) -> Mapping[int, Exception | None]:
        """One transaction of all commands: position → None for those that went through, or what stood in their way.

        Commands without an entry were not written because of the others. Never empty for a single command.
        """
        blocked = await self._write(commands, patience)
        if blocked is None:
            return dict.fromkeys(range(len(commands)))
        with reachable():
            verdicts = await diagnose(self.database, commands, blocked)
        if not verdicts and len(commands) == 1:
            verdicts = {0: VersionConflict(())}  # what stood in the way has moved on since
        for verdict in verdicts.values():
            self._metrics.refused(kind_of(verdict))
        return verdicts

    async def _write(self, commands: Sequence[Command], patience: float) -> Blocked | None:
        began = time.perf_counter()
        # Rows go first, so that a repeat is seen as a repeat and not as the conflict that it is as well.
        rows, now = [row for command in commands for row in command.rows], self.clock()
        documents = [row_document(row, self._ordinals, now) for row in rows]
        writes: list[Write] = [Insert(JOURNAL, document) for document in documents]
        writes += [write for command in commands for write in command.writes]
        pending = pending_document(documents)
        if pending is not None:  # last, because what stands in the way is told by its position, and this cannot
            writes.append(Insert(PENDING, pending))
        crash_point("journal.before_commit")
        blocked = await transact(
            self.database,
            writes,
            self._metrics,
            replacing=sum(isinstance(write, Guarded | Put) for write in writes),
            conflict_patience=patience,
        )
        crash_point("journal.after_commit")
        if blocked is None:
            self._metrics.committed(len(commands), time.perf_counter() - began)
            if pending is not None:
                self.recent.add(documents)
                self.committed.set()
                if self._told is not None:
                    self._told(each.event for row in rows for each in row.events)
        return blocked
