"""Ends holds whose time has run out."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Expire
from booking_service.domain.ports import BookingReader, Desk
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Refusal
from domain_kit.repository import Cause

PAGE = 500


async def expire_holds(
    bookings: BookingReader, desk: Desk, cause_of: Callable[[Booking], Cause], *, now: datetime, page: int = PAGE
) -> int:
    """How many of one page ended. Those that could not be served now stay due. Call again while a full page came."""
    due = await bookings.due_holds(now, page)
    if due:
        crash_point("booking.expiry.before_expire")
    ended = await asyncio.gather(
        *(desk.submit(Expire(hold.event, hold.name), cause_of(hold)) for hold in due), return_exceptions=True
    )
    for each in ended:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    if due:
        crash_point("booking.expiry.after_expire")
    return sum(not isinstance(each, BaseException) for each in ended)
