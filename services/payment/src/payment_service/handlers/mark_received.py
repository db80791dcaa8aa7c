"""Money that no gateway can tell of: somebody has seen it on the account, or in the hand."""

from domain_kit.clock import Clock
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause
from payment_service.domain.gateways import Intent, IntentState, MethodKind
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import PaymentRepository
from payment_service.domain.states import LIFE, Action


async def mark_received(payments: PaymentRepository, name: str, *, cause: Cause, clock: Clock) -> Payment:
    """The payment, SUCCEEDED. FailedPrecondition NOT_PAID_BY_HAND, PAYMENT_SUCCEEDED, …"""

    def decide(payment: Payment) -> Outcome:
        attempt = payment.current
        if attempt.kind is not MethodKind.INSTRUCTIONS:
            raise FailedPrecondition("NOT_PAID_BY_HAND", "Its gateway says by itself whether the money has come.")
        LIFE.after(payment.state, Action.SUCCEED)
        return payment.answered(Intent(attempt.reference, IntentState.SUCCEEDED, captured=payment.amount), clock())

    return await payments.update(name, decide, cause=cause)
