"""Far more buyers than places, over two replicas that get into each other's way."""

import asyncio
import random
from collections import Counter

import pytest
from audit import Books, come_to_rest, nothing_is_oversold, the_inventory_is_the_sum_of_the_live_bookings
from crowd import CONFIRMED, SOLD_OUT, Channels, Crowd, buy, told_how_to_repeat, until_all_is_sold
from onsale import World, open_sale

PLACES, BUYERS = 100, 400
SEEDS = [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 20))]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", SEEDS)
async def test_four_hundred_buyers_get_exactly_the_hundred_places(seed: int, world: World) -> None:
    """INVARIANT: every place is sold once and none stays empty while somebody wants it; all others are told why."""
    with told_how_to_repeat(seed) as rng:
        sale = await asyncio.to_thread(open_sale, world, PLACES)
        async with Channels(world) as stubs:
            crowd = Crowd(stubs[0], [world.token(each) for each in world.buyers], sale, rng)

            async def one(number: int) -> str:
                await asyncio.sleep(rng.uniform(0, 1))
                crowd.stub = stubs[number % len(stubs)]
                return await buy(crowd, random.Random(f"{seed} {number}"))

            outcomes = Counter(await asyncio.gather(*(one(number) for number in range(BUYERS))))
            assert set(outcomes) <= {"confirmed", "cancelled", "left", SOLD_OUT}
            assert outcomes[SOLD_OUT]
            books = await Books(world, sale).read()
            nothing_is_oversold(books)
            the_inventory_is_the_sum_of_the_live_bookings(books)
            await until_all_is_sold(crowd)
        books = await come_to_rest(world, sale, told=crowd)
        assert sum(booking.state == CONFIRMED for booking in crowd.told.values()) == PLACES
        assert len(books.live) == PLACES
