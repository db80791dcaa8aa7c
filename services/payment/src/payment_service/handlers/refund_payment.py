"""Pay back all or some of a payment."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.money import Money
from domain_kit.refusals import DeadlineExceeded, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.card_numbers import refuse_card_number
from payment_service.domain.payment import Outcome, Payment, refund_key
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.refund import RefundState


async def refund_payment(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    id: str,
    amount: Money | None,
    reason: str,
    requester: str,
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """The payment with a new refund; PENDING while the gateway is at it or away. None: all that is left.

    FailedPrecondition REFUND_EXCEEDS_CAPTURE, PAYMENT_PENDING, …; InvalidArgument CARD_NUMBER_REFUSED.
    """
    refuse_card_number(reason, "reason")
    return await _request_and_send(
        payments,
        gateways,
        name,
        lambda payment: payment.with_refund(id, amount, reason, requester, clock()),
        cause,
        clock,
    )


async def refund_at_most(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    id: str,
    amount: Money | None,
    reason: str,
    requester: str,
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """As refund_payment, for what happens by itself: what was paid back already is not due again."""
    return await _request_and_send(
        payments,
        gateways,
        name,
        lambda payment: payment.with_refund_of_at_most(id, amount, reason, requester, clock()),
        cause,
        clock,
    )


async def refund_booking(
    payments: PaymentRepository,
    gateways: Gateways,
    names: Sequence[str],
    id: str,
    due: Money,
    reason: str,
    requester: str,
    *,
    cause: Cause,
    clock: Clock,
) -> Money:
    """Pay back what a booking is due over the payments it took, the newest first; what could not be paid back is left.

    INVARIANT: repeated with the same cause it pays back the same parts of the same payments, and nothing twice: the
    answer of each step is remembered.
    """
    left = due
    for number, name in enumerate(reversed(names)):
        if left.minor_units <= 0:
            break
        part = id if not number else f"{id}-{number}"
        each = cause if not number else replace(cause, key=f"{cause.key}|{number}")
        after = await refund_at_most(
            payments, gateways, name, part, left, reason, requester, cause=each, clock=clock
        )  # fmt: skip
        left = left - sum((one.amount for one in after.refunds if one.id == part), Money(0, due.currency))
    return left


async def _request_and_send(
    payments: PaymentRepository,
    gateways: Gateways,
    name: str,
    request: Callable[[Payment], Outcome],
    cause: Cause,
    clock: Clock,
) -> Payment:
    requested = await payments.update(name, request, cause=cause)
    told = replace(cause, key=f"{cause.key}|outcome", fingerprint=b"")
    if earlier := await payments.answer_to(told):
        return earlier
    if not requested.refunds or requested.refunds[-1].state is not RefundState.PENDING:
        return requested
    refund = requested.refunds[-1]  # the answer is from right after the request, also when it is repeated
    attempt = requested.attempt(refund.attempt)
    crash_point("payment.before_refund")
    try:
        gateway, order = gateways.named(attempt.gateway), requested.order(attempt, gateways.return_uri)
        answer = await gateway.refund(order, attempt.reference, refund.amount, id=refund_key(requested, refund))
    except (Unavailable, DeadlineExceeded):
        return requested  # the settler finishes it
    crash_point("payment.after_refund")
    return await payments.update(name, lambda payment: payment.refund_answered(refund.id, answer, clock()), cause=told)
