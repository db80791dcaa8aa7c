"""Background work: what one gateway keeps waiting is nothing to another."""

import asyncio
from datetime import UTC, datetime

from payment_service.domain.gateways import Notice
from payment_service.domain.webhook_inbox import Kept
from payment_service.inbound.workers import SettlingWorker, WebhookWorker

NOW = datetime(2027, 1, 1, tzinfo=UTC)


class SlowInbox:
    """Hands out what it has, sixteen at a time, the slow ones first."""

    def __init__(self, *kept) -> None:
        self._left, self.closed = [each for some in kept for each in some], list[str]()

    async def take(self, now, limit):
        taken, self._left = self._left[:limit], self._left[limit:]
        return taken

    async def done(self, kept) -> None:
        self.closed.append(kept.id)


async def test_what_a_slow_gateway_keeps_waiting_holds_up_no_webhook_of_another() -> None:
    """INVARIANT: one slow gateway leaves the others as they are."""
    slow, applied = asyncio.Event(), list[str]()
    inbox = SlowInbox(
        [Kept("slow", Notice(f"{n}", "k"), NOW) for n in range(40)], [Kept("fast", Notice("1", "k"), NOW)]
    )

    async def apply(kept: Kept) -> None:
        if kept.gateway == "slow":
            await slow.wait()
        applied.append(kept.id)

    worker = WebhookWorker(inbox, apply, lambda: NOW, pause=0.01)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while "fast|1" not in inbox.closed:
            await asyncio.sleep(0)
    assert applied == ["fast|1"]
    worker.begin([Kept("fast", Notice("2", "k"), NOW), Kept("slow", Notice("3", "k"), NOW)])
    slow.set()
    worker.stop()
    await running
    assert sorted(applied) == sorted(inbox.closed)
    assert len(applied) == 42


class CountedWork:
    """Open work of which nothing is due."""

    def __init__(self) -> None:
        self.looks = 0

    async def take(self, now, limit, busy):
        self.looks += 1
        return []


async def test_money_that_begins_to_move_is_looked_at_when_that_is_due_and_not_before() -> None:
    work = CountedWork()
    worker = SettlingWorker(work, None, lambda: NOW, pause=3600)
    running = asyncio.create_task(worker.run())
    while not work.looks:
        await asyncio.sleep(0)
    for _ in range(20):
        worker.expect(0.05)
        await asyncio.sleep(0)
    assert work.looks == 1
    async with asyncio.timeout(5):
        while work.looks < 2:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    assert work.looks == 2
    worker.stop()
    await running
