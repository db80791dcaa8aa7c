"""Takes the last admission of a ticket on a list back."""

from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.commands import UndoCheckIn
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.refusals import InvalidArgument
from domain_kit.repository import Cause


async def undo_check_in(
    desk: Desk, *, list_name: str, ticket: str, reason: str, cause: Cause
) -> tuple[Booking, Ticket]:
    """The booking and the ticket as they are now; InvalidArgument for one of another event; else as `UndoCheckIn`."""
    event = event_of(list_name)
    if event_of(ticket) != event:
        raise InvalidArgument.of("ticket", f"must be a ticket of {event}.")
    booking_name = ticket.partition("/tickets/")[0]
    command = UndoCheckIn(event, booking_name, ticket, list_name, reason)
    booking = await ask(desk, command, cause, Booking)
    return booking, booking.ticket(ticket)
