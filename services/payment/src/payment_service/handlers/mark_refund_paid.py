"""Money that people pay back: somebody has sent it, or given it back in the hand."""

from domain_kit.clock import Clock
from domain_kit.refusals import FailedPrecondition, NotFound
from domain_kit.repository import Cause
from payment_service.domain.gateways import GatewayRefund, MethodKind, Progress
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import PaymentRepository
from payment_service.domain.refund import RefundState


async def mark_refund_paid(payments: PaymentRepository, name: str, id: str, *, cause: Cause, clock: Clock) -> Payment:
    """The payment with that refund COMPLETED. NotFound; FailedPrecondition NOT_PAID_BY_HAND, REFUND_COMPLETED, …"""

    def decide(payment: Payment) -> Outcome:
        refund = next((each for each in payment.refunds if each.id == id), None)
        if refund is None:
            raise NotFound("REFUND_NOT_FOUND", "The payment has no such refund.", metadata={"refund": id})
        if payment.attempt(refund.attempt).kind is not MethodKind.INSTRUCTIONS:
            raise FailedPrecondition("NOT_PAID_BY_HAND", "Its gateway says by itself whether the money went out.")
        if refund.state is not RefundState.PENDING:
            state = refund.state.name
            raise FailedPrecondition(f"REFUND_{state}", f"This refund is {state.lower()}.")
        return payment.refund_answered(id, GatewayRefund(refund.gateway_reference, Progress.SUCCEEDED), clock())

    return await payments.update(name, decide, cause=cause)
