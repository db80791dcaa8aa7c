"""Lets the bearer of a ticket code in or out by the rules of a list."""

from dataclasses import dataclass
from datetime import datetime

from booking_service.domain.booking import Booking, Ticket
from booking_service.domain.check_in_ports import CheckInReader
from booking_service.domain.commands import CheckIn
from booking_service.domain.ports import Desk, TicketVerifier
from booking_service.domain.scans import Direction, Scan, TicketScans
from booking_service.domain.ticket_codes import invalid_code
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause


@dataclass(frozen=True, slots=True)
class Scanned:
    """The booking and the ticket as they are now, and the scan as it was recorded."""

    booking: Booking
    ticket: Ticket
    scan: Scan | None


async def scan_ticket(
    desk: Desk,
    verifier: TicketVerifier,
    check_ins: CheckInReader,
    *,
    list_name: str,
    code: str,
    direction: Direction,
    gate: str,
    time: datetime | None,
    device: str,
    cause: Cause,
) -> Scanned:
    """InvalidArgument TICKET_CODE_INVALID; NotFound for the list; other refusals as `CheckIn`."""
    said, event = await verifier.verify(code), event_of(list_name)
    if said.event_name != event:
        raise invalid_code()
    command = CheckIn(event, said.booking_name, said.ticket_name, code, list_name, direction, gate, time, device)
    try:
        booking = await ask(desk, command, cause, Booking)
    except NotFound as refusal:
        if refusal.metadata.get("resource") == list_name:
            raise
        raise invalid_code() from None
    ticket = booking.ticket(said.ticket_name)
    scans = (await check_ins.scans_of([ticket.name])).get(ticket.name)
    return Scanned(booking, ticket, None if scans is None else _scan_of(ticket, scans, list_name, direction))


def _scan_of(ticket: Ticket, scans: TicketScans, list_name: str, direction: Direction) -> Scan | None:
    """The one that made the ticket what it is in the answer, which may be one of long ago; else the last."""
    own = [
        each for each in scans.scans
        if each.list == list_name and each.direction is direction and not each.offline
    ]  # fmt: skip
    time = ticket.check_in_time if direction is Direction.ENTRY else ticket.check_out_time
    return next((each for each in own if each.time == time), own[-1] if own else None)
