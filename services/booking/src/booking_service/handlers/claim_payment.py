"""Gives a booking the money that came for it."""

from booking_service.domain.commands import ClaimPayment, TicketIssuer
from booking_service.domain.ports import Desk
from booking_service.handlers.change_booking import event_of
from domain_kit.money import Money
from domain_kit.repository import Cause


async def claim_payment(
    desk: Desk, issuer: TicketIssuer, *, booking: str, payment: str, amount: Money, cause: Cause
) -> None:
    """Confirmed, or the money is said to be unclaimed; NotFound for a booking that never was."""
    await desk.submit(ClaimPayment(event_of(booking), booking, payment, amount, issuer), cause)
