"""A booking as an entry in its buyer's calendar."""

from datetime import datetime

from booking_service.domain.ports import BookingReader, StockReader, TicketDocuments
from booking_service.domain.ticket_papers import CalendarEntry, calendar_entry_of
from booking_service.handlers.read_bookings import get_offer


async def write_calendar(
    bookings: BookingReader, stocks: StockReader, documents: TicketDocuments, *, name: str, now: datetime
) -> tuple[CalendarEntry, bytes]:
    """What it tells and the iCalendar object. NotFound; FailedPrecondition BOOKING_NOT_CONFIRMED, BOOKING_EXPIRED."""
    booking = await bookings.get(name)
    offer = await get_offer(stocks, booking.event)
    entry = calendar_entry_of(booking, offer)
    return entry, await documents.calendar(offer, entry, now)
