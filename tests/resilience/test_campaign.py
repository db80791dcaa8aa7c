"""Bookings while the booking processes and the database are killed again and again."""

import asyncio
import os
import random

import pytest
from audit import come_to_rest
from crowd import SOLD_OUT, Channels, Crowd, told_how_to_repeat
from havoc import Havoc
from onsale import World, open_sale

from local_stack.stack import Stack
from testkit.sources import crash_points

CLIENTS = 12
REPLICAS = ("booking", "booking-2")
# Those a process of booking reaches while it sells.
POINTS = sorted(
    name
    for name in crash_points()
    if name.startswith(("store.", "journal.", "relay.", "booking.lane.", "booking.announcement."))
)


async def break_while_selling(stack: Stack, world: World, bookings: int, kills: int, outages: int, seed: int) -> None:
    with told_how_to_repeat(seed) as rng:
        # Places enough that somebody still books when the last process dies; no hold ends while the books are read.
        terms = {"holdDuration": "7200s"}
        sale = await asyncio.to_thread(open_sale, world, bookings * 8, bookingTerms=terms)
        async with Channels(world) as stubs:
            crowd = Crowd(stubs[0], [world.token(each) for each in world.buyers], sale, rng)
            havoc, done = Havoc(stack, REPLICAS, POINTS, rng), asyncio.Event()

            async def client(number: int) -> None:
                own = Crowd(stubs[number % len(stubs)], crowd.tokens, sale, random.Random(rng.random()))
                own.told, own.refusals = crowd.told, crowd.refusals
                while not done.is_set() or len(crowd.told) < bookings:
                    await own.visit(own.rng.choice((1, 1, 2, 3)))
                    await asyncio.sleep(own.rng.uniform(0, 0.3))
                crowd.repeats += own.repeats

            async def break_things() -> None:
                try:
                    for _ in range(outages):
                        await havoc.kill(kills // (outages + 1))
                        await stack.kill("mongodb")
                        await stack.up(only=["mongodb"])
                    await havoc.kill(kills - outages * (kills // (outages + 1)))
                finally:
                    done.set()

            await asyncio.gather(break_things(), *(client(number) for number in range(CLIENTS)))
        assert set(crowd.refusals) <= {SOLD_OUT}
        assert len(crowd.told) >= bookings
        assert crowd.repeats
        await come_to_rest(world, sale, told=crowd)
        assert sum(havoc.plain.values()) + sum(havoc.at_points.values()) >= kills
        print(f"{len(crowd.told)} bookings, {crowd.repeats} repeats; {havoc.plain} {havoc.at_points}")


@pytest.mark.timeout(180)
async def test_bookings_survive_the_death_of_those_who_take_them(stack: Stack, world: World) -> None:
    """INVARIANT: whatever dies when, no place is sold twice and nothing that was acknowledged is lost."""
    await break_while_selling(stack, world, bookings=200, kills=4, outages=1, seed=random.randrange(10**9))


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("turn", range(int(os.environ.get("USHER_LONG_ROUNDS", "4"))))
async def test_two_thousand_bookings_survive_fifty_deaths(turn: int, stack: Stack, world: World) -> None:
    """INVARIANT: whatever dies when, no place is sold twice and nothing that was acknowledged is lost.

    The database dies as often over the four rounds as booking does in each.
    """
    await break_while_selling(stack, world, bookings=2_000, kills=50, outages=13, seed=random.randrange(10**9))
