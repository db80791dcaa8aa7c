"""Pay with a payment method."""

from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.repository import Cause
from payment_service.domain.card_numbers import refuse_card_number
from payment_service.domain.gateway import RefundingGateway
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import PaymentRepository
from payment_service.domain.states import State
from payment_service.handlers.settle_payment import settle_payment


async def confirm_payment(
    payments: PaymentRepository, gateway: RefundingGateway, name: str, method: str, *, cause: Cause, clock: Clock
) -> Payment:
    """The payment with the outcome: a decline is one. Unavailable: unknown yet; the same request id goes on with it.

    FailedPrecondition PAYMENT_PROCESSING, PAYMENT_SUCCEEDED, …; InvalidArgument CARD_NUMBER_REFUSED.
    """
    refuse_card_number(method, "payment_method")
    attempt = await payments.update(name, lambda payment: payment.attempted(clock()), cause=cause)
    told = replace(cause, key=f"{cause.key}|outcome", fingerprint=b"")
    if earlier := await payments.answer_to(told):
        return earlier
    current = await payments.get(name)
    if current.version != attempt.version:  # settled meanwhile, or another attempt is under way
        return current
    key = f"{name.removeprefix('payments/')}-{attempt.attempts}"
    crash_point("payment.before_confirm_intent")
    intent = await gateway.confirm_intent(attempt.gateway_reference, method, key=key)
    crash_point("payment.after_confirm_intent")
    overtaken = False

    def decide(payment: Payment) -> Outcome:
        nonlocal overtaken
        overtaken = payment.version != attempt.version
        return (payment, []) if overtaken else payment.answered(intent, clock())

    payment = await payments.update(name, decide, cause=told)
    if overtaken and payment.state in (State.PROCESSING, State.FAILED, State.REQUIRES_ACTION):
        # Somebody wrote in between, perhaps without knowing of this attempt: the gateway knows.
        return await settle_payment(payments, gateway, name, clock=clock)
    return payment
