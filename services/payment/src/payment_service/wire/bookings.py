"""What booking says of its bookings, as far as they are to be paid."""

from payment_service.domain.ports import Owed
from resource_api import money_from_wire, time_from_wire
from usher.booking.v1 import booking_pb2 as pb


def owed_from_wire(booking: pb.Booking) -> Owed:
    """What a booking message says about paying it: a hold its price, a confirmed one the price of its change."""
    due = booking.amount_due if booking.HasField("amount_due") else booking.total
    held = booking.state == pb.BOOKING_STATE_HELD or booking.HasField("pending_change")
    return Owed(
        booking=booking.name,
        buyer=booking.buyer,
        organizer=booking.organizer,
        total=money_from_wire(due, field="amount_due"),
        state=pb.BookingState.Name(booking.state).removeprefix("BOOKING_STATE_"),
        held_until=time_from_wire(booking.hold_expire_time, field="hold_expire_time") if held else None,
        claimed=(*((booking.payment,) if booking.payment else ()), *booking.extra_payments),
    )
