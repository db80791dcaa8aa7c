"""Concurrent calls of a process gathered into batches: while one batch is in flight the next one fills up."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


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


class Gathering(Generic[T]):
    """Runs `flush` on one batch at a time; it must settle every call of its batch.

    claims: the things a work item needs for itself; items that share one go into different batches, in arrival order.
    pause: seconds that a first one waits for others, where nobody minds.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Waiting[T]]], Awaitable[None]],
        claims: Callable[[T], frozenset[Hashable]],
        *,
        limit: int,
        pause: float = 0.0,
    ) -> None:
        self._flush = flush
        self._claims = claims
        self._limit = limit
        self._pause = pause
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
            while batch := self._next_batch():
                try:
                    await self._flush(batch)
                except Exception as trouble:  # noqa: BLE001 - whatever it is, it belongs to the callers
                    for waiting in batch:
                        waiting.settle(trouble)
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
