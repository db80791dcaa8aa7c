"""Background work: asking the gateway about what is still undecided."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain_kit.clock import Clock
from domain_kit.refusals import Refusal, Unavailable
from payment_service.domain.ports import OpenWork

AT_ONCE = 16


class SettlingWorker:
    """Settles payments whose next look is due, one process at a time each.

    settle: raises refusals. longest_pause: seconds until it looks for due ones that other processes have written.
    """

    def __init__(
        self, work: OpenWork, settle: Callable[[str], Awaitable[object]], clock: Clock, *, longest_pause: float = 1.0
    ) -> None:
        self._work, self._settle, self._clock = work, settle, clock
        self._longest_pause = longest_pause
        self._bell = asyncio.Event()
        self._stopping = False
        self._log = logging.getLogger(__name__)

    def wake(self) -> None:
        """Money has begun to move."""
        self._bell.set()

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        self._stopping = True
        self._bell.set()

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping:
            self._bell.clear()
            pause = self._longest_pause
            with suppress(Unavailable):
                if await self.settle_due() == AT_ONCE:
                    continue
                pause = await self._until_next()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()

    async def settle_due(self) -> int:
        """What is due now; how many. What cannot be settled is due again later. Unavailable without the store."""
        names = await self._work.take(self._clock(), AT_ONCE)
        results = await asyncio.gather(*(self._settle(name) for name in names), return_exceptions=True)
        for name, result in zip(names, results, strict=True):
            if isinstance(result, Refusal):
                self._log.info("payment not settled yet", extra={"payment": name, "reason": result.reason})
            elif isinstance(result, Exception):
                self._log.error("payment could not be settled", exc_info=result, extra={"payment": name})
        return len(names)

    async def _until_next(self) -> float:
        due = await self._work.next_due()
        if due is None:
            return self._longest_pause
        return min(max((due - self._clock()).total_seconds(), 0.01), self._longest_pause)
