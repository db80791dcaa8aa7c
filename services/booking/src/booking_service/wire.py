"""A booking, a ticket and an availability as protobuf messages, for answers and for domain events alike."""

from datetime import datetime

from booking_service.domain.availability import Availability
from booking_service.domain.booking import Booking, Line, Ticket
from resource_api import etag_of, money_to_wire, time_to_wire
from usher.booking.v1 import booking_pb2 as pb


def booking_to_wire(booking: Booking) -> pb.Booking:
    """The resource, etag included."""
    return pb.Booking(
        name=booking.name,
        event=booking.event,
        organizer=booking.organizer,
        buyer=booking.buyer,
        state=pb.BookingState.Value(f"BOOKING_STATE_{booking.state.name}"),
        lines=[_line_to_wire(line) for line in booking.lines],
        total=money_to_wire(booking.total),
        hold_expire_time=time_to_wire(booking.hold_expire_time),
        payment=booking.payment,
        tickets=[ticket_to_wire(ticket) for ticket in booking.tickets],
        create_time=time_to_wire(booking.create_time),
        update_time=time_to_wire(booking.update_time),
        confirm_time=time_to_wire(booking.confirm_time),
        cancel_time=time_to_wire(booking.cancel_time),
        cancel_reason=booking.cancel_reason,
        etag=etag_of(booking.version),
    )


def ticket_to_wire(ticket: Ticket) -> pb.Ticket:
    """The resource."""
    return pb.Ticket(
        name=ticket.name,
        ticket_type=ticket.ticket_type,
        display_name=ticket.display_name,
        code=ticket.code,
        state=pb.TicketState.Value(f"TICKET_STATE_{ticket.state.name}"),
        check_in_time=time_to_wire(ticket.check_in_time),
    )


def availability_to_wire(availability: Availability, now: datetime) -> pb.Availability:
    """The resource as of `now`."""
    return pb.Availability(
        name=availability.name,
        ticket_types=[
            pb.TicketTypeAvailability(
                ticket_type=each.ticket_type,
                display_name=each.display_name,
                price=money_to_wire(each.price),
                remaining=each.remaining,
                sale_state=pb.SaleState.Value(f"SALE_STATE_{each.sale_state.name}"),
            )
            for each in availability.ticket_types
        ],
        bookable=availability.bookable,
        update_time=time_to_wire(now),
    )


def _line_to_wire(line: Line) -> pb.BookingLine:
    return pb.BookingLine(
        ticket_type=line.ticket_type,
        quantity=line.quantity,
        display_name=line.display_name,
        unit_price=money_to_wire(line.unit_price),
        subtotal=money_to_wire(line.subtotal),
    )
