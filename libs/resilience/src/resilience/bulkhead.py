"""A bulkhead: so many calls of a dependency at once, so many waiting, the rest refused at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from domain_kit.refusals import Unavailable
from resilience.metrics import BulkheadMetrics, NoMetrics


class Bulkhead:
    """Lets `limit` calls in and `queue` wait (until their deadline); Unavailable BULKHEAD_FULL for more."""

    def __init__(self, name: str, *, limit: int, queue: int = 0, metrics: BulkheadMetrics | None = None) -> None:
        self.name = name
        self._limit = limit
        self._queue = queue
        self._metrics = metrics or NoMetrics()
        self._places = asyncio.Semaphore(limit)
        self._in_use = 0
        self._waiting = 0
        self._tell()

    @property
    def in_use(self) -> int:
        """Calls inside now."""
        return self._in_use

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place for the block, first come first served."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        self._in_use += 1
        self._tell()
        try:
            yield
        finally:
            self._in_use -= 1
            self._places.release()
            self._tell()

    async def _wait(self) -> None:
        if self._waiting >= self._queue:
            self._metrics.bulkhead_refused(self.name)
            raise Unavailable(
                "BULKHEAD_FULL",
                f"Too many calls to {self.name} are under way.",
                metadata={"dependency": self.name, "limit": str(self._limit)},
                retry_after=timedelta(seconds=1),
            )
        self._waiting += 1
        self._tell()
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
            self._tell()

    def _tell(self) -> None:
        self._metrics.bulkhead_used(self.name, self._in_use, self._waiting)
