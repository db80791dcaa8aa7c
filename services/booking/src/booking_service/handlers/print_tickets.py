"""The tickets of a booking on paper."""

from collections.abc import Sequence

from booking_service.domain.ports import BookingReader, StockReader, TicketDocuments
from booking_service.domain.ticket_papers import tickets_to_print
from booking_service.handlers.read_bookings import Serves, get_offer


async def print_tickets(
    bookings: BookingReader,
    stocks: StockReader,
    documents: TicketDocuments,
    *,
    name: str,
    per_page: int,
    languages: Sequence[str],
    serves: Serves,
) -> bytes:
    """A PDF. per_page: 1, 2 or 4; 0 means 1. NotFound; refusals of `tickets_to_print`."""
    booking = await bookings.get(name)
    tickets = tickets_to_print(booking, by_buyer=not serves(booking.organizer))
    offer = await get_offer(stocks, booking.event)
    return await documents.printed(offer, tickets, languages=languages, per_page=per_page or 1)
