"""Confirms a booking that costs nothing, or calls one off."""

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Cancel, Confirm, TicketIssuer
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from domain_kit.repository import Cause


async def confirm_booking(desk: Desk, issuer: TicketIssuer, *, name: str, etag: str, cause: Cause) -> Booking:
    """The booking with its tickets; refusals as `Confirm`."""
    return await ask(desk, Confirm(event_of(name), name, issuer, etag), cause, Booking)


async def cancel_booking(desk: Desk, *, name: str, reason: str, etag: str, cause: Cause) -> Booking:
    """The booking without its places; refusals as `Cancel`."""
    return await ask(desk, Cancel(event_of(name), name, reason, etag), cause, Booking)


def event_of(name: str) -> str:
    """`events/{event}` of anything below it."""
    return "/".join(name.split("/", 2)[:2])
