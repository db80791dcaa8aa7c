"""Call off payments of a booking that are no longer to be paid."""

from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.repository import Cause
from payment_service.domain.gateways import IntentState
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.states import CAPTURED, LIFE, Action
from payment_service.handlers.begin_attempt import end_attempt
from payment_service.handlers.settle_payment import ACTOR, settle_payment


async def call_off_payments(
    payments: PaymentRepository,
    gateways: Gateways,
    booking: str,
    *,
    owed: Money | None = None,
    cause: Cause,
    clock: Clock,
) -> None:
    """Those of other amounts than what is owed; None: all. Money that came first stays. Unavailable."""
    for payment in await payments.undecided_for(booking):
        if payment.amount != owed:
            each = replace(cause, key=f"{cause.key}|{payment.name}")
            await call_off_payment(payments, gateways, payment, cause=each, clock=clock)


async def cancel_payment(
    payments: PaymentRepository, gateways: Gateways, name: str, *, cause: Cause, clock: Clock
) -> Payment:
    """As somebody wants it. FailedPrecondition PAYMENT_SUCCEEDED, PAYMENT_CANCELLED, …; Unavailable."""
    if earlier := await payments.answer_to(cause):
        return earlier
    payment = await payments.get(name)
    LIFE.after(payment.state, Action.CANCEL)
    after = await call_off_payment(payments, gateways, payment, cause=cause, clock=clock)
    if after.state in CAPTURED:  # its money came first
        LIFE.after(after.state, Action.CANCEL)
    return after


async def call_off_payment(
    payments: PaymentRepository, gateways: Gateways, payment: Payment, *, cause: Cause | None, clock: Clock
) -> Payment:
    """The payment as it is then: cancelled, or with the money that came first. Unavailable."""
    end = await end_attempt(gateways, payment)
    if end.state is not IntentState.CANCELLED:
        return await settle_payment(payments, gateways, payment.name, clock=clock, cause=cause)

    def decide(now: Payment) -> Outcome:
        # It can never be paid any more, whatever has happened since it was read.
        return now.answered(replace(end, failure=None), clock(), payment.attempts[-1].number)

    return await payments.update(payment.name, decide, cause=cause or Cause(f"call-off|{new_id()}", actor=ACTOR))
