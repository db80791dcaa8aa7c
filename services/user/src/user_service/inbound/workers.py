"""What the service does by itself: ends idle sessions, keeps signing keys fresh."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain_kit.backbone import Outbox
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from user_service.domain.ports import SessionRepository
from user_service.handlers.end_idle_sessions import end_idle_sessions

BATCH = 100


class Periodic:
    """Does `work` every so many seconds until stopped; a store that is away is tried again next time."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], seconds: float) -> None:
        self.name = name
        self._work, self._seconds = work, seconds
        self._stopping = asyncio.Event()
        self._log = logging.getLogger(__name__)

    async def run(self) -> None:
        """The first time after `seconds`."""
        while not await self._stopped():
            try:
                await self._work()
            except Unavailable as refusal:
                self._log.warning("not now", extra={"worker": self.name, "reason": refusal.reason})

    def stop(self) -> None:
        """Return after what is under way."""
        self._stopping.set()

    async def _stopped(self) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._seconds)
        return self._stopping.is_set()


def idle_sessions(sessions: SessionRepository, outbox: Outbox, clock: Clock, seconds: float = 60.0) -> Periodic:
    """Ends them, all that are due in batches; one replica at a time has the lease for it."""
    owner = new_id()

    async def sweep() -> None:
        while await outbox.hold_lease("idle-sessions", owner, 3 * seconds):
            if await end_idle_sessions(sessions, now=clock(), limit=BATCH) < BATCH:
                return

    return Periodic("idle-sessions", sweep, seconds)
