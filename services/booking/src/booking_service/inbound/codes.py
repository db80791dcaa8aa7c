"""Which ticket codes the reader of a booking gets: those of who holds them, and all for who may issue tickets."""

from collections.abc import Sequence

from access import Ownership, allows
from booking_service.domain.booking import Booking, Ticket
from booking_service.wire import booking_to_wire, ticket_of
from grpc_runtime import principal_of
from usher.booking.v1 import booking_pb2

READS_CODES = "tickets.read"


def serves(context: object, organizer: str, permission: str = READS_CODES) -> bool:
    """Whether the caller has that permission in the organizer; who has not acts as the buyer."""
    return allows(principal_of(context), Ownership(organizer=organizer), permission=permission)


def booking_for(context: object, booking: Booking, missing_answers: Sequence[str] = ()) -> booking_pb2.Booking:
    """The resource, without the codes that are not the caller's to show at a gate."""
    message = booking_to_wire(booking, missing_answers)
    if booking.tickets and not serves(context, booking.organizer):
        is_buyer = principal_of(context).user == booking.buyer
        for ticket in message.tickets:
            if ticket.transferred or not is_buyer:
                ticket.ClearField("code")
    return message


def ticket_for(context: object, booking: Booking, ticket: Ticket) -> booking_pb2.Ticket:
    """The same for one ticket and a member, who does not hold it."""
    message = ticket_of(booking, ticket)
    if not serves(context, booking.organizer):
        message.ClearField("code")
    return message
