"""Reads all bookings of an event, newest first."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from booking_service.domain.booking import Booking
from booking_service.domain.ports import BookingReader

PAGE = 100


async def export_attendees(
    bookings: BookingReader, *, event: str, page: int = PAGE
) -> AsyncGenerator[Sequence[Booking], None]:
    """Page after page, each after the name of the one before: no booking is told twice or left out, and what is booked
    meanwhile has a later name.
    """
    after: Sequence[Any] | None = None
    while True:
        found = await bookings.of_event(event, after=after, limit=page)
        yield found.items
        after = found.following
        if after is None:
            return
