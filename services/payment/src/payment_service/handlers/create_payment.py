"""Start paying what a booking owes."""

import asyncio
from datetime import datetime

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted, AlreadyExists, FailedPrecondition, PermissionDenied
from domain_kit.repository import Cause
from payment_service.domain.gateway import RefundingGateway
from payment_service.domain.payment import Payment, begun
from payment_service.domain.ports import Bookings, Owed, PaymentRepository
from payment_service.handlers.call_off_payment import call_off_payment

# Seconds between looks for the payment that was faster.
UNTIL_VISIBLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


async def create_payment(
    payments: PaymentRepository,
    bookings: Bookings,
    gateway: RefundingGateway,
    id: str,
    booking: str,
    payer: str,
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """The new payment, or the open one for what is owed; one for another amount is called off.

    FailedPrecondition BOOKING_NOT_PAYABLE, NOTHING_OWED, ANSWERS_REQUIRED; PermissionDenied;
    Unavailable, with nothing written.
    """
    if earlier := await payments.answer_to(cause):
        return earlier
    owed, now = await bookings.owed(booking), clock()
    if owed.buyer != payer:
        raise PermissionDenied("NOT_THE_BUYER", "Only the buyer pays for a booking.", metadata={"resource": booking})
    if present := await payments.open_for(booking, owed.round):
        if present.amount == owed.total or not present.undecided:
            return present
        _check_payable(owed, now)
        present = await call_off_payment(payments, gateway, present, cause=None, clock=clock)
        if present.open:  # its money came first; the booking will say that it cannot take it
            return present
    _check_payable(owed, now)
    gateway.check_amount(owed.total)
    # Before the commit: an intent that nobody knows of is harmless, a payment without one would not be.
    intent = await gateway.create_intent(owed.total, payment=f"payments/{id}", booking=booking, key=id)
    crash_point("payment.after_create_intent")
    payment, made = begun(
        f"payments/{id}", booking, payer, owed.organizer, owed.total, gateway.name, intent, now,
        taken=owed.round,
    )  # fmt: skip
    try:
        return await payments.create(payment, made, cause=cause)
    except AlreadyExists:
        # A store may refuse a second one before the first can be read.
        for pause in UNTIL_VISIBLE:
            if present := await payments.open_for(booking, owed.round):
                return present
            await asyncio.sleep(pause)
        raise Aborted("WRITE_CONFLICT", "Another payment of this booking came and went; try again.") from None


def _check_payable(owed: Owed, now: datetime) -> None:
    if owed.held_until is None or owed.held_until <= now:
        state = owed.state if owed.held_until is None else "EXPIRED"
        raise FailedPrecondition(
            "BOOKING_NOT_PAYABLE", f"A booking that is {state.lower()} cannot be paid.", metadata={"state": state}
        )
    if owed.total.minor_units <= 0:
        raise FailedPrecondition("NOTHING_OWED", "This booking costs nothing; confirm it.")
    if owed.missing_answers:
        raise FailedPrecondition(
            "ANSWERS_REQUIRED",
            "The event asks for answers that must be there before it is paid.",
            metadata={"questions": ",".join(owed.missing_answers)},
        )
