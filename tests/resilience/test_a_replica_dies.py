"""Two replicas of booking behind the gateway, of which one dies in the middle of a sale."""

import asyncio
import random
from collections import Counter

import pytest
from audit import come_to_rest
from crowd import SOLD_OUT, Channels, Crowd, buy, until_all_is_sold
from onsale import World, open_sale

from local_stack.stack import Stack
from usher_cli.journey import STEPS, Journey

PLACES = 100


@pytest.mark.timeout(180)
async def test_a_sale_goes_on_when_one_of_two_replicas_dies(stack: Stack, world: World) -> None:
    """INVARIANT: whoever buys does not depend on any one process."""
    journey = Journey(world.api, stack.mail())
    for step in STEPS:
        await asyncio.to_thread(step, journey)
    sale = await asyncio.to_thread(open_sale, world, PLACES)
    async with Channels(world) as stubs:
        crowd = Crowd(stubs[0], [world.token(each) for each in world.buyers], sale, random.Random(0))
        before = await asyncio.gather(*(buy(crowd, random.Random(number)) for number in range(60)))
        dying = asyncio.create_task(stack.kill("booking-2"))
        outcomes = Counter(await asyncio.gather(*(buy(crowd, random.Random(number)) for number in range(60, 260))))
        await dying
        assert set(outcomes) | set(before) <= {"confirmed", "cancelled", "left", SOLD_OUT}
        assert outcomes["confirmed"]
        await until_all_is_sold(crowd)
    await stack.up()
    books = await come_to_rest(world, sale, told=crowd)
    assert len(books.live) == PLACES
