"""Take money that is only reserved."""

from domain_kit.clock import Clock
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause
from payment_service.domain.payment import Payment
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.states import State
from payment_service.handlers.settle_payment import settle_payment


async def capture_payment(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    amount: Money | None = None,
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """All of it, or less, after which the payment is about that much.

    FailedPrecondition PAYMENT_PENDING, PAYMENT_SUCCEEDED, …, CAPTURE_EXCEEDS_RESERVED, CAPTURE_IN_PART_NOT_TAKEN;
    InvalidArgument; Unavailable: unknown yet, ask again.
    """
    if earlier := await payments.answer_to(cause):
        return earlier
    payment = await payments.get(name)
    if payment.state is not State.AUTHORIZED:
        state = payment.state.name
        raise FailedPrecondition(f"PAYMENT_{state}", f"Nothing is reserved by a payment that is {state.lower()}.")
    attempt, taken = payment.current, payment.capturable(amount)
    gateway, order = gateways.named(attempt.gateway), payment.order(attempt, gateways.return_uri)
    await gateway.capture(order, attempt.reference, taken)
    return await settle_payment(payments, gateways, name, clock=clock, cause=cause)
