"""A bulkhead lets so many in, queues so many, refuses the rest, and never leaks a place."""

import asyncio

import pytest

from domain_kit.refusals import Unavailable
from resilience import Bulkhead


async def test_the_places_fill_then_the_queue_then_it_refuses(metrics):
    bulkhead, leave, order = Bulkhead("stripe", limit=2, queue=1, metrics=metrics), asyncio.Event(), []

    async def visit(number: int) -> None:
        async with bulkhead.place():
            order.append(number)
            await leave.wait()

    visits = [asyncio.create_task(visit(n)) for n in range(4)]
    with pytest.raises(Unavailable) as caught:
        await visits[3]
    assert caught.value.reason == "BULKHEAD_FULL"
    assert (bulkhead.in_use, metrics.refused, metrics.used[-1]) == (2, 1, (2, 1))
    leave.set()
    await asyncio.gather(*visits[:3])
    assert order == [0, 1, 2]
    assert metrics.used[-1] == (0, 0)


async def test_a_call_that_fails_or_is_cancelled_while_waiting_gives_its_place_back():
    bulkhead = Bulkhead("stripe", limit=1, queue=1)
    with pytest.raises(ValueError, match="inside"):
        async with bulkhead.place():
            waiter = asyncio.create_task(bulkhead.place().__aenter__())
            await asyncio.sleep(0)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            raise ValueError("inside")
    async with bulkhead.place():
        assert bulkhead.in_use == 1
