"""Work that repeats: counting, showing, healing."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain_kit.refusals import Unavailable

log = logging.getLogger(__name__)

# A busy step is repeated about once a second, for all that came meanwhile, so that a sale pays for few of them.
BUSY_PAUSE, LONGEST_PAUSE, TROUBLE_PAUSE = 1.0, 20.0, 1.0
SHARE = 0.05  # of the time at most that a step takes, so that others get on: a large sheet takes long to count


class Repeating:
    """Runs `step` for ever: again soon while it found something to do, else when woken or after `seconds`, or later
    after a step that took long.

    Any number of processes may run the same step; none leads, so nothing waits when one is killed.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[object]], *, seconds: float) -> None:
        self.name = name
        self._step, self._seconds = step, seconds
        self._woken, self._stopping = asyncio.Event(), False

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def stop(self) -> None:
        """`run` returns after the step in hand."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Until stopped; what is away for a while is waited for."""
        while not self._stopping:
            self._woken.clear()
            began = time.monotonic()
            try:
                found = await self._step()
            except Unavailable as unavailable:
                log.info("waiting", extra={"worker": self.name, "reason": unavailable.reason})
                await asyncio.sleep(TROUBLE_PAUSE)
                continue
            pause = (time.monotonic() - began) * (1 - SHARE) / SHARE
            if found:
                # What comes meanwhile is done in one go.
                await asyncio.sleep(min(max(BUSY_PAUSE, pause), LONGEST_PAUSE))
            elif not self._stopping:
                await self._rest(max(self._seconds, pause))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
