"""Admits the bearer of a ticket code."""

from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.commands import CheckIn
from booking_service.domain.ports import Desk, TicketVerifier
from booking_service.domain.ticket_codes import invalid_code
from booking_service.handlers.asking import ask
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause


async def check_in_ticket(
    desk: Desk, verifier: TicketVerifier, *, event: str, code: str, cause: Cause
) -> tuple[Booking, Ticket]:
    """The booking and the ticket as they are now.

    InvalidArgument TICKET_CODE_INVALID for a forged, foreign or replaced code; FailedPrecondition TICKET_CHECKED_IN,
    TICKET_VOID and the like, as `CheckIn`.
    """
    said = await verifier.verify(code)
    if said.event_name != event:
        raise invalid_code()
    command = CheckIn(event, said.booking_name, said.ticket_name, code)
    try:
        booking = await ask(desk, command, cause, Booking)
    except NotFound:
        raise invalid_code() from None
    return booking, booking.ticket(said.ticket_name)
