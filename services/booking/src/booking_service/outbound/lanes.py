"""Lanes: commands of one event queue in order of arrival, and all that queue are committed at once.

An event always falls into the same lane of a process. While one batch of a lane is in flight the next one gathers;
there is no timer, so a lone command waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from zlib import crc32

from booking_service.domain.commands import Command
from booking_service.domain.records import Record
from domain_kit.refusals import ResourceExhausted
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


class NoLaneMetrics:
    """Reports nothing."""

    def queued(self, commands: int) -> None:
        """Ignored."""

    def committed(self, commands: int, seconds: float) -> None:
        """Ignored."""

    def conflicted(self) -> None:
        """Ignored."""


Serve = Callable[[Sequence[Waiting]], Awaitable[None]]


class Lanes:
    """domain.ports.Desk over some lanes. serve: settles all of a batch; one per lane, never called twice at a time.

    batch: most commands in one commit. bound: most commands that may queue in one lane.
    """

    def __init__(
        self, serve: Sequence[Serve], *, batch: int = 128, bound: int = 4096, metrics: LaneMetrics | None = None
    ) -> None:
        self._metrics = metrics or NoLaneMetrics()
        self._lanes = [_Lane(each, batch) for each in serve]
        self._bound = bound

    async def submit(self, command: Command, cause: Cause) -> Record | None:
        """See domain.ports.Desk. A caller that goes away while it queues is forgotten before it takes places."""
        lane = self._lanes[crc32(command.event.encode()) % len(self._lanes)]
        if len(lane.queue) >= self._bound:
            raise ResourceExhausted(
                "LANE_FULL", "Too many bookings of this event wait; try again.", retry_after=LANE_RETRY
            )
        waiting = Waiting(command, cause, asyncio.get_running_loop().create_future())
        lane.queue.append(waiting)
        self._metrics.queued(sum(len(each.queue) for each in self._lanes))
        lane.wake()
        return await waiting.done

    async def close(self) -> None:
        """Returns when all that was submitted is settled."""
        await asyncio.gather(
            *(lane.running for lane in self._lanes if lane.running is not None), return_exceptions=True
        )


class _Lane:
    def __init__(self, serve: Serve, batch: int) -> None:
        self.queue: deque[Waiting] = deque()
        self.running: asyncio.Task[None] | None = None
        self._serve, self._batch = serve, batch

    def wake(self) -> None:
        if self.running is None:
            self.running = asyncio.create_task(self._run(), name="lane")

    async def _run(self) -> None:
        batch: list[Waiting] = []
        try:
            # Callers that became ready in the same turn of the loop join the first batch.
            await asyncio.sleep(0)
            while batch := self._next():
                try:
                    await self._serve(batch)
                except Exception as trouble:  # noqa: BLE001  # whatever it was, the callers must hear of it
                    for waiting in batch:
                        waiting.refuse(trouble)
        finally:
            self.running = None
            for waiting in (*batch, *self.queue):  # only when this task was cancelled: nobody else would serve them
                waiting.done.cancel()
            self.queue.clear()

    def _next(self) -> list[Waiting]:
        """Up to a batch in order of arrival; two commands of one cause or on one subject go into different batches."""
        batch: list[Waiting] = []
        keys: set[object] = set()
        later: list[Waiting] = []
        while self.queue and len(batch) < self._batch:
            waiting = self.queue.popleft()
            if waiting.gone:
                continue
            mine = {waiting.cause.key, waiting.command.subject} - {None}
            if keys.isdisjoint(mine):
                batch.append(waiting)
            else:
                later.append(waiting)
            keys |= mine  # also of those that wait: what comes after them must not overtake them
        self.queue.extendleft(reversed(later))
        return batch
