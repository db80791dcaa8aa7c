"""Lanes: commands of one event queue in order of arrival, and all that queue are committed at once.

An event always falls into the same lane of a process. While one batch of a lane is in flight the next one gathers, and
is decided as far as that can be done ahead; there is no timer, so a lone command waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from zlib import crc32

from booking_service.domain.commands import BookGroup, Command, Hold
from booking_service.domain.records import Record
from domain_kit.refusals import Refusal, ResourceExhausted
from domain_kit.repository import Cause

LANE_RETRY = timedelta(milliseconds=500)


@dataclass(slots=True, eq=False)
class Waiting:
    """A command in a lane, and the future its caller awaits."""

    command: Command
    cause: Cause
    done: "asyncio.Future[Record | None]"

    @property
    def gone(self) -> bool:
        """The caller has its answer or has gone away."""
        return self.done.done()

    def answer(self, answer: Record | None) -> None:
        """The caller goes on."""
        if not self.done.done():
            self.done.set_result(answer)

    def refuse(self, trouble: BaseException) -> None:
        """The caller gets the exception."""
        if not self.done.done():
            self.done.set_exception(trouble)


class LaneMetrics(Protocol):
    """What the lanes report."""

    def queued(self, commands: int) -> None:
        """So many wait, over all lanes."""

    def committed(self, commands: int, seconds: float) -> None:
        """A batch of so many went through; seconds from its first look at the store to its acknowledged commit."""

    def conflicted(self) -> None:
        """A batch was decided anew because somebody else had written."""

    def refused(self, reason: str) -> None:
        """A booking that somebody asked for was refused."""


class NoLaneMetrics:
    """Reports nothing."""

    def queued(self, commands: int) -> None:
        """Ignored."""

    def committed(self, commands: int, seconds: float) -> None:
        """Ignored."""

    def conflicted(self) -> None:
        """Ignored."""

    def refused(self, reason: str) -> None:
        """Ignored."""


class DecidedAhead(Protocol):
    """Commands decided on what the batch in flight will leave."""

    @property
    def batch(self) -> Sequence[Waiting]:
        """Those that were taken."""

    def take(self, waiting: Waiting) -> bool:
        """Decide it; False if it has to wait, as then has everything after it."""


A = TypeVar("A", bound=DecidedAhead)


class LaneDesk(Protocol[A]):
    """Settles batches, one at a time."""

    async def serve(self, batch: Sequence[Waiting]) -> None:
        """Settle all of a batch; what it raises is for those that are not settled."""

    def ahead(self) -> A | None:
        """For what comes while a batch is served; None where nothing can be decided ahead yet."""

    async def serve_ahead(self, ahead: A) -> None:
        """As `serve`, for what was decided ahead of this."""


class Lanes:
    """domain.ports.Desk over some lanes, one a desk.

    batch: most commands in one commit. bound: most commands that may queue in one lane.
    """

    def __init__(
        self, desks: Sequence[LaneDesk[Any]], *, batch: int = 128, bound: int = 4096, metrics: LaneMetrics | None = None
    ) -> None:
        self._metrics = metrics or NoLaneMetrics()
        self._lanes = [_Lane(each, batch, self._tell_queued) for each in desks]
        self._bound = bound

    async def submit(self, command: Command, cause: Cause) -> Record | None:
        """See domain.ports.Desk. A caller that goes away while it queues is forgotten before it takes places."""
        lane = self._lanes[crc32(command.event.encode()) % len(self._lanes)]
        if len(lane.queue) >= self._bound:
            if isinstance(command, Hold | BookGroup):
                self._metrics.refused("LANE_FULL")
            raise ResourceExhausted(
                "LANE_FULL", "Too many bookings of this event wait; try again.", retry_after=LANE_RETRY
            )
        waiting = Waiting(command, cause, asyncio.get_running_loop().create_future())
        lane.queue.append(waiting)
        self._tell_queued()
        lane.wake()
        try:
            return await waiting.done
        except asyncio.CancelledError:
            lane.forget(waiting)
            self._tell_queued()
            raise
        except Refusal as refusal:
            if isinstance(command, Hold | BookGroup):
                self._metrics.refused(refusal.reason)
            raise

    def _tell_queued(self) -> None:
        self._metrics.queued(sum(len(each.queue) for each in self._lanes))

    async def close(self) -> None:
        """Returns when all that was submitted is settled."""
        await asyncio.gather(
            *(lane.running for lane in self._lanes if lane.running is not None), return_exceptions=True
        )


class _Lane:
    def __init__(self, desk: LaneDesk[Any], batch: int, taken: Callable[[], None]) -> None:
        self.queue: deque[Waiting] = deque()
        self.running: asyncio.Task[None] | None = None
        self._desk, self._batch, self._taken = desk, batch, taken
        self._ahead: DecidedAhead | None = None
        self._keys: set[object] = set()  # of what was decided ahead
        self._takes = False  # whether more can be

    def wake(self) -> None:
        """Something has been queued."""
        if self.running is None:
            # In no caller's context: what a lane does is for many.
            self.running = asyncio.create_task(self._run(), name="lane", context=Context())
        elif self._takes:
            self._decide_ahead()

    def forget(self, waiting: Waiting) -> None:
        """Its caller has gone away: where it still queues, somebody else may have its place in the queue."""
        with suppress(ValueError):
            self.queue.remove(waiting)

    async def _run(self) -> None:
        batch: Sequence[Waiting] = []
        try:
            # It begins in the next turn of the loop: callers that became ready in the same one join the first batch.
            while batch := self._ahead.batch if self._ahead is not None else self._next():
                ahead, self._ahead = self._ahead, None
                self._keys, self._takes = set(), True
                await self._serve(batch, ahead)
        finally:
            ahead, self._ahead, self.running = self._ahead, None, None
            # Only when this task was cancelled: nobody else would serve them.
            for waiting in (*batch, *(ahead.batch if ahead is not None else ()), *self.queue):
                waiting.done.cancel()
            self.queue.clear()

    async def _serve(self, batch: Sequence[Waiting], ahead: DecidedAhead | None) -> None:
        self._taken()
        try:
            await (self._desk.serve(batch) if ahead is None else self._desk.serve_ahead(ahead))
        except Exception as trouble:  # noqa: BLE001  # whatever it was, the callers must hear of it
            for waiting in batch:
                waiting.refuse(trouble)

    def _decide_ahead(self) -> None:
        """What has come, in the turn of who brought it: nothing has to be woken for it."""
        ahead = self._ahead or self._desk.ahead()
        if ahead is not None:
            self._takes = self._take(ahead, self._keys)
            self._ahead = ahead if ahead.batch else None

    def _take(self, ahead: DecidedAhead, keys: set[object]) -> bool:
        """Give it what is first in the queue; False when it takes no more."""
        while self.queue and len(ahead.batch) < self._batch:
            waiting = self.queue[0]
            mine = _keys_of(waiting)
            if not waiting.gone:
                if not keys.isdisjoint(mine) or not _taken(ahead, waiting):
                    return False
                keys |= mine
            self.queue.popleft()
        return len(ahead.batch) < self._batch

    def _next(self) -> list[Waiting]:
        """Up to a batch in order of arrival; two commands of one cause or on one subject go into different batches."""
        batch: list[Waiting] = []
        keys: set[object] = set()
        later: list[Waiting] = []
        while self.queue and len(batch) < self._batch:
            waiting = self.queue.popleft()
            if waiting.gone:
                continue
            mine = _keys_of(waiting)
            if keys.isdisjoint(mine):
                batch.append(waiting)
            else:
                later.append(waiting)
            keys |= mine  # also of those that wait: what comes after them must not overtake them
        self.queue.extendleft(reversed(later))
        return batch


def _taken(ahead: DecidedAhead, waiting: Waiting) -> bool:
    try:
        return ahead.take(waiting)
    except Exception:  # noqa: BLE001  # whatever it is, its own turn shows it, and the commit under way goes on
        return False


def _keys_of(waiting: Waiting) -> set[object]:
    """Of what no two commands of a batch may be."""
    keys: set[object] = {waiting.cause.key, waiting.command.subject}
    return keys - {None}
