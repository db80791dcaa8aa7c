"""Take a gateway's word that something has happened, and look for oneself what."""

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause
from payment_service.domain.gateway import Notice, RefundingGateway
from payment_service.domain.ports import PaymentRepository
from payment_service.handlers.settle_payment import settle_payment


async def receive_notice(
    payments: PaymentRepository, gateway: RefundingGateway, notice: Notice, *, clock: Clock
) -> None:
    """Settle the payment that a notice is about, once. NotFound for an unknown intent: it is sent again then."""
    if not notice.intent:
        return
    cause = Cause(f"{gateway.name}|{notice.id}", actor=f"gateways/{gateway.name}")
    if await payments.answer_to(cause) is not None:
        return
    payment = await payments.with_reference(gateway.name, notice.intent)
    if payment is None:
        raise NotFound("INTENT_UNKNOWN", "No payment has this intent.", metadata={"intent": notice.intent})
    crash_point("payment.notice.before_settled")
    await settle_payment(payments, gateway, payment.name, clock=clock, cause=cause)
    crash_point("payment.notice.after_settled")
