"""Counts bookings for their buyers that were made before their event had limits for one person."""

import asyncio
from collections.abc import Sequence

from booking_service.domain.commands import CountBooking, NoteCounted
from booking_service.domain.ports import BookingReader, Desk, StockReader
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound, Refusal
from domain_kit.repository import Cause

PAGE = 200  # of one event at a time: the sale goes on in the same lane
EVENTS_AT_ONCE = 20
ACTOR = "services/booking"


async def count_bookings(bookings: BookingReader, stocks: StockReader, desk: Desk, *, page: int = PAGE) -> int:
    """How many events were done with. What could not be served now is tried again; safe to repeat and to break off."""
    done = 0
    for stock in await stocks.to_count(EVENTS_AT_ONCE):
        done += await _count_event(bookings, desk, stock, page)
    return done


async def _count_event(bookings: BookingReader, desk: Desk, stock: Stock, page: int) -> bool:
    since = stock.inventory.count_due
    if since is None:  # another process is done with it
        return False
    all_counted, last, turn = True, "", f"{stock.event}|{since.isoformat()}"
    while names := await bookings.uncounted(stock.event, last, page):
        last = names[-1]
        all_counted &= await _count_page(desk, stock.event, names, since.isoformat())
    if all_counted:
        await desk.submit(NoteCounted(stock.event, since), Cause(f"booking.all-counted|{turn}", actor=ACTOR))
    return all_counted


async def _count_page(desk: Desk, event: str, names: Sequence[str], since: str) -> bool:
    """Whether all could be served."""
    commands = (
        desk.submit(CountBooking(event, name), Cause(f"booking.counted|{name}|{since}", actor=ACTOR)) for name in names
    )
    ends = await asyncio.gather(*commands, return_exceptions=True)
    for each in ends:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    return not any(isinstance(each, Refusal) and not isinstance(each, NotFound) for each in ends)
