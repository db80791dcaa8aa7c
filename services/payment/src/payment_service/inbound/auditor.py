"""Looks again and again whether the books are as they were written, in one process at a time."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from domain_kit.backbone import Outbox
from domain_kit.ids import new_id
from domain_kit.refusals import Unavailable
from payment_service.domain.verification import Audit

LEASE, SECONDS = "ledger-audit", 10.0
WALK_EVERY = timedelta(hours=1)


class Look(Protocol):
    """outbound.ledger.audit."""

    async def __call__(self, *, walk: bool) -> Audit | None:
        """None where it did not stand still for as long as it takes to read the sums; Unavailable."""


class Auditor:
    """Compares the sums all the time, and walks the whole chain at first and every hour: that costs by its length.

    Until the next walk what the last one found stands.
    """

    def __init__(
        self, outbox: Outbox, look: Look, tell: Callable[[Audit, int], None], *, seconds: float = SECONDS
    ) -> None:
        self._outbox, self._look, self._tell, self._seconds = outbox, look, tell, seconds
        self._owner, self._stopping = new_id(), asyncio.Event()
        self._walk_due, self._found = 0.0, 0
        self._log = logging.getLogger(__name__)

    def stop(self) -> None:
        """`run` returns after the look in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped."""
        try:
            while not self._stopping.is_set():
                with suppress(Unavailable):
                    if await self._outbox.hold_lease(LEASE, self._owner, 6 * self._seconds):
                        await self.audit()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._stopping.wait()
        finally:
            with suppress(Unavailable):
                await self._outbox.release_lease(LEASE, self._owner)

    async def audit(self) -> None:
        """One look."""
        walk = time.monotonic() >= self._walk_due
        audit = await self._look(walk=walk)
        if audit is None:
            return
        if audit.findings:
            self._log.error("the ledger is not as it was written", extra={"findings": list(audit.findings)})
        if walk:
            self._walk_due = time.monotonic() + WALK_EVERY.total_seconds()
            self._found = len(audit.findings)
        self._tell(audit, max(self._found, len(audit.findings)))
