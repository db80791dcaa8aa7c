"""Sends what is queued, in one process at a time."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from domain_kit.backbone import Outbox
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from notification_service.domain.ports import Notifications, Post
from notification_service.handlers.deliver_letters import AT_ONCE, Patience, deliver_letters

# Renewed while letters are under way, and short, so that a killed postman is soon replaced.
LEASE, LEASE_SECONDS, RENEW_SECONDS = "postman", 6.0, 1.0
POLL_SECONDS = 0.5
GATHER_SECONDS = 0.5
QUIET_SECONDS = 2.0


class Postman:
    """A worker. The lease keeps two processes from sending one mail at the same time. told: see deliver_letters."""

    def __init__(
        self,
        notifications: Notifications,
        post: Post,
        outbox: Outbox,
        clock: Clock,
        told: Callable[[int, timedelta], None] = lambda *_: None,
    ) -> None:
        self._notifications, self._post, self._outbox, self._clock = notifications, post, outbox, clock
        self._told = told
        self._owner, self._patience = new_id(), Patience()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Send until stopped; woken by commits of this process, else twice a second."""
        sent_last = time.monotonic()
        try:
            while not self._stopping.is_set():
                sent = 0
                if await self._outbox.hold_lease(LEASE, self._owner, LEASE_SECONDS):
                    sent = await self._deliver()
                if sent:
                    sent_last = time.monotonic()
                    await self._gather_more(sent)
                    continue
                if time.monotonic() - sent_last > QUIET_SECONDS:
                    await self._post.rest()
                await self._outbox.wait_for_commit(POLL_SECONDS)
        finally:
            await self._post.rest()
            with suppress(Exception):  # the lease ends by itself
                await self._outbox.release_lease(LEASE, self._owner)

    async def _gather_more(self, sent: int) -> None:
        """While letters keep coming, some go out together; not where more wait already than go out at once."""
        if sent < AT_ONCE:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._stopping.wait()

    async def _deliver(self) -> int:
        """One round, holding the lease however long it takes."""
        delivering = asyncio.create_task(
            deliver_letters(self._notifications, self._post, self._patience, self._clock, self._told)
        )
        try:
            while not (await asyncio.wait({delivering}, timeout=RENEW_SECONDS))[0]:
                await self._outbox.hold_lease(LEASE, self._owner, LEASE_SECONDS)
            return await delivering
        finally:
            delivering.cancel()

    def stop(self) -> None:
        """Return after the messages in hand."""
        self._stopping.set()
