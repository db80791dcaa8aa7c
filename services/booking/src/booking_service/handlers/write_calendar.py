"""A booking as an entry in its buyer's calendar."""

from datetime import datetime

from booking_service.domain.ports import BookingReader, StockReader, TicketDocuments
from booking_service.domain.ticket_papers import calendar_entries_of
from booking_service.handlers.read_bookings import Serves, get_offer


async def write_calendar(
    bookings: BookingReader,
    stocks: StockReader,
    documents: TicketDocuments,
    *,
    name: str,
    now: datetime,
    serves: Serves,
) -> tuple[bool, bytes]:
    """Whether all is called off, and the iCalendar object.

    NotFound; FailedPrecondition BOOKING_NOT_CONFIRMED, BOOKING_EXPIRED, TICKET_TRANSFERRED.
    """
    booking = await bookings.get(name)
    offer = await get_offer(stocks, booking.event)
    entries = calendar_entries_of(booking, offer, by_buyer=not serves(booking.organizer))
    return all(each.called_off for each in entries), await documents.calendar(offer, entries, now)
