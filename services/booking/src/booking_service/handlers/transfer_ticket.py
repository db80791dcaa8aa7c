"""Passes a ticket on."""

from booking_service.domain.booking import Booking
from booking_service.domain.commands import TransferTicket
from booking_service.domain.ports import Desk
from booking_service.handlers.asking import ask
from domain_kit.repository import Cause


async def transfer_ticket(desk: Desk, transfer: TransferTicket, *, cause: Cause) -> Booking:
    """The booking with the new ticket, its last one; refusals as `TransferTicket`."""
    return await ask(desk, transfer, cause, Booking)
