from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from booking_service.domain.terms import BookingTerms, WaitingRoomTerms
from booking_service.domain.waiting_room import Place, issue, open_room
from booking_service.handlers.follow_place import watch_place


class World:
    """Offers, rooms and watchers of one event; sleeping advances the clock."""

    def __init__(self, offer, room, clock):
        self.told, self.known, self.clock, self.closed, self.streams = offer, room, clock, False, 0

    async def offer(self, event):
        return self.told

    async def room(self, offer):
        return self.known

    @contextmanager
    def watching(self, event):
        self.streams += 1
        yield
        self.streams -= 1

    async def until(self, event, due):
        assert due > self.clock()
        self.clock.now = due


@pytest.fixture
def world(make, clock):
    offer = make.offer(terms=BookingTerms(waiting_room=WaitingRoomTerms(True, 60)))
    room, _ = issue(open_room(offer, clock()), 3000, clock())
    return World(offer, room, clock)


def place(world, number):
    return Place(world.told.event, "users/ada", number, world.clock(), world.known.pace, 0)


async def watch(world, number, minutes=10):
    longest = timedelta(minutes=minutes)
    began, news = world.clock(), []
    async for each in watch_place(world, world, world, world.clock, place=place(world, number), longest=longest):
        news.append(each)
    assert world.streams == 0
    return news, world.clock() - began


async def test_the_stream_tells_oftener_as_the_turn_comes_near_and_ends_exactly_with_it(world):
    news, lasted = await watch(world, 125)
    assert lasted == timedelta(seconds=120)
    assert [each.admitted for each in news] == [False] * (len(news) - 1) + [True]
    aheads = [each.ahead for each in news]
    assert aheads == sorted(aheads, reverse=True)
    gaps = [before.wait - after.wait for before, after in pairwise(news)]
    assert gaps[0] == timedelta(seconds=6)
    assert gaps[-1] <= timedelta(seconds=1)
    assert all(after <= before + timedelta(milliseconds=1) for before, after in pairwise(gaps))


async def test_a_long_wait_ends_the_stream_before_the_turn(world):
    news, lasted = await watch(world, 3000, minutes=1)
    assert lasted == timedelta(minutes=1)
    assert not news[-1].admitted
    assert len(news) == 5


async def test_a_service_that_stops_ends_the_stream(world):
    world.closed = True
    news, lasted = await watch(world, 3000)
    assert (len(news), lasted) == (1, timedelta())
