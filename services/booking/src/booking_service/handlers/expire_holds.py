"""Ends holds whose time has run out."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from booking_service.domain.commands import Expire
from booking_service.domain.ports import BookingReader, Desk
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Refusal
from domain_kit.repository import Cause

PAGE = 500


async def expire_holds(
    bookings: BookingReader, desk: Desk, cause_of: Callable[[str], Cause], *, now: datetime, page: int = PAGE
) -> int:
    """How many of one page ended. Those that could not be served now stay due. Call again while a full page came."""
    due = await bookings.due_holds(now, page)
    commands = [Expire(hold.event, hold.name) for hold in due]
    if commands:
        crash_point("booking.expiry.before_expire")
    ended = await asyncio.gather(
        *(desk.submit(command, cause_of(command.booking)) for command in commands), return_exceptions=True
    )
    for each in ended:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    if commands:
        crash_point("booking.expiry.after_expire")
    return sum(not isinstance(each, BaseException) for each in ended)
