"""Tells what can be booked, once or as it changes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from booking_service.domain.availability import Availability, Bearer, availability_of
from booking_service.domain.ports import Changes, StockReader
from booking_service.domain.redeeming import valid_voucher
from booking_service.domain.stock import Stock
from booking_service.domain.voucher_ports import VoucherReader
from booking_service.domain.voucher_use import used_up
from domain_kit.clock import Clock
from domain_kit.refusals import NotFound

# Seconds between two messages of one stream: what happens meanwhile is told as one.
SHORTEST_GAP = 0.05


def public_availability(stock: Stock, clock: Clock, bearer: Bearer | None = None) -> Availability:
    """What can be booked now; NotFound for an event that was never published."""
    offer = stock.offer
    if offer is None or not offer.published:
        raise NotFound.named(f"{stock.event}/availability")
    return availability_of(offer, stock.inventory, clock(), bearer)


async def get_availability(
    stocks: StockReader, vouchers: VoucherReader, clock: Clock, *, event: str, voucher_code: str = ""
) -> Availability:
    """What can be booked now, by the bearer of a voucher code where there is one.

    NotFound for an event that was never published; FailedPrecondition VOUCHER_UNKNOWN, VOUCHER_NOT_YET_VALID,
    VOUCHER_EXPIRED, VOUCHER_USED_UP.
    """
    stock = await stocks.stock(event)
    everybody = public_availability(stock, clock)
    if not voucher_code:
        return everybody
    voucher, use = await vouchers.found(event, voucher_code) or (None, None)
    voucher = valid_voucher(voucher, voucher_code, clock())
    if use is None or use.used_up:
        raise used_up(voucher.code, 0)
    return public_availability(stock, clock, Bearer(voucher, use))


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
