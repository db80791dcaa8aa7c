"""Background work: asking gateways about what is still undecided, and applying what they have told."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from domain_kit.clock import Clock
from domain_kit.refusals import Refusal, Unavailable
from payment_service.domain.open_work import SHORTEST, Work
from payment_service.domain.ports import OpenWork
from payment_service.domain.webhook_inbox import Kept, WebhookInbox
from payment_service.inbound.in_hand import InHand

AT_ONCE = 16  # taken from the store in one go
MOST = 1024  # under way; a gateway that does not answer holds up as many as its bulkhead lets in, about 300
T = TypeVar("T")


class DueWorker(ABC, Generic[T]):
    """Does what is due. Nobody waits for anybody else: what a slow gateway keeps waiting holds up nothing of others.

    pause: seconds between looks for what is due, unless something is expected earlier. When the next one is due the
    store is not asked: that costs what a look costs.
    """

    def __init__(self, clock: Clock, *, pause: float = 1.0) -> None:
        self._clock, self._pause = clock, pause
        self._bell = asyncio.Event()
        self._expected = float("inf")
        self._stopping = False
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._log = logging.getLogger(__name__)

    @abstractmethod
    async def take(self) -> Sequence[tuple[str, T]]:
        """Some of what is due, with its name, put off so that no other process takes it too. Unavailable."""

    @abstractmethod
    async def do(self, work: T) -> None:
        """One of them; raises refusals."""

    async def do_due(self) -> int:
        """What is due now, to its end; how many. Unavailable without the store."""
        taken = await self.take()
        for name, work in taken:
            self.start(name, work)
        await asyncio.gather(*(self._under_way[name] for name, _ in taken if name in self._under_way))
        return len(taken)

    def start(self, name: str, work: T) -> None:
        """Do it meanwhile, unless it is being done; what there is no room for is due again later."""
        if name in self._under_way or len(self._under_way) >= MOST or self._stopping:
            return
        self._under_way[name] = asyncio.create_task(self._one(name, work))

    def expect(self, seconds: float) -> None:
        """Something has been written that is due in so many seconds; until then the store need not be asked."""
        expected = time.monotonic() + seconds
        if expected < self._expected:
            self._expected = expected
            self._bell.set()

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        self._stopping = True
        self._bell.set()

    async def run(self) -> None:
        """Until stopped, and what is under way then is done."""
        while not self._stopping:
            self._expected = float("inf")
            with suppress(Unavailable):
                taken = await self.take() if len(self._under_way) + AT_ONCE <= MOST else []
                for name, work in taken:
                    self.start(name, work)
                if len(taken) == AT_ONCE:
                    continue
            await self._rest()
        await asyncio.gather(*self._under_way.values())

    async def _rest(self) -> None:
        """Until the next look, or what is expected is due."""
        end = time.monotonic() + self._pause
        while not self._stopping and (left := min(end, self._expected) - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._bell.wait()
            self._bell.clear()

    async def _one(self, name: str, work: T) -> None:
        try:
            await self.do(work)
        except Refusal as refusal:
            self._log.info("payment not settled yet", extra={"payment": name, "reason": refusal.reason})
        except Exception:  # noqa: BLE001 - told, and it is due again
            self._log.exception("payment could not be settled", extra={"payment": name})
        finally:
            del self._under_way[name]


class SettlingWorker(DueWorker[str]):
    """Settles payments whose next look is due. settle: raises refusals, and then it is due again later."""

    def __init__(
        self, work: OpenWork, settle: Callable[[str], Awaitable[object]], clock: Clock, *, pause: float = 1.0
    ) -> None:
        super().__init__(clock, pause=pause)
        self._work, self._settle = work, settle
        self.confirmations = InHand()  # of which each hears by itself, so that nobody need ask; it is due again later

    def money_moves(self) -> None:
        """Of some payment, since just now: its first look will be due."""
        self.expect(SHORTEST[Work.URGENT].total_seconds())

    async def take(self) -> Sequence[tuple[str, str]]:
        """Payments whose look is due."""
        return [(name, name) for name in await self._work.take(self._clock(), AT_ONCE, self.confirmations.names)]

    async def do(self, work: str) -> None:
        """Look."""
        if work not in self.confirmations:
            await self._settle(work)


class WebhookWorker(DueWorker[Kept]):
    """Applies webhooks that were kept. apply: raises refusals, and then it is tried again later."""

    def __init__(
        self,
        inbox: WebhookInbox,
        apply: Callable[[Kept], Awaitable[None]],
        clock: Clock,
        *,
        pause: float = 1.0,
    ) -> None:
        super().__init__(clock, pause=pause)
        self._inbox, self._apply = inbox, apply

    def begin(self, kept: Sequence[Kept]) -> None:
        """Apply what has just been kept here; whatever becomes of that, it is due again until it is done."""
        for each in kept:
            self.start(each.id, each)

    async def take(self) -> Sequence[tuple[str, Kept]]:
        """Those that were not applied when they came."""
        return [(each.id, each) for each in await self._inbox.take(self._clock(), AT_ONCE)]

    async def do(self, work: Kept) -> None:
        """Apply it."""
        await self._apply(work)
        await self._inbox.done(work)
