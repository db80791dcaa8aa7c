"""Call off payments of a booking that are no longer to be paid."""

from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.money import Money
from domain_kit.repository import Cause
from payment_service.domain.gateway import RefundingGateway
from payment_service.domain.payment import Payment
from payment_service.domain.ports import PaymentRepository
from payment_service.handlers.settle_payment import settle_payment


async def call_off_payments(
    payments: PaymentRepository,
    gateway: RefundingGateway,
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
            await call_off_payment(payments, gateway, payment, cause=each, clock=clock)


async def call_off_payment(
    payments: PaymentRepository, gateway: RefundingGateway, payment: Payment, *, cause: Cause | None, clock: Clock
) -> Payment:
    """The payment as it is then: cancelled, or with the money that came first. Unavailable."""
    key = f"{payment.name.removeprefix('payments/')}-cancel"
    await gateway.cancel_intent(payment.gateway_reference, key=key)
    crash_point("payment.after_cancel_intent")
    return await settle_payment(payments, gateway, payment.name, clock=clock, cause=cause)
