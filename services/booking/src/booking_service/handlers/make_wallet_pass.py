"""A ticket for the wallet of a telephone."""

from collections.abc import Sequence
from datetime import datetime

from booking_service.domain.ports import BookingReader, StockReader, TicketDocuments
from booking_service.domain.ticket_papers import Wallet
from booking_service.handlers.read_bookings import Serves, get_offer, get_valid_ticket


async def make_wallet_pass(
    bookings: BookingReader,
    stocks: StockReader,
    documents: TicketDocuments,
    *,
    name: str,
    wallet: Wallet,
    languages: Sequence[str],
    serves: Serves,
    now: datetime,
) -> bytes:
    """NotFound; FailedPrecondition TICKET_VOID, TICKET_TRANSFERRED, WALLET_NOT_CONFIGURED."""
    ticket = await get_valid_ticket(bookings, name, serves=serves)
    offer = await get_offer(stocks, name.partition("/bookings/")[0])
    return await documents.wallet_pass(wallet, offer, ticket, languages=languages, now=now)
