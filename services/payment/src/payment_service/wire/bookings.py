"""What booking says of its bookings, as far as they are to be paid."""

from dataclasses import replace

from domain_kit.money import Money
from payment_service.domain.ports import Owed
from resource_api import money_from_wire, time_from_wire
from usher.booking.v1 import booking_pb2 as pb


def owed_from_wire(booking: pb.Booking) -> Owed:
    """What a booking message says about paying it: a hold its price, a confirmed one the price of its change."""
    held = booking.state == pb.BOOKING_STATE_HELD or booking.HasField("pending_change")
    return Owed(
        booking=booking.name,
        buyer=booking.buyer,
        organizer=booking.organizer,
        total=_due(booking),
        state=pb.BookingState.Name(booking.state).removeprefix("BOOKING_STATE_"),
        held_until=time_from_wire(booking.hold_expire_time, field="hold_expire_time") if held else None,
        claimed=(*((booking.payment,) if booking.payment else ()), *booking.extra_payments),
        missing_answers=tuple(booking.missing_answers),
        buyer_email=booking.contact.email,
    )


def _due(booking: pb.Booking) -> Money:
    """What is owed; a hold owes all that it costs, else what is not said is nothing."""
    if booking.HasField("amount_due"):
        return money_from_wire(booking.amount_due, field="amount_due")
    total = money_from_wire(booking.total, field="total")
    return total if booking.state == pb.BOOKING_STATE_HELD else replace(total, minor_units=0)
