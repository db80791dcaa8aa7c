"""What the runtime tells of itself: a loop that is late, a worker that died."""

import asyncio
import dataclasses
import time

from grpc_runtime import Worker
from grpc_runtime.loop_lag import watch_lag
from grpc_runtime.workers import Workers
from testkit.calls import calls_to


async def test_a_loop_that_was_held_up_is_late_by_as_much():
    told = []
    watching = asyncio.create_task(watch_lag(told.append, every=0.01))
    while not told:
        await asyncio.sleep(0.005)
    told.clear()
    time.sleep(0.2)  # what nobody may do
    while not told:
        await asyncio.sleep(0)
    watching.cancel()
    assert 0.15 < told[0] < 5


async def test_a_worker_that_has_not_died_is_counted_with_nought(service):
    """The alert looks for a rise: a counter that is born with its first death does not rise."""

    async def run():
        await asyncio.Event().wait()

    async with calls_to(dataclasses.replace(service, workers=[Worker("relay", run)])) as calls:
        assert 'usher_worker_deaths_total{worker="relay"} 0.0' in calls.metrics.text().decode()


async def test_each_death_of_a_worker_is_told():
    died = []

    async def run():
        raise KeyError("a bug")

    async def failing(name, failing):
        return None

    workers = Workers([Worker("relay", run)], failing=failing, died=died.append, first_wait=0.001)
    workers.start()
    while len(died) < 2:
        await asyncio.sleep(0.001)
    await workers.stop(1.0)
    assert set(died) == {"relay"}
