import asyncio
from datetime import timedelta

import pytest

from booking_service.outbound import place_watchers
from booking_service.outbound.place_watchers import PlaceWatchers
from domain_kit.refusals import ResourceExhausted, Unavailable

EVENT = "events/x"


class Looked:
    """What the places depend on, or the trouble with it."""

    def __init__(self):
        self.value, self.looks = 1, 0

    async def __call__(self, event):
        self.looks += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.fixture
async def watched(clock):
    """Watchers that look only when a test says so, with one stream whose first look is over."""
    looked = Looked()
    watchers = PlaceWatchers(looked, clock, limit=5, tick_seconds=3600)
    with watchers.watching(EVENT):
        await watchers.look(EVENT)
        yield watchers, looked


def sleep(watchers, clock, seconds):
    return asyncio.create_task(watchers.until(EVENT, clock() + timedelta(seconds=seconds)))


async def settle(*tasks):
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_only_those_due_are_woken(watched, clock):
    watchers, _ = watched
    soon, late = sleep(watchers, clock, 5), sleep(watchers, clock, 50)
    await settle()
    for seconds, done in [(4, [False, False]), (1, [True, False]), (45, [True, True])]:
        clock.advance(seconds=seconds)
        await watchers.look(EVENT)
        assert await settle(soon, late) == done


async def test_all_are_woken_when_something_has_changed_but_not_by_trouble(watched, clock):
    watchers, looked = watched
    streams = [sleep(watchers, clock, 50) for _ in range(3)]
    await settle()
    for value in (Unavailable("X", "gone"), ValueError("unexpected"), 1):
        looked.value = value
        await watchers.look(EVENT)
        assert await settle(*streams) == [False] * 3
    looked.value = 2
    await watchers.look(EVENT)
    assert await settle(*streams) == [True] * 3


async def test_one_look_wakes_only_so_many_and_the_next_the_others(watched, clock, monkeypatch):
    monkeypatch.setattr(place_watchers, "AT_ONCE", 2)
    watchers, _ = watched
    streams = [sleep(watchers, clock, number) for number in range(3)]
    await settle()
    clock.advance(seconds=10)
    await watchers.look(EVENT)
    assert await settle(*streams) == [True, True, False]
    await watchers.look(EVENT)
    assert await settle(*streams) == [True] * 3


async def test_any_number_of_streams_cost_one_look_each_tick(clock):
    looked = Looked()
    watchers = PlaceWatchers(looked, clock, limit=100, tick_seconds=0.01)

    async def stream():
        with watchers.watching(EVENT):
            await watchers.until(EVENT, clock())

    await asyncio.gather(*(stream() for _ in range(100)))
    assert looked.looks == 1


async def test_there_is_a_bound_on_streams_and_they_give_their_place_back(watched):
    watchers, _ = watched
    others = [watchers.watching(EVENT) for _ in range(4)]
    for each in others:
        each.__enter__()
    with pytest.raises(ResourceExhausted, match="TOO_MANY_WATCHERS"), watchers.watching("events/y"):
        pass
    others[0].__exit__(None, None, None)
    with watchers.watching("events/y"):
        pass
    for each in others[1:]:
        each.__exit__(None, None, None)


async def test_when_it_closes_all_wake_and_nobody_sleeps_any_more(watched, clock):
    watchers, _ = watched
    stream = sleep(watchers, clock, 50)
    await settle()
    watchers.close()
    assert await settle(stream, sleep(watchers, clock, 50)) == [True, True]
