"""A loop that can be asked to stop and then ends in bounded time, and the pauses between its failures."""

import asyncio
import random
from abc import ABC, abstractmethod
from contextlib import suppress


class Pauses:
    """Exponential backoff with full jitter, in seconds (Brooker, "Exponential Backoff And Jitter", AWS 2015)."""

    def __init__(self, first: float = 0.1, ceiling: float = 2.0) -> None:
        self._first, self._ceiling, self._failures = first, ceiling, 0

    def following(self) -> float:
        """How long to wait after one more failure; at least half of the step so that nothing spins."""
        step = min(self._ceiling, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def reset(self) -> None:
        """It works again."""
        self._failures = 0


class Worker(ABC):
    """Runs `_work` until `stop()` or until the task of `run()` is cancelled; both let the batch in hand finish."""

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until stopped. Cancelling ends it too, after at most `drain_seconds`."""
        work = asyncio.create_task(self._work())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait({work}, timeout=self._drain_seconds)
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work
            raise

    def stop(self) -> None:
        """Ask it to finish the batch in hand and return from `run()`."""
        self._stopping.set()

    @abstractmethod
    async def _work(self) -> None:
        """Return soon after `_stopping` is set."""

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not longer than until a stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
