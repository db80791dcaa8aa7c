"""Blocking work in threads: what comes back, to whom, and what is held on to."""

import asyncio
import gc
import threading
import weakref

import pytest

from mongo_store.threads import Threads


@pytest.fixture
async def threads():
    made = Threads(3, "for tests")
    yield made
    await made.close(10)


async def test_what_is_returned_or_raised_comes_back(threads):
    def fails():
        raise LookupError("not here")

    assert await threads.run(threading.current_thread) is not threading.current_thread()
    with pytest.raises(LookupError, match="not here"):
        await threads.run(fails)


async def test_as_many_at_a_time_as_there_may_be_and_no_more(threads):
    together, names = threading.Barrier(3), set[str]()

    def meet():
        names.add(threading.current_thread().name)
        return together.wait(10)

    assert sorted(await asyncio.gather(*(threads.run(meet) for _ in range(3)))) == [0, 1, 2]
    await asyncio.gather(*(threads.run(meet) for _ in range(6)))
    assert len(names) == 3


async def test_one_after_the_other_needs_one_thread(threads):
    assert len({await threads.run(threading.get_ident) for _ in range(20)}) == 1


async def test_the_thread_that_was_busy_last_goes_on(threads):
    together = threading.Barrier(3)
    await asyncio.gather(*(threads.run(lambda: together.wait(10)) for _ in range(3)))
    assert len({await threads.run(threading.get_ident) for _ in range(20)}) == 1


async def test_work_goes_on_to_its_end_when_who_waits_goes_away(threads):
    begun, may_end, ended = threading.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work():
        begun.set()
        may_end.wait(10)
        loop.call_soon_threadsafe(ended.set)

    waiting = asyncio.create_task(threads.run(work))
    while not begun.is_set():
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_end.set()
    await asyncio.wait_for(ended.wait(), 10)
    assert await threads.run(lambda: "next") == "next"


async def test_nothing_of_what_is_done_is_held_on_to(threads):
    class Thing:
        def __call__(self):
            return Thing()

    thing = Thing()
    result = await threads.run(thing)
    gone = [weakref.ref(thing), weakref.ref(result)]
    del thing, result
    async with asyncio.timeout(10):
        while any(each() is not None for each in gone):
            gc.collect()
            await asyncio.sleep(0.001)


async def test_work_for_which_no_thread_can_be_begun_is_refused_and_not_waited_for(monkeypatch):
    threads = Threads(1, "out of threads")

    def start(_: threading.Thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start"):
            await threads.run(threading.get_ident)
    assert await threads.run(lambda: "later") == "later"
    assert await threads.close(0.5)


async def test_threads_end_when_closed():
    threads = Threads(1, "short-lived")
    thread = await threads.run(threading.current_thread)
    assert await threads.close(10)
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="closed"):
        await threads.run(threading.get_ident)


async def test_who_closes_is_told_of_what_is_still_under_way():
    threads, may_end = Threads(1, "slow to end"), threading.Event()
    waiting = asyncio.create_task(threads.run(lambda: may_end.wait(10)))
    await asyncio.sleep(0)
    assert not await threads.close(0.01)
    may_end.set()
    assert await threads.close(10)
    assert await waiting


async def test_what_is_cancelled_before_its_turn_is_not_begun():
    threads, may_end, done = Threads(1, "busy"), threading.Event(), list[str]()
    first = asyncio.create_task(threads.run(lambda: may_end.wait(10)))
    second = asyncio.create_task(threads.run(lambda: done.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    may_end.set()
    assert await first
    assert await threads.close(10)
    assert done == []


def test_a_loop_that_has_been_closed_meanwhile_troubles_nobody():
    threads, may_end = Threads(1, "left alone"), threading.Event()

    async def leave():
        task = asyncio.create_task(threads.run(lambda: may_end.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    may_end.set()
    assert asyncio.run(threads.run(lambda: "still there")) == "still there"
