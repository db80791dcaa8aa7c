"""Tells what can be booked, once or as it changes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from booking_service.domain.availability import Availability, availability_of
from booking_service.domain.ports import Changes, StockReader
from booking_service.domain.stock import Stock
from domain_kit.clock import Clock
from domain_kit.refusals import NotFound

# Seconds between two messages of one stream: what happens meanwhile is told as one.
SHORTEST_GAP = 0.05


def public_availability(stock: Stock, clock: Clock) -> Availability:
    """What can be booked now; NotFound for an event that was never published."""
    offer = stock.offer
    if offer is None or not offer.published:
        raise NotFound.named(f"{stock.event}/availability")
    return availability_of(offer, stock.inventory, clock())


async def get_availability(stocks: StockReader, clock: Clock, *, event: str) -> Availability:
    """What can be booked now; NotFound for an event that was never published."""
    return public_availability(await stocks.stock(event), clock)


async def watch_availability(
    changes: Changes, clock: Clock, *, event: str, lasting: float, gap: float = SHORTEST_GAP
) -> AsyncGenerator[Availability, None]:
    """The present availability, then each other one. NotFound as `get_availability`.

    Ends after `lasting` seconds, so that nobody keeps one of the few streams for ever, and when the service stops.
    """
    told: Availability | None = None
    time = asyncio.get_running_loop().time
    end = time() + lasting
    async with aclosing(changes.follow(event)) as stocks:
        while time() < end:
            try:
                async with asyncio.timeout_at(end):
                    stock = await anext(stocks)
            except (TimeoutError, StopAsyncIteration):
                return
            availability = public_availability(stock, clock)
            if availability != told:
                told = availability
                yield availability
                await asyncio.sleep(gap)
