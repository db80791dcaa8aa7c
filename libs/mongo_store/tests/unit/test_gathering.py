"""How calls come together into batches."""

import asyncio

import pytest

from mongo_store.gathering import Gathering


class Recorder:
    """Notes the batches and lets each finish when the test says so."""

    def __init__(self, *, limit=10, claims=lambda work: frozenset({work})):
        self.batches = []
        self.go = asyncio.Event()
        self.gathering = Gathering(self.flush, claims, limit=limit)

    async def flush(self, batch):
        self.batches.append([waiting.work for waiting in batch])
        await self.go.wait()
        for waiting in batch:
            waiting.settle(ValueError("no") if waiting.work == "bad" else None)

    def submit(self, *works):
        return [asyncio.create_task(self.gathering.submit(work)) for work in works]


async def test_a_lone_call_goes_at_once_and_the_next_ones_gather_behind_it():
    recorder = Recorder()
    first = recorder.submit("a")
    await asyncio.sleep(0.001)
    assert recorder.batches == [["a"]]
    rest = recorder.submit("b", "c", "d")
    await asyncio.sleep(0.001)
    recorder.go.set()
    await asyncio.gather(*first, *rest)
    assert recorder.batches == [["a"], ["b", "c", "d"]]


async def test_a_batch_has_a_limit():
    recorder = Recorder(limit=2)
    recorder.go.set()
    await asyncio.gather(*recorder.submit(*"abcde"))
    assert recorder.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_calls_that_claim_the_same_keep_their_order_in_different_batches():
    recorder = Recorder(claims=lambda work: frozenset(work[0]))
    recorder.go.set()
    await asyncio.gather(*recorder.submit("a1", "b1", "a2", "c1", "a3", "b2"))
    assert recorder.batches == [["a1", "b1", "c1"], ["a2", "b2"], ["a3"]]


async def test_a_refusal_reaches_its_caller_only():
    recorder = Recorder()
    recorder.go.set()
    outcomes = await asyncio.gather(*recorder.submit("a", "bad", "c"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_a_failing_batch_reaches_all_its_callers_and_the_next_goes_on():
    class Failing(Recorder):
        async def flush(self, batch):
            self.batches.append([waiting.work for waiting in batch])
            if len(self.batches) == 1:
                raise OSError("gone")
            for waiting in batch:
                waiting.settle(None)

    recorder = Failing(limit=2)
    outcomes = await asyncio.gather(*recorder.submit("a", "b", "c"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError, type(None)]


async def test_a_caller_that_left_the_queue_is_not_served():
    recorder = Recorder()
    (first,) = recorder.submit("a")
    await asyncio.sleep(0)
    gone, stays = recorder.submit("b", "c")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    recorder.go.set()
    await asyncio.gather(first, stays)
    assert recorder.batches == [["a"], ["c"]]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_where_nobody_minds_the_first_one_waits_for_others():
    batches = []

    async def flush(batch):
        batches.append([waiting.work for waiting in batch])
        for waiting in batch:
            waiting.settle(None)

    gathering = Gathering(flush, lambda work: frozenset({work}), limit=10, pause=0.3)
    first = asyncio.create_task(gathering.submit("a"))
    for _ in range(9):  # long enough for it to have gone alone
        await asyncio.sleep(0)
    await asyncio.gather(first, gathering.submit("b"))
    assert batches == [["a", "b"]]
