"""Background work on the books: one process at a time chains entries and issues invoices."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from domain_kit.backbone import Outbox
from domain_kit.ids import new_id
from domain_kit.refusals import Refusal, Unavailable

LEASE, SECONDS = "books", 15.0
MUCH = 32  # from so much at once on there is likely to be more

Step = Callable[[], Awaitable[int]]


class Bookkeeper:
    """steps: each does some of what is due and says how much; 0: nothing is left. pause: seconds between looks.

    gather: seconds between looks while there is a little to do each time, for each look costs what ten facts do.

    The lease spares work only: two that believe they hold it meet at the guards of what they write.
    """

    def __init__(self, outbox: Outbox, steps: Sequence[Step], *, pause: float = 1.0, gather: float = 1.0) -> None:
        self._outbox, self._steps, self._pause, self._gather = outbox, steps, pause, gather
        self._owner = new_id()
        self._bell = asyncio.Event()
        self._stopping = False
        self._log = logging.getLogger(__name__)

    def stop(self) -> None:
        """`run` returns after what it has in hand."""
        self._stopping = True
        self._bell.set()

    async def run(self) -> None:
        """Until stopped."""
        try:
            while not self._stopping:
                done, pause = 0, self._pause
                with suppress(Unavailable):
                    if await self._outbox.hold_lease(LEASE, self._owner, SECONDS):
                        done = await self.work()
                        pause = self._gather if done else pause
                    else:
                        pause = SECONDS / 5  # somebody else is at it, and asking costs a write
                if done < MUCH:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._bell.wait()
        finally:
            with suppress(Unavailable):
                await self._outbox.release_lease(LEASE, self._owner)

    async def work(self) -> int:
        """Each step once; how much was done. One that fails does not stop the others. Unavailable."""
        done = 0
        for step in self._steps:
            try:
                done += await step()
            except Unavailable:
                raise
            except Refusal as refusal:
                self._log.info("bookkeeping is put off", extra={"reason": refusal.reason})
            except Exception:  # noqa: BLE001 - told, and tried again at the next look
                self._log.exception("bookkeeping failed")
        return done
