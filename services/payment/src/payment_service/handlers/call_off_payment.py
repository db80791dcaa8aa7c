"""Call off the payment of a booking that is no longer to be paid."""

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.repository import Cause
from payment_service.domain.gateway import RefundingGateway
from payment_service.domain.payment import Payment
from payment_service.domain.ports import PaymentRepository
from payment_service.handlers.settle_payment import settle_payment


async def call_off_payment(
    payments: PaymentRepository, gateway: RefundingGateway, booking: str, *, cause: Cause, clock: Clock
) -> Payment | None:
    """The payment as it is then; None where there is nothing to call off. Money that came first stays. Unavailable."""
    payment = await payments.open_for(booking)
    if payment is None or not payment.undecided:
        return payment
    key = f"{payment.name.removeprefix('payments/')}-cancel"
    await gateway.cancel_intent(payment.gateway_reference, key=key)
    crash_point("payment.after_cancel_intent")
    return await settle_payment(payments, gateway, payment.name, clock=clock, cause=cause)
