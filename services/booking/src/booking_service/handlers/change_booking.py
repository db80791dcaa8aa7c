"""Confirms a booking that costs nothing, or calls one off."""

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Cancel, Command, Confirm, TicketIssuer
from booking_service.domain.ports import Desk
from domain_kit.repository import Cause


async def confirm_booking(desk: Desk, issuer: TicketIssuer, *, name: str, etag: str, cause: Cause) -> Booking:
    """The booking with its tickets; refusals as `Confirm`."""
    return await _submit(desk, Confirm(event_of(name), name, issuer, etag), cause)


async def cancel_booking(desk: Desk, *, name: str, reason: str, etag: str, cause: Cause) -> Booking:
    """The booking without its places; refusals as `Cancel`."""
    return await _submit(desk, Cancel(event_of(name), name, reason, etag), cause)


def event_of(name: str) -> str:
    """`events/{event}` of anything below it."""
    return "/".join(name.split("/", 2)[:2])


async def _submit(desk: Desk, command: Command, cause: Cause) -> Booking:
    booking = await desk.submit(command, cause)
    if booking is None:
        raise RuntimeError(f"{command.booking} came to nothing")
    return booking
