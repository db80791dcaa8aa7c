"""Tells what the gates of an event count, as it changes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from booking_service.domain.check_in_ports import CheckInChanges
from booking_service.domain.list_tally import ListTally

# Seconds between two messages of one stream: what happens meanwhile is told as one.
SHORTEST_GAP = 0.2


async def watch_check_ins(
    changes: CheckInChanges, *, event: str, lasting: float, gap: float = SHORTEST_GAP
) -> AsyncGenerator[Sequence[ListTally], None]:
    """The present counts, then each other ones.

    Ends after `lasting` seconds, so that nobody watches on who may no longer, and when the service stops.
    """
    time = asyncio.get_running_loop().time
    end = time() + lasting
    async with aclosing(changes.follow(event)) as news:
        while time() < end:
            try:
                async with asyncio.timeout_at(end):
                    tallies = await anext(news)
            except (TimeoutError, StopAsyncIteration):
                return
            yield tallies
            await asyncio.sleep(gap)
