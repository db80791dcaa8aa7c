"""Closes the bookings of what is over."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from booking_service.domain.commands import Close, NoteClosed
from booking_service.domain.commands.close import ended, next_close
from booking_service.domain.ports import BookingReader, Desk, StockReader
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound, Refusal
from domain_kit.repository import Cause

PAGE = 500
EVENTS_AT_ONCE = 20
ACTOR = "services/booking"


async def close_bookings(
    bookings: BookingReader, stocks: StockReader, desk: Desk, *, now: datetime, page: int = PAGE
) -> int:
    """How many events were done with. Whatever could not be served now is tried again; safe to repeat and to break off.

    A booking is found by its event and date in an index of those that can be closed, a page at a time, and each page
    goes through the lane of its event as one batch or a few.
    """
    done = 0
    for stock in await stocks.to_close(now, EVENTS_AT_ONCE):
        done += await _close_event(bookings, desk, stock, now, page)
    return done


async def _close_event(bookings: BookingReader, desk: Desk, stock: Stock, now: datetime, page: int) -> bool:
    all_closed, offer = True, stock.known_offer()
    dates: list[str | None] = [*ended(offer, stock.inventory.closed, now)]
    if next_close(offer, now) is None:
        dates.append(None)  # all is over: what is left is for dates that were removed
    for date in dates:
        last = ""
        while names := await bookings.to_close(stock.event, date, last, page):
            last = names[-1]
            all_closed &= await _close_page(desk, stock.event, names)
    if all_closed:
        cause = Cause(f"booking.closed|{stock.event}|{now.isoformat()}", actor=ACTOR)
        await desk.submit(NoteClosed(stock.event, now), cause)
    return all_closed


async def _close_page(desk: Desk, event: str, names: Sequence[str]) -> bool:
    """Whether all could be served."""
    commands = (desk.submit(Close(event, name), Cause(f"booking.close|{name}", actor=ACTOR)) for name in names)
    ends = await asyncio.gather(*commands, return_exceptions=True)
    for each in ends:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    return not any(isinstance(each, Refusal) and not isinstance(each, NotFound) for each in ends)
