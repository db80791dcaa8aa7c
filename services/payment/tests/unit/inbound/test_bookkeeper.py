"""One process at a time keeps the books, and a step that fails stops neither the others nor the next look."""

import asyncio
from collections import Counter

import pytest

from domain_kit.refusals import Aborted, Unavailable
from payment_service.inbound.bookkeeper import LEASE, MUCH, Bookkeeper
from testkit.memory import MemoryJournal, MemoryOutbox


class Steps:
    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    async def works(self) -> int:
        self.done["works"] += 1
        await asyncio.sleep(0)
        return 1

    async def works_much(self) -> int:
        self.done["much"] += 1
        await asyncio.sleep(0)
        return MUCH

    async def is_idle(self) -> int:
        self.done["idle"] += 1
        return 0

    async def is_refused(self) -> int:
        raise Aborted("WRITE_CONFLICT", "others")

    async def breaks(self) -> int:
        raise KeyError("a bug")

    async def has_no_store(self) -> int:
        raise Unavailable("STORE_UNAVAILABLE", "down")


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox(MemoryJournal())


async def test_a_step_that_fails_does_not_stop_the_others(outbox: MemoryOutbox) -> None:
    steps = Steps()
    keeper = Bookkeeper(outbox, [steps.is_refused, steps.breaks, steps.works])
    assert await keeper.work() == 1
    with pytest.raises(Unavailable):
        await Bookkeeper(outbox, [steps.has_no_store]).work()


async def test_it_goes_on_at_once_while_there_is_much_to_do_and_gives_the_lease_back_at_the_end(
    outbox: MemoryOutbox,
) -> None:
    steps = Steps()
    keeper = Bookkeeper(outbox, [steps.works_much], pause=3600, gather=3600)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        while steps.done["much"] < 20:
            await asyncio.sleep(0)
    keeper.stop()
    await running
    assert await outbox.hold_lease(LEASE, "successor", 10)


async def test_a_little_is_gathered_and_not_left_for_as_long_as_nothing(outbox: MemoryOutbox) -> None:
    steps = Steps()
    keeper = Bookkeeper(outbox, [steps.works], pause=3600, gather=0.001)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        while steps.done["works"] < 3:
            await asyncio.sleep(0.001)
    keeper.stop()
    await running
    keeper = Bookkeeper(outbox, [steps.works], pause=0.001, gather=3600)
    before, running = steps.done["works"], asyncio.create_task(keeper.run())
    await asyncio.sleep(0.02)
    keeper.stop()
    await running
    assert steps.done["works"] == before + 1


async def test_who_does_not_hold_the_lease_does_nothing(outbox: MemoryOutbox) -> None:
    steps = Steps()
    assert await outbox.hold_lease(LEASE, "somebody else", 3600)
    keeper = Bookkeeper(outbox, [steps.works], pause=0.001)
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.02)
    keeper.stop()
    await running
    assert steps.done["works"] == 0


async def test_it_outlives_a_store_that_is_away(outbox: MemoryOutbox) -> None:
    steps = Steps()
    keeper = Bookkeeper(outbox, [steps.is_idle, steps.has_no_store], pause=0.001)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        while steps.done["idle"] < 3:
            await asyncio.sleep(0.001)
    keeper.stop()
    await running
