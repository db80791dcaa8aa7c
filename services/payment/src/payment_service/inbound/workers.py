"""Background work: asking gateways about what is still undecided, and applying what they have told."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from domain_kit.clock import Clock
from domain_kit.refusals import Refusal, Unavailable
from payment_service.domain.ports import OpenWork
from payment_service.domain.webhook_inbox import Kept, WebhookInbox

AT_ONCE = 16


class DueWorker(ABC):
    """Does what is due, one process at a time each.

    longest_pause: seconds until it looks for due work that other processes have written.
    """

    def __init__(self, clock: Clock, *, longest_pause: float = 1.0) -> None:
        self._clock, self._longest_pause = clock, longest_pause
        self._bell = asyncio.Event()
        self._stopping = False
        self._log = logging.getLogger(__name__)

    @abstractmethod
    async def do_due(self) -> int:
        """What is due now; how many. Unavailable without the store."""

    @abstractmethod
    async def next_due(self) -> datetime | None:
        """When the next one is due."""

    def wake(self) -> None:
        """There is something to do."""
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
                if await self.do_due() == AT_ONCE:
                    continue
                pause = await self._until_next()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()

    def tell(self, what: str, result: object) -> None:
        """Log what did not end well."""
        if isinstance(result, Refusal):
            self._log.info("payment not settled yet", extra={"payment": what, "reason": result.reason})
        elif isinstance(result, Exception):
            self._log.error("payment could not be settled", exc_info=result, extra={"payment": what})

    async def _until_next(self) -> float:
        due = await self.next_due()
        if due is None:
            return self._longest_pause
        return min(max((due - self._clock()).total_seconds(), 0.01), self._longest_pause)


class SettlingWorker(DueWorker):
    """Settles payments whose next look is due. settle: raises refusals."""

    def __init__(
        self, work: OpenWork, settle: Callable[[str], Awaitable[object]], clock: Clock, *, longest_pause: float = 1.0
    ) -> None:
        super().__init__(clock, longest_pause=longest_pause)
        self._work, self._settle = work, settle

    async def do_due(self) -> int:
        """What is due now; how many. What cannot be settled is due again later. Unavailable without the store."""
        names = await self._work.take(self._clock(), AT_ONCE)
        results = await asyncio.gather(*(self._settle(name) for name in names), return_exceptions=True)
        for name, result in zip(names, results, strict=True):
            self.tell(name, result)
        return len(names)

    async def next_due(self) -> datetime | None:
        """When the next one is due."""
        return await self._work.next_due()


class WebhookWorker(DueWorker):
    """Applies webhooks that were kept. apply: raises refusals, and then it is tried again later."""

    def __init__(
        self,
        inbox: WebhookInbox,
        apply: Callable[[Kept], Awaitable[None]],
        clock: Clock,
        *,
        longest_pause: float = 1.0,
    ) -> None:
        super().__init__(clock, longest_pause=longest_pause)
        self._inbox, self._apply = inbox, apply

    async def do_due(self) -> int:
        """What is due now; how many. Unavailable without the store."""
        taken = await self._inbox.take(self._clock(), AT_ONCE)
        results = await asyncio.gather(*(self._one(each) for each in taken), return_exceptions=True)
        for kept, result in zip(taken, results, strict=True):
            self.tell(kept.id, result)
        return len(taken)

    async def next_due(self) -> datetime | None:
        """When the next one is due."""
        return await self._inbox.next_due()

    async def _one(self, kept: Kept) -> None:
        await self._apply(kept)
        await self._inbox.done(kept)
