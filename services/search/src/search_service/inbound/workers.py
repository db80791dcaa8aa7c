"""Background work: keeping the index whole."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from domain_kit.refusals import Unavailable
from search_service.domain.ports import EventIndex, Sources
from search_service.handlers.heal_index import heal_index

log = logging.getLogger(__name__)

LONGEST_PAUSE = 300.0


class TendingWorker:
    """Makes the index, and again and again compares it with what is known.

    It is behind after a crash between the two stores, and after the index lost documents, which an embedded engine
    does when it is killed. Several processes may tend one index: what is there already stays as it is.

    seconds: from one look to the next; longer after one that had to mend, in case mending does not help.
    arrival_seconds: how long a change may take from one store to the other. healed: told when it had to mend.
    """

    def __init__(
        self,
        sources: Sources,
        index: EventIndex,
        *,
        seconds: float = 5.0,
        arrival_seconds: float = 2.0,
        healed: Callable[[], object] = lambda: None,
    ) -> None:
        self._sources, self._index, self._healed = sources, index, healed
        self._seconds, self._arrival_seconds = seconds, arrival_seconds
        self._stopping = asyncio.Event()
        self._prepared = False

    @property
    def prepared(self) -> bool:
        """The index was there, with all that was known when this process began."""
        return self._prepared

    def stop(self) -> None:
        """`run` returns soon."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped. What is away for a while is waited for."""
        pause = self._seconds
        while not self._stopping.is_set():
            try:
                if not self._prepared:
                    await self._index.prepare(self._sources.pages)
                    await heal_index(self._sources, self._index, _at_once)
                    self._prepared = True
                elif await heal_index(self._sources, self._index, self._let_arrive):
                    log.warning("the index was behind and has been filled")
                    self._healed()
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    pause = self._seconds
                await self._pause(pause)
            except Unavailable as unavailable:
                log.info("the index cannot be tended now", extra={"reason": unavailable.reason})
                await self._pause(min(1.0, self._seconds))

    async def _let_arrive(self) -> None:
        await self._pause(self._arrival_seconds)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _at_once() -> None:
    """Nothing is on its way when a process begins."""
