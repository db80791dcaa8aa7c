"""Make a payment what the gateway says it is; used by webhooks, by the poller and after a confirmation."""

from collections.abc import Mapping

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted
from domain_kit.repository import Cause
from payment_service.domain.gateway import GatewayRefund, RefundingGateway
from payment_service.domain.payment import Outcome, Payment
from payment_service.domain.ports import PaymentRepository

ACTOR = "services/payment"
ROUNDS = 5


class _Outdated(Exception):
    """The payment changed while the gateway was asked."""


async def settle_payment(
    payments: PaymentRepository, gateway: RefundingGateway, name: str, *, clock: Clock, cause: Cause | None = None
) -> Payment:
    """The payment after it. Without a cause nothing is written where there is no news. NotFound; Unavailable; Aborted.

    INVARIANT: what the gateway said is applied only to the very state that was read before it was asked. So it is never
    older than what we know, and the order in which news arrive does not matter.
    """
    for _ in range(ROUNDS):
        seen = await payments.get(name)
        unpaid = seen.succeed_time is None  # later the gateway has no news of money coming in
        intent = await gateway.retrieve_intent(seen.gateway_reference) if unpaid else None
        refunds = await _refunds(gateway, seen)

        def decide(payment: Payment, seen: Payment = seen) -> Outcome:
            if payment.version != seen.version:
                raise _Outdated
            return payment.settled(intent, refunds, clock())  # noqa: B023 called before the next round

        if cause is None and not decide(seen)[1]:
            return seen
        try:
            return await payments.update(name, decide, cause=cause or Cause(f"settle|{new_id()}", actor=ACTOR))
        except _Outdated:
            continue
    raise Aborted("WRITE_CONFLICT", f"{name} kept changing while the gateway was asked about it.")


async def _refunds(gateway: RefundingGateway, payment: Payment) -> Mapping[str, GatewayRefund]:
    """What became of pending refunds; one that the gateway never got is sent again under its own key."""
    if not payment.pending_refunds:
        return {}
    known = dict(await gateway.refunds_of(payment.gateway_reference))
    for refund in payment.pending_refunds:
        if refund.id not in known:
            known[refund.id] = await gateway.refund(payment.gateway_reference, refund.amount, id=refund.id)
            crash_point("payment.after_repeated_refund")
    return known
