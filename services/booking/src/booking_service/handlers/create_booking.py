"""Takes places and holds them for the buyer."""

from collections.abc import Sequence
from datetime import timedelta

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Hold
from booking_service.domain.ports import Desk
from booking_service.domain.questions import Answer
from booking_service.domain.selling import Wanted
from booking_service.handlers.asking import ask
from domain_kit.ids import new_id
from domain_kit.refusals import FieldViolation, InvalidArgument
from domain_kit.repository import Cause

MOST_OF_ONE_TYPE = 100


async def create_booking(
    desk: Desk,
    *,
    event: str,
    buyer: str,
    wanted: Sequence[Wanted],
    hold_for: timedelta,
    voucher_codes: tuple[str, ...] = (),
    answers: tuple[Answer, ...] = (),
    currency: str = "",
    unasked: bool = False,
    cause: Cause,
) -> Booking:
    """The new booking, HELD or waiting for approval. InvalidArgument for lines no event could have; else as `Hold`."""
    check_wanted(event, wanted)
    name = f"{event}/bookings/{new_id()}"
    command = Hold(
        event, name, buyer, tuple(wanted), hold_for, voucher_codes=voucher_codes, answers=answers, currency=currency,
        unasked=unasked,
    )  # fmt: skip
    return await ask(desk, command, cause, Booking)


def check_wanted(
    event: str, wanted: Sequence[Wanted], most: int = MOST_OF_ONE_TYPE, path: str = "booking.lines"
) -> None:
    """InvalidArgument with the fields: no lines, a type of another event, a type twice for one date, a quantity out
    of bounds, other than one seat a ticket, a seat twice, accessible seats that cannot be, more attendees than tickets.
    """
    if not wanted:
        raise InvalidArgument.of(path, "must name at least one ticket type.")
    violations: list[FieldViolation] = []
    seen: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    for number, line in enumerate(wanted):
        field = f"{path}[{number}]"
        if not line.ticket_type.startswith(f"{event}/ticketTypes/"):
            violations.append(FieldViolation(f"{field}.ticket_type", f"must be a ticket type of {event}."))
        elif (line.ticket_type, line.date) in seen:
            violations.append(FieldViolation(f"{field}.ticket_type", "stands in an earlier line already."))
        if not 1 <= line.quantity <= most:
            violations.append(FieldViolation(f"{field}.quantity", f"must be 1 to {most}."))
        if line.seats and len(line.seats) != line.quantity:
            violations.append(FieldViolation(f"{field}.seats", "must be one a ticket, or none."))
        if len(line.attendees) > max(0, line.quantity):
            violations.append(FieldViolation(f"{field}.attendees", "are more than there are tickets."))
        if line.seats and taken.intersection((line.date, seat) for seat in line.seats):
            violations.append(FieldViolation(f"{field}.seats", "stand in an earlier line already."))
        if line.accessible_seats and (line.seats or not 0 < line.accessible_seats <= line.quantity):
            why = "must be at most the quantity, and 0 beside chosen seats."
            violations.append(FieldViolation(f"{field}.accessible_seats", why))
        taken.update((line.date, seat) for seat in line.seats)
        seen.add((line.ticket_type, line.date))
    if violations:
        first = violations[0]
        raise InvalidArgument("FIELD_INVALID", f"{first.field}: {first.description}", violations=violations)
