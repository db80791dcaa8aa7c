"""Calls that block hold up their own gateway's threads and nobody else."""

import asyncio
import threading

import pytest

from domain_kit.refusals import Unavailable
from payment_service.outbound.gateways.threads import Threads


@pytest.fixture
def gate():
    """Blocks whoever waits at it until the test opens it, which it does in the end anyway."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
async def threads():
    made = Threads("test", size=1, queue=1)
    yield made
    made.close()


async def test_what_is_called_answers_or_raises(threads):
    assert await threads.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 7, 0)


async def test_the_loop_goes_on_while_a_call_blocks(threads, gate):
    waiting = asyncio.create_task(threads.run(gate.wait))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    assert await waiting


async def test_a_call_too_many_is_refused_at_once_and_room_comes_back(threads, gate):
    waiting = [asyncio.create_task(threads.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await threads.run(gate.wait)
    assert caught.value.reason == "GATEWAY_BUSY"
    gate.set()
    await asyncio.gather(*waiting)
    assert await threads.run(divmod, 7, 2) == (3, 1)


async def test_a_caller_that_goes_away_leaves_the_call_to_its_end(threads, gate):
    ended = threading.Event()

    def call():
        gate.wait()
        ended.set()

    waiting = asyncio.create_task(threads.run(call))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not ended.is_set()
    gate.set()
    assert await asyncio.to_thread(ended.wait, 10)
