"""Takes places and holds them for the buyer."""

from collections.abc import Sequence
from datetime import timedelta

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Hold
from booking_service.domain.ports import Desk
from booking_service.domain.selling import Wanted
from domain_kit.ids import new_id
from domain_kit.refusals import FieldViolation, InvalidArgument
from domain_kit.repository import Cause

MOST_OF_ONE_TYPE = 100


async def create_booking(
    desk: Desk, *, event: str, buyer: str, wanted: Sequence[Wanted], hold_for: timedelta, cause: Cause
) -> Booking:
    """The new booking, HELD. InvalidArgument for lines no event could have; else as `Hold`."""
    check_wanted(event, wanted)
    command = Hold(event, f"{event}/bookings/{new_id()}", buyer, tuple(wanted), hold_for)
    booking = await desk.submit(command, cause)
    if booking is None:
        raise RuntimeError(f"{command.booking} came to nothing")
    return booking


def check_wanted(event: str, wanted: Sequence[Wanted]) -> None:
    """InvalidArgument with the fields: no lines, a type of another event, a type twice, a quantity out of bounds."""
    if not wanted:
        raise InvalidArgument.of("booking.lines", "must name at least one ticket type.")
    violations: list[FieldViolation] = []
    seen: set[str] = set()
    for number, line in enumerate(wanted):
        field = f"booking.lines[{number}]"
        if not line.ticket_type.startswith(f"{event}/ticketTypes/"):
            violations.append(FieldViolation(f"{field}.ticket_type", f"must be a ticket type of {event}."))
        elif line.ticket_type in seen:
            violations.append(FieldViolation(f"{field}.ticket_type", "stands in an earlier line already."))
        if not 1 <= line.quantity <= MOST_OF_ONE_TYPE:
            violations.append(FieldViolation(f"{field}.quantity", f"must be 1 to {MOST_OF_ONE_TYPE}."))
        seen.add(line.ticket_type)
    if violations:
        first = violations[0]
        raise InvalidArgument("FIELD_INVALID", f"{first.field}: {first.description}", violations=violations)
