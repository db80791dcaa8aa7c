"""Sends what is queued, in one process at a time."""

import asyncio
from contextlib import suppress

from domain_kit.backbone import Outbox
from domain_kit.clock import Clock
from domain_kit.ids import new_id
from notification_service.domain.ports import Notifications, Post
from notification_service.handlers.deliver_letters import Patience, deliver_letters

# Renewed while letters are under way, and short, so that a killed postman is soon replaced.
LEASE, LEASE_SECONDS, RENEW_SECONDS = "postman", 6.0, 2.0
POLL_SECONDS = 0.5


class Postman:
    """A worker. The lease keeps two processes from sending the same mail at the same time."""

    def __init__(self, notifications: Notifications, post: Post, outbox: Outbox, clock: Clock) -> None:
        self._notifications, self._post, self._outbox, self._clock = notifications, post, outbox, clock
        self._owner, self._patience = new_id(), Patience()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Send until stopped; woken by commits of this process, else twice a second."""
        try:
            while not self._stopping.is_set():
                sent = 0
                if await self._outbox.hold_lease(LEASE, self._owner, LEASE_SECONDS):
                    sent = await self._deliver()
                if not sent:
                    await self._outbox.wait_for_commit(POLL_SECONDS)
        finally:
            with suppress(Exception):  # the lease ends by itself
                await self._outbox.release_lease(LEASE, self._owner)

    async def _deliver(self) -> int:
        """One round, holding the lease however long it takes."""
        delivering = asyncio.create_task(deliver_letters(self._notifications, self._post, self._patience, self._clock))
        try:
            while not (await asyncio.wait({delivering}, timeout=RENEW_SECONDS))[0]:
                await self._outbox.hold_lease(LEASE, self._owner, LEASE_SECONDS)
            return await delivering
        finally:
            delivering.cancel()

    def stop(self) -> None:
        """Return after the messages in hand."""
        self._stopping.set()
