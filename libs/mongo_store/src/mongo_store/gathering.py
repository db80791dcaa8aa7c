"""Concurrent calls of a process gathered into batches: while one batch is in flight the next one fills up."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence, Sized
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SOON = 0.02  # seconds after a batch in which another one is taken to be one of many
LONGEST_WAIT = 0.01
MOST_IN_VAIN = 5


@dataclass(slots=True)
class Waiting(Generic[T]):
    """One call: what it wants done, and the future its caller awaits."""

    work: T
    done: asyncio.Future[None]

    def settle(self, trouble: BaseException | None) -> None:
        """The caller goes on, or gets the exception; one that has gone away gets nothing."""
        if self.done.done():
            return
        if trouble is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(trouble)


class Company:
    """Whether a first one had better wait for others: where one batch follows the other, no longer than a batch takes.

    After so many waits in vain it is tried ever more rarely, so that whoever comes alone, one after the other, hardly
    ever waits. clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended, self._took = float("-inf"), 0.0
        self._pass_over = self._in_vain = 0

    def seconds(self) -> float:
        """How long the first one of a batch is to wait now."""
        if self._clock() > self._ended + SOON:
            return 0.0
        if self._pass_over:
            self._pass_over -= 1
            return 0.0
        return min(self._took, LONGEST_WAIT)

    def came(self, others: int) -> None:
        """How many others came while the first one waited."""
        self._in_vain = 0 if others else min(self._in_vain + 1, MOST_IN_VAIN)
        self._pass_over = 0 if others else 2**self._in_vain - 1

    def flushed(self, seconds: float) -> None:
        """How long a batch took that has just ended."""
        self._ended, self._took = self._clock(), seconds

    async def wait(self, queue: Sized) -> None:
        """If it is worth while."""
        if seconds := self.seconds():
            await asyncio.sleep(seconds)
            self.came(len(queue) - 1)


class Gathering(Generic[T]):
    """Runs `flush` on one batch at a time; it must settle every call of its batch.

    claims: the things a work item needs for itself; items that share one go into different batches, in arrival order.
    pause: seconds that a first one waits for others, where nobody minds. company: or how long it is worth while.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Waiting[T]]], Awaitable[None]],
        claims: Callable[[T], frozenset[Hashable]],
        *,
        limit: int,
        pause: float = 0.0,
        company: "Company | None" = None,
    ) -> None:
        self._flush = flush
        self._claims = claims
        self._limit = limit
        self._pause, self._company = pause, company
        self._queue: deque[Waiting[T]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, work: T) -> None:
        """Returns when a batch with this work went through; a cancelled caller that still queues is forgotten."""
        waiting = Waiting(work, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._running is None:
            # In nobody's context: what it does is for many, and only one of them happens to be the first.
            self._running = asyncio.create_task(self._run(), context=Context())
        await waiting.done

    async def _run(self) -> None:
        try:
            if self._pause:
                await asyncio.sleep(self._pause)
            if self._company is not None:
                await self._company.wait(self._queue)
            while batch := self._next_batch():
                began = time.monotonic()
                try:
                    await self._flush(batch)
                except Exception as trouble:  # noqa: BLE001 - whatever it is, it belongs to the callers
                    for waiting in batch:
                        waiting.settle(trouble)
                if self._company is not None:
                    self._company.flushed(time.monotonic() - began)
        finally:
            self._running = None
            for waiting in self._queue:  # only when this task was cancelled: nobody else would serve them
                waiting.done.cancel()
            self._queue.clear()

    def _next_batch(self) -> list[Waiting[T]]:
        batch: list[Waiting[T]] = []
        later: deque[Waiting[T]] = deque()
        taken: set[Hashable] = set()
        while self._queue and len(batch) < self._limit:
            waiting = self._queue.popleft()
            if waiting.done.done():
                continue
            claims = self._claims(waiting.work)
            (later if claims & taken else batch).append(waiting)
            taken |= claims
        self._queue.extendleft(reversed(later))
        return batch
